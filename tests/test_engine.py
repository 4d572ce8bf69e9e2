"""The engine: what becomes of what readers and checks say, and of those that fail."""

from __future__ import annotations

import gc
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pytest_mlbreaks import engine, packs, testing
from pytest_mlbreaks.check import Check, CheckError, Confidence, Finding, Severity, Unjudged, Verdict
from pytest_mlbreaks.model import Diagnostic, Environment, Fact, Pipeline, Place, Process
from pytest_mlbreaks.model.expr import Literal
from pytest_mlbreaks.model.facts import Constant, LockFile, Wait
from pytest_mlbreaks.reading import Format, Reader, Source, Unreadable, Wanted
from pytest_mlbreaks.report import Report, Result
from pytest_mlbreaks.tree import MemoryTree

Say = Callable[..., Iterator[Verdict]]
MODULE = "some_pack.push_order.some_check"


@pytest.fixture(autouse=True)
def module(monkeypatch: pytest.MonkeyPatch) -> None:
    """The module that the checks of these tests say they are of."""
    made = types.ModuleType(MODULE)
    made.__doc__ = "A title.\n\nMore."
    monkeypatch.setitem(sys.modules, MODULE, made)


def check_of(find: Say, subject: type = Constant, **over: Any) -> Check:
    """A check with one rule."""
    check = Check(MODULE, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="1")
    check.over(subject, **over)(find)
    return check


def judge(find: Say, *names: str, path: str = "a.py", options: dict[str, Any] | None = None, **over: Any) -> Result:
    """What a check with this rule says about a file of constants of these names, one a line."""
    facts = [constant(name, line, path) for line, name in enumerate(names, start=1)]
    return engine.judge(check_of(find, **over), Pipeline(facts, [path]), options or {})


def constant(name: str, line: int = 1, path: str = "a.py") -> Constant:
    """A constant."""
    return Constant(place=Place(path, line), name=name, value=Literal(1))


def bad(subject: Constant, pipeline: Pipeline) -> Iterator[Verdict]:
    """Finds names that start with bad; cannot judge those that start with maybe."""
    if subject.name.startswith("bad"):
        yield Finding(at=subject.place, message=f"{subject.name} is bad")
    if subject.name.startswith("maybe"):
        yield Unjudged(subject.place, "who knows")


# ----------------------------------------------------------------------------------------------------- outcomes


def test_findings() -> None:
    """A subject is judged, or not; findings come in reading order, with all that is known of them."""
    result = judge(bad, "good", "maybe", "bad_two", "bad_one")
    assert (result.outcome, result.judged, len(result.unjudged)) == ("findings", 3, 1)
    assert [(f.place.line, f.message) for f in result.findings] == [(3, "bad_two is bad"), (4, "bad_one is bad")]
    (first, _) = result.findings
    assert (first.check, first.category) == ("some-check", "push-order")
    assert (first.severity, first.confidence, first.level) == (Severity.HIGH, Confidence.MEDIUM, Severity.MEDIUM)
    assert (first.axis.ml, first.axis.distributed) == (1, 5)
    assert first.suppressed is None


def test_clean_needs_something_judged() -> None:
    """Clean only where a subject was judged; else not applicable, and why."""
    assert judge(bad, "good", "maybe").outcome == "clean"
    nothing = judge(bad)
    assert (nothing.outcome, nothing.reason) == ("not-applicable", "no constant in the tree")
    unsure = judge(bad, "maybe", "maybe_too")
    assert (unsure.outcome, unsure.judged) == ("not-applicable", 0)
    assert unsure.reason == "none of 2 could be judged: who knows"
    assert len(unsure.unjudged) == 2


def test_a_finding_wins_over_a_doubt() -> None:
    """A subject of which both are said was judged."""

    def both(subject: Constant, pipeline: Pipeline) -> Iterator[Verdict]:
        yield Unjudged(subject.place, "half of it")
        yield Finding(at=subject.place, message="m")

    result = judge(both, "x")
    assert (result.outcome, result.judged, len(result.unjudged)) == ("findings", 1, 1)


def test_where_and_given() -> None:
    """Subjects that do not concern the check are no subjects; an absence means something only where the given is."""

    def concerns(subject: Constant, pipeline: Pipeline) -> bool:
        return subject.name == "x"

    def absent(subject: Pipeline, pipeline: Pipeline) -> Iterator[Verdict]:
        yield Finding(at=subject.place, message="nothing is there")

    assert judge(bad, "bad", where=concerns).reason == "no constant that it concerns"
    assert judge(absent, "x", subject=Pipeline, given=(LockFile,)).reason == "no lock file in the tree"
    assert judge(absent, "x", subject=Pipeline, given=(Constant,)).outcome == "findings"


