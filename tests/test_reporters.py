"""The terminal report, and text of the judged tree fit to be shown."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlbreaks.check import Confidence, Severity
from pytest_mlbreaks.display import MASK, clean, redact_line
from pytest_mlbreaks.excerpts import Excerpts
from pytest_mlbreaks.model import Diagnostic, Place
from pytest_mlbreaks.report import (
    About,
    Accepted,
    AxisPosition,
    BaselineState,
    Read,
    Recognised,
    Related,
    Report,
    ReportedFinding,
    Result,
    Share,
    Shown,
    Suppression,
    UnjudgedSubject,
)
from pytest_mlbreaks.reporters.terminal import PER_CHECK, render_result, render_summary, write
from pytest_mlbreaks.tree import MemoryTree

FILES = {
    "k8s/app.yaml": "kind: Deployment\nspec:\n\tname: 漢字 model-server  # the one\n",
    "k8s/config.yaml": "kind: ConfigMap\r\ndata: {}\r\n",
}


def shown(**changes: Any) -> Shown:
    """How it is shown: plain, 80 columns, excerpts from `FILES`."""
    plain = Shown(
        Severity.HIGH, False, False, 80, Excerpts(MemoryTree(FILES)), lambda check: About(why="How it breaks.")
    )
    return dataclasses.replace(plain, **changes)


def finding(**changes: Any) -> ReportedFinding:
    """A finding on ``model-server`` in the third line of the manifest."""
    fields: dict[str, Any] = {
        "check": "a-check",
        "category": "push-order",
        "also": (),
        "severity": Severity.HIGH,
        "confidence": Confidence.HIGH,
        "axis": AxisPosition(1, 5),
        "place": Place("k8s/app.yaml", 3, 11, 3, 23),
        "message": "It breaks.",
        "because": (Related(Place("k8s/config.yaml", 1, 7), "the other side"),),
        "fix": "Mend it.",
        "fingerprint": "0123",
    }
    return ReportedFinding(**(fields | changes))


def found(*findings: ReportedFinding, **changes: Any) -> Result:
    """A result with these findings."""
    fields: dict[str, Any] = {"check": "a-check", "category": "push-order", "outcome": "findings", "judged": 2}
    return Result(findings=findings, **(fields | changes))


def report(*results: Result, **changes: Any) -> Report:
    """A report of these results."""
    fields: dict[str, Any] = {
        "version": "0.1.0",
        "packs": {},
        "root": "/repo",
        "revision": None,
        "partial": None,
        "results": results,
        "diagnostics": (),
        "read": Read(files={"yaml": 2}, not_read=(), entry_files=Share(0, 0), values=Share(0, 0)),
        "seconds": 0.1,
    }
    return Report(**(fields | changes))


def columns(text: str) -> int:
    """How many columns of a terminal a line takes."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def test_a_finding_is_told_in_full() -> None:
    """Place, level, id and axes in a line that a terminal makes clickable; then excerpts, why, what to do."""
    assert render_result(found(finding()), shown()) == (
        "k8s/app.yaml:3:11: high push-order/a-check (ml 1 · distributed 5)\n"
        "  It breaks.\n"
        "    3 | name: 漢字 model-server  # the one\n"
        "      |            ^^^^^^^^^^^^\n"
        "  because k8s/config.yaml:1:7: the other side\n"
        "    1 | kind: ConfigMap\n"
        "      |       ^\n"
        "\n"
        "  Why   How it breaks.\n"
        "  Do    Mend it.\n"
        "  More  mlbreaks explain a-check\n"
    )


def test_what_is_less_than_sure_is_said() -> None:
    """A lower confidence and further categories stand in the first line."""
    text = render_result(found(finding(confidence=Confidence.MEDIUM, also=("data-join",))), shown())
    assert ": high, medium confidence push-order/a-check\n  (ml 1 · distributed 5, also data-join)\n" in text


def test_a_check_without_a_page_refers_to_none() -> None:
    """``mlbreaks explain`` would have nothing to show."""
    assert "mlbreaks explain" not in render_result(found(finding()), shown(about=lambda check: About()))


