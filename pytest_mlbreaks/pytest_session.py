"""A pytest run with our checks: the items, the one analysis behind them, the summary and the reports.

The analysis is made when the first item needs it, for the checks that were selected. Under pytest-xdist the first
worker that needs it makes it and leaves it in a folder of the run, where the other workers and the controller find it;
the controller alone writes the summary and the reports.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import msgspec
import pytest

from pytest_mlbreaks import __version__, beyond, engine, packs, pages, plan, selection, taxonomy
from pytest_mlbreaks.config.files import RootFiles, below
from pytest_mlbreaks.config.nodes import ConfigError
from pytest_mlbreaks.display import clean
from pytest_mlbreaks.excerpts import showing
from pytest_mlbreaks.plugin import ROOT_NODE, is_ours
from pytest_mlbreaks.report import Read, Report, Share
from pytest_mlbreaks.reporters import ReporterError, fitting, rendered, terminal
from pytest_mlbreaks.tree import FolderTree, find_root

if TYPE_CHECKING:
    from types import ModuleType

    from pytest_mlbreaks.check import Check, Severity
    from pytest_mlbreaks.packs import Packs
    from pytest_mlbreaks.plan import Plan
    from pytest_mlbreaks.report import ReportedFinding, Reporter, Result, Shown

FILE_WIDTH = 100
"""Columns of a report that goes to a file."""

Apart = Callable[[], AbstractContextManager[None]]
"""Within it, imports go past pytest and past the judged tree (`pytest_mlbreaks.plugin.apart`)."""


class FindingsError(Exception):
    """What makes an item fail: the check found something at or above the threshold."""

    def __init__(self, result: Result, failing: Sequence[ReportedFinding]) -> None:
        super().__init__(f"{len(failing)} findings of {result.check}")
        self.result = result
        self.failing = failing


@dataclasses.dataclass(frozen=True)
class Request:
    """What the options ask for. *reason* tells why *checks* are not all (None: they are); *total* counts all.

    *outputs*: reporters and their paths, None for standard output. *alone*: no tests besides the checks. *tests_named*:
    no checks, for tests are asked for by their ids, and nothing else is.
    """

    root: Path
    plan: Plan
    means: engine.Means
    checks: tuple[Check, ...]
    reason: str | None
    total: int
    outputs: tuple[tuple[Reporter, Path | None], ...]
    alone: bool
    tests_named: bool

    @property
    def packs(self) -> Packs:
        """What is installed."""
        return self.plan.packs

    @property
    def threshold(self) -> Severity | None:
        """From where on findings fail; None: nothing does."""
        return self.plan.threshold


def start(config: pytest.Config, apart: Apart) -> None:
    """Register the run that the options of *config* ask for. Raises pytest.UsageError."""
    nodes = [arg for arg in config.args if is_ours(arg)]
    config.args[:] = [arg for arg in config.args if arg not in nodes]
    run = Run(config, _request(config, nodes), apart)
    config.stash[RUN] = run
    config.pluginmanager.register(run, "mlbreaks-run")


def _request(config: pytest.Config, nodes: Sequence[str]) -> Request:
    option = config.option
    given = config.invocation_params.dir
    alone = bool(option.mlbreaks_only)
    given_paths = list(config.args) if config.args_source is pytest.Config.ArgsSource.ARGS else []
    if alone:
        config.args[:] = []
        if getattr(option, "log_file", os.devnull) is None:
            option.log_file = os.devnull  # the tree's own configuration may name a file in it
    root = given / option.mlbreaks_root if option.mlbreaks_root else find_root(_rootdir(config, nodes))
    if not root.is_dir():
        raise pytest.UsageError(f"--mlbreaks-root: {root}: no such folder")
    root = root.resolve()
    if alone:
        _refuse_parts(root, [(path, (given / path).resolve()) for path in given_paths])
    try:
        installed = packs.load()
        asked = plan.Asked(
            select=[_selected(installed, node) for node in nodes] or option.mlbreaks_select,
            ignore=option.mlbreaks_ignore,
            fail_on=option.mlbreaks_fail_on,
            config=given / option.mlbreaks_config if option.mlbreaks_config else None,
            baseline=given / option.mlbreaks_baseline if option.mlbreaks_baseline else None,
            pipeline=option.mlbreaks_pipeline,
        )
        planned = plan.make(installed, RootFiles(root), root, below(root, config.rootpath), asked)
        files = [given / file for file in option.mlbreaks_with_facts]
        means = engine.Means(
            cached=not option.mlbreaks_no_cache,
            processes=option.mlbreaks_jobs,
            others=beyond.load(files, installed.facts),
        )
        checks, reason = planned.checks, planned.partial
        reports = [selection.parse_report_option(text) for text in option.mlbreaks_report]
    except (packs.PackError, selection.SelectionError, ConfigError, beyond.FactsError) as error:
        raise pytest.UsageError(f"mlbreaks: {error}") from error
    tests_named = not alone and not nodes and bool(given_paths) and all("::" in path for path in given_paths)
    if tests_named:  # somebody looks at one test, and --mlbreaks stands in addopts
        checks, reason = (), "tests are named by their ids, and no check is"
    outputs = tuple((_reporter(installed, name), _target(given, path)) for name, path in reports)
    total = len({*engine.default_checks(installed), *checks})
    return Request(root, planned, means, checks, reason, total, outputs, alone, tests_named)


def _rootdir(config: pytest.Config, nodes: Iterable[str]) -> Path:
    """pytest's rootdir; where *nodes* were printed with the way to another, that one. Raises pytest.UsageError."""
    ways = (Path(node.partition("::")[0]).parent for node in nodes)
    named = {(config.invocation_params.dir / way).resolve() for way in ways if way != Path()}
    if len(named) > 1:
        listed = ", ".join(sorted(map(str, named)))
        raise pytest.UsageError(f"mlbreaks: node ids of several folders ({listed}): run each alone")
    return next((folder for folder in named if folder.is_dir()), config.rootpath)