@pytest.mark.parametrize("path", ["tests/a.py", "docs/a.py", "examples/x/a.py", "test_a.py", "{{cookie}}/a.py"])
def test_what_is_nobodys_production_is_no_subject(path: str) -> None:
    """Tests, documentation, examples: no finding, and no clean bill either."""
    result = judge(bad, "bad", "good", path=path)
    assert (result.outcome, result.judged, result.findings) == ("not-applicable", 0, ())
    assert "tests, examples or documentation" in result.reason


def test_data_of_tests_is_not_read() -> None:
    """Not even where it is broken; that it is there is told."""
    files = {"testdata/a.yaml": "a: [", "testdata/b.py": "def f(:", "a.yaml": "a: ["}
    report = engine.analyse(MemoryTree(files), packs.load())
    assert {told.place.path for told in report.diagnostics} == {"a.yaml"}
    assert [(one.kind, one.files) for one in report.read.not_read] == [("data of tests", 2)]


def test_subjects_are_named_as_people_do() -> None:
    """In reasons, a fact type is called by its words, or by what it says that it is called."""

    def nothing(subject: Any, pipeline: Pipeline) -> Iterator[Verdict]:
        yield from ()

    assert judge(nothing, subject=Wait).reason == "no sensor that waits for another pipeline in the tree"
    assert judge(nothing, subject=Process).reason == "no process in the tree"


# ------------------------------------------------------------------------------------------------------ failures


def test_a_crash_is_a_failure_and_keeps_what_was_found() -> None:
    """Never a pass, also if other subjects went well; the error's own text is left out: it can hold a secret."""

    def crashes(subject: Constant, pipeline: Pipeline) -> Iterator[Verdict]:
        yield from bad(subject, pipeline)
        if subject.name == "crash":
            raise ValueError("hunter2")

    result = judge(crashes, "bad", "crash", "crash", "bad_too")
    assert (result.outcome, len(result.findings)) == ("failed", 2)
    assert result.reason.startswith("ValueError in crashes (test_engine.py, line ")
    assert result.reason.endswith("on a.py:2 (and 1 more)")
    assert "hunter2" not in result.reason


@pytest.mark.parametrize(
    "said",
    [
        "text",
        None,
        Finding(at="a.py", message="m"),  # type: ignore[arg-type]
        Finding(at=Place("a.py"), message="m", about=(1,)),  # type: ignore[arg-type]
        Unjudged(None, "r"),  # type: ignore[arg-type]
    ],
)
def test_what_a_check_may_not_say_is_a_failure(said: Any) -> None:
    """Anything but a Finding or Unjudged with a Place."""

    def says(subject: Constant, pipeline: Pipeline) -> Iterator[Verdict]:
        yield said

    assert judge(says, "x").outcome == "failed"


def test_a_crash_in_where_is_a_failure() -> None:
    """The look at which subjects a check concerns is a part of it."""

    def concerns(subject: Constant, pipeline: Pipeline) -> bool:
        raise KeyError("k")

    assert judge(bad, "bad", where=concerns).outcome == "failed"


def test_a_check_that_never_ends_ends() -> None:
    """What may be said of one subject is bounded."""

    def endless(subject: Constant, pipeline: Pipeline) -> Iterator[Verdict]:
        line = 0
        while True:
            line += 1
            yield Finding(at=Place("a.py", line), message="m")

    assert len(judge(endless, "x").findings) == engine.MOST_SAID


def test_options() -> None:
    """They reach the rules that have them; one that nobody has is a failure, not silence."""

    def optional(subject: Constant, pipeline: Pipeline, *, names: tuple[str, ...] = ("x",)) -> Iterator[Verdict]:
        if subject.name in names:
            yield Finding(at=subject.place, message="m")

    assert judge(optional, "x", "y").findings[0].place.line == 1
    assert judge(optional, "x", "y", options={"names": ("y",)}).findings[0].place.line == 2
    wrong = judge(optional, "x", options={"name": ()})
    assert (wrong.outcome, wrong.reason) == ("failed", "it has no option 'name'")