def test_repetition_is_capped() -> None:
    """A check that says the same a hundred times does not fill a log, unless asked."""
    many = found(*(finding(place=Place("k8s/app.yaml", 1, n)) for n in range(1, 31)))
    text = render_result(many, shown())
    assert text.count("k8s/app.yaml:1:") == PER_CHECK
    assert "... and 20 more of push-order/a-check (-v shows them)" in text
    assert text.count("the other side") == PER_CHECK
    assert text.count("kind: ConfigMap") == 1  # the same excerpt is shown once
    assert render_result(many, shown(verbose=True)).count("k8s/app.yaml:1:") == 30


def test_advice_of_its_own_stands_with_the_finding() -> None:
    """What most findings share is told once at the end, what one has of its own beside it."""
    text = render_result(found(finding(), finding(), finding(fix="Do it otherwise.")), shown())
    assert text.count("Mend it.") == 1
    assert text.index("Do it otherwise.") < text.index("Mend it.")


def test_a_failed_check_says_so() -> None:
    """A crash is told with its reason, in the report and in the last line."""
    failed = found(outcome="failed", reason="KeyError: 'x' (find, line 3)")
    assert render_result(failed, shown()) == "push-order/a-check: the check failed: KeyError: 'x' (find, line 3)\n"
    assert "0 findings; 1 check failed in" in write(report(failed), shown())


def test_a_long_line_is_cut_around_the_place() -> None:
    """The excerpt of a generated line fits the width, and the mark still stands under the right columns."""
    files = {"a.yaml": "x" * 500 + "HERE" + "y" * 500}
    place = Place("a.yaml", 1, 501, 1, 505)
    text = render_result(found(finding(place=place, because=())), shown(excerpt=Excerpts(MemoryTree(files))))
    line, mark = text.splitlines()[2:4]
    assert columns(line) <= 80
    assert line[mark.index("^") : mark.rindex("^") + 1] == "HERE"


@pytest.mark.parametrize(
    "place",
    [
        Place("k8s/app.yaml", 99, 1),
        Place("k8s/app.yaml", 3, 900, 3, 905),
        Place("k8s/app.yaml"),
        Place("nowhere.yaml", 1),
        Place("."),
        Place("k8s/app.yaml", 3, 11, side="base"),
        Place("nb.ipynb", 1, 1, kind="cell", cell=2),
        Place("k8s/app.yaml", 2, 1, 3, 4),
    ],
    ids=str,
)
def test_a_place_that_cannot_be_shown_is_named_alone(place: Place) -> None:
    """No excerpt is better than a wrong one, and never a crash."""
    assert str(place) in render_result(found(finding(place=place, because=())), shown())


def test_a_suppressed_finding_shows_why() -> None:
    """It counts for nothing, and is told only where all is asked for, with who silenced it and why."""
    silenced = report(
        found(finding(suppressed=Suppression("inline", "known")), finding(suppressed=Suppression("config", "")))
    )
    assert write(silenced, shown()).count("suppressed") == 1
    assert "0 findings, 2 suppressed (1 config, 1 inline) in" in write(silenced, shown())
    text = write(silenced, shown(verbose=True))
    assert "suppressed (inline): known" in text
    assert "suppressed (config): no reason given" in text


def test_a_preview_and_a_pipeline_are_named() -> None:
    """What does not count yet says so, and why; where there are several pipelines, each finding says of which it is."""
    text = write(report(found(finding(preview="new in 0.4, counts from 0.5 on", pipeline="ranking"))), shown())
    assert "a preview, which fails nothing: new in 0.4, counts from 0.5 on" in text
    assert "pipeline ranking)" in text
    assert "1 finding, 0 at or above the threshold (high), 1 preview in" in text


