"""Pages: taken apart, run, and written anew."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from pytest_mlbreaks import pages, testing
from pytest_mlbreaks.check import Check
from pytest_mlbreaks.packs import Packs, load

PACK = Path(__file__).parent / "packs" / "bento" / "src"
FENCE = "```"


@pytest.fixture
def packs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Packs]:
    """The third-party pack of the tests with what is installed."""
    monkeypatch.syspath_prepend(str(PACK))
    pages._page.cache_clear()
    import mlbreaks_bento

    yield load([("bento", mlbreaks_bento)])
    pages._page.cache_clear()


@pytest.fixture
def check(packs: Packs) -> Check:
    """The check of that pack."""
    found = packs.check("bento-packages-unlocked")
    assert found is not None
    return found


def page_with(section: str) -> pages.Page:
    """A page with one example."""
    return pages.parse(f"# Title\n\nWhy.\n\n{section}\n\n## What to do\n\nMend it.\n")


def example(
    heading: str, content: str, *, said: str | None = None, prose: str = "", path: str = "bentofile.yaml"
) -> str:
    """One example section of a page."""
    text = f'## {heading}\n\n{prose}\n\n{FENCE}yaml title="{path}"\n{content}{FENCE}\n'
    return text if said is None else f"{text}\n{FENCE}text\n{said}{FENCE}\n"


FLOATING = "service: s:S\npython:\n  lock_packages: false\n  packages:\n    - torch\n"
LOCKED = "service: s:S\npython:\n  packages: [torch]\n"
DOUBTFUL = "service: s:S\npython:\n  lock_packages: false\n  packages: ['git+https://git.example.com/x']\n"
SAID = (
    "bentofile.yaml:5 resource-provisioning/bento-packages-unlocked\n"
    "  torch is not pinned, and lock_packages is false.\n"
    "  because bentofile.yaml:1: the service s:S is built with it\n"
)


def problems(section: str, packs: Packs, check: Check) -> str:
    """What is wrong with an example, in one text."""
    (outcome,) = pages.run(page_with(section), packs, check)
    return "\n".join(outcome.problems)


def test_a_page_is_taken_apart() -> None:
    """Title, the two first paragraphs, and the files and the text of each example."""
    text = (
        "# How it breaks\n\nFirst line,\nsecond line.\n\nAnother paragraph.\n\n"
        + example("Breaks: with a title", "a: 1\n", said="x\n", prose="Also finds: one-check, `two-check`.")
        + "\n"
        + example("Holds", "# no heading\n## nor this\n")
        + "\n## What to do\n\nDo this\nand that.\n\n- or more\n\n## Sources\n\n- s\n"
    )
    page = pages.parse(text)
    assert (page.title, page.why, page.what_to_do) == (
        "How it breaks",
        "First line, second line.",
        "Do this and that.",
    )
    breaks, holds = page.examples
    assert (breaks.kind, breaks.title, breaks.files, breaks.said) == (
        "breaks",
        "with a title",
        {"bentofile.yaml": "a: 1\n"},
        "x\n",
    )
    assert breaks.also == {"one-check", "two-check"}
    assert holds.files == {"bentofile.yaml": "# no heading\n## nor this\n"}
    assert page.headings == ("Breaks: with a title", "Holds", "What to do", "Sources")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("prose\n", "line 1: a page starts with its title"),
        ("# T\n\n```yaml\nx\n", "line 3: this fence is never closed"),
        ("# T\n\n## Breaks\n\nprose\n", "line 3: 'Breaks' holds no file"),
        ("# T\n\n" + example("Holds", "a: 1\n", said="x\n"), "nothing is said where something holds"),
        ("# T\n\n" + example("Breaks", "a: 1\n", said="x\n") + "```text\n```\n", "a second text fence"),
        ("# T\n\n" + example("Breaks", "a: 1\n") + '```yaml title="bentofile.yaml"\n```\n', "is there already"),
    ],
)
def test_a_page_that_is_written_wrong_says_where(text: str, told: str) -> None:
    """An author is told the line, and what is expected there."""
    with pytest.raises(pages.PageError, match=re.escape(told)):
        pages.parse(text)


def test_a_file_of_an_example_may_hold_fences() -> None:
    """A longer fence holds shorter ones."""
    page = pages.parse('# T\n\n## Holds\n\n````md title="a.md"\n```text\nx\n```\n````\n')
    assert page.examples[0].files == {"a.md": "```text\nx\n```\n"}


def test_what_breaks_has_to_be_found_and_said(packs: Packs, check: Check) -> None:
    """Under Breaks the check's findings are what the page says, to the letter."""
    assert problems(example("Breaks", FLOATING, said=SAID), packs, check) == ""
    assert "not what the page says" in problems(example("Breaks", FLOATING), packs, check)
    assert "nothing is found where it breaks (judged 1" in problems(example("Breaks", LOCKED), packs, check)


