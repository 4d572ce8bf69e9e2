"""What a run does: the configuration and the command line together, and the analysis that they ask for.

The command decides over the nearest configuration, and that over what it extends. The plugin and the command mean the
same by it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from pytest_mlbreaks import __version__, engine, selection
from pytest_mlbreaks.check import Check, Severity
from pytest_mlbreaks.config.files import DiskFiles, Files, joined
from pytest_mlbreaks.config.load import Settings, load
from pytest_mlbreaks.config.nodes import ConfigError
from pytest_mlbreaks.config.schema import PipelineSettings, nearest
from pytest_mlbreaks.engine import Examined, Means, Progress
from pytest_mlbreaks.globs import Globs
from pytest_mlbreaks.judge.apply import Trace
from pytest_mlbreaks.judge.baseline import Baseline, BaselineError, parse
from pytest_mlbreaks.judge.policy import Policy
from pytest_mlbreaks.judge.previews import previews
from pytest_mlbreaks.link.environments import Environments
from pytest_mlbreaks.model import Diagnostic, Place
from pytest_mlbreaks.packs import Packs
from pytest_mlbreaks.report import Outcome, Read, Recognised, Report, ReportedFinding, Result, Share
from pytest_mlbreaks.tree import PartTree, ReadError, Tree

LeftOut = Callable[[str], tuple[str, str] | None]

EXCLUDED = "left out by the configuration (exclude)"


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a command line says, and the configuration does not decide. *baseline*: False for none at all."""

    select: Sequence[str] = ()
    ignore: Sequence[str] = ()
    fail_on: str | None = None
    config: Path | None = None
    baseline: Path | bool | None = None
    pipeline: str | None = None


@dataclasses.dataclass(frozen=True)
class Plan:
    """A run: *checks* and why they are not all (*partial*; None: they are), the threshold, and how findings are judged.

    *pipelines* are the parts of the repository that are read, each as a tree of its own; none: all of it is one.
    """

    packs: Packs
    settings: Settings
    checks: tuple[Check, ...]
    partial: str | None
    threshold: Severity | None
    policy: Policy
    pipelines: tuple[PipelineSettings, ...]
    notes: tuple[Diagnostic, ...]

    def report(
        self,
        tree: Tree,
        *,
        checks: Sequence[Check] | None = None,
        progress: Progress | None = None,
        means: Means | None = None,
        each: bool = False,
    ) -> Report:
        """What is to be said of *tree* by *checks* (those of the plan, if None); *means*: how it is read; *each*: one
        by one also of findings that are alike. Never raises for what the tree holds."""
        return self.look(tree, checks=checks, progress=progress, means=means, each=each).report

    def look(
        self,
        tree: Tree,
        *,
        checks: Sequence[Check] | None = None,
        progress: Progress | None = None,
        means: Means | None = None,
        each: bool = False,
    ) -> Examined:
        """The same report, with the linked pipelines that it is about (one, or those that the configuration names) and
        what each check looked at."""
        chosen = self.checks if checks is None else tuple(checks)
        globs = Globs(self.settings.exclude)
        whole = PartTree(tree, _excluded(globs)) if globs else tree
        if self.pipelines:
            parts = [self._examined(whole, chosen, progress, means, one) for one in self.pipelines]
            examined = _together(parts)
        else:
            examined = self._examined(whole, chosen, progress, means, None)
        report = engine.judged(examined, self.packs, self.policy, each=each)
        outside = [*self._outside(tree, whole)]
        read = msgspec.structs.replace(report.read, not_read=(*report.read.not_read, *outside))
        diagnostics = tuple(sorted({*report.diagnostics, *self.notes}, key=lambda d: (d.place.sort_key, d.message)))
        report = msgspec.structs.replace(report, diagnostics=diagnostics, read=read, partial=self.partial)
        return dataclasses.replace(examined, report=report)

    def _examined(
        self,
        tree: Tree,
        checks: Sequence[Check],
        progress: Progress | None,
        means: Means | None,
        part: PipelineSettings | None,
    ) -> Examined:
        """The examination of the pipeline *part*, or of all of the tree."""
        told = self.settings.environments
        production, others = told.production, told.not_production
        home = ""
        if part is not None:
            tree = PartTree(tree, _outside_of(part))
            production = production.joined(part.environments.production)
            others = others.joined(part.environments.not_production)
            home = part.root
            means = dataclasses.replace(means, part=part.name) if means is not None else None
        examined = engine.examine(
            tree,
            self.packs,
            checks=checks,
            options=self.settings.options,
            partial=self.partial,
            progress=progress,
            environments=Environments(production, others),
            home=home,
            means=means,
        )
        return examined if part is None else _of_pipeline(examined, part)

    def _outside(self, tree: Tree, whole: Tree) -> Iterator[Recognised]:
        """What the configuration keeps from being read."""
        excluded = len(tree.paths()) - len(whole.paths())
        if excluded:
            yield Recognised("files", excluded, EXCLUDED)
        if self.pipelines:
            tests = [_outside_of(one) for one in self.pipelines]
            outside = sum(all(test(path) is not None for test in tests) for path in whole.paths())
            if outside:
                what = "this pipeline" if len(self.pipelines) == 1 else "the pipelines"
                yield Recognised("other files", outside, f"outside of {what}, as the configuration has it")