def test_remarks_on_settings_are_told_apart_from_reading() -> None:
    """They are for who writes the settings: all kinds are told, the worst first."""
    remarks = (
        Diagnostic(Place("a.py", 2), "note", "a suppression without a reason", topic="settings"),
        Diagnostic(Place("b.py", 3), "warning", "ignore[x] suppresses nothing", topic="settings"),
    )
    text = write(report(diagnostics=remarks), shown())
    assert "Settings  2 remarks\n    b.py:3: warning: ignore[x] suppresses nothing\n    a.py:2: note" in text
    assert "Reading" not in text


def test_the_baseline_says_what_stands_and_what_is_gone() -> None:
    """Both are counted; what is gone is named."""
    gone = tuple(Accepted(fingerprint=str(n), check="a-b", path=f"x{n}.py", message="Old.") for n in range(5))
    text = write(report(baseline=BaselineState("base.json", 12, gone, gone[:2])), shown(width=120))
    assert "Baseline  base.json: 12 accepted findings stand, 5 gone; of 2 this run could not tell" in text
    assert "    gone: x0.py: a-b: Old.\n" in text
    assert "... and 2 more (-v shows them)" in text
    assert "1 accepted finding stands, none gone" in write(report(baseline=BaselineState("b", 1, (), ())), shown())


FULL = report(
    found(finding(), finding(severity=Severity.LOW), unjudged=(UnjudgedSubject(Place("a.py", 1), "a secret"),)),
    Result(check="b-check", category="data-join", outcome="clean", judged=4),
    *(
        Result(check=f"c-{n}", category="data-join", outcome="not-applicable", judged=0, reason=f"no thing {n % 5}")
        for n in range(8)
    ),
    partial="only findings about k8s are shown",
    diagnostics=(
        Diagnostic(Place("x.yaml", 2, 1), "error", "YAML can't be parsed"),
        Diagnostic(Place("y.yaml", 2, 1), "warning", "a key twice"),
    ),
    read=Read(
        files={"yaml": 3, "python": 1},
        not_read=(
            Recognised("GitLab CI", 1, "not read yet"),
            Recognised("tests", 4, "nothing is reported about them"),
        ),
        entry_files=Share(31, 7, (("the image is not built in the tree", 7),)),
        values=Share(5, 1, (("comes from the shell", 1),)),
    ),
)


def test_the_summary_says_what_was_judged_and_read_and_what_not() -> None:
    """Silence must not look like safety."""
    assert render_summary(FULL, shown()) == (
        "Findings by category    high  medium     low\n"
        "push-order                 1       .       1\n"
        "(by level: the lower of severity and confidence)\n"
        "\n"
        "Findings by axis (ml: 5 is ML; distributed: 5 is between systems)\n"
        "  distributed    1    2    3    4    5\n"
        "         ml 5    .    .    .    .    .\n"
        "         ml 4    .    .    .    .    .\n"
        "         ml 3    .    .    .    .    .\n"
        "         ml 2    .    .    .    .    .\n"
        "         ml 1    .    .    .    .    2\n"
        "\n"
        "Checks    10: 1 found something, 1 clean, 8 not applicable\n"
        "Judged    6 subjects; 1 could not be decided\n"
        "        1  a secret\n"
        "  not applicable:\n"
        "    no thing 0: c-0, c-5\n"
        "    no thing 1: c-1, c-6\n"
        "    no thing 2: c-2, c-7\n"
        "    other reasons: 2 checks (-v shows them)\n"
        "Read      /repo: 3 yaml, 1 python\n"
        "  entry files known: 31 of 38 processes\n"
        "        7  the image is not built in the tree\n"
        "  values resolved: 5 of 6\n"
        "        1  comes from the shell\n"
        "Not read  GitLab CI (1)\n"
        "Besides   tests (4): nothing is reported about them\n"
        "Reading   1 error, 1 warning (-v shows all)\n"
        "    x.yaml:2:1: error: YAML can't be parsed\n"
        "Partial   only findings about k8s are shown\n"
        "\n"
        "2 findings, 1 at or above the threshold (high) in 0.1 s\n"
    )


def test_the_table_and_the_last_line_count_alike() -> None:
    """Both go by level: what is severe and not sure is not high."""
    text = render_summary(report(found(finding(), finding(confidence=Confidence.MEDIUM))), shown())
    assert "\npush-order                 1       1       .\n" in text
    assert "\n2 findings, 1 at or above the threshold (high) in " in text


