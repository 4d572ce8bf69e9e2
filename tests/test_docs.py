"""The documentation names what there is: checks and categories, readers and kinds of files, its own pages."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from packaging.requirements import Requirement

from pytest_mlbreaks import recognised, taxonomy, testing
from pytest_mlbreaks.config.schema import SettingsFile
from pytest_mlbreaks.rollout.findings import ID as CONTRADICTS

ROOT = Path(__file__).resolve().parent.parent
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "checks" / "README.md", *DOCS]
GENERATED = {"checks/index.md"}
"""Pages of the site that ``docs/generate.py`` makes."""
OF_THE_GUIDES = {"manifest-names-no-tag"}
"""Ids of checks that the guides write."""

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


def names() -> dict[str, str]:
    """The ids of all checks that are installed, each with its category."""
    return {check.id: check.category for check in testing.installed().checks}


@every_page
def test_ids_in_backticks_exist(page: Path) -> None:
    """A word in kebab-case is a check, a category, a key of the settings, or a reader."""
    known = {*names(), *taxonomy.categories(), *OF_THE_GUIDES, CONTRADICTS}
    known |= {field.encode_name for field in msgspec.structs.fields(SettingsFile)}
    known |= {reader.name for reader in testing.installed().readers}
    told = set(re.findall(r"(?<!`)`([a-z][a-z0-9]*(?:-[a-z0-9]+)+)`(?!`)", page.read_text(encoding="utf-8")))
    assert told - known == set()


@every_page
def test_a_check_is_named_with_its_own_category(page: Path) -> None:
    """Also in what a report or a command line shows: ``category/id``, and pytest's ``category::id``."""
    known = names()
    told = re.findall(r"([a-z][a-z-]*)(?:/|::)([a-z0-9]+(?:-[a-z0-9]+)+)\b", page.read_text(encoding="utf-8"))
    wrong = {(category, name) for category, name in told if category in taxonomy.categories() and name in known}
    wrong = {(category, name) for category, name in wrong if known[name] != category}
    gone = {name for category, name in told if category in taxonomy.categories() and name not in known}
    assert (wrong, gone - OF_THE_GUIDES) == (set(), set())


@every_page
def test_settings_that_are_shown_name_checks_that_exist(page: Path) -> None:
    """Whoever copies an example of the configuration gets no error."""
    known = {*names(), *taxonomy.categories()}
    fences = re.findall(
        r'^```yaml title="mlbreaks.yaml"\n(.*?)^```$', page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    for fence in fences:
        assert set(_named(yaml.safe_load(fence))) <= known


def _named(settings: Mapping[str, Any]) -> Iterator[str]:
    for key in ("select", "ignore", "lock", "options"):
        yield from settings.get(key, ())
    for entry in settings.get("ignores", ()):
        yield from entry["checks"]


def test_the_navigation_leads_to_pages() -> None:
    """Each entry is a file of the documentation, or made by its generator; and no page is left out."""
    entries = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    told = {path for entry in entries for path in entry.values()}
    assert told - GENERATED == {path.name for path in DOCS}


def rows_under(heading: str) -> list[list[str]]:
    """The rows of the table under a heading of ``docs/support.md``, without its head."""
    text = (ROOT / "docs" / "support.md").read_text(encoding="utf-8")
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_reader_is_in_the_table_of_what_is_read() -> None:
    """A reader that is added without a row, or a row whose reader is gone, is told here."""
    rows = rows_under("By kind of file")
    told = [match[1] for row in rows if (match := re.fullmatch(r"`([^`]+)` \d+\.\d+", row[3]))]
    assert sorted(told) == sorted(reader.name for reader in testing.installed().readers)
    assert len(told) == len(rows)


def test_every_kind_that_is_not_read_is_in_the_table_of_those() -> None:
    """With what that means for the result; a kind that a reader has learned to read stands there no longer."""
    paths = ["Chart.yaml", "templates/_helpers.tpl", "tests/test_a.py", "testdata/a.yaml"]
    kinds = {found.kind for found in recognised.not_read(paths, recognised.chart_folders(paths))}
    kinds |= {kind for kind, _ in recognised._NOT_READ} | {found.kind for found in recognised.idle_notebooks(1)}
    kinds |= {found.kind for found in recognised.local_files(1)}
    rows = rows_under("Not read yet")
    assert {row[0] for row in rows} == kinds
    assert all(row[1] for row in rows)


def test_the_packages_that_it_needs_are_told() -> None:
    """Whoever has to fit it into an environment reads of each, and that none has an upper bound."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [Requirement(text) for text in project["dependencies"]]
    text = (ROOT / "docs" / "quickstart.md").read_text(encoding="utf-8")
    assert [one.name for one in needed if not re.search(rf"\b{one.name}\b", text, re.IGNORECASE)] == []
    assert [str(one) for one in needed if any(part.operator not in (">", ">=") for part in one.specifier)] == []
