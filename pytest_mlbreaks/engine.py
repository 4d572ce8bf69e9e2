"""The engine: discover, read, link, check. What it has to say is a `Report`; how it is said is a reporter's."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import itertools
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pytest_mlbreaks import __version__, recognised, taxonomy
from pytest_mlbreaks.beyond import Foreign
from pytest_mlbreaks.cache import FactsCache, digest_of, namespace, open_cache
from pytest_mlbreaks.check import Check, Confidence, Finding, Rule, Severity, Unjudged
from pytest_mlbreaks.file_facts import FileCodec, FileFacts, read_file, told_crash
from pytest_mlbreaks.judge import alike
from pytest_mlbreaks.judge import apply as judging
from pytest_mlbreaks.judge.inline import MARK
from pytest_mlbreaks.judge.policy import Policy
from pytest_mlbreaks.kustomize import deployed
from pytest_mlbreaks.link import link, summarise
from pytest_mlbreaks.link.environments import Environments
from pytest_mlbreaks.model import Diagnostic, Fact, Pipeline, Place, Process
from pytest_mlbreaks.model.facts import Autoscaler, ConfigObject, Container, NetworkService, VolumeClaim, Workload
from pytest_mlbreaks.model.near import deployment
from pytest_mlbreaks.packs import Packs
from pytest_mlbreaks.pages import what_to_do
from pytest_mlbreaks.reading import Reader, Source, Unreadable
from pytest_mlbreaks.report import (
    AxisPosition,
    Read,
    Related,
    Report,
    ReportedFinding,
    Result,
    UnjudgedSubject,
    fingerprint_of,
)
from pytest_mlbreaks.secrets import redact_url
from pytest_mlbreaks.tree import ReadError, Tree
from pytest_mlbreaks.workers import MOST, WORTH_BYTES, Answer, Hello, available, read_with_workers

Progress = Callable[[str, int, int], None]
"""Told now and then: the stage (``reading``, ``linking``, ``checking``), how much of it is done, and of how much."""

MOST_SAID = 1000
"""What one check may say of one subject; beyond it nobody reads on."""

Options = Mapping[str, Mapping[str, Any]]
"""Options of checks by check id."""


@dataclasses.dataclass(frozen=True)
class Reading:
    """What reading a tree gave. *marked*: the files that may hold suppressions, by path."""

    facts: tuple[Fact, ...]
    diagnostics: tuple[Diagnostic, ...]
    files: dict[str, int]
    unread: Mapping[str, str]
    marked: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Examined:
    """A report before anything is said of suppressions and the baseline, and what that is said by. *pipelines* are what
    the report is about."""

    report: Report
    traces: tuple[judging.Trace, ...]
    marked: Mapping[str, str]
    unread: Mapping[str, str]
    pipelines: tuple[Pipeline, ...] = ()


def analyse(
    tree: Tree,
    packs: Packs,
    *,
    checks: Sequence[Check] | None = None,
    options: Options | None = None,
    partial: str | None = None,
    progress: Progress | None = None,
    environments: Environments | None = None,
    policy: Policy | None = None,
) -> Report:
    """Read *tree* as one pipeline, run *checks* (all that are on by default, if None) over it, and judge the findings.

    *partial* is the reason why *checks* are not all, if so; *environments* tell which names are of production, *policy*
    what is suppressed besides what comments in the tree suppress. Never raises for anything that the tree holds: what
    can't be read is a diagnostic, a check that crashes is a failed result.
    """
    examined = examine(
        tree, packs, checks=checks, options=options, partial=partial, progress=progress, environments=environments
    )
    return judged(examined, packs, policy or Policy())


def judged(examined: Examined, packs: Packs, policy: Policy, *, each: bool = False) -> Report:
    """The report of *examined* with what *policy* and the comments in the tree say of its findings. Those that are
    alike are told as one, unless *each* is to be told."""
    known = judging.Known.of(packs.checks)
    report = judging.apply(examined.report, examined.traces, examined.marked, examined.unread, policy, known)
    return report if each else alike.together(report)


def examine(
    tree: Tree,
    packs: Packs,
    *,
    checks: Sequence[Check] | None = None,
    options: Options | None = None,
    partial: str | None = None,
    progress: Progress | None = None,
    environments: Environments | None = None,
    home: str = "",
    means: Means | None = None,
) -> Examined:
    """As `analyse`, without judging the findings. *home* is the folder that somebody's pipeline is in: that the folder
    itself is called ``examples`` does not make it an example. *means*: how the tree is read."""
    started = time.perf_counter()
    tell = progress or _silent
    chosen = default_checks(packs) if checks is None else checks
    with _uncollected():
        reading = read(tree, packs, tell, means)
        tell("linking", 0, 1)
        pipeline = build(tree, reading, environments, means.others if means is not None else ())
        results = []
        traces = []
        own: Own = {}
        for number, check in enumerate(chosen):
            tell("checking", number, len(chosen))
            result, trace = look(check, pipeline, (options or {}).get(check.id, {}), home, own)
            results.append(result)
            traces.append(trace)
    charts = recognised.chart_folders(tree.paths())
    entry_files, values = summarise(pipeline)
    report = Report(
        version=__version__,
        packs=packs.versions,
        root=tree.root,
        revision=tree.revision,
        partial=partial,
        results=tuple(results),
        diagnostics=_in_order(*tree.diagnostics, *reading.diagnostics),
        read=Read(
            files=reading.files,
            not_read=(
                *recognised.not_read(tree.paths(), charts),
                *recognised.idle_notebooks(len(pipeline.idle)),
                *recognised.local_files(len(pipeline.local)),
            ),
            entry_files=entry_files,
            values=values,
        ),
        seconds=time.perf_counter() - started,
    )
    return Examined(report, tuple(traces), reading.marked, reading.unread, (pipeline,))


@contextlib.contextmanager
def _uncollected() -> Iterator[None]:
    """No collection of garbage: facts and trees of nodes hold none, and walking them again and again costs more than
    linking them. What is there at the end counts as old, or the first collection would walk all of it."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            if not gc.get_freeze_count():  # else somebody froze objects, which must stay so
                gc.freeze()
                gc.unfreeze()  # to the oldest generation
            gc.enable()