def test_the_summary_tells_all_when_asked() -> None:
    """With ``-v`` every reason, subject and diagnostic is named."""
    text = render_summary(FULL, shown(verbose=True))
    for told in ("a-check: a.py:1: a secret", "no thing 4: c-4", "y.yaml:2:1: warning: a key twice"):
        assert told in text
    assert "(-v" not in text


def test_a_tree_without_anything_says_so() -> None:
    """An empty report is readable and claims nothing."""
    text = write(report(read=Read(files={}, not_read=(), entry_files=Share(0, 0), values=Share(0, 0))), shown())
    assert "no file of a kind that we read" in text
    assert text.endswith("0 findings in 0.1 s\n")


@pytest.mark.parametrize("width", [0, 40, 80, 140])
def test_prose_keeps_to_the_width(width: int) -> None:
    """Lines of prose and excerpts end where the terminal does; below 40 columns nothing helps."""
    long = found(finding(message="word " * 100, fix="advice " * 60))
    lines = render_result(long, shown(width=width, about=lambda check: About(why="reason " * 40))).splitlines()
    assert max(columns(line) for line in lines if "push-order/" not in line and "because" not in line) <= max(40, width)


def test_colour_changes_no_text() -> None:
    """With the escapes taken out, the coloured report is the plain one."""
    painted = write(FULL, shown(color=True))
    assert "\x1b[" in painted
    assert re.sub(r"\x1b\[\d+m", "", painted) == write(FULL, shown())


HOSTILE = "a\x1b[31m\x07b\u202ec\x9b\u2066\r\n::error::\x00d\u2028e\u200bf\udcff"


def test_text_of_the_tree_steers_nothing() -> None:
    """Escapes, bells, line ends, what turns text around: none of it gets through, wherever it stands."""
    bad = finding(
        message=HOSTILE,
        fix=HOSTILE,
        place=Place(f"{HOSTILE}.yaml", 1),
        because=(Related(Place("k8s/config.yaml", 1), HOSTILE),),
        suppressed=Suppression("inline", HOSTILE),
    )
    of = report(
        found(bad, unjudged=(UnjudgedSubject(Place(HOSTILE), HOSTILE),)),
        found(check="b", outcome="failed", reason=HOSTILE),
        found(check="c", outcome="not-applicable", reason=HOSTILE),
        diagnostics=(Diagnostic(Place(HOSTILE), "error", HOSTILE),),
        partial=HOSTILE,
        root=HOSTILE,
        read=Read(
            files={},
            not_read=(Recognised(HOSTILE, 1, HOSTILE),),
            entry_files=Share(0, 1, ((HOSTILE, 1),)),
            values=Share(0, 0),
        ),
    )
    for verbose in (False, True):
        text = write(of, shown(verbose=verbose, excerpt=lambda place: HOSTILE))
        assert all(char.isprintable() or char == "\n" for char in text)
        assert not any(line.startswith("::") for line in text.splitlines())


@given(st.text(), st.integers(1, 50))
def test_clean_text_is_one_short_printable_line(text: str, limit: int) -> None:
    """For any text."""
    shown_text = clean(text, limit)
    assert len(shown_text) <= limit
    assert shown_text == "" or shown_text.isprintable()


@given(st.text(), st.integers(1, 60), st.integers(1, 60))
def test_any_line_can_be_an_excerpt(line: str, column: int, end: int) -> None:
    """No line and no columns make the report crash, or break its lines."""
    place = Place("a", 1, column, 1, end)
    text = render_result(found(finding(place=place, because=())), shown(excerpt=lambda where: line))
    assert all(char.isprintable() or char == "\n" for char in text)


