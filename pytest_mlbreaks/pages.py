"""Pages: the Markdown file beside a check, its documentation and its test.

A page starts with a title and prose. Its ``## Breaks``, ``## Holds`` and ``## Cannot tell`` sections (each as often as
needed, with more words after a colon) are examples: fenced blocks with ``title="PATH"`` in their info string make a
small repository. Under Breaks and Cannot tell, a ``text`` fence without a title holds what the check says there.
``## Traps`` is a table of what looks like the danger and is none, and of the section that shows each of them.
``## What to do`` and ``## Sources`` end the page. ``checks/README.md`` is the guide for people.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import msgspec

from pytest_mlbreaks.check import Check
from pytest_mlbreaks.packs import Packs
from pytest_mlbreaks.report import About, ReportedFinding, Result

Kind = Literal["breaks", "holds", "cannot tell"]

NOT_APPLICABLE = "not applicable"
"""How the rest of the title starts, of a Holds section in which the check finds nothing to judge."""

NOT_HANDLED = "not handled: "
"""How the second cell of a row under Traps starts where no example shows the trap; the reason follows."""

_KINDS: tuple[Kind, ...] = ("breaks", "holds", "cannot tell")
_FENCE = re.compile(r"^(`{3,}|~{3,})[ \t]*([^`]*)$")
_TITLE = re.compile(r'\btitle="([^"]+)"')
_LINK = re.compile(r"https?://[^\s<>\"]+")
_CELL_END = re.compile(r"(?<!\\)\|")
_QUOTED = re.compile(r"`[^`]+`(?:[,;] `[^`]+`)*")
_ALSO = re.compile(r"^Also finds:[ \t]*(\S.*)$")


class PageError(Exception):
    """A page that is not written as it has to be; the text names the line."""


@dataclasses.dataclass(frozen=True)
class Section:
    """An example. *files* make the repository; *said* is the text fence (None: there is none) and *fence* its first
    and last line including the marks, 0-based; *end* is the line after which one would be put.

    *also* are ids of other checks that find something here, declared by a line ``Also finds: ID, ID``.
    """

    kind: Kind
    title: str
    line: int
    files: Mapping[str, str]
    said: str | None
    fence: tuple[int, int] | None
    end: int
    also: frozenset[str]

    @property
    def not_applicable(self) -> bool:
        """Whether the check is to find nothing that it could judge here."""
        return self.kind == "holds" and self.title.lower().startswith(NOT_APPLICABLE)


@dataclasses.dataclass(frozen=True)
class Page:
    """A page taken apart. *why* is its first paragraph, *what_to_do* the first one under that heading, *sources* the
    links under that one, *traps* the rows of the table under Traps: the trap, and where it is shown."""

    text: str
    title: str
    why: str
    examples: tuple[Section, ...]
    headings: tuple[str, ...]
    what_to_do: str
    sources: tuple[str, ...]
    traps: tuple[tuple[str, str], ...] = ()

    def lost_traps(self) -> list[str]:
        """What stands in the second cell of each trap that is shown nowhere: neither the heading of an example of this
        page (or several in backticks, separated by a comma), nor "not handled: " and a reason."""
        shown = {heading for heading in self.headings if _kind(heading)}
        return [where for _, where in self.traps if not _is_told(where, shown)]


@dataclasses.dataclass(frozen=True)
class SectionOutcome:
    """What became of an example: *said* is the check's text there, *problems* what is wrong with it, in sentences."""

    section: Section
    said: str
    result: Result
    problems: tuple[str, ...]


@dataclasses.dataclass
class _Block:
    """A heading and what stands below it, while parsing. Fences: (first line, last line, info string, content)."""

    heading: str
    line: int
    prose: list[tuple[int, str]] = dataclasses.field(default_factory=list)
    fences: list[tuple[int, int, str, str]] = dataclasses.field(default_factory=list)


def parse(text: str) -> Page:
    """The page in *text*. Raises PageError."""
    top, *blocks = _blocks(text.splitlines())
    if not top.heading:
        raise PageError("line 1: a page starts with its title, '# ...'")
    by_name = {block.heading.lower(): block for block in blocks}
    return Page(
        text=text,
        title=top.heading,
        why=_first_paragraph(top),
        examples=tuple(_section(block) for block in blocks if _kind(block.heading)),
        headings=tuple(block.heading for block in blocks),
        what_to_do=_first_paragraph(by_name["what to do"]) if "what to do" in by_name else "",
        sources=tuple(_links(by_name["sources"])) if "sources" in by_name else (),
        traps=tuple(_traps(by_name["traps"])) if "traps" in by_name else (),
    )