def _refuse_parts(root: Path, paths: Iterable[tuple[str, Path]]) -> None:
    """Raise pytest.UsageError for a path that is less than the whole tree: there are no tests that it could choose."""
    for given, path in paths:
        if not path.exists():
            raise pytest.UsageError(f"file or directory not found: {given}")
        if not root.is_relative_to(path):
            advice = f"`mlbreaks check {given}` shows the findings about it, --mlbreaks-root {given} reads it alone"
            raise pytest.UsageError(f"{given}: --mlbreaks-only runs no tests, and reads all of {root}; {advice}")


def _selected(installed: Packs, node: str) -> str:
    """The check or category that a node id names. Raises SelectionError."""
    category, _, identifier = node.partition("::")[2].partition("::")
    if not identifier:
        return category
    check = installed.check(identifier)
    if check is not None and check.category != category:
        raise selection.SelectionError(f"no item {node!r}; did you mean '{ROOT_NODE}::{check.category}::{check.id}'?")
    return identifier


def _reporter(installed: Packs, name: str) -> Reporter:
    reporter = installed.reporters.get(name)
    if reporter is None:
        known = ", ".join(sorted(installed.reporters))
        raise pytest.UsageError(f"--mlbreaks-report: no format {name!r}; there are {known}")
    return reporter


def _target(given: Path, path: str | None) -> Path | None:
    """The file to write a report to, None for standard output. Raises pytest.UsageError where it can't be written."""
    if path is None or path == "-":
        return None
    target = given / path
    reason = ""
    try:
        if target.is_dir():
            reason = "is a folder"
        elif not target.parent.is_dir():
            reason = f"there is no folder {target.parent}"
        elif not os.access(target if target.exists() else target.parent, os.W_OK):
            reason = "permission denied"
    except (OSError, ValueError) as error:
        reason = str(error)
    if reason:
        raise pytest.UsageError(f"--mlbreaks-report: {path} can't be written: {reason}")
    return target