def make(packs: Packs, files: Files, root: Path, start: str, asked: Asked) -> Plan:
    """The plan of a run on the tree of *files*, whose folder is *root*; the configuration is looked for from the folder
    *start* of it upwards. Raises ConfigError and SelectionError."""
    settings = load(packs, files, root, start=start, given=asked.config)
    refused = () if asked.select else sorted(selection.named(packs, asked.ignore) & set(settings.locked))
    notes = [
        Diagnostic(Place("."), "warning", f"{one} is locked by {settings.locked[one]}: it can't be ignored", "settings")
        for one in refused
    ]
    checks, partial = selection.choose(
        packs,
        asked.select,
        asked.ignore,
        selected=settings.select,
        ignored=settings.ignore,
        locked=settings.locked,
    )
    own = [check for check in packs.checks if check.module.partition(".")[0] in packs.own]
    new, capped = previews(own, running=__version__, as_of=settings.checks_as_of)
    policy = Policy(
        ignores=settings.ignores,
        locked=settings.locked,
        baseline=_baseline(files, root, settings, asked),
        previews=new,
        capped=capped,
    )
    pipelines = _pipelines(settings, asked.pipeline)
    if asked.pipeline is not None:
        alone = f"only the pipeline {asked.pipeline!r} was read"
        partial = f"{partial}; {alone}" if partial else alone
    threshold = selection.parse_threshold(asked.fail_on or settings.fail_on or "high")
    return Plan(packs, settings, checks, partial, threshold, policy, pipelines, (*settings.notes, *notes))


def _pipelines(settings: Settings, name: str | None) -> tuple[PipelineSettings, ...]:
    if name is None:
        return settings.pipelines
    found = tuple(one for one in settings.pipelines if one.name == name)
    if not found:
        names = [one.name for one in settings.pipelines]
        why = nearest(name, names) or f" (there are {', '.join(names)})" if names else ": the configuration names none"
        raise selection.SelectionError(f"no pipeline {name!r}{why}")
    return found


def _baseline(files: Files, root: Path, settings: Settings, asked: Asked) -> Baseline | None:
    """The baseline of the command line, else of the configuration. Raises ConfigError."""
    if asked.baseline is False:
        return None
    if isinstance(asked.baseline, Path):
        given = os.path.abspath(asked.baseline)
        shown = Path(os.path.realpath(given))
        top = os.path.realpath(root)
        name = shown.relative_to(top).as_posix() if shown.is_relative_to(top) else str(asked.baseline)
        return _parsed(DiskFiles(Path.cwd()), given, Place(name), name)
    if settings.baseline is None:
        return None
    place = settings.origin("baseline")[-1]
    path = joined(files, "", settings.baseline) if files.inside else None
    if path is None:
        raise ConfigError(place, f"'baseline': {settings.baseline!r} is no file of this repository")
    return _parsed(files, path, place, path)


def _parsed(files: Files, path: str, place: Place, name: str) -> Baseline:
    try:
        data = files.read(path)
        if data is None:
            raise ConfigError(place, f"the baseline {name} is not there; `mlbreaks baseline` writes it")
        return parse(name, data)
    except (ReadError, BaselineError) as error:
        raise ConfigError(place, f"the baseline {name} {error}") from error


def _excluded(globs: Globs) -> LeftOut:
    def left_out(path: str) -> tuple[str, str] | None:
        if globs.file(path) is None:
            return None
        top, folder = path, path.rpartition("/")[0]
        while folder and globs.folder(folder) is not None:
            top, folder = folder, folder.rpartition("/")[0]
        return top, EXCLUDED

    return left_out


def _outside_of(part: PipelineSettings) -> LeftOut:
    """What is not in the pipeline *part*: neither below its root nor shared with it."""
    shared = Globs(part.shared)
    within = f"{part.root}/" if part.root else ""
    reason = f"outside of the pipeline {part.name!r}"

    def left_out(path: str) -> tuple[str, str] | None:
        if path.startswith(within) or shared.file(path) is not None:
            return None
        return path, reason

    return left_out


# ------------------------------------------------------------------------------------------------ several pipelines