@pytest.mark.parametrize(
    ("path", "text", "number", "expected"),
    [
        ("a.yaml", "password: hunter2", 1, f"password: {MASK}"),
        ("a.yaml", "  - DB_PASSWORD=hunter2", 1, f"  - DB_PASSWORD={MASK}"),
        ("a.yaml", "password: ${PASSWORD}", 1, "password: ${PASSWORD}"),
        ("a.yaml", "token: ${{ secrets.TOKEN }}", 1, "token: ${{ secrets.TOKEN }}"),
        ("a.yaml", "- name: API_KEY\n  value: abc", 2, f"  value: {MASK}"),
        ("a.yaml", "- value: abc\n  name: API_KEY", 1, f"- value: {MASK}"),
        ("a.yaml", "- name: REGION\n  value: abc", 2, "  value: abc"),
        ("a.yaml", "private_key: |\n  line one\n  line two", 3, f"  {MASK}"),
        ("a.yaml", "kind: Secret\ndata:\n  user: YWJj", 3, f"  user: {MASK}"),
        ("a.yaml", "kind: ConfigMap\ndata:\n  user: abc", 3, "  user: abc"),
        ("a.yaml", "kind: Secret\n---\nkind: ConfigMap\ndata:\n  user: abc", 5, "  user: abc"),
        ("a.yaml", "stringData:\n  user: abc", 2, f"  user: {MASK}"),
        ("a.yaml", "url: postgres://u:pw@h/db", 1, "url: postgres://u:***@h/db"),
        ("a.yaml", "secretKeyRef:\n  name: db\n  key: password", 3, "  key: password"),
        ("Dockerfile", "ENV API_KEY abc", 1, f"ENV API_KEY {MASK}"),
        ("Dockerfile", "ENV MODE=prod", 1, "ENV MODE=prod"),
        ("a.py", 'os.environ.get("DB_PASSWORD", "hunter2")', 1, f'os.environ.get("DB_PASSWORD", "{MASK}")'),
        ("a.py", "connect(password='hunter2', user='u')", 1, f"connect(password='{MASK}', user='u')"),
        ("a.py", 'os.environ["API_KEY"] = "abc"', 1, f'os.environ["API_KEY"] = "{MASK}"'),
        ("a.py", "token = get_token()", 1, "token = get_token()"),
        ("a.py", 'x = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"', 1, f'x = "{MASK}"'),
        ("a.py", "def f(password=None, api_key=key, *, n):", 1, "def f(password=None, api_key=key, *, n):"),
        ("a.py", 'alter("credential", "source")', 1, 'alter("credential", "source")'),
        ("a.py", 'u = "redis://:pw@h:1/0?password=x"', 1, 'u = "redis://:***@h:1/0?password=***"'),
        ("a.py", 'print("Basic validation passed")', 1, 'print("Basic validation passed")'),
        ("a.json", '{"apiKey": "abc"}', 1, f'{{"apiKey": "{MASK}"}}'),
        ("a.yaml", "Authorization: Bearer abcdefghijkl", 1, f"Authorization: Bearer {MASK}"),
    ],
)
def test_secrets_are_masked_in_excerpts(path: str, text: str, number: int, expected: str) -> None:
    """Values under keys that look secret, passwords in URLs and well-known tokens; references to secrets stay."""
    assert redact_line(path, text.split("\n"), number - 1) == expected
    assert Excerpts(MemoryTree({path: text}))(Place(path, number)) == expected


def test_the_mark_does_not_lie_where_a_secret_was_masked() -> None:
    """Columns behind a masked value have moved: the mark keeps to what is still in its place."""
    files = {"a.yaml": "password: hunter2-hunter2"}
    place = Place("a.yaml", 1, 11, 1, 26)
    text = render_result(found(finding(place=place, because=())), shown(excerpt=Excerpts(MemoryTree(files))))
    assert "hunter2" not in text
    assert text.splitlines()[2:4] == ["    1 | password: ***", "      |           ^^^"]
    files = {"a.json": '{"password": "hunter2-hunter2", "port": 80}'}
    text = render_result(
        found(finding(place=Place("a.json", 1, 33, 1, 39), because=())), shown(excerpt=Excerpts(MemoryTree(files)))
    )
    assert text.splitlines()[2:4] == ['    1 | {"password": "***", "port": 80}', ""]