def test_severity_and_confidence_can_only_be_lowered() -> None:
    """Those of the check are the most; the reason for less is a part of the message."""

    def levels(subject: Constant, pipeline: Pipeline) -> Iterator[Verdict]:
        lower = Severity.LOW if subject.name == "low" else None
        sure = Confidence.LOW if subject.name == "low" else Confidence.HIGH
        reason = "a guess" if subject.name == "low" else ""
        yield Finding(at=subject.place, message="m", severity=lower, confidence=sure, lowered=reason)

    low, high = judge(levels, "low", "high").findings
    assert (low.severity, low.confidence, low.message) == (Severity.LOW, Confidence.LOW, "m (a guess)")
    assert (high.severity, high.confidence, high.message) == (Severity.HIGH, Confidence.MEDIUM, "m")


@pytest.mark.parametrize(
    "find",
    [
        lambda subject, pipeline: iter(()),
        lambda subject: (yield),
        lambda subject, pipeline, *, option: (yield),
        lambda subject, pipeline, more: (yield),
    ],
)
def test_a_rule_that_is_not_written_as_it_has_to_be_is_an_error(find: Say) -> None:
    """No generator, too few or many parameters, an option without a default: told when the check is imported."""
    with pytest.raises(CheckError):
        check_of(find)


def test_a_check_of_no_category_is_an_error() -> None:
    """The folder is the category."""
    with pytest.raises(CheckError, match="no category 'gremlins'"):
        Check("pack.gremlins.check", severity=Severity.LOW, confidence=Confidence.LOW, since="1")


# -------------------------------------------------------------------------------------------------- fingerprints


def prints(find: Say, *names: str, **more: Any) -> list[str]:
    """The fingerprints of the findings."""
    return [finding.fingerprint for finding in judge(find, *names, **more).findings]


def test_a_fingerprint_outlives_what_says_nothing_about_the_fault() -> None:
    """Moved lines, a reworded message, another severity: the same finding."""

    def reworded(subject: Constant, pipeline: Pipeline) -> Iterator[Verdict]:
        if subject.name.startswith("bad"):
            yield Finding(at=subject.place, message="Mind this", severity=Severity.LOW, because=((subject.place, "n"),))

    (before,) = prints(bad, "bad")
    assert prints(bad, "good", "good2", "bad") == [before]
    assert prints(reworded, "bad") == [before]


def test_two_findings_of_one_subject_have_two_fingerprints() -> None:
    """Told apart by what they are about, else by their order."""

    def twice(subject: Constant, pipeline: Pipeline) -> Iterator[Verdict]:
        yield Finding(at=subject.place, message="one", about=("a",))
        yield Finding(at=subject.place, message="two", about=("b",))
        yield Finding(at=subject.place, message="three")
        yield Finding(at=subject.place, message="four")

    assert len(set(prints(twice, "x"))) == 4


def test_other_findings_leave_fingerprints_alone() -> None:
    """One more finding before it, also on the same subject about something else, changes none."""

    def about(subject: Constant, pipeline: Pipeline) -> Iterator[Verdict]:
        for key in subject.name.split("_"):
            yield Finding(at=subject.place, message=f"{key}", about=(key,))

    assert set(prints(bad, "bad1")) < set(prints(bad, "bad0", "bad1"))
    assert prints(bad, "bad1") == prints(bad, "bad0", "bad1")[1:]

    def keyed(subject: Pipeline, pipeline: Pipeline) -> Iterator[Verdict]:
        for one in pipeline.all(Constant):
            yield Finding(at=one.place, message=one.name, about=(one.identity,))

    assert prints(keyed, "b", subject=Pipeline) == prints(keyed, "a", "b", subject=Pipeline)[1:]


def test_a_fingerprint_is_of_its_check_and_subject() -> None:
    """Another file, name or check: another finding."""
    (here,) = prints(bad, "bad")
    assert prints(bad, "bad", path="b.py") != [here]
    assert prints(bad, "bad2") != [here]


def test_identities_do_not_run_into_each_other() -> None:
    """("a", "b") is not ("ab",), however they are put together."""

    def about(subject: Constant, pipeline: Pipeline) -> Iterator[Verdict]:
        yield Finding(at=subject.place, message="1", about=("a", "b"))
        yield Finding(at=subject.place, message="2", about=("ab",))
        yield Finding(at=subject.place, message="3", about=("a\x00b",))

    assert len(set(prints(about, "x"))) == 3