def _of_pipeline(examined: Examined, part: PipelineSettings) -> Examined:
    """The examination with the pipeline's name in each finding, and in the fingerprints of those below its root: two
    pipelines may hold the same name for different things, and one of them must not be accepted by the other's baseline.
    """
    renamed: dict[str, str] = {}
    within = f"{part.root}/" if part.root else ""

    def named(finding: ReportedFinding) -> ReportedFinding:
        print_ = finding.fingerprint
        if finding.place.path.startswith(within):
            print_ = renamed[print_] = _salted(part.name, print_)
        return msgspec.structs.replace(finding, pipeline=part.name, fingerprint=print_)

    results = tuple(
        msgspec.structs.replace(result, findings=tuple(map(named, result.findings)))
        for result in examined.report.results
    )
    traces = tuple(_renamed(trace, part.name, renamed) for trace in examined.traces)
    return dataclasses.replace(
        examined, report=msgspec.structs.replace(examined.report, results=results), traces=traces
    )


def _renamed(trace: Trace, name: str, renamed: dict[str, str]) -> Trace:
    former = {
        renamed.get(print_, print_): tuple(_salted(name, one) if print_ in renamed else one for one in earlier)
        for print_, earlier in trace.former.items()
    }
    return dataclasses.replace(trace, former=former)


def _salted(name: str, fingerprint: str) -> str:
    return hashlib.sha256(f"{name}\n{fingerprint}".encode(errors="backslashreplace")).hexdigest()[:32]


def _together(parts: Sequence[Examined]) -> Examined:
    """One examination of several; a finding in a file that several pipelines share is told once, for all of them."""
    reports = [part.report for part in parts]
    results = tuple(
        _result([report.results[number] for report in reports]) for number in range(len(reports[0].results))
    )
    diagnostics = dict.fromkeys(d for report in reports for d in report.diagnostics)
    report = msgspec.structs.replace(
        reports[0],
        results=results,
        diagnostics=tuple(sorted(diagnostics, key=lambda d: d.place.sort_key)),
        read=_read([report.read for report in reports]),
        seconds=sum(report.seconds for report in reports),
    )
    marked = {path: text for part in parts for path, text in part.marked.items()}
    unread = [part.unread for part in parts]
    # what one of them read, or could not read for a reason of its own, is not beyond all of them
    beyond = {path: reason for path, reason in unread[0].items() if all(path in other for other in unread)}
    traces = tuple(trace for part in parts for trace in part.traces)
    return Examined(report, traces, marked, beyond, tuple(one for part in parts for one in part.pipelines))


def _result(results: Sequence[Result]) -> Result:
    outcomes: tuple[Outcome, ...] = ("failed", "findings", "clean", "not-applicable")
    outcome = next(one for one in outcomes if any(result.outcome == one for result in results))
    reasons = dict.fromkeys(r.reason for r in results if r.reason and r.outcome == outcome)
    found: dict[tuple[Place, str], ReportedFinding] = {}
    for finding in (finding for result in results for finding in result.findings):
        key = (finding.place, finding.message)
        before = found.get(key)
        of = f"{before.pipeline}, {finding.pipeline}" if before is not None else finding.pipeline
        found[key] = msgspec.structs.replace(before or finding, pipeline=of)
    return msgspec.structs.replace(
        results[0],
        outcome=outcome,
        judged=sum(result.judged for result in results),
        unjudged=tuple(dict.fromkeys(subject for result in results for subject in result.unjudged)),
        reason="; ".join(reasons),
        seconds=sum(result.seconds for result in results),
        findings=tuple(sorted(found.values(), key=lambda f: f.place.sort_key)),
    )


def _read(reads: Sequence[Read]) -> Read:
    files: dict[str, int] = {}
    kinds: dict[tuple[str, str], int] = {}
    for read in reads:
        for kind, count in read.files.items():
            files[kind] = files.get(kind, 0) + count
        for one in read.not_read:
            kinds[one.kind, one.reason] = kinds.get((one.kind, one.reason), 0) + one.files
    return Read(
        files=dict(sorted(files.items(), key=lambda item: -item[1])),
        not_read=tuple(Recognised(kind, count, reason) for (kind, reason), count in kinds.items()),
        entry_files=_share([read.entry_files for read in reads]),
        values=_share([read.values for read in reads]),
    )


def _share(shares: Sequence[Share]) -> Share:
    reasons: dict[str, int] = {}
    for share in shares:
        for reason, count in share.reasons:
            reasons[reason] = reasons.get(reason, 0) + count
    ordered = tuple(sorted(reasons.items(), key=lambda item: -item[1]))
    return Share(sum(share.known for share in shares), sum(share.unknown for share in shares), ordered)