def default_checks(packs: Packs) -> tuple[Check, ...]:
    """The checks that are on unless asked otherwise: all but those of low confidence."""
    return tuple(check for check in packs.checks if check.confidence > Confidence.LOW)


def build(
    tree: Tree, reading: Reading, environments: Environments | None = None, others: Sequence[Foreign] = ()
) -> Pipeline:
    """The linked pipeline of what was read, and of facts of *others*; *environments* tell which names are of
    production."""
    facts = (*deployed(tree, reading.facts), *(fact for other in others for fact in other.facts))
    pipeline = Pipeline(facts, tree.paths(), reading.unread)
    pipeline.others = frozenset(other.name for other in others)
    link(pipeline, environments)
    return pipeline


@dataclasses.dataclass(frozen=True)
class Means:
    """By what means a tree is read: whether with the cache of its facts, for which pipeline of it (*part*), and by how
    many processes (None: as many as are worth it); and facts of *others*, which are linked with it."""

    cached: bool = False
    part: str = ""
    processes: int | None = None
    others: tuple[Foreign, ...] = ()


def read(tree: Tree, packs: Packs, progress: Progress, means: Means | None = None) -> Reading:
    """All facts of *tree*, in reading order, what kept us from reading, and how many files of which kind were read."""
    means = means or Means(processes=1)
    with _uncollected():
        reading = _TreeReading(tree, packs, progress)
        cache = open_cache(tree.folder, means.part, packs) if means.cached and tree.folder is not None else None
        claims = reading.claim(cache.claims if cache is not None else {})
        if cache is not None:
            cache.claims = claims
            reading.recall(cache)
        reading.read(means.processes, cache)
        if cache is not None:
            cache.save()
        return reading.result()


