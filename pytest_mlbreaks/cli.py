"""The command ``mlbreaks``: the engine without pytest, and the documentation of the checks.

Exit codes: 0 nothing at or above the threshold, 1 findings, 2 a mistake in the command, the configuration or a pack
(with ``--strict`` also files that could not be read), 3 a check (or we ourselves) failed. The format of a report never
changes the code.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

from pytest_mlbreaks import __version__

if TYPE_CHECKING:
    from pytest_mlbreaks.check import Check, Severity
    from pytest_mlbreaks.engine import Means, Progress
    from pytest_mlbreaks.packs import Packs
    from pytest_mlbreaks.plan import Asked, Plan
    from pytest_mlbreaks.report import Report, Reporter, Result, Shown
    from pytest_mlbreaks.taxonomy import Category
    from pytest_mlbreaks.tree import Tree

CLEAN, FINDINGS, USAGE, FAILED = 0, 1, 2, 3
INTERRUPTED = 130  # as shells have it for a program that SIGINT ended

_TITLED_FENCE = re.compile(r'^(`{3,}|~{3,})(\S*) +title="([^"]+)".*$', re.MULTILINE)

MOST_JOBS = 64

LOG_WIDTH = 100
"""Columns of a report that no terminal shows."""


class UsageError(Exception):
    """A mistake in the command: what, and where it can be told, what was meant."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with *arguments* (those of the process, if None) and return its exit code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by who started us (>&-): what is said there is said to nobody
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        reconfigure = getattr(getattr(sys, name), "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")  # a report must not end where the terminal's encoding does
    try:
        options = _parser().parse_args(arguments)
        return int(options.run(options))
    except UsageError as error:
        return _complain(str(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception:  # a mistake of ours or of a pack's: Python's own exit code for it would say "findings"
        import traceback

        traceback.print_exc()
        return FAILED


def run() -> NoReturn:
    """The program: `main`, and its exit code."""
    gc.disable()  # it ends before there is much to collect
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    # At once: taking a large pipeline apart piece by piece would take longer than all checks did.
    os._exit(code)


def _complain(message: str) -> int:
    from pytest_mlbreaks.display import clean

    try:
        print(f"mlbreaks: {clean(message, 1000)}", file=sys.stderr, flush=True)
    except OSError:
        _silence(sys.stderr)  # nobody can be told; the exit code still can
    return USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mlbreaks",
        description="Reads a repository as one machine-learning pipeline and finds what breaks it in production.",
        epilog="Exit codes: 0 nothing at or above the threshold, 1 findings, 2 usage error, 3 a check failed.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"mlbreaks {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    check = commands.add_parser("check", help="find what breaks", allow_abbrev=False)
    check.set_defaults(run=_check)
    check.add_argument(
        "paths", nargs="*", default=["."], metavar="PATH", help="show findings about this file or folder (default: .)"
    )
    _add_scope(check)
    check.add_argument(
        "--fail-on",
        metavar="LEVEL",
        help="high (default), medium, low or never: what gives exit code 1",
    )
    check.add_argument("--baseline", metavar="FILE", help="the findings that this file accepts fail nothing")
    check.add_argument("--format", metavar="FORMAT", help="the format on standard output (default: terminal)")
    check.add_argument(
        "--report", action="append", default=[], metavar="FORMAT[:PATH]", help="write a report, also; repeatable"
    )
    check.add_argument("--revision", metavar="REV", help="read this git revision, not the files of the work tree")
    check.add_argument("--strict", action="store_true", help="exit code 2 where a file could not be read")
    check.add_argument("-v", "--verbose", action="store_true", help="show all, however much it is")

    accept = commands.add_parser("baseline", help="accept the findings that there are now", allow_abbrev=False)
    accept.set_defaults(run=_baseline, paths=["."], revision=None)
    _add_scope(accept)
    accept.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="where to write it (default: what the configuration names, or a file in the root)",
    )

    graph = commands.add_parser("graph", help="draw the pipeline, and the findings on it", allow_abbrev=False)
    graph.set_defaults(run=_graph)
    graph.add_argument(
        "paths", nargs="*", default=["."], metavar="PATH", help="show what comes before and after this file or folder"
    )
    _add_scope(graph)
    graph.add_argument(
        "--format", choices=("html", "mermaid", "dot", "json"), help="how (default: by the ending of FILE, else html)"
    )
    graph.add_argument("-o", "--output", metavar="FILE", help="where to write it (default: standard output)")
    graph.add_argument("--no-checks", action="store_true", help="draw the pipeline alone, and run no check")
    graph.add_argument("--findings-only", action="store_true", help="show what findings concern, and its neighbours")
    graph.add_argument("--aside", action="store_true", help="also tests, examples, documentation and vendored code")
    graph.add_argument(
        "--most", type=_count, metavar="N", help="fold crowds into one until there are N things or fewer"
    )
    graph.add_argument("--baseline", metavar="FILE", help="leave out the findings that this file accepts")
    graph.add_argument("--revision", metavar="REV", help="read this git revision, not the files of the work tree")

    push = commands.add_parser(
        "plan", help="tell in which order the change since a revision can be pushed", allow_abbrev=False
    )
    push.set_defaults(run=_push_order, paths=["."], select=[], ignore=[])
    _add_reading(push)
    push.add_argument("--base", metavar="REV", required=True, help="the git revision that runs now")
    push.add_argument("--revision", metavar="REV", help="what is to be pushed (default: the files of the work tree)")
    push.add_argument("--format", choices=("terminal", "json"), default="terminal")
    push.add_argument("--pipeline", metavar="NAME", help="read this pipeline of the configuration alone")
    push.add_argument("--config", metavar="FILE", help="settings (default: as for check)")

    facts = commands.add_parser("facts", help="list what was read", allow_abbrev=False)
    facts.set_defaults(run=_facts, pipeline=None)
    facts.add_argument(
        "paths", nargs="*", default=["."], metavar="PATH", help="list the facts of this file or folder (default: .)"
    )
    _add_reading(facts)
    facts.add_argument("--kind", action="append", default=[], metavar="KIND,...", help="these kinds alone")
    facts.add_argument("--format", choices=("table", "jsonl"), default="table")
    facts.add_argument(
        "--name", metavar="NAME", help="what the repository is called where jsonl is read back (default: its folder)"
    )
    facts.add_argument("--revision", metavar="REV", help="read this git revision, not the files of the work tree")

    why = commands.add_parser(
        "why", help="tell what stands at a line, and which checks looked at it", allow_abbrev=False
    )
    why.set_defaults(run=_why, revision=None)
    why.add_argument("place", metavar="PATH:LINE", help="a line; in a notebook PATH:CELL:LINE, as in a report")
    _add_scope(why)

    settings = commands.add_parser(
        "config", help="show the settings that apply, and where they stand", allow_abbrev=False
    )
    settings.set_defaults(run=_config, paths=["."], revision=None, select=[], ignore=[], pipeline=None)
    settings.add_argument("--root", metavar="DIR", help="the folder that is read (default: the git repository around)")
    settings.add_argument("--config", metavar="FILE", help="this file, in place of the one that is found")
    settings.add_argument("--schema", action="store_true", help="print the JSON schema of mlbreaks.yaml instead")

    listing = commands.add_parser("list", help="list the checks", allow_abbrev=False)
    listing.set_defaults(run=_list)
    listing.add_argument("--format", choices=("terminal", "json"), default="terminal")

    explain = commands.add_parser("explain", help="show the page of a check, or a category", allow_abbrev=False)
    explain.set_defaults(run=_explain)
    explain.add_argument("id", metavar="ID")
    explain.add_argument("--raw", action="store_true", help="the Markdown as it is")

    grid = commands.add_parser("taxonomy", help="show the causes of outages and their two axes", allow_abbrev=False)
    grid.set_defaults(run=_taxonomy)

    new = commands.add_parser("new", help="start a new check: its module and its page", allow_abbrev=False)
    new.set_defaults(run=_new)
    new.add_argument("id", metavar="CATEGORY/ID")
    new.add_argument("--pack", metavar="DIR", help="the package that holds the category folders")

    pages = commands.add_parser("pages", help="run the examples on the pages of checks", allow_abbrev=False)
    pages.set_defaults(run=_pages)
    pages.add_argument("checks", nargs="*", metavar="CHECK", help="these checks (default: all)")
    pages.add_argument("--write", action="store_true", help="write what the checks say now into the pages")
    return parser


def _add_scope(command: argparse.ArgumentParser) -> None:
    """The options by which a command is told what to read and which checks to run."""
    _add_reading(command)
    command.add_argument(
        "--select", action="append", default=[], metavar="ID,...", help="run these checks or categories alone"
    )
    command.add_argument("--ignore", action="append", default=[], metavar="ID,...", help="leave these out")
    command.add_argument("--pipeline", metavar="NAME", help="read this pipeline of the configuration alone")
    command.add_argument(
        "--config",
        metavar="FILE",
        help="settings (default: the nearest mlbreaks.yaml or pyproject.toml; none: /dev/null)",
    )


def _add_reading(command: argparse.ArgumentParser) -> None:
    """The options by which a command is told what to read, and how."""
    command.add_argument("--root", metavar="DIR", help="read this folder (default: the git repository that holds PATH)")
    command.add_argument(
        "--with-facts",
        action="append",
        default=[],
        metavar="FILE",
        help="facts of another repository (mlbreaks facts --format jsonl), to link with this one; repeatable",
    )
    command.add_argument("--no-cache", action="store_true", help="read every file, and remember nothing")
    command.add_argument(
        "--jobs", type=_jobs, metavar="N", help="processes that read (default: more than one for a large tree)"
    )


def _jobs(text: str) -> int:
    """A number of processes, of 1 or more."""
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= number <= MOST_JOBS:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {MOST_JOBS}")
    return number


# -------------------------------------------------------------------------------------------------------- check


def _check(options: argparse.Namespace) -> int:
    from pytest_mlbreaks.excerpts import showing
    from pytest_mlbreaks.reporters import ReporterError

    packs = _packs()
    outputs = _outputs(options, packs)
    root, wanted = _root_and_wanted(options)
    tree = _tree(root, options.revision)
    plan = _plan(options, packs, root, tree, _given_file(options.baseline))
    unread = tuple(one for one in wanted if not any(_within(path, one) for path in tree.paths()))
    if unread and options.revision is not None:
        raise UsageError(f"{unread[0]}: no such file or folder at {options.revision}")
    with _progress() as progress:
        report = plan.report(tree, progress=progress, means=_means(options, packs))
    if wanted:
        report = _narrowed(report, wanted, unread)
    threshold = plan.threshold
    shown = showing(tree, packs, threshold=threshold, verbose=options.verbose, color=_color(), width=_width())
    code = _code(report, threshold, strict=options.strict)
    for reporter, path in outputs:
        try:
            _put(reporter, path, report, shown)
        except UsageError as error:
            code = max(code, _complain(str(error)))
        except ReporterError as error:
            _complain(str(error))
            code = FAILED
    return code


def _means(options: argparse.Namespace, packs: Packs) -> Means:
    """How to read, and with which facts of other repositories. Raises UsageError."""
    from pytest_mlbreaks.beyond import FactsError, load
    from pytest_mlbreaks.engine import Means

    try:
        others = load(map(Path, options.with_facts), packs.facts)
    except FactsError as error:
        raise UsageError(str(error)) from error
    return Means(cached=not options.no_cache, processes=options.jobs, others=others)


def _code(report: Report, threshold: Severity | None, *, strict: bool) -> int:
    if any(result.outcome == "failed" for result in report.results):
        return FAILED
    if strict and any(diagnostic.level == "error" for diagnostic in report.diagnostics):
        return USAGE
    return FINDINGS if report.failing(threshold) else CLEAN


def _packs() -> Packs:
    from pytest_mlbreaks.packs import PackError, load

    try:
        return load()
    except PackError as error:
        raise UsageError(str(error)) from error


def _plan(options: argparse.Namespace, packs: Packs, root: Path, tree: Tree, baseline: Path | bool | None) -> Plan:
    """The plan of a run on *tree*, by the configuration and the command."""
    from pytest_mlbreaks import plan
    from pytest_mlbreaks.config.files import Files, RootFiles, TreeFiles
    from pytest_mlbreaks.config.nodes import ConfigError
    from pytest_mlbreaks.selection import SelectionError

    files: Files = RootFiles(root) if options.revision is None else TreeFiles(tree)
    asked: Asked = plan.Asked(
        select=options.select,
        ignore=options.ignore,
        fail_on=getattr(options, "fail_on", None),
        config=_given_file(options.config) if options.config else None,
        baseline=baseline,
        pipeline=options.pipeline,
    )
    try:
        return plan.make(packs, files, root, _start(options, root), asked)
    except (ConfigError, SelectionError) as error:
        raise UsageError(str(error)) from error


def _given_file(path: str | None) -> Path | None:
    return Path(path) if path is not None else None


def _start(options: argparse.Namespace, root: Path) -> str:
    """The folder, relative to *root*, from which on the configuration is looked for: the one that holds all paths."""
    from pytest_mlbreaks.config.files import below

    paths = [Path(os.path.abspath(given)) for given in options.paths]
    folders = [str(path if path.is_dir() else path.parent) for path in paths]
    try:
        common = Path(os.path.realpath(os.path.commonpath(folders)))
    except ValueError:  # two drives
        return ""
    return below(root, common)


def _outputs(options: argparse.Namespace, packs: Packs) -> list[tuple[Reporter, str | None]]:
    """The reports to write, and where."""
    from pytest_mlbreaks import selection

    try:
        outputs = [selection.parse_report_option(text) for text in options.report]
    except selection.SelectionError as error:
        raise UsageError(str(error)) from error
    named = [(name, None if path == "-" else path) for name, path in outputs]
    if options.format is not None:
        named.append((options.format, None))
    on_stdout = sum(path is None for _, path in named)
    if on_stdout > 1:
        raise UsageError("two reports on standard output: give all but one a file, --report FORMAT:PATH")
    if not on_stdout:
        named.insert(0, ("terminal", None))
    return [(_reporter(packs, name), path) for name, path in named]


def _reporter(packs: Packs, name: str) -> Reporter:
    reporter = packs.reporters.get(name)
    if reporter is None:
        raise UsageError(f"no report format {name!r}; there are {', '.join(sorted(packs.reporters))}")
    return reporter


def _root_and_wanted(options: argparse.Namespace) -> tuple[Path, tuple[str, ...]]:
    """The folder to read, and the paths in it that findings are to be shown of (none: of all)."""
    from pytest_mlbreaks.tree import find_root

    paths = []
    for given in options.paths:
        path = Path(given)
        try:
            if not path.exists() and options.revision is None:
                raise UsageError(f"{given}: no such file or folder")
            paths.append(path.resolve())
        except (OSError, ValueError, RuntimeError) as error:
            raise UsageError(f"{given}: {error}") from error
    if options.root is not None:
        root = Path(options.root).resolve()
    else:
        roots = {find_root(path if path.is_dir() else path.parent) for path in paths}
        if len(roots) > 1:
            listed = ", ".join(sorted(map(str, roots)))
            raise UsageError(f"these paths are in several repositories ({listed}): run each alone, or give --root")
        root = roots.pop()
    if not root.is_dir():
        raise UsageError(f"{root}: no such folder")
    wanted = []
    for given, path in zip(options.paths, paths, strict=True):
        if path == root:
            return root, ()
        if not path.is_relative_to(root):
            if options.paths == ["."] and options.root is not None:
                return root, ()  # --root alone: nobody named the current folder
            raise UsageError(f"{given}: is not in {root}")
        wanted.append(path.relative_to(root).as_posix())
    return root, tuple(dict.fromkeys(wanted))


def _tree(root: Path, revision: str | None) -> Tree:
    from pytest_mlbreaks.tree import FolderTree, GitTree, git

    try:
        return FolderTree(root) if revision is None else GitTree(root, revision)
    except (OSError, ValueError) as error:
        if revision is not None:
            asked = git(root, "rev-parse", "--git-dir")
            if asked.returncode != 0:  # no repository, another user's, or no git: no matter which revision
                why = asked.stderr.decode(errors="replace").strip().partition("\n")[0].removeprefix("fatal: ")
                raise UsageError(f"{root}: git can't be asked for {revision!r}: {why or 'no reason given'}") from error
        raise UsageError(str(error)) from error


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _narrowed(report: Report, wanted: tuple[str, ...], unread: tuple[str, ...]) -> Report:
    """The report with the findings alone that stand in *wanted* paths, or are proved by what stands there. *unread* are
    those of them that hold nothing that was read. Outcomes stay what they were: a check that found something elsewhere
    alone is not clean, and has no finding here."""
    import msgspec

    def within(path: str) -> bool:
        return any(_within(path, one) for one in wanted)

    def narrow(result: Result) -> Result:
        kept = tuple(f for f in result.findings if within(f.place.path) or any(within(r.place.path) for r in f.because))
        return msgspec.structs.replace(result, findings=kept)

    results = tuple(map(narrow, report.results))
    hidden = len(report.findings) - sum(len(result.findings) for result in results)
    narrowed = f"only findings about {', '.join(wanted)} are shown; all of {report.root} was read"
    if hidden:
        narrowed += f"; {hidden} {'finding' if hidden == 1 else 'findings'} elsewhere not shown"
    if unread:
        narrowed += f"; nothing in {', '.join(unread)} is read (empty, or ignored by git)"
    partial = f"{report.partial}; {narrowed}" if report.partial else narrowed
    return msgspec.structs.replace(report, results=results, partial=partial)


def _put(reporter: Reporter, path: str | None, report: Report, shown: Shown) -> None:
    from pytest_mlbreaks.reporters import rendered

    if path is None:
        _say(rendered(reporter, report, shown))
        return
    text = rendered(reporter, report, dataclasses.replace(shown, color=False, width=LOG_WIDTH))
    try:
        Path(path).write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UsageError(f"{path}: can't be written: {error.strerror}") from error


def _say(text: str) -> None:
    """Write to standard output; a reader that has seen enough (``| head``) is no error. Raises UsageError."""
    from pytest_mlbreaks.reporters import fitting

    with _to_stdout():
        sys.stdout.write(fitting(text, sys.stdout.encoding))
        sys.stdout.flush()


@contextmanager
def _to_stdout() -> Iterator[None]:
    """What is written within this goes to standard output, or is told to be impossible."""
    try:
        yield
    except BrokenPipeError:
        _silence(sys.stdout)
    except OSError as error:  # a full disk
        _silence(sys.stdout)
        raise UsageError(f"standard output can't be written: {error.strerror}") from error


def _silence(stream: TextIO) -> None:
    """Have *stream* lead nowhere, or Python complains when it flushes at exit what could not be written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _terminal(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def _color() -> bool:
    return _terminal(sys.stdout) and not os.environ.get("NO_COLOR")


def _width() -> int:
    return shutil.get_terminal_size((LOG_WIDTH, 24)).columns if sys.stdout.isatty() else LOG_WIDTH


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """A progress bar on standard error, if that is a terminal."""
    if not _terminal(sys.stderr):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    with Bar(TextColumn("{task.description:<9}"), BarColumn(), console=console, transient=True) as bar:
        task = bar.add_task("reading", total=None)
        yield lambda stage, done, total: bar.update(task, description=stage, completed=done, total=total)


# ------------------------------------------------------------------------------------------------ facts, and why


def _facts(options: argparse.Namespace) -> int:
    from pytest_mlbreaks import beyond, engine
    from pytest_mlbreaks.ask import listing

    packs = _packs()
    try:
        kinds = listing.chosen((name for given in options.kind for name in given.split(",")), packs.facts)
    except listing.KindError as error:
        raise UsageError(str(error)) from error
    root, wanted = _root_and_wanted(options)
    tree = _tree(root, options.revision)
    with _progress() as progress:
        reading = engine.read(tree, packs, progress or _untold, _means(options, packs))
    facts = [
        fact
        for fact in reading.facts
        if type(fact) in kinds and (not wanted or any(_within(fact.place.path, one) for one in wanted))
    ]
    if options.format == "table":
        _say(listing.table(facts))
    else:
        name = options.name or re.sub(r"[^A-Za-z0-9._-]+", "-", root.name).strip("-._") or "repository"
        _say(beyond.write(facts, name, packs.facts).decode())
    return CLEAN


def _untold(stage: str, done: int, total: int) -> None:
    """Progress that nobody sees."""


def _why(options: argparse.Namespace) -> int:
    from pytest_mlbreaks.ask import why

    try:
        spot = why.parse(options.place)
    except ValueError as error:
        raise UsageError(f"{options.place}: is no PATH:LINE") from error
    options.paths = [spot.path]
    packs = _packs()
    root, wanted = _root_and_wanted(options)
    if not wanted or not (root / wanted[0]).is_file():
        raise UsageError(f"{spot.path}: is no file")
    tree = _tree(root, None)
    plan = _plan(options, packs, root, tree, None)
    with _progress() as progress:
        looked = plan.look(tree, progress=progress, means=_means(options, packs))
    found = dataclasses.replace(spot, path=wanted[0])
    _say(why.answer(found, looked.pipelines, looked.report, looked.traces))
    return CLEAN


# ------------------------------------------------------------------------------------------------------- graph

_ENDINGS = {
    ".html": "html",
    ".htm": "html",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".dot": "dot",
    ".gv": "dot",
    ".json": "json",
}


def _count(text: str) -> int:
    """A number of things, for argparse. Raises ArgumentTypeError."""
    if not text.isascii() or not text.isdecimal() or not 0 < int(text) < 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of things")
    return int(text)


def _graph(options: argparse.Namespace) -> int:
    """Draw the pipeline. Findings do not change the exit code: `check` is for that."""
    from pytest_mlbreaks.graph import formats, narrow
    from pytest_mlbreaks.graph.build import build

    ending = Path(options.output or "").suffix.lower()
    chosen = options.format or _ENDINGS.get(ending, "html")
    packs = _packs()
    root, wanted = _root_and_wanted(options)
    tree = _tree(root, options.revision)
    plan = _plan(options, packs, root, tree, _given_file(options.baseline))
    with _progress() as progress:
        looked = plan.look(
            tree, checks=() if options.no_checks else None, progress=progress, means=_means(options, packs)
        )
    report = looked.report
    graph = build(looked.pipelines, report, aside=options.aside)
    if wanted:
        graph = narrow.connected(graph, wanted)
    if options.findings_only:
        graph = narrow.concerning(graph)
    text = formats.write(graph, chosen, options.most)
    if options.output is None:
        _say(text)
    else:
        try:
            Path(options.output).write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")
        except OSError as error:
            raise UsageError(f"{options.output}: can't be written: {error.strerror}") from error
    failed = [result.check for result in report.results if result.outcome == "failed"]
    if failed:
        _complain(f"a check failed, and its findings are missing: {', '.join(failed)}")
        return FAILED
    return CLEAN


# -------------------------------------------------------------------------------------------------- push order


def _push_order(options: argparse.Namespace) -> int:
    """Tell in which order the change since a revision can be pushed. Exit code 1 where no order is safe."""
    from pytest_mlbreaks.rollout import components, text
    from pytest_mlbreaks.rollout.changes import difference
    from pytest_mlbreaks.rollout.deploys import today
    from pytest_mlbreaks.rollout.order import Order, order

    packs = _packs()
    root, _ = _root_and_wanted(options)
    before, after = _tree(root, options.base), _tree(root, options.revision)
    plan = _plan(options, packs, root, after, False)
    touched, fresh = _touched(before, after)
    with _progress() as progress:
        old, new = (
            plan.look(tree, checks=(), progress=progress, means=_means(options, packs)).pipelines
            for tree in (before, after)
        )
    orders: list[Order] = []
    for one, other in zip(old, new, strict=True):
        base = components.Side(one, lambda path: _text_of(before, path), touched, frozenset())
        head = components.Side(other, lambda path: _text_of(after, path), touched, fresh)
        moved = components.new_migrations(base, head)
        now = components.components(head, moved, head=True)
        changes = difference(components.components(base, moved, head=False), now, touched)
        orders.append(order(changes, now, today(other, now)))
    for found in orders:
        if options.format == "json":
            _say(text.as_json(found, before.revision or options.base, after.revision or ""))
        else:
            _say(text.terminal(found, options.base, _width()))
    return CLEAN if all(found.safe for found in orders) else FINDINGS


def _touched(before: Tree, after: Tree) -> tuple[frozenset[str], frozenset[str]]:
    """The files that the two trees do not hold alike, and those of them that the first does not hold."""
    old, new = frozenset(before.paths()), frozenset(after.paths())
    alike = {path for path in old & new if _bytes_of(before, path) == _bytes_of(after, path)}
    return (old | new) - alike, new - old


def _bytes_of(tree: Tree, path: str) -> bytes | None:
    from pytest_mlbreaks.tree import ReadError

    try:
        return tree.read(path)
    except ReadError:
        return None


def _text_of(tree: Tree, path: str) -> str:
    data = _bytes_of(tree, path)
    return data.decode(errors="replace") if data is not None else ""


# ----------------------------------------------------------------------------------------------- configuration


def _baseline(options: argparse.Namespace) -> int:
    """Write the findings that there are now to a file; those of an earlier one that this run can't judge stay in it."""
    from pytest_mlbreaks.judge.apply import accepted
    from pytest_mlbreaks.judge.baseline import NAME, render

    packs = _packs()
    root, _ = _root_and_wanted(options)
    tree = _tree(root, None)
    plan = _plan(options, packs, root, tree, False)
    named = plan.settings.baseline
    target = Path(options.output) if options.output else root / (named or NAME)
    if target.exists():
        plan = _plan(options, packs, root, tree, target)
    with _progress() as progress:
        report = plan.report(tree, progress=progress, means=_means(options, packs), each=True)
    failed = [result.check for result in report.results if result.outcome == "failed"]
    if failed:
        _complain(f"a check failed, and nothing is written: {', '.join(failed)}")
        return FAILED
    taken, kept, locked = accepted(report, plan.policy)
    try:
        with target.open("w", encoding="utf-8", newline="\n") as file:
            file.write(render(taken, kept))
    except OSError as error:
        raise UsageError(f"{target}: can't be written: {error.strerror}") from error
    more = f", {len(kept)} kept that this run could not judge" if kept else ""
    _say(f"{target}: {len(taken)} findings accepted{more}\n")
    for check, count in sorted(locked.items()):
        _say(f"not accepted: {count} of {check}, which is locked by {plan.policy.locked[check]}\n")
    if named is None:
        _say(f'It counts where the configuration says `baseline = "{target.name}"`, or with --baseline {target.name}\n')
    return CLEAN


def _config(options: argparse.Namespace) -> int:
    """Tell the settings that apply, and for each where it stands."""
    import json

    from pytest_mlbreaks.config import schema, show

    if options.schema:
        _say(json.dumps(schema.json_schema(), indent=2) + "\n")
        return CLEAN
    packs = _packs()
    root, _ = _root_and_wanted(options)
    plan = _plan(options, packs, root, _tree(root, None), None)
    _say("\n".join(show.lines(plan.settings)) + "\n")
    return CLEAN


# ----------------------------------------------------------------------------------------------- documentation


def _list(options: argparse.Namespace) -> int:
    packs = _packs()
    if options.format == "json":
        import json

        _say(json.dumps([_described(check) for check in packs.checks], indent=2) + "\n")
        return CLEAN
    lines: list[str] = []
    category = ""
    for check in packs.checks:
        if check.category != category:
            category = check.category
            lines += [""] * bool(lines) + [_bold(category)]
        told = f"{check.severity} severity, {check.confidence} confidence, {check.evidence}, since {check.since}"
        lines += [f"  {check.id} ({told})", f"      {check.title}"]
    total = f"{len(packs.checks)} checks; `mlbreaks explain ID` shows the page of one"
    _say("\n".join([*lines, "", total]) + "\n")
    return CLEAN


def _described(check: Check) -> dict[str, object]:
    return {
        "id": check.id,
        "category": check.category,
        "also": list(check.also),
        "severity": str(check.severity),
        "confidence": str(check.confidence),
        "evidence": check.evidence,
        "since": check.since,
        "formerly": list(check.formerly),
        "options": {name: _plain(value) for name, value in check.options.items()},
        "title": check.title,
    }


def _plain(value: object) -> object:
    if isinstance(value, (tuple, list, frozenset, set)):
        return [_plain(one) for one in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def _explain(options: argparse.Namespace) -> int:
    from pytest_mlbreaks import pages, taxonomy

    packs = _packs()
    name = options.id.rpartition("/")[2]
    check = packs.check(name)
    if check is not None:
        text = pages.page_text(check)
        if text is None:
            raise UsageError(f"the check {check.id} has no page")
        _show(f"{text.rstrip()}\n\n{_footer(check)}\n", raw=options.raw)
        return CLEAN
    category = taxonomy.categories().get(name)
    if category is None:
        known = [check.id for check in packs.checks] + list(taxonomy.categories())
        raise UsageError(f"no check or category {options.id!r}{nearest(name, known)}")
    _show(_category_text(category, packs), raw=options.raw)
    return CLEAN


def _footer(check: Check) -> str:
    from pytest_mlbreaks.reporters import SEPARATOR

    facts = [
        f"`{check.category}/{check.id}`",
        f"severity {check.severity}, confidence {check.confidence} at most",
        f"{check.evidence} evidence",
        f"since {check.since}",
    ]
    options = "".join(f"\n- Option `{name}`, by default `{value!r}`" for name, value in check.options.items())
    return f"---\n\n{SEPARATOR.join(facts)}\n{options}"


def _category_text(category: Category, packs: Packs) -> str:
    ml, distributed = category.axis.ml, category.axis.distributed
    share = (
        f"about {category.prior:.0%} of outages (our estimate)" if category.rank else "not among the study's 19 causes"
    )
    lines = [
        f"# {category.name}",
        "",
        category.why,
        "",
        f"- ML axis: {ml.value} of 5 ({ml.basis})",
        f"- Distributed axis: {distributed.value} of 5 ({distributed.basis})",
        f"- Share: {share}",
        "",
        "## Checks",
        "",
    ]
    checks = [check for check in packs.checks if category.id in (check.category, *check.also)]
    lines += [f"- `{check.id}`: {check.title}" for check in checks] or ["None yet."]
    return "\n".join(lines) + "\n"


def _show(markdown: str, *, raw: bool) -> None:
    """Markdown, laid out where a terminal shows it."""
    if raw or not _terminal(sys.stdout):
        _say(markdown)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    named = _TITLED_FENCE.sub(r"`\3`:\n\n\1\2", markdown)  # laid out, a fence does not show its info string
    with _to_stdout():
        Console(no_color=not _color(), width=min(_width(), 100)).print(Markdown(named))


def _taxonomy(options: argparse.Namespace) -> int:
    from pytest_mlbreaks.taxonomy import categories

    packs = _packs()
    numbered = list(enumerate(categories().values(), start=1))
    lines = [_bold("Causes of outages by their two axes (numbers as in the table below)"), ""]
    lines.append(f"{'':>8}" + "".join(f"{f'distr. {column}':>13}" for column in range(1, 6)))
    for row in range(5, 0, -1):
        boxes = []
        for column in range(1, 6):
            here = [n for n, c in numbered if (c.axis.ml.value, c.axis.distributed.value) == (row, column)]
            boxes.append(",".join(map(str, here)) or ".")
        lines.append(f"{f'ml {row}':>8}" + "".join(f"{box:>13}" for box in boxes))
    width = max(len(category.id) for _, category in numbered)
    lines += ["", _bold(f"{'':>4}  {'category':<{width}}  {'ml':<4}{'distr.':<8}{'share':<7}{'checks':<8}name")]
    for number, category in numbered:
        ml, distributed = category.axis.ml, category.axis.distributed
        share = f"{category.prior:.0%}" if category.rank else "-"
        count = sum(check.category == category.id for check in packs.checks)
        marks = f"{ml.value}{_mark(ml.basis):<3}{distributed.value}{_mark(distributed.basis):<7}"
        lines.append(f"{number:>4}  {category.id:<{width}}  {marks}{share:<7}{count or '.':<8}{category.name}")
    lines += [
        "",
        "ml: 1 not ML, 5 ML. distr.: 1 one machine, 5 between systems.",
        "* a position on the side that the study states; ~ inferred by us (`mlbreaks explain CATEGORY` says why).",
        "Shares are estimates: a series fitted to the study's totals (96 outages, the largest cause 15).",
        'Source: D. Papasian, T. Underwood, "How ML Breaks", USENIX OpML 2020.',
    ]
    _say("\n".join(lines) + "\n")
    return CLEAN


def _mark(basis: str) -> str:
    return "*" if basis == "stated" else "~"


def _bold(text: str) -> str:
    return f"\x1b[1m{text}\x1b[0m" if _color() else text


def nearest(name: str, known: Sequence[str]) -> str:
    """``; did you mean 'x'?``, or "" where nothing is near."""
    import difflib

    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


# ---------------------------------------------------------------------------------------------- writing checks


def _new(options: argparse.Namespace) -> int:
    from pytest_mlbreaks import new

    packs = _packs()
    try:
        written = new.write(options.id, packs, Path(options.pack) if options.pack else None)
    except new.NewError as error:
        raise UsageError(str(error)) from error
    _say("".join(f"{path}\n" for path in written))
    return CLEAN


def _pages(options: argparse.Namespace) -> int:
    packs = _packs()
    checks = list(packs.checks)
    if options.checks:
        known = [check.id for check in checks]
        found = {name: packs.check(name.rpartition("/")[2]) for name in options.checks}
        for name, check in found.items():
            if check is None:
                raise UsageError(f"no check {name!r}{nearest(name, known)}")
        checks = [check for check in found.values() if check is not None]
    problems = _problems_of(checks, packs, write=options.write)
    for identifier, told in problems.items():
        _say("".join(f"{identifier}: {problem}\n" for problem in told))
    wrong = sum(bool(told) for told in problems.values())
    noun = "page" if len(checks) == 1 else "pages"
    _say(f"{len(checks)} {noun}, {wrong} with problems\n")
    return FINDINGS if wrong else CLEAN


def _problems_of(checks: Sequence[Check], packs: Packs, *, write: bool) -> Mapping[str, list[str]]:
    from pytest_mlbreaks import pages, testing

    problems = {}
    for check in checks:
        if write:
            try:
                pages.write_outputs(check, packs)
            except (pages.PageError, OSError) as error:
                problems[check.id] = [str(error)]
                continue
        problems[check.id] = testing.page_problems(check, packs=packs)
    return problems
