"""A hook of mkdocs that generates what code and pages say already: a page per check, their index, the taxonomy's table.

Nothing of it is committed: the check's module and the page beside it are the only places to edit.
"""

from __future__ import annotations

from collections.abc import Iterator

from markdown.extensions.toc import slugify, unique
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from pytest_mlbreaks import packs, pages, taxonomy
from pytest_mlbreaks.check import Check
from pytest_mlbreaks.taxonomy import Category

TABLE = "<!-- taxonomy table -->"
"""Where docs/taxonomy.md has the generated table."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the generated pages into the navigation, by category."""
    checks = packs.load().checks
    tree: list[object] = ["checks/index.md"]
    for category in taxonomy.categories():
        own = [{check.id: _path(check)} for check in checks if check.category == category]
        if own:
            tree.append({category: own})
    config.nav = [{"Checks": tree} if entry == {"Checks": "checks/index.md"} else entry for entry in config.nav or ()]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    checks = packs.load().checks
    files.append(File.generated(config, "checks/index.md", content=_index(checks)))
    for check in checks:
        files.append(File.generated(config, _path(check), content=_page(check)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill in the taxonomy's table."""
    return markdown.replace(TABLE, _taxonomy(packs.load().checks)) if TABLE in markdown else markdown


def _path(check: Check) -> str:
    return f"checks/{check.category}/{check.id}.md"


def _index(checks: tuple[Check, ...]) -> str:
    lines = [
        "# Checks",
        "",
        f"{len(checks)} checks, by the cause of outages that each looks for. Severity and confidence are the most that",
        "a finding has; one that rests on an assumption has less, and says so. Checks of low confidence run only where",
        "they are selected.",
    ]
    for category in taxonomy.categories().values():
        lines += ["", f"## {category.name}", "", f"`{category.id}` · {_axes(category)}", ""]
        own = [check for check in checks if check.category == category.id]
        lines += ["| check | what | severity | confidence | evidence |", "|---|---|---|---|---|"]
        lines += [
            f"| [`{check.id}`]({check.category}/{check.id}.md) | {check.title} | {check.severity} | "
            f"{check.confidence} | {check.evidence} |"
            for check in own
        ]
        lines += [
            f"| [`{check.id}`]({check.category}/{check.id}.md) | {check.title} | | | of `{check.category}` |"
            for check in checks
            if category.id in check.also
        ]
    return "\n".join(lines) + "\n"


def _page(check: Check) -> str:
    """The page beside the check, with what the module alone knows under the title."""
    text = pages.page_text(check)
    if text is None:
        raise SystemExit(f"the check {check.id} has no page")
    title, _, rest = text.partition("\n")
    parsed = pages.parse(text)
    for trap, where in parsed.traps:
        rest = rest.replace(f"| {trap} | {where} |", f"| {trap} | {_linked(where, parsed.headings)} |")
    return "\n".join([title, "", *_facts(check), "", rest.strip(), *_options(check)]) + "\n"


def _linked(where: str, headings: tuple[str, ...]) -> str:
    """Each heading of the page that the cell names, as a link to it."""
    seen: set[str] = set()
    for heading in headings:
        anchor = unique(slugify(heading.replace("`", ""), "-"), seen)
        if where == heading:
            return f"[{heading}](#{anchor})"
        where = where.replace(f"`{heading}`", f"[{heading}](#{anchor})")
    return where


def _facts(check: Check) -> Iterator[str]:
    category = taxonomy.category(check.category)
    also = "".join(f", also `{name}`" for name in check.also)
    yield f"| id | `{check.id}` |"
    yield "|---|---|"
    yield f"| category | [`{check.category}`](../index.md#{_anchor(category)}){also} |"
    yield f"| position | {_axes(category)} |"
    yield f"| severity, confidence | {check.severity}, {check.confidence} at most |"
    yield f"| evidence | {check.evidence} |"
    yield f"| since | {check.since} |"
    if check.formerly:
        yield f"| formerly | {', '.join(f'`{name}`' for name in check.formerly)} |"


def _options(check: Check) -> Iterator[str]:
    if check.options:
        yield from ("", "## Options", "", "| option | default |", "|---|---|")
        yield from (f"| `{name}` | `{value!r}` |" for name, value in check.options.items())


def _anchor(category: Category) -> str:
    words = "".join(char if char.isalnum() or char in "- " else "" for char in category.name.lower())
    return "-".join(words.split())


def _axes(category: Category) -> str:
    ml, distributed = category.axis.ml, category.axis.distributed
    return f"ML {ml.value} of 5 ({ml.basis}) · distributed {distributed.value} of 5 ({distributed.basis})"


def _taxonomy(checks: tuple[Check, ...]) -> str:
    lines = ["| | cause | ML | distributed | share, estimated | checks |", "|--:|---|---|---|--:|--:|"]
    for category in taxonomy.categories().values():
        ml, distributed = category.axis.ml, category.axis.distributed
        count = sum(check.category == category.id for check in checks)
        share = f"{category.prior:.1%}" if category.rank else ""
        lines.append(
            f"| {category.rank or ''} | {category.name}<br>[`{category.id}`](checks/index.md#{_anchor(category)}) | "
            f"{ml.value}, {ml.basis} | {distributed.value}, {distributed.basis} | {share} | {count} |"
        )
    lines += ["", "Why each stands where it does:", ""]
    lines += [f"- **{category.name}.** {category.why}" for category in taxonomy.categories().values()]
    return "\n".join(lines)