class _Claims:
    """Which of some readers want a path. What several of them claim by, one and the same function, is asked once."""

    def __init__(self, readers: Iterable[Reader[Any]]) -> None:
        self._readers = list(readers)
        self._asked = list(dict.fromkeys(reader.claims for reader in self._readers))
        self._known: dict[tuple[Callable[[str], bool], ...], Sequence[Reader[Any]]] = {}
        self.complete = True
        """Whether no reader failed."""

    def of(self, path: str, failed: Callable[[str, Reader[Any], BaseException], None]) -> Sequence[Reader[Any]]:
        """The readers that want *path*, in their order; one that fails is told to *failed*, and not asked again."""
        try:
            wanting = tuple([claims for claims in self._asked if claims(path)])
        except (Exception, SystemExit):
            return self._one_by_one(path, failed)
        found = self._known.get(wanting)
        if found is None:
            found = self._known[wanting] = [reader for reader in self._readers if reader.claims in wanting]
        return found

    def _one_by_one(
        self, path: str, failed: Callable[[str, Reader[Any], BaseException], None]
    ) -> Sequence[Reader[Any]]:
        wanting = []
        for reader in tuple(self._readers):
            try:
                if reader.claims(path):
                    wanting.append(reader)
            except (Exception, SystemExit) as error:
                self._readers.remove(reader)
                failed(path, reader, error)
        self._asked = list(dict.fromkeys(reader.claims for reader in self._readers))
        self._known.clear()
        self.complete = False
        return wanting


_PARSED = (".py", ".ipynb", ".yaml", ".yml", ".sql")
"""Endings of what takes long to parse; of locks and data, most is skipped."""