def _blocks(lines: Sequence[str]) -> list[_Block]:
    blocks = [_Block("", 0)]
    number = 0
    while number < len(lines):
        line = lines[number]
        opening = _FENCE.match(line)
        if opening:
            mark = opening[1]
            closing = next((n for n in range(number + 1, len(lines)) if _closes(lines[n], mark)), None)
            if closing is None:
                raise PageError(f"line {number + 1}: this fence is never closed")
            content = "".join(f"{inner}\n" for inner in lines[number + 1 : closing])
            blocks[-1].fences.append((number, closing, opening[2].strip(), content))
            number = closing
        elif line.startswith("# ") and not blocks[0].heading:
            blocks[0].heading = line[2:].strip()
        elif line.startswith("## "):
            blocks.append(_Block(line[3:].strip(), number))
        else:
            blocks[-1].prose.append((number, line))
        number += 1
    return blocks


def _closes(line: str, mark: str) -> bool:
    stripped = line.rstrip()
    return len(stripped) >= len(mark) and set(stripped) == {mark[0]}


def _first_paragraph(block: _Block) -> str:
    paragraph: list[str] = []
    before = None
    for number, line in block.prose:
        if paragraph and (not line.strip() or (before is not None and number != before + 1)):
            break
        if line.strip():
            paragraph.append(line.strip())
            before = number
    return " ".join(paragraph)


def _links(block: _Block) -> Iterator[str]:
    for _, line in block.prose:
        yield from (link.rstrip(".,;:)>") for link in _LINK.findall(line))


def _traps(block: _Block) -> Iterator[tuple[str, str]]:
    """The rows of the table, without its head and the line below that."""
    rows = [(number, line.strip()) for number, line in block.prose if line.lstrip().startswith("|")]
    for number, line in rows[2:]:
        cells = [cell.strip().replace("\\|", "|") for cell in _CELL_END.split(line.strip("|"))]
        if len(cells) != 2 or not all(cells):
            raise PageError(f"line {number + 1}: a trap is a row of two cells, the trap and where it is shown")
        yield cells[0], cells[1]


def _is_told(where: str, shown: set[str]) -> bool:
    if where in shown:
        return True
    if _QUOTED.fullmatch(where):
        return shown.issuperset(where[1:-1].replace("`; `", "`, `").split("`, `"))
    return where.startswith(NOT_HANDLED) and len(where) > len(NOT_HANDLED)


def _kind(heading: str) -> Kind | None:
    start = heading.partition(":")[0].strip().lower()
    return next((kind for kind in _KINDS if kind == start), None)


def _section(block: _Block) -> Section:
    kind = _kind(block.heading)
    assert kind is not None
    files: dict[str, str] = {}
    said, fence = None, None
    for first, last, info, content in block.fences:
        title = _TITLE.search(info)
        if title:
            if title[1] in files:
                raise PageError(f"line {first + 1}: {title[1]} is there already")
            files[title[1]] = content
        elif info.split()[:1] == ["text"]:
            if said is not None:
                raise PageError(f"line {first + 1}: a second text fence in one section")
            said, fence = content, (first, last)
    if not files:
        raise PageError(f'line {block.line + 1}: {block.heading!r} holds no file (a fence with title="PATH")')
    if said is not None and kind == "holds":
        raise PageError(f"line {block.line + 1}: nothing is said where something holds; take the text fence out")
    also: set[str] = set()
    for _, line in block.prose:
        declared = _ALSO.match(line)
        if declared:
            also.update(name.strip(" `.") for name in declared[1].split(","))
    return Section(
        kind=kind,
        title=block.heading.partition(":")[2].strip(),
        line=block.line + 1,
        files=files,
        said=said,
        fence=fence,
        end=max(last for _, last, _, _ in block.fences),
        also=frozenset(also),
    )


def run(page: Page, packs: Packs, check: Check) -> list[SectionOutcome]:
    """Run every check of *packs* over every example of *check*'s page."""
    return [_run(section, packs, check) for section in page.examples]


def _run(section: Section, packs: Packs, check: Check) -> SectionOutcome:
    from pytest_mlbreaks import engine  # the engine asks this module what to do about a finding
    from pytest_mlbreaks.judge import alike
    from pytest_mlbreaks.tree import MemoryTree

    tree = MemoryTree(section.files)
    reading = engine.read(tree, packs, lambda stage, done, total: None)
    pipeline = engine.build(tree, reading)
    result = engine.judge(check, pipeline, {})
    result = msgspec.structs.replace(result, findings=alike.of(result.findings))
    problems = [f"{d.place}: {d.message}" for d in reading.diagnostics if d.level == "error"]
    problems += _own_problems(section, result)
    foreign = set()
    for other in packs.checks:
        if other is check:
            continue
        theirs = engine.judge(other, pipeline, {})
        if theirs.outcome == "failed":
            problems.append(f"the check {other.id} failed here: {theirs.reason}")
        if theirs.findings:
            foreign.add(other.id)
            if other.id not in section.also:
                first = theirs.findings[0]
                problems.append(
                    f"{other.id} finds something, too: {first.place}: {first.message} "
                    f"(mend the example, or declare it: 'Also finds: {other.id}')"
                )
    problems += [f"'Also finds: {name}' is declared, but it finds nothing" for name in sorted(section.also - foreign)]
    said = _said(section, check, result)
    if said != (section.said or ""):
        problems.append("what the check says is not what the page says (`mlbreaks pages --write` writes it anew)")
    return SectionOutcome(section, said, result, tuple(problems))


