"""A path filter of a workflow names a file or folder that was moved or renamed, or a folder without its files.

A filter that matches nothing is no error: the workflow does not run for what it was to watch, and shows nothing; one
that leaves out nothing lets it run for what it was not to see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Place,
    Severity,
    Unjudged,
    Verdict,
    conditions,
    facts,
)

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")

_EVENTS = frozenset({"push", "pull_request", "pull_request_target"})
_WILD = re.compile(r"[*?\[+\\]")
_COMMON = frozenset({"src", "app", "lib", "data", "test", "tests", "docs", "config", "conf", "scripts", "models"})
"""Names of folders that many folders have: one of them elsewhere is no sign of a move."""

_OF_A_PAGE = frozenset({"pages", "components", "views", "screens", "routes", "hooks", "templates", "locales", "i18n"})
"""Folders whose own folders are called after what a page shows, and not after what they hold."""


def _filters(workflow: facts.Workflow, pipeline: Pipeline) -> bool:
    return any(event.event in _EVENTS and (event.paths or event.paths_ignore) for event in workflow.events)


@check.over(facts.Workflow, where=_filters)
def find(workflow: facts.Workflow, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each pattern of the path filters of a workflow."""
    said: set[str] = set()
    for event in workflow.events:
        if event.event not in _EVENTS:
            continue
        yield from _folders(workflow, event, said, pipeline)
        for pattern in event.paths:
            if pattern.startswith("!") or pattern in said or _matches_something(pattern, pipeline):
                continue
            if _inside(pattern, pipeline):  # told above, unless others have its files
                continue
            said.add(pattern)
            verdict = _judged(workflow, event, pattern, pipeline)
            if verdict is not None:
                yield verdict


def _folders(
    workflow: facts.Workflow, event: facts.WorkflowEvent, said: set[str], pipeline: Pipeline
) -> Iterator[Finding]:
    """Folders that stand there without a wildcard: a pattern must match the whole path of a file."""
    for patterns, ignored in ((event.paths, False), (event.paths_ignore, True)):
        named = [one for one in patterns if one not in said and _is_folder(one, patterns, pipeline)]
        said.update(named)
        if not named:
            continue
        texts = ", ".join(map(repr, named[:3])) + (", ..." if len(named) > 3 else "")
        what = "start it all the same" if ignored else "do not start it by this filter"
        file = min(path for path in pipeline.paths if path.startswith(f"{named[0].rstrip('/')}/"))
        only_checked = ignored and event.event != "push"
        yield Finding(
            at=event.place,
            message=(
                f"The filter of {workflow.name or workflow.path!r} has {texts} without a wildcard, which matches no"
                f" file in there: changes below {what}."
            ),
            because=((Place(file, 1), f"{named[0].rstrip('/')}/** would match it"),),
            about=tuple(named),
            severity=Severity.LOW if only_checked else None,
            lowered="it runs more often, for pull requests" if only_checked else "",
        )


def _is_folder(pattern: str, patterns: tuple[str, ...], pipeline: Pipeline) -> bool:
    """Whether a pattern is the name of a folder with files that no other pattern matches."""
    inside = _inside(pattern, pipeline)
    return bool(inside) and not all(conditions.matches(patterns, path) for path in inside)


def _inside(pattern: str, pipeline: Pipeline) -> list[str]:
    """The files of the folder that a pattern is the name of; none where it is none."""
    folder = pattern.rstrip("/")
    if pattern.startswith("!") or _WILD.search(pattern) or not folder.strip(".") or not pipeline.has_folder(folder):
        return []
    return [path for path in pipeline.paths if path.startswith(f"{folder}/")]


def _matches_something(pattern: str, pipeline: Pipeline) -> bool:
    fixed = _WILD.split(pattern)[0]
    folder = fixed.rpartition("/")[0]
    if pattern in pipeline.paths:
        return True
    if not _WILD.search(pattern):
        return False
    if folder and not pipeline.has_folder(folder):
        return False
    return any(path.startswith(fixed) and conditions.matches((pattern,), path) for path in pipeline.paths)


def _judged(workflow: facts.Workflow, event: facts.WorkflowEvent, pattern: str, pipeline: Pipeline) -> Verdict | None:
    """The verdict on a pattern that matches nothing; None where another one watches what is meant."""
    fixed = _WILD.split(pattern)[0].rstrip("/")
    reason = pipeline.unread_near(fixed) if fixed else None
    if reason is not None:
        return Unjudged(event.place, "what it names was not read")
    moved = _moved(pattern, fixed, pipeline)
    if moved is None:
        return Unjudged(event.place, "what it names may come later")
    own = moved == workflow.path
    slip = moved.lower() == fixed.lower()
    file = moved if moved in pipeline.paths else min(path for path in pipeline.paths if path.startswith(f"{moved}/"))
    if conditions.matches(event.paths, file):
        return None
    return Finding(
        at=event.place,
        message=(
            f"The filter {pattern!r} of {workflow.name or workflow.path!r} matches no file; {moved} is there, and a "
            "change of it does not start the workflow by this filter."
        ),
        because=((Place(file, 1), f"{moved} is probably what is meant"),),
        about=(pattern,),
        severity=Severity.LOW if own else None,
        confidence=Confidence.MEDIUM if slip else None,
        lowered="it is the workflow's own file" if own else "only the case of letters differs" if slip else "",
        group=moved if slip else "",
        note=f"{pattern!r} of {workflow.name or workflow.path!r}",
    )


def _moved(pattern: str, fixed: str, pipeline: Pipeline) -> str | None:
    """The one file or folder that was probably meant; None where there is no one."""
    name = fixed.rpartition("/")[2]
    if not _WILD.search(pattern):
        if (stem := re.sub(r"\.ya?ml$", "", fixed)) != fixed:
            for ending in (".yml", ".yaml"):
                if f"{stem}{ending}" in pipeline.paths:
                    return f"{stem}{ending}"
        slips = [path for path in pipeline.paths if path.lower() == fixed.lower()]
        if len(slips) == 1:
            return slips[0]
        named = [path for path in pipeline.paths_named(name) if not path.startswith(".")]
        return named[0] if len(named) == 1 and "/" in fixed else None
    if not pattern.startswith(f"{fixed}/") or name.lower() in _COMMON or not fixed or pipeline.has_folder(fixed):
        return None
    found = {path[: path.index(f"/{name}/") + len(name) + 1] for path in pipeline.paths if f"/{name}/" in path}
    found |= {name} if pipeline.has_folder(name) else set()
    if len(found) != 1:
        return None
    folder = found.pop()
    return None if "/" not in fixed and not _OF_A_PAGE.isdisjoint(folder.split("/")[:-1]) else folder