class _TreeReading:
    """The reading of one tree, in steps."""

    def __init__(self, tree: Tree, packs: Packs, progress: Progress) -> None:
        self._tree = tree
        self._packs = packs
        self._progress = progress
        self._wanted = packs.wanted()
        self._claimed: dict[str, Sequence[Reader[Any]]] = {}
        self._said: dict[str, FileFacts[Any]] = {}
        #: That a file is a template is told by another one, the chart's: no worker knows it.
        self._templates: set[str] = set()
        self._diagnostics: list[Diagnostic] = []
        self._unread: dict[str, str] = dict(tree.beyond)

    def claim(self, known: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        """Ask of each path which readers want it, and say so by their names: templates and the data of tests aside, and
        none if a reader failed. *known*: what was said before, which is not asked again."""
        paths = self._tree.paths()
        charts = recognised.chart_folders(paths)
        readers = list(self._packs.readers)
        by_name = {reader.name: reader for reader in readers}
        of_templates = _Claims(reader for reader in readers if reader.templates)
        of_others = _Claims(reader for reader in readers if not reader.templates)
        told: dict[str, tuple[str, ...]] = {}
        for path in paths:
            if recognised.is_test_data(path):
                self._unread[path] = "data of tests"
                continue
            in_templates = recognised.in_chart_templates(path, charts)
            if in_templates:
                self._unread[path] = "a Helm template"
                self._templates.add(path)
                claiming = of_templates.of(path, self._failed)
            else:
                names = known.get(path)
                if names is not None and all(name in by_name for name in names):
                    claiming = [by_name[name] for name in names]
                else:
                    claiming = of_others.of(path, self._failed)
                    names = tuple(reader.name for reader in claiming)
                told[path] = names
            if claiming:
                self._claimed[path] = claiming
        return told if of_templates.complete and of_others.complete else {}

    def _failed(self, path: str, reader: Reader[Any], error: BaseException) -> None:
        message = f"reader {reader.name!r} failed, nothing more is read by it: {told_crash(error)}"
        self._diagnostics.append(Diagnostic(Place(path), "error", message))

    def recall(self, cache: FactsCache) -> None:
        """Take what *cache* knows of files that are as they were."""
        for path in self._claimed:
            template = path in self._templates
            status = self._tree.status(path)
            said = cache.unchanged(path, status, template=template)
            if said is None and cache.knows(path, template=template):
                with contextlib.suppress(ReadError):
                    said = cache.same(path, status, digest_of(self._tree.read(path)), template=template)
            if said is not None:
                self._said[path] = said

    def read(self, processes: int | None, cache: FactsCache | None) -> None:
        """Read all others, by as many *processes*, and tell *cache*."""
        waiting = [path for path in self._claimed if path not in self._said]
        codec = FileCodec(self._packs.facts)
        done = 0

        def count() -> None:
            nonlocal done
            if done % 64 == 0:
                self._progress("reading", done, len(waiting))
            done += 1

        def here(path: str) -> None:
            count()
            try:
                data = self._tree.read(path)
            except ReadError as error:
                self._diagnostics.append(Diagnostic(Place(path), "error", str(error)))
                self._unread[path] = str(error)
                return
            said = read_file(Source(path, data), self._claimed[path], self._wanted)
            self._said[path] = said
            if cache is not None:
                template = path in self._templates
                cache.remember(path, self._tree.status(path), digest_of(data), codec.encode(said), template=template)

        def there(path: str, answer: Answer) -> None:
            said = codec.decode(path, answer.said) if answer.said is not None else None
            if said is None:
                here(path)
                return
            count()
            self._said[path] = said
            if cache is not None:
                cache.remember(path, self._tree.status(path), answer.digest, answer.said)

        workers = self._workers(waiting, processes)
        if workers and self._tree.folder is not None:
            plain = [path for path in waiting if path not in self._templates]
            name = namespace(self._packs, self._wanted)
            hello = Hello(self._tree.folder, name, tuple(self._wanted.calls))
            read_with_workers(hello, workers, plain, here, there)
            waiting = [path for path in waiting if path in self._templates]
        for path in waiting:
            here(path)

    def _workers(self, paths: Sequence[str], processes: int | None) -> int:
        """How many processes besides this one are worth it."""
        if processes is not None:
            return processes - 1
        size = sum((self._tree.status(path) or (0,))[0] for path in paths if path.endswith(_PARSED))
        return min(available(), MOST) - 1 if size >= WORTH_BYTES else 0

    def result(self) -> Reading:
        """What was said, in reading order."""
        facts: list[Fact] = []
        files: Counter[str] = Counter()
        marked: dict[str, str] = {}
        for path in self._claimed:
            said = self._said.get(path)
            if said is None:
                continue
            facts.extend(said.facts)
            files.update(said.kinds)
            for told in said.diagnostics:
                self._diagnostics.append(told)
                if told.level == "error":
                    self._unread[path] = told.message
            if said.marked:
                with contextlib.suppress(ReadError, Unreadable):
                    text = Source(path, self._tree.read(path)).text()
                    if MARK in text:
                        marked[path] = text
        counted = dict(files.most_common())
        return Reading(tuple(facts), tuple(self._diagnostics), counted, self._unread, marked)


def judge(check: Check, pipeline: Pipeline, options: Mapping[str, Any]) -> Result:
    """Run one check over all its subjects."""
    return look(check, pipeline, options)[0]


Own = dict[type, tuple[list[Any], str]]
"""By type, what of a pipeline may be a subject, and the reason where nothing is: many checks ask for the same."""


def look(
    check: Check, pipeline: Pipeline, options: Mapping[str, Any], home: str = "", own: Own | None = None
) -> tuple[Result, judging.Trace]:
    """Run one check over all its subjects; what it looked at stands in the trace. *own* is what earlier checks of the
    same pipeline and *home* have asked for, and is added to."""
    subjects: list[tuple[str, Place, bool]] = []
    former: dict[str, tuple[str, ...]] = {}
    result = _look(check, pipeline, options, home, {} if own is None else own, subjects, former)
    return result, judging.Trace(check.id, tuple(subjects), former)


def _look(
    check: Check,
    pipeline: Pipeline,
    options: Mapping[str, Any],
    home: str,
    own: Own,
    looked_at: list[tuple[str, Place, bool]],
    former: dict[str, tuple[str, ...]],
) -> Result:
    started = time.perf_counter()
    unknown = sorted(set(options) - set(check.options))
    if unknown:
        return _result(check, "failed", started, reason=f"it has no option {unknown[0]!r}")
    found: list[tuple[Finding, str]] = []
    unjudged: list[UnjudgedSubject] = []
    judged = 0
    reasons: list[str] = []
    crashes: list[str] = []
    for rule in check.rules:
        given = {name: value for name, value in options.items() if name in rule.options}
        try:
            subjects, reason = _subjects(rule, pipeline, home, own)
        except (Exception, SystemExit) as error:
            crashes.append(told_crash(error))
            continue
        if reason:
            reasons.append(reason)
        for subject in subjects:
            try:
                says = [_sound(said) for said in itertools.islice(rule.find(subject, pipeline, **given), MOST_SAID)]
                says = [said for said in says if not _not_ours(said.at.path, pipeline)]
                overlay = _overlay(subject, pipeline)
                says = [_unless_passed_over(said, overlay, pipeline) for said in says]
                findings = [
                    (_as_deployed(said, overlay), str(subject.identity)) for said in says if isinstance(said, Finding)
                ]
            except (Exception, SystemExit) as error:
                crashes.append(f"{told_crash(error)}, on {subject.place}")
                continue
            doubts = [UnjudgedSubject(said.at, said.reason) for said in says if isinstance(said, Unjudged)]
            found.extend(findings)
            unjudged.extend(doubts)
            judged += bool(findings) or not doubts
            looked_at.append((str(subject.identity), subject.place, not doubts))
    reported = _report(check, _once_for_all(found), former)
    counts: dict[str, Any] = {"judged": judged, "unjudged": tuple(unjudged), "findings": reported}
    if crashes:
        more = f" (and {len(crashes) - 1} more)" if len(crashes) > 1 else ""
        return _result(check, "failed", started, reason=crashes[0] + more, **counts)
    if not judged and not unjudged:
        return _result(check, "not-applicable", started, reason="; ".join(dict.fromkeys(reasons)))
    if found:
        return _result(check, "findings", started, **counts)
    if judged:
        return _result(check, "clean", started, **counts)
    commonest = Counter(doubt.reason for doubt in unjudged).most_common(1)[0][0]
    reason = f"none of {len(unjudged)} could be judged: {commonest}"
    return _result(check, "not-applicable", started, reason=reason, **counts)


def _overlay(subject: Any, pipeline: Pipeline) -> str:
    """The kustomization that deploys a subject made of several files; "" for any other."""
    held = pipeline.one(Workload, subject.workload) if isinstance(subject, Container) else subject
    held = held.workload if isinstance(held, Process) else held
    if not isinstance(held, Workload | ConfigObject | NetworkService | Autoscaler | VolumeClaim):
        return ""
    return deployment(held.scope) if held.scope != held.path else ""


def _unless_passed_over(said: Finding | Unjudged, overlay: str, pipeline: Pipeline) -> Finding | Unjudged:
    """*said*, or that it can't be told of a manifest which nobody is seen to apply."""
    reason = "" if overlay else pipeline.passed_over.get(said.at.path, "")
    return Unjudged(said.at, reason) if reason and isinstance(said, Finding) else said


_AS_DEPLOYED = "so it is deployed by this kustomization"


def _as_deployed(finding: Finding, overlay: str) -> Finding:
    """*finding* with the kustomization that makes its subject what it is."""
    if not overlay or any(place.path == overlay for place, _ in finding.because):
        return finding
    return dataclasses.replace(finding, because=(*finding.because, (Place(overlay, 1), _AS_DEPLOYED)))


def _once_for_all(found: list[tuple[Finding, str]]) -> list[tuple[Finding, str]]:
    """What several kustomizations take from one base is told once, with all of them."""
    told: dict[tuple[Place, str] | int, tuple[Finding, str]] = {}
    for index, (finding, identity) in enumerate(found):
        built = any(note == _AS_DEPLOYED for _, note in finding.because)
        key: tuple[Place, str] | int = (finding.at, finding.message) if built else index
        first = told.get(key)
        if first is None:
            told[key] = (finding, identity)
            continue
        because = tuple(dict.fromkeys((*first[0].because, *finding.because)))
        told[key] = (dataclasses.replace(first[0], because=because), first[1])
    return list(told.values())


def _sound(said: object) -> Finding | Unjudged:
    """What a check yields, if it is what a check may yield; else TypeError."""
    if isinstance(said, Finding | Unjudged):
        place: object = said.at
        about: tuple[object, ...] = said.about if isinstance(said, Finding) else ()
        if isinstance(place, Place) and all(isinstance(identity, str) for identity in about):
            return said
    raise TypeError("a check yields Finding and Unjudged, with a Place and identities that are text")


def _in_order(*diagnostics: Diagnostic) -> tuple[Diagnostic, ...]:
    """The diagnostics in reading order, each once: two formats of one file may say the same."""
    return tuple(sorted(dict.fromkeys(diagnostics), key=lambda d: d.place.sort_key))


def _result(check: Check, outcome: Any, started: float, **fields: Any) -> Result:
    seconds = round(time.perf_counter() - started, 6)
    return Result(check=check.id, category=check.category, outcome=outcome, seconds=seconds, **{"judged": 0, **fields})


def _subjects(rule: Rule[Any], pipeline: Pipeline, home: str, own: Own) -> tuple[list[Any], str]:
    """The subjects of a rule that are somebody's production, and the reason if there are none."""
    within = f"{home}/" if home else ""
    for needed in rule.given:
        if all(recognised.aside(fact.place.path.removeprefix(within)) for fact in pipeline.all(needed)):
            return [], f"no {_noun(needed)} in the tree"
    if rule.subject not in own:
        own[rule.subject] = _of_production(rule.subject, pipeline, within)
    subjects, reason = own[rule.subject]
    if rule.where is not None and subjects:
        subjects = [subject for subject in subjects if rule.where(subject, pipeline)]
        if not subjects:
            return [], f"no {_noun(rule.subject)} that it concerns"
    return subjects, reason


def _of_production(kind: type, pipeline: Pipeline, within: str) -> tuple[list[Any], str]:
    """What of a type is somebody's production, and the reason if nothing is."""
    every: Sequence[Any] = pipeline.all(kind)
    if pipeline.others:
        every = [subject for subject in every if not pipeline.is_elsewhere(subject.place.path)]
    if not every:
        return [], f"no {_noun(kind)} in the tree"
    own = [subject for subject in every if not recognised.aside(subject.place.path.removeprefix(within))]
    if not own:
        return [], f"the tree's {_noun(kind)} facts are all tests, examples or documentation"
    if pipeline.idle:
        own = [subject for subject in own if subject.place.path not in pipeline.idle]
        if not own:
            return [], f"the tree's {_noun(kind)} facts are all in notebooks that nothing runs"
    if pipeline.local:
        own = [subject for subject in own if subject.place.path not in pipeline.local]
        if not own:
            return [], f"the tree's {_noun(kind)} facts are all in files that say that they are for local use"
    return own, ""


def _not_ours(path: str, pipeline: Pipeline) -> bool:
    """Whether nothing is reported about a file: a notebook that nothing runs, a file that says that it is for local
    use, or one of another repository."""
    return path in pipeline.idle or path in pipeline.local or pipeline.is_elsewhere(path)


def _noun(kind: type) -> str:
    return getattr(kind, "called", "") or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.__name__).lower()