def test_what_holds_is_judged_and_silent(packs: Packs, check: Check) -> None:
    """Silence counts only where something was looked at and decided."""
    assert problems(example("Holds", LOCKED), packs, check) == ""
    assert "a finding where none may be: bentofile.yaml:5" in problems(example("Holds", FLOATING), packs, check)
    assert "nothing was judged" in problems(example("Holds", LOCKED, path="x.yaml"), packs, check)
    assert "unjudged: bentofile.yaml:4" in problems(example("Holds", DOUBTFUL), packs, check)


def test_what_does_not_apply_has_nothing_to_judge(packs: Packs, check: Check) -> None:
    """A Holds section of that title is held to it."""
    assert problems(example("Holds: not applicable", LOCKED, path="x.yaml"), packs, check) == ""
    assert "it does apply" in problems(example("Holds: not applicable", LOCKED), packs, check)


def test_what_cannot_be_told_says_why(packs: Packs, check: Check) -> None:
    """Under "Cannot tell" the reasons are what the page says, and there are some."""
    said = "unjudged bentofile.yaml:4: not a package from an index\n"
    assert problems(example("Cannot tell", DOUBTFUL, said=said), packs, check) == ""
    assert "nothing was left unjudged" in problems(example("Cannot tell: x", LOCKED), packs, check)


def test_an_example_that_cannot_be_read_is_wrong(packs: Packs, check: Check) -> None:
    """A slip of the pen in an example is not silence."""
    assert "bentofile.yaml:" in problems(example("Holds: not applicable", "a: [\n"), packs, check)


def another(packs: Packs, monkeypatch: pytest.MonkeyPatch, source: str) -> Packs:
    """The packs with a second check, whose module has this source."""
    name = "scratch_pack.data_join.another_check"
    module = ModuleType(name, "Another.")
    monkeypatch.setitem(sys.modules, name, module)
    head = "from mlbreaks_bento.reader import Bento\nfrom pytest_mlbreaks.check import *\n"
    made = "check = Check(__name__, severity=Severity.LOW, confidence=Confidence.HIGH, since='1.0')\n"
    exec(head + made + source, vars(module))
    return dataclasses.replace(packs, checks=(*packs.checks, module.check))


