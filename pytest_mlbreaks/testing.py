"""For the tests of packs: what a check says about given files, and whether its page holds."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from pytest_mlbreaks import engine, pages
from pytest_mlbreaks.check import Check
from pytest_mlbreaks.model import Pipeline
from pytest_mlbreaks.packs import Packs, load
from pytest_mlbreaks.report import Result
from pytest_mlbreaks.tree import MemoryTree

__all__ = ["Result", "assert_page", "installed", "judge_files", "linked", "page_problems"]


@functools.cache
def installed() -> Packs:
    """All packs installed here, loaded once. Raises `pytest_mlbreaks.packs.PackError`."""
    return load()


def linked(files: Mapping[str, str | bytes], *, packs: Packs | None = None) -> Pipeline:
    """The linked pipeline of a repository of *files*, by path, read by *packs* (all that are installed, if None)."""
    tree = MemoryTree(files)
    return engine.build(tree, engine.read(tree, packs or installed(), lambda stage, done, total: None))


def judge_files(
    files: Mapping[str, str | bytes],
    check: Check | str,
    *,
    packs: Packs | None = None,
    options: Mapping[str, Any] | None = None,
) -> Result:
    """What *check* (or the check of that id) says about a repository of *files*, by path.

    *packs* bring the readers (all that are installed, if None); *options* are the check's own.
    Raises KeyError for an unknown id.
    """
    chosen, within = _with(check, packs)
    tree = MemoryTree(files)
    reading = engine.read(tree, within, lambda stage, done, total: None)
    return engine.judge(chosen, engine.build(tree, reading), options or {})


def page_problems(check: Check | str, *, packs: Packs | None = None) -> list[str]:
    """All that is wrong with the page of *check*, each with its line; empty where it holds."""
    chosen, within = _with(check, packs)
    try:
        page = pages.page_of(chosen)
    except pages.PageError as error:
        return [str(error)]
    if page is None:
        return [f"{chosen.id} has no page: {pages.page_path(chosen)}"]
    missing = [kind for kind in ("breaks", "holds") if not any(s.kind == kind for s in page.examples)]
    problems = [f"no section '## {kind.capitalize()}'" for kind in missing]
    headings = {heading.lower() for heading in page.headings}
    problems += [f"no section '## {name}'" for name in ("What to do", "Sources") if name.lower() not in headings]
    problems += [] if page.why else ["no prose under the title"]
    problems += [] if page.what_to_do else ["nothing under 'What to do'"]
    problems += ["no row under 'Traps'"] if "traps" in headings and not page.traps else []
    problems += [
        f"under 'Traps', {where!r} is the heading of no example, nor 'not handled: ...'" for where in page.lost_traps()
    ]
    for outcome in pages.run(page, within, chosen):
        problems += [f"line {outcome.section.line}: {problem}" for problem in outcome.problems]
    return problems


def assert_page(check: Check | str, *, packs: Packs | None = None) -> None:
    """Fail, as a test does, where the page of *check* is not complete or does not say what the check says."""
    problems = page_problems(check, packs=packs)
    if problems:
        name = check if isinstance(check, str) else check.id
        raise AssertionError("\n  ".join([f"the page of {name}:", *problems]))


def _with(check: Check | str, packs: Packs | None) -> tuple[Check, Packs]:
    within = packs or installed()
    if isinstance(check, str):
        found = within.check(check)
        if found is None:
            raise KeyError(check)
        return found, within
    if check not in within.checks:
        within = dataclasses.replace(within, checks=(*within.checks, check))
    return check, within