class Run:
    """One pytest run with checks; a plugin that is registered only then."""

    def __init__(self, config: pytest.Config, request: Request, apart: Apart) -> None:
        self.request = request
        self._config = config
        self._apart = apart
        told: dict[str, str] | None = getattr(config, "workerinput", None)  # by pytest_configure_node
        self._worker = told is not None
        self._shared = Path(told["mlbreaks"]) if told is not None else None
        self._tree: FolderTree | None = None
        self._wanted: tuple[Check, ...] = ()
        self._results: dict[str, Result] = {}
        self._report: Report | None = None
        self._no_report = ""
        self._ran: set[str] = set()
        self._final: Report | None = None
        self._broken: list[str] = []
        self._crashed = False

    # ---------------------------------------------------------------------------------------------- collecting

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Add our collector to what the session collects."""
        report = yield
        if isinstance(collector, pytest.Session) and report.outcome == "passed":
            ours = Checks.from_parent(collector, name=ROOT_NODE, nodeid=ROOT_NODE, checks=self.request.checks)
            report.result = [*report.result, ours]
        return report

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note the checks that the selection left, in their own order."""
        left = {item.check.id for item in session.items if isinstance(item, CheckItem)}
        self._wanted = tuple(check for check in self.request.checks if check.id in left)

    def pytest_report_header(self) -> str:
        """Say what is read."""
        if self.request.tests_named:
            return f"mlbreaks: no checks, as {self.request.reason} ({ROOT_NODE}::CATEGORY::ID)"
        alone = ", no tests" if self.request.alone else ""
        return f"mlbreaks: {len(self.request.checks)} of {self.request.total} checks on {self.request.root}{alone}"

    # ------------------------------------------------------------------------------------------------ analysing

    def result(self, check: Check) -> Result:
        """What became of *check*; makes the analysis if nobody has."""
        if self._no_report:
            pytest.fail(self._no_report, pytrace=False)
        if self._report is None:
            try:
                with self._apart():
                    self._report = self._analyse() if self._shared is None else self._analyse_once(self._shared)
            except Exception:
                self._no_report = "the analysis failed; the error of the first item tells how"
                raise
            self._results = {result.check: result for result in self._report.results}
        return self._results[check.id]

    def _analyse(self) -> Report:
        return self.request.plan.report(self.tree, checks=self._wanted, means=self.request.means)

    def _analyse_once(self, folder: Path) -> Report:
        """The report that a worker left in *folder*, or our own that we leave there."""
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder / "lock"):
            report = _left_in(folder)
            if report is None:
                report = self._analyse()
                (folder / "report.json").write_bytes(msgspec.json.encode(report))
        return report

    @property
    def tree(self) -> FolderTree:
        """The judged tree."""
        if self._tree is None:
            self._tree = FolderTree(self.request.root)
        return self._tree

    def rendered(self, result: Result) -> str:
        """The text about one result, for a failing item."""
        with self._apart():
            text = terminal.render_result(result, self._shown(color=False, width=self._width()))
        return _encodable(text, sys.__stdout__)  # what pytest captures with now is not what it writes to later

    def _shown(self, *, color: bool, width: int) -> Shown:
        verbose = self._config.get_verbosity() > 0
        return showing(
            self.tree, self.request.packs, threshold=self.request.threshold, verbose=verbose, color=color, width=width
        )

    def _width(self) -> int:
        writer: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        return int(self._config.get_terminal_writer().fullwidth) if writer is not None else FILE_WIDTH

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note which checks ran."""
        if report.when == "setup" and report.nodeid.startswith(f"{ROOT_NODE}::"):
            self._ran.add(report.nodeid.split("::")[2].partition("@")[0])

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put a failing item where its first finding stands, and a skipped one where it is itself."""
        report = yield
        if isinstance(item, CheckItem):
            if report.skipped and isinstance(report.longrepr, tuple):
                place: Any = (item.nodeid, None, report.longrepr[2])
                report.longrepr = place
            elif item.found is not None and report.when == "call":
                path = _way(self._config.rootpath, self.request.root / item.found.place.path)
                report.location = (path, line_of(item.found) - 1, report.location[2])
        return report

    # ------------------------------------------------------------------------------------------------- xdist

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of pytest-xdist where the one analysis is left."""
        if self._shared is None:
            self._shared = Path(tempfile.mkdtemp(prefix="mlbreaks-"))
        node.workerinput["mlbreaks"] = str(self._shared)

    def pytest_unconfigure(self) -> None:
        """Remove what the workers left."""
        if self._shared is not None and not self._worker:
            shutil.rmtree(self._shared, ignore_errors=True)

    # ----------------------------------------------------------------------------------------------- reporting

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Write the reports: those to files before pytest's summary, those to standard output after it."""
        if self._worker:
            yield
            return
        if self._report is None and self._shared is not None:
            self._report = _left_in(self._shared)
        if self._report is not None:
            self._final = self._told(self._report)
        last = []
        if not self._config.getoption("collectonly"):
            last = self._write(self._final or self._told(self._empty()))
        if self._broken:
            session.exitstatus = pytest.ExitCode.INTERNAL_ERROR if self._crashed else pytest.ExitCode.USAGE_ERROR
        yield
        for text in last:
            _print(text)

    def _empty(self) -> Report:
        """A report without results, in place of one that an earlier run left: that one would seem to be of this run."""
        nothing = Share(0, 0)
        return Report(
            version=__version__,
            packs=self.request.packs.versions,
            root=str(self.request.root),
            revision=None,
            partial=None,
            results=(),
            diagnostics=(),
            read=Read(files={}, not_read=(), entry_files=nothing, values=nothing),
            seconds=0.0,
        )

    def _told(self, report: Report) -> Report:
        """The part of *report* on the checks that pytest ran, with the reason if they are not all."""
        results = tuple(result for result in report.results if result.check in self._ran)
        left_out = len(self.request.checks) - len(results)
        reasons = [self.request.reason] if self.request.reason else []
        if self._ran and not results:
            reasons.append("the analysis failed")
        elif left_out:
            reasons.append(f"{left_out} of {len(self.request.checks)} were deselected or not reached")
        partial = None
        if reasons or not results:
            said = "; ".join(reasons) or "there are none"
            partial = f"{len(results)} of {self.request.total} checks ran: {said}"
        return msgspec.structs.replace(report, results=results, partial=partial)

    def _write(self, report: Report) -> list[str]:
        """Write the reports to files; the texts of the others, for standard output. What goes wrong with one is noted,
        and keeps no other back."""
        last = []
        for reporter, path in self.request.outputs:
            try:
                with self._apart():
                    text = rendered(reporter, report, self._shown(color=False, width=FILE_WIDTH))
                if path is None:
                    last.append(text)
                else:
                    path.write_text(text, encoding="utf-8", errors="backslashreplace")
            except ReporterError as error:
                self._crashed = True
                self._broken.append(str(error))
            except OSError as error:
                self._broken.append(f"{path} can't be written: {error.strerror}")
        return last

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Tell the findings that failed no item, and the summary."""
        if self._worker or self._config.getoption("collectonly"):
            return
        if self.request.tests_named and not self._broken:
            return
        terminalreporter.section(ROOT_NODE)
        if self._final is None:
            terminalreporter.write_line("no check ran")
        else:
            terminalreporter.write(_encodable(self._summary(self._final), sys.__stdout__))
        for problem in self._broken:
            terminalreporter.write_line(f"ERROR: {problem}", red=True)

    def _summary(self, report: Report) -> str:
        writer = self._config.get_terminal_writer()
        with self._apart():
            shown = self._shown(color=writer.hasmarkup, width=writer.fullwidth)
            parts = [
                terminal.render_result(result, shown)
                for result in report.results
                if result.outcome == "findings" and not self.failing(result)
            ]
            parts = [part for part in parts if part]  # all of its findings may be suppressed
            parts.append(terminal.render_summary(report, shown))
        return "\n".join(parts)

    def failing(self, result: Result) -> tuple[ReportedFinding, ...]:
        """The findings of *result* that make its item fail, the worst first."""
        found = [f for f in result.findings if f.fails(self.request.threshold)]
        return tuple(sorted(found, key=lambda f: (-f.level, -f.severity, f.place.sort_key)))


RUN = pytest.StashKey[Run]()
"""The run of a `pytest.Config`, where there is one."""


class Checks(pytest.Collector):
    """All checks, by category."""

    def __init__(self, *, checks: Sequence[Check], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._checks = checks

    def collect(self) -> Iterator[pytest.Collector]:
        for category in dict.fromkeys(check.category for check in self._checks):
            checks = [check for check in self._checks if check.category == category]
            yield Category.from_parent(self, name=category, checks=checks)


class Category(pytest.Collector):
    """The checks of a category."""

    def __init__(self, *, checks: Sequence[Check], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._checks = checks

    def collect(self) -> Iterator[pytest.Item]:
        for check in self._checks:
            yield CheckItem.from_parent(self, name=check.id, check=check)


class CheckItem(pytest.Item):
    """One check on the whole tree.

    What a conftest.py may look for in an item is there: `fixturenames` (none), `module` and `function` (the check's),
    `cls` and `instance` (None).
    """

    def __init__(self, *, check: Check, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.check = check
        self.found: ReportedFinding | None = None
        self.fixturenames: list[str] = []
        self.module: ModuleType = sys.modules[check.module]
        self.function: Callable[..., Any] = check.rules[0].find
        self.cls = None
        self.instance = None
        self.extra_keyword_matches.update(check.also)

    @property
    def _run(self) -> Run:
        return self.config.stash[RUN]

    def reportinfo(self) -> tuple[Path, int, str]:
        return pages.page_path(self.check), 0, f"{self.check.category}/{self.check.id}"

    def setup(self) -> None:
        """Make the analysis, if nobody has; a crash in it is an error of the item, not a failure."""
        result = self._run.result(self.check)
        self.user_properties.extend(_properties(self.check, result, self._run.failing(result)))
        if result.outcome == "failed":
            pytest.fail(f"the check failed: {clean(result.reason)}", pytrace=False)

    def runtest(self) -> None:
        result = self._run.result(self.check)
        if result.outcome == "not-applicable":
            pytest.skip(f"not applicable: {clean(result.reason)}")
        failing = self._run.failing(result)
        if failing:
            self.found = failing[0]
            raise FindingsError(result, failing)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The report on the findings instead of a traceback."""
        error = excinfo.value
        if not isinstance(error, FindingsError):
            return super().repr_failure(excinfo, style)
        # pytest's own representation with our text in it: it comes through xdist, and JUnit takes its message
        told: Any = excinfo.getrepr(style="native")
        told.reprtraceback.reprentries[0].lines = [self._run.rendered(error.result)]
        first = error.failing[0]
        told.reprcrash.path = str(self._run.request.root / first.place.path)
        told.reprcrash.lineno = line_of(first)
        more = f" (and {len(error.failing) - 1} more)" if len(error.failing) > 1 else ""
        told.reprcrash.message = f"{clean(str(first.place))}: {clean(first.message, 300)}{more}"
        return told


def _properties(check: Check, result: Result, failing: Sequence[ReportedFinding]) -> Iterable[tuple[str, object]]:
    """What JUnit reports as properties of the item."""
    axis = taxonomy.category(check.category).axis
    yield "check", check.id
    yield "category", check.category
    if check.also:
        yield "also", ", ".join(check.also)
    yield "ml", axis.ml.value
    yield "distributed", axis.distributed.value
    yield "outcome", result.outcome
    yield "judged", result.judged
    yield "unjudged", len(result.unjudged)
    yield "findings", len(result.findings)
    worst = failing[0] if failing else None
    yield "severity", str(worst.severity if worst else check.severity)
    yield "confidence", str(worst.confidence if worst else check.confidence)
    if worst:
        yield "file", worst.place.path
        yield "line", line_of(worst)


def _way(folder: Path, path: Path) -> str:
    """The way from *folder* to *path*, with ``/``; the whole path where there is none, from one drive to another."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:
        return path.as_posix()


def line_of(finding: ReportedFinding) -> int:
    """The 1-based line of a finding in its file; 1 where it stands for the whole file."""
    return finding.place.file_line or finding.place.line or 1


def _left_in(folder: Path) -> Report | None:
    """The report that a worker left in *folder*, if one did."""
    try:
        return msgspec.json.decode((folder / "report.json").read_bytes(), type=Report)
    except FileNotFoundError:
        return None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock between processes; one that dies lets go of it."""
    with path.open("a+b") as file:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            while True:
                try:
                    msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                    break
                except OSError:  # it waits ten seconds; an analysis may take longer
                    continue
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _print(text: str) -> None:
    """Write to standard output, whatever its encoding."""
    sys.stdout.write(_encodable(text, sys.stdout))
    sys.stdout.flush()


def _encodable(text: str, stream: TextIO | None) -> str:
    """*text* without what the encoding of *stream* lacks (pytest would escape all of it, line ends too)."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return fitting(text, encoding).encode(encoding, "backslashreplace").decode(encoding)