def test_one_fault_in_one_place_is_told_once() -> None:
    """Two subjects that share it (two processes of one image) do not double it."""

    def same(subject: Constant, pipeline: Pipeline) -> Iterator[Verdict]:
        yield Finding(at=Place("a.py", 1), message="m")

    result = judge(same, "x", "y")
    assert (len(result.findings), result.judged) == (1, 2)


def test_no_secret_and_no_broken_text_in_a_finding() -> None:
    """Passwords in URLs are masked, wherever a check puts them; what no encoding can say is replaced."""

    def says(subject: Constant, pipeline: Pipeline) -> Iterator[Verdict]:
        url = "postgres://user:hunter2@db/x \udcff"
        yield Finding(at=subject.place, message=url, because=((subject.place, url),), fix=url, lowered=url)

    (finding,) = judge(says, "x").findings
    for text in (finding.message, finding.because[0].note, finding.fix):
        assert "hunter2" not in text
        text.encode()


# ------------------------------------------------------------------------------------------------------- reading


def reader_of(read: Callable[..., Any], parse: Callable[[Source], Any] = lambda source: source, **more: Any) -> Any:
    """A reader of ``.x`` files."""
    form: Format[Any] = Format("x", parse, **more)
    return Reader("some-reader", 1, form, (Constant,), lambda path: path.endswith(".x"), read)


def read_with(*readers: Any, files: dict[str, str | bytes] | None = None) -> engine.Reading:
    """What these readers say of a tree."""
    within = packs.Packs({}, readers, (), {}, (Constant,))
    return engine.read(MemoryTree(files or {"a.x": "", "b.x": "", "c.other": ""}), within, lambda *told: None)


