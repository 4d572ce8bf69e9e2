"""Tests are written for a dbt model that is not there, and dbt leaves them out with a warning."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from mlbreaks_checks._sql import absent
from pytest_mlbreaks.api import Check, Confidence, DbtTree, Finding, Pipeline, Place, Severity, Unjudged, Verdict

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.LOW, since="0.1", evidence="cross-artifact")

_SHOWN = 4


@check.over(DbtTree)
def find(tree: DbtTree, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each dbt project: at the tests of its properties files, and at its own tests."""
    lost: dict[str, list[tuple[Place, str, str]]] = defaultdict(list)
    folders = {model.path.rpartition("/")[0] for model in tree.models.values()}
    for name, entries in tree.described.items():
        for entry in entries:
            left = not _below(entry.path.rpartition("/")[0], folders)  # all models of the folder are gone
            if entry.tests and entry.enabled and name not in tree.models and not left:
                lost[entry.path].append((entry.place, name, f"{_count(len(entry.tests))} of {name}"))
            if name not in tree.models:
                continue
            for test in entry.tests:
                for ref in test.refs:
                    if absent(ref, tree):
                        lost[entry.path].append((test.place, ref.name, f"{test.name} of {name} asks {ref.name}"))
    for file in tree.tests:
        for ref in file.refs:
            if absent(ref, tree) and not ref.conditional:
                lost[file.path].append((ref.place, ref.name, f"the test reads {ref.name}"))
    for places in lost.values():
        if tree.incomplete or tree.packages:
            yield Unjudged(places[0][0], "a package, or a file that is not read, may define the model")
        else:
            yield _finding(tree, places)


def _below(folder: str, folders: set[str]) -> bool:
    """Whether one of *folders* is *folder* or lies in it."""
    return any(one == folder or one.startswith(f"{folder}/") or not folder for one in folders)


def _count(tests: int) -> str:
    return "1 test" if tests == 1 else f"{tests} tests"


def _finding(tree: DbtTree, places: list[tuple[Place, str, str]]) -> Finding:
    names = list(dict.fromkeys(name for _, name, _ in places))
    shown = ", ".join(names[:_SHOWN]) + (" and others" if len(names) > _SHOWN else "")
    return Finding(
        at=places[0][0],
        message=f"The tests written here for {shown} never run: nothing in the project has that name.",
        because=(
            *((place, note) for place, _, note in places[:_SHOWN]),
            (tree.project.place, f"the project, whose models lie in {', '.join(tree.project.model_paths)}"),
        ),
        about=(places[0][0].path,),
    )