def _own_problems(section: Section, result: Result) -> Iterator[str]:
    if result.outcome == "failed":
        yield f"the check failed: {result.reason}"
        return
    if section.kind == "breaks":
        if not result.findings:
            yield f"nothing is found where it breaks ({_what_became(result)})"
        return
    for finding in result.findings:
        yield f"a finding where none may be: {finding.place}: {finding.message}"
    if section.kind == "cannot tell":
        if not result.unjudged:
            yield f"nothing was left unjudged ({_what_became(result)})"
    elif section.not_applicable:
        if result.judged or result.unjudged:
            yield f"it does apply ({_what_became(result)})"
    else:
        if not result.judged:
            yield f"nothing was judged ({_what_became(result)})"
        for subject in result.unjudged:
            yield f"unjudged: {subject.place}: {subject.reason} (an example of that is a 'Cannot tell' section)"


def _what_became(result: Result) -> str:
    counts = f"judged {result.judged}, unjudged {len(result.unjudged)}"
    return f"{counts}; {result.reason}" if result.reason else counts


def _said(section: Section, check: Check, result: Result) -> str:
    if section.kind == "breaks":
        return "\n".join(_finding_text(finding, check) for finding in result.findings)
    if section.kind == "cannot tell":
        return "".join(f"unjudged {_where(u.place)}: {_one_line(u.reason)}\n" for u in result.unjudged)
    return ""


def _finding_text(finding: ReportedFinding, check: Check) -> str:
    lowered = []
    if finding.severity < check.severity:
        lowered.append(str(finding.severity))
    if finding.confidence < check.confidence:
        lowered.append(f"{finding.confidence} confidence")
    note = f" ({', '.join(lowered)})" if lowered else ""
    lines = [f"{_where(finding.place)} {finding.category}/{finding.check}{note}", f"  {_one_line(finding.message)}"]
    lines += [f"  because {_where(related.place)}: {_one_line(related.note)}" for related in finding.because]
    if finding.fix and finding.fix != what_to_do(check):
        lines.append(f"  fix: {_one_line(finding.fix)}")
    return "".join(f"{line}\n" for line in lines)


def _where(place: Any) -> str:
    cell = f":cell {place.cell}" if place.cell is not None else ""
    return f"{place.path}{cell}:{place.line}" if place.line is not None else f"{place.path}{cell}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def rewrite(page: Page, outcomes: Iterable[SectionOutcome]) -> str:
    """The page's text with what the check says now in its text fences."""
    lines = page.text.splitlines()
    for outcome in sorted(outcomes, key=lambda o: -o.section.line):
        section = outcome.section
        if section.kind == "holds":
            continue
        fence = ["```text", *outcome.said.splitlines(), "```"]
        if section.fence is not None:
            first, last = section.fence
            lines[first : last + 1] = fence
        else:
            lines[section.end + 1 : section.end + 1] = ["", *fence]
    return "\n".join(lines) + "\n"


def page_path(check: Check) -> Path:
    """Where the page of a check that is installed as files lies, whether it is there or not."""
    package, _, name = check.module.rpartition(".")
    return Path(str(resources.files(package).joinpath(f"{name}.md")))


def page_text(check: Check) -> str | None:
    """The page of a check as it stands beside its module, or None."""
    package, _, name = check.module.rpartition(".")
    try:
        return resources.files(package).joinpath(f"{name}.md").read_text(encoding="utf-8")
    except (OSError, ModuleNotFoundError, TypeError):
        return None


@functools.cache
def _page(module: str, check: Check) -> Page | None:
    text = page_text(check)
    return parse(text) if text is not None else None


def page_of(check: Check) -> Page | None:
    """The page of a check taken apart (once per run), or None where there is none. Raises PageError."""
    return _page(check.module, check)


def what_to_do(check: Check) -> str:
    """The first paragraph of the page's "What to do"; "" where there is none, or no page that can be read."""
    return about(check).what_to_do


def about(check: Check) -> About:
    """The page, shortened, for reports; nothing but the title where there is no page that can be read."""
    try:
        page = page_of(check)
    except PageError:
        page = None
    return About(check.title, page.why, page.what_to_do, page.sources) if page is not None else About(check.title)


def write_outputs(check: Check, packs: Packs) -> bool:
    """Write what *check* says now into its page, and tell whether the page changed. Raises PageError, OSError."""
    text = page_text(check)
    if text is None:
        raise PageError(f"{check.id} has no page: {page_path(check)}")
    page = parse(text)
    anew = rewrite(page, run(page, packs, check))
    if anew == text:
        return False
    page_path(check).write_text(anew, encoding="utf-8", newline="\n")
    _page.cache_clear()
    return True
