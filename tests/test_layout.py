"""Conventions, held by tests: two files per check, what each of them says, and that they agree."""

from __future__ import annotations

import dataclasses
import re
import sys
from pathlib import Path
from types import ModuleType

import mlbreaks_checks
import pytest
from packaging.version import Version

from pytest_mlbreaks import __version__, pages, taxonomy, testing
from pytest_mlbreaks.check import Check
from pytest_mlbreaks.packs import find_checks
from pytest_mlbreaks.readers.compose import READER as COMPOSE

ROOT = Path(__file__).resolve().parent.parent
PACK = Path(mlbreaks_checks.__file__).parent
CHECKS = find_checks(mlbreaks_checks)

every_check = pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)


def page_of(check: Check) -> pages.Page:
    """The page of a check, which is there."""
    page = pages.page_of(check)
    assert page is not None, f"no page: {pages.page_path(check)}"
    return page


def test_the_pack_holds_checks_and_their_pages_alone() -> None:
    """A folder per category; in it a module and a page per check, and nothing else but what modules share."""
    expected = {"__init__.py", "py.typed"}
    for check in CHECKS:
        folder, name = check.module.split(".")[-2:]
        expected |= {f"{folder}/__init__.py", f"{folder}/{name}.py", f"{folder}/{name}.md"}
    found = {p.relative_to(PACK).as_posix() for p in PACK.rglob("*") if p.is_file() and "__pycache__" not in p.parts}
    found -= {name for name in found if re.search(r"(^|/)_(?!_)\w+\.(py|txt)$", name)}
    folders = {name.replace("-", "_") for name in taxonomy.categories()}
    unused = {f"{folder}/__init__.py" for folder in folders}
    assert found - unused == expected - unused
    assert {path.parent.name for path in PACK.glob("*/*.py")} <= folders


def test_ids_are_unique() -> None:
    """Now and among the names that checks had formerly, and none is a category's."""
    names = [name for check in CHECKS for name in (check.id, *check.formerly)]
    assert len(names) == len(set(names))
    assert not set(names) & set(taxonomy.categories())


@every_check
def test_a_check_is_named_and_dated(check: Check) -> None:
    """Its id is kebab-case, of two words or more; it came with a version that is not in the future."""
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)+", check.id)
    assert re.fullmatch(r"\d+\.\d+", check.since)
    assert Version(check.since) <= Version(__version__)
    assert check.category not in check.also


@every_check
def test_id_and_category_are_where_the_files_lie(check: Check) -> None:
    """The id is the file's name, the category its folder's, and one of the taxonomy's, as are those beside it."""
    assert check.module.split(".")[-2:] == [check.category.replace("-", "_"), check.id.replace("-", "_")]
    assert {check.category, *check.also} <= set(taxonomy.categories())


@pytest.mark.parametrize("category", taxonomy.categories())
def test_every_cause_of_outages_has_a_check(category: str) -> None:
    """What the taxonomy names is looked for."""
    assert any(check.category == category for check in CHECKS)


@every_check
def test_the_news_name_the_check(check: Check) -> None:
    """Until the release in a fragment, and then in the changelog: by id, so that whoever sees a finding can find it."""
    news = [ROOT / "CHANGELOG.md", *(ROOT / "changelog").glob("*.check.md")]
    assert any(f"`{check.id}`" in path.read_text(encoding="utf-8") for path in news), check.id


@every_check
def test_module_and_page_have_one_title(check: Check) -> None:
    """A sentence that says the danger; the page's is the module's, without the full stop."""
    assert check.title[:1].isupper()
    assert len(check.title) <= 110
    assert page_of(check).title == check.title


@every_check
def test_options_are_documented(check: Check) -> None:
    """Each option of a check stands, by name, in the docstring of the function that takes it."""
    for rule in check.rules:
        for name in rule.options:
            assert f"``{name}``" in (rule.find.__doc__ or ""), f"{check.id}: option {name}"


@every_check
def test_a_page_is_complete_and_holds(check: Check) -> None:
    """Prose, Breaks, Holds, What to do and Sources are there, and each example is what its section says."""
    testing.assert_page(check)


@every_check
def test_sources_are_links(check: Check) -> None:
    """Whoever doubts a claim can look it up."""
    assert re.search(r"https://\S", page_of(check).text.partition("\n## Sources")[2])


@every_check
def test_a_page_tells_the_traps(check: Check) -> None:
    """What looks like the danger and is none stands in a table before the advice, with the example that shows it."""
    page = page_of(check)
    assert page.traps
    assert page.lost_traps() == []
    assert page.headings.index("Traps") < page.headings.index("What to do")


@every_check
def test_evidence_is_what_the_page_shows(check: Check) -> None:
    """A check on several files proves a finding by another file on its own page."""
    if check.evidence != "cross-artifact":
        return
    breaks = [section for section in page_of(check).examples if section.kind == "breaks"]
    results = [testing.judge_files(section.files, check) for section in breaks]
    findings = [finding for result in results for finding in result.findings]
    assert any(related.place.path != f.place.path for f in findings for related in f.because)


@every_check
def test_messages_are_sentences(check: Check) -> None:
    """One line each, with a full stop; the notes on related places are phrases without one."""
    for section in page_of(check).examples:
        for finding in testing.judge_files(section.files, check).findings:
            assert re.search(r"[.)]$", finding.message), finding.message
            assert "\n" not in finding.message
            for related in finding.because:
                assert not related.note.endswith("."), related.note


def test_the_guide_shows_a_check_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """The module and the page in ``checks/README.md`` are a check like any other, and every section is explained."""
    guide = (ROOT / "checks" / "README.md").read_text(encoding="utf-8")
    module = re.search(r"^```python\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    page = re.search(r"^````markdown\n(.*?)^````$", guide, re.MULTILINE | re.DOTALL)
    assert module is not None
    assert page is not None
    made = ModuleType("guide.push_order.manifest_names_no_tag")
    monkeypatch.setitem(sys.modules, made.__name__, made)
    exec(compile(module[1], "checks/README.md", "exec"), vars(made))
    parsed = pages.parse(page[1])
    assert parsed.title == made.check.title
    assert (len(parsed.traps), parsed.lost_traps()) == (2, [])
    packs = dataclasses.replace(testing.installed(), readers=(COMPOSE,), checks=(made.check,))
    assert [outcome.problems for outcome in pages.run(parsed, packs, made.check)] == [(), (), ()]
    for heading in ("Breaks", "Holds", "Holds: not applicable", "Cannot tell", "Traps", "What to do", "Sources"):
        assert f"`## {heading}`" in guide