def _report(
    check: Check, found: Sequence[tuple[Finding, str]], former: dict[str, tuple[str, ...]]
) -> tuple[ReportedFinding, ...]:
    """The findings as they are reported; into *former* go the fingerprints that they would have under earlier ids."""
    axis = taxonomy.category(check.category).axis
    position = AxisPosition(axis.ml.value, axis.distributed.value)
    ordinals: Counter[tuple[str, ...]] = Counter()
    reported = []
    for finding, subject in _once(found):
        identity = (subject, *finding.about)
        ordinals[identity] += 1
        number = ordinals[identity]
        fingerprint = fingerprint_of(check.id, identity, number)
        if check.formerly:
            former[fingerprint] = tuple(fingerprint_of(name, identity, number) for name in check.formerly)
        message = f"{finding.message} ({finding.lowered})" if finding.lowered else finding.message
        reported.append(
            ReportedFinding(
                check=check.id,
                category=check.category,
                also=check.also,
                severity=Severity(min(check.severity, finding.severity or check.severity)),
                confidence=Confidence(min(check.confidence, finding.confidence or check.confidence)),
                axis=position,
                place=finding.at,
                message=_clean(message),
                because=tuple(Related(place, _clean(note)) for place, note in dict.fromkeys(finding.because)),
                fix=_clean(finding.fix) or what_to_do(check),
                fingerprint=fingerprint,
                about=tuple(_clean(one) for one in identity),
                group=finding.group,
                note=_clean(finding.note),
            )
        )
    return tuple(reported)


def _once(found: Sequence[tuple[Finding, str]]) -> list[tuple[Finding, str]]:
    """*found* in the order of places, a fault in one place once: it may be of two processes of one image."""
    ordered = sorted(found, key=lambda pair: pair[0].at.sort_key)
    once = {(finding.at, finding.message): (finding, subject) for finding, subject in reversed(ordered)}
    return list(reversed(once.values()))


def _clean(text: str) -> str:
    """*text* without secrets, and without what no encoding can say."""
    return redact_url(text).encode(errors="replace").decode()


def _silent(stage: str, done: int, total: int) -> None:
    """The progress of a run that nobody watches."""