def test_a_reader_that_fails_says_nothing_of_that_file() -> None:
    """All or nothing: its facts so far are dropped; other readers and files are as they were."""

    def fails(source: Source, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
        yield constant("half", path=source.path)
        if source.path == "a.x":
            raise ValueError("hunter2")

    def works(source: Source, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
        yield constant("whole", path=source.path)

    reading = read_with(reader_of(fails), reader_of(works))
    told = [(fact.path, fact.name) for fact in reading.facts if isinstance(fact, Constant)]
    assert told == [("a.x", "whole"), ("b.x", "half"), ("b.x", "whole")]
    (diagnostic,) = reading.diagnostics
    assert (diagnostic.place.path, diagnostic.level) == ("a.x", "error")
    assert diagnostic.message.startswith("reader 'some-reader' failed: ValueError in fails (")
    assert "hunter2" not in diagnostic.message
    assert set(reading.unread) == {"a.x"}


@pytest.mark.parametrize("error", [Unreadable(Place("a.x", 3), "broken"), ValueError("hunter2"), RecursionError()])
def test_a_format_that_fails_costs_that_file(error: Exception) -> None:
    """One diagnostic; the file counts as not read, and no reader sees it."""

    def parse(source: Source) -> Source:
        if source.path == "a.x":
            raise error
        return source

    def works(source: Source, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
        yield constant("whole", path=source.path)

    reading = read_with(reader_of(works, parse))
    assert [fact.path for fact in reading.facts] == ["b.x"]
    assert [d.place.path for d in reading.diagnostics] == ["a.x"]
    assert "hunter2" not in reading.diagnostics[0].message
    assert reading.files == {"x": 1}
    assert set(reading.unread) == {"a.x"}


def test_a_file_is_parsed_once_for_all_its_readers_and_released() -> None:
    """However many readers look at it; and only when the last is done."""
    log: list[str] = []

    def parse(source: Source) -> Source:
        log.append("parse")
        return source

    def says(source: Source, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
        log.append("read")
        yield from ()

    form: Format[Any] = Format("x", parse, lambda document: log.append("release"))
    readers = [Reader(f"r{n}", 1, form, (), lambda path: True, says) for n in range(3)]
    read_with(*readers, files={"a.x": ""})
    assert log == ["parse", "read", "read", "read", "release"]


def test_a_file_that_nobody_claims_is_not_opened() -> None:
    """What no reader wants is not read."""
    opened: list[str] = []

    class Watched(MemoryTree):
        def read(self, path: str) -> bytes:
            opened.append(path)
            return super().read(path)

    engine.read(Watched({"a.py": "x = 1", "b.unknown": "", "c.png": b"\x89PNG"}), testing.installed(), lambda *t: None)
    assert opened == ["a.py"]


def test_documents_of_python_files_are_freed() -> None:
    """Trees of nodes do not pile up while files are read, though garbage is not collected then."""
    source = "class A:\n    def __init__(self):\n        self.x = f()\n    def g(self):\n        return self.x.y()\n"
    gc.collect()
    before = len(gc.get_objects())
    gc.disable()
    try:
        tree = MemoryTree({f"m{n}.py": source for n in range(50)})
        reading = engine.read(tree, testing.installed(), lambda *told: None)
        assert len(gc.get_objects()) - before < 50 * 20
    finally:
        gc.enable()
    assert reading.files == {"python": 50}


def test_documents_of_yaml_files_are_freed() -> None:
    """The same for nodes of YAML."""
    text = "".join(f"k{n}: {{a: [1, 2], b: &x{n} c, d: *x{n}}}\n" for n in range(20))
    gc.collect()
    before = len(gc.get_objects())
    gc.disable()
    try:
        reading = engine.read(MemoryTree({f"m{n}.yaml": text for n in range(20)}), testing.installed(), lambda *t: None)
        assert len(gc.get_objects()) - before < 20 * 20
    finally:
        gc.enable()
    assert reading.files == {"yaml": 20}


def test_reading_leaves_the_collector_as_it_was() -> None:
    """On stays on and off stays off, also if a progress bar fails."""

    def stop(stage: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.read(MemoryTree({"a.py": ""}), testing.installed(), stop)
    assert gc.isenabled()


def analyse(files: dict[str, str | bytes], **more: Any) -> Report:
    """A whole run."""
    return engine.analyse(MemoryTree(files), testing.installed(), **more)


def test_an_empty_tree() -> None:
    """Nothing is clean there: no check applies."""
    report = analyse({})
    assert {result.outcome for result in report.results} == {"not-applicable"}
    assert all(result.reason for result in report.results)
    assert (report.findings, report.diagnostics, report.read.files) == ((), (), {})


def test_a_run_is_repeatable(small_repository: dict[str, str]) -> None:
    """The same tree gives the same report, save the times; also if its files are given in another order."""
    turned: dict[str, str | bytes] = dict(reversed(small_repository.items()))
    one, two = analyse({**small_repository}), analyse(turned)
    assert one.findings == two.findings
    assert one.diagnostics == two.diagnostics
    assert one.read == two.read
    assert [(r.check, r.outcome, r.judged, r.unjudged) for r in one.results] == [
        (r.check, r.outcome, r.judged, r.unjudged) for r in two.results
    ]


def test_checks_of_low_confidence_are_off() -> None:
    """Unless they are asked for."""
    low = Check(MODULE, severity=Severity.HIGH, confidence=Confidence.LOW, since="1")
    within = packs.Packs({}, (), (low, check_of(bad)), {}, ())
    assert [check.confidence for check in engine.default_checks(within)] == [Confidence.MEDIUM]


def test_progress_is_told() -> None:
    """Each stage, in order, never beyond its total."""
    told: list[tuple[str, int, int]] = []
    analyse({"a.py": ""}, progress=lambda *now: told.append(now))
    assert list(dict.fromkeys(stage for stage, _, _ in told)) == ["reading", "linking", "checking"]
    assert all(done <= total for _, done, total in told)


def test_an_environment_is_not_a_guess(small_repository: dict[str, str]) -> None:
    """A file that says nothing of it has an environment of unknown tier."""
    tree = MemoryTree(small_repository)
    pipeline = engine.build(tree, engine.read(tree, testing.installed(), lambda *told: None))
    environment: Environment = pipeline.environment(Place("config/prod.yaml"))
    assert (environment.tier.value, bool(environment.reason)) == ("prod", True)
    assert pipeline.environment(Place("app.py")).tier.value == "unknown"


def test_a_reader_that_exits_ends_nothing() -> None:
    """SystemExit of a pack's reader is a diagnostic like any other failure, not the end of the run."""

    def exits(source: Source, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
        yield from sys.exit(0)

    reading = read_with(reader_of(exits))
    assert {d.message.split(":")[0] for d in reading.diagnostics} == {"reader 'some-reader' failed"}


def test_a_diagnostic_is_told_once() -> None:
    """What two formats of one file say alike is one diagnostic."""
    same = Diagnostic(Place("a.x", 1), "warning", "odd")
    assert engine._in_order(same, Diagnostic(Place("a.x", 1), "warning", "odd")) == (same,)