def test_every_check_runs_on_every_page(packs: Packs, check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another check finds in an example is mended or declared; so is one that fails, or finds nothing any more."""
    source = "@check.over(Bento)\ndef find(bento, pipeline):\n    yield Finding(at=bento.place, message='too.')\n"
    both = another(packs, monkeypatch, source)
    assert "another-check finds something, too: bentofile.yaml:1" in problems(example("Holds", LOCKED), both, check)
    declared = example("Holds", LOCKED, prose="Also finds: another-check")
    assert problems(declared, both, check) == ""
    assert "'Also finds: another-check' is declared, but" in problems(declared, packs, check)
    broken = another(packs, monkeypatch, "@check.over(Bento)\ndef find(bento, pipeline):\n    yield 1 / 0\n")
    assert "the check another-check failed here: ZeroDivisionError" in problems(example("Holds", LOCKED), broken, check)


def test_outputs_are_written_anew(packs: Packs, check: Check) -> None:
    """A stale text fence is replaced, a missing one is added, all else stays; a second time changes nothing."""
    stale = example("Breaks", FLOATING, said="old\nlines\n") + "\nprose after\n\n" + example("Breaks: new", FLOATING)
    page = pages.parse(f"# T\n\n{stale}\n## What to do\n\nMend it.\n")
    text = pages.rewrite(page, pages.run(page, packs, check))
    assert text.count(SAID) == 2
    assert "old\n" not in text
    assert text.replace(f"{FENCE}text\n{SAID}{FENCE}\n", "").count(FENCE) == 4
    again = pages.parse(text)
    outcomes = pages.run(again, packs, check)
    assert [o.problems for o in outcomes] == [(), ()]
    assert pages.rewrite(again, outcomes) == text


def test_lowered_levels_and_a_fix_of_its_own_are_said(packs: Packs, monkeypatch: pytest.MonkeyPatch) -> None:
    """What differs from the check's own severity, confidence and advice is part of the page."""
    source = (
        "check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since='1.0')\n"
        "@check.over(Bento)\n"
        "def find(bento, pipeline):\n"
        "    yield Finding(at=bento.place, message='a\\nb', fix='c', confidence=Confidence.LOW,\n"
        "        severity=Severity.MEDIUM)\n"
        "    yield Finding(at=bento.place, message='d', severity=Severity.LOW, about=('2',))\n"
    )
    both = another(packs, monkeypatch, source)
    (outcome,) = pages.run(page_with(example("Breaks", LOCKED)), both, both.checks[-1])
    assert outcome.said == (
        "bentofile.yaml:1 data-join/another-check (medium, low confidence)\n  a b\n  fix: c\n"
        "\nbentofile.yaml:1 data-join/another-check (low)\n  d\n"
    )


def test_advice_is_the_first_paragraph(check: Check) -> None:
    """A finding's advice is the first paragraph of "What to do", its reason the first of the page."""
    assert pages.what_to_do(check) == "Pin each package, or leave `lock_packages` at its default."
    assert pages.about(check).why.startswith("With `lock_packages: false` each build takes")


def test_a_check_without_a_page_has_no_advice(packs: Packs, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing page breaks no run; its pack's test says so."""
    both = another(packs, monkeypatch, "@check.over(Bento)\ndef find(bento, pipeline):\n    yield from ()\n")
    lonely = both.checks[-1]
    monkeypatch.setitem(sys.modules, "scratch_pack", ModuleType("scratch_pack"))
    assert (pages.what_to_do(lonely), pages.page_text(lonely)) == ("", None)


def test_packs_are_tested_with_two_functions(packs: Packs, check: Check) -> None:
    """What a third party needs: judge a few files, and hold a check to its page."""
    result = testing.judge_files({"bentofile.yaml": FLOATING}, check, packs=packs)
    assert [f.place.line for f in result.findings] == [5]
    trusting = testing.judge_files({"bentofile.yaml": FLOATING}, check.id, packs=packs, options={"trusted": ("torch",)})
    assert (trusting.outcome, trusting.judged) == ("clean", 1)
    testing.assert_page(check, packs=packs)
    with pytest.raises(KeyError):
        testing.judge_files({}, "no-such-check", packs=packs)


def test_an_incomplete_page_is_told_in_full(packs: Packs, check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is missing is named at once."""
    monkeypatch.setattr(pages, "page_of", lambda check: pages.parse("# T\n\n" + example("Breaks", LOCKED)))
    with pytest.raises(AssertionError) as failure:
        testing.assert_page(check, packs=packs)
    for told in ("no section '## Holds'", "'## What to do'", "'## Sources'", "no prose", "line 3: nothing is found"):
        assert told in str(failure.value)


def with_traps(rows: str) -> pages.Page:
    """A page that has this under Traps."""
    table = f"## Traps\n\n| trap | where |\n|---|---|\n{rows}\n"
    shown = example("Holds", LOCKED) + "\n" + example("Holds: by `a`, or b", LOCKED) + "\n"
    return pages.parse(f"# T\n\nWhy.\n\n{example('Breaks', FLOATING)}\n{shown}\n{table}\n## What to do\n\nMend it.\n")


def test_traps_are_the_rows_of_a_table() -> None:
    """Without the head of the table; a bar within a cell is escaped, as Markdown has it."""
    page = with_traps("| a | Holds |\n| `b \\| c` | not handled: too rare |\n")
    assert page.traps == (("a", "Holds"), ("`b | c`", "not handled: too rare"))
    assert pages.parse("# T\n").traps == ()
    with pytest.raises(pages.PageError, match=r"line \d+: a trap is a row of two cells"):
        with_traps("| a |\n")


@pytest.mark.parametrize(
    ("where", "held"),
    [
        ("Holds", True),
        ("`Holds`", True),
        ("Holds: by `a`, or b", True),
        ("`Holds`, `Breaks`", True),
        ("not handled: too rare", True),
        ("not handled:", False),
        ("not handled, as it is too rare", False),
        ("Holds: another", False),
        ("`Holds`, `Holds: another`", False),
        ("Traps", False),
    ],
)
def test_a_trap_names_an_example_or_why_there_is_none(where: str, held: bool) -> None:
    """The exact heading of an example, several in backticks, or "not handled: " and a reason."""
    assert with_traps(f"| a | {where} |").lost_traps() == ([] if held else [where])


def test_a_lost_trap_is_told(packs: Packs, check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    """The author is told which one, and also if the table has no row; a page without the section is as good."""
    monkeypatch.setattr(pages, "page_of", lambda check: with_traps("| a | Holds: another |"))
    told = testing.page_problems(check, packs=packs)
    assert "under 'Traps', 'Holds: another' is the heading of no example, nor 'not handled: ...'" in told
    monkeypatch.setattr(pages, "page_of", lambda check: with_traps(""))
    assert "no row under 'Traps'" in testing.page_problems(check, packs=packs)
    monkeypatch.setattr(pages, "page_of", lambda check: page_with(example("Holds", LOCKED)))
    assert not any("Traps" in problem for problem in testing.page_problems(check, packs=packs))
