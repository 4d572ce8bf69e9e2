"""A dbt model refers to a model or source that is nowhere in the project."""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks._sql import absent
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    DbtModel,
    DbtTree,
    Finding,
    Pipeline,
    Place,
    Severity,
    Unjudged,
    Verdict,
)
from pytest_mlbreaks.api import facts as f

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.LOW,
    since="0.1",
    evidence="cross-artifact",
    also=("data-join",),
)


def _refers(model: DbtModel, pipeline: Pipeline) -> bool:
    return bool(model.refs) and model.setting("enabled") is None


@check.over(DbtModel, where=_refers)
def find(model: DbtModel, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each ``ref()`` and ``source()`` of a dbt model."""
    tree = pipeline.one(DbtTree, model.project.identity)
    if tree is None:
        return
    for ref in model.refs:
        if not absent(ref, tree):
            continue
        reason = _reason(ref, tree, pipeline)
        if reason:
            yield Unjudged(ref.place, reason)
        else:
            yield _finding(model, ref, tree)


def _reason(ref: f.DbtRef, tree: DbtTree, pipeline: Pipeline) -> str:
    """Why nothing can be said of what *ref* names; "" where it is nowhere for sure."""
    if tree.incomplete:
        return "a file that is not read may define it"
    if tree.packages:
        return "a package may define it"
    if ref.conditional:
        return "only some runs come to it"
    named = pipeline.index(f.DbtFile, "macros", each=True)
    if any(file.path.startswith(tree.project.folder) for file in named.get(ref.kind, ())):
        return f"the project has a {ref.kind}() of its own"
    return ""


def _finding(model: DbtModel, ref: f.DbtRef, tree: DbtTree) -> Finding:
    because: list[tuple[Place, str]] = [(tree.project.place, "the project, which installs no package with models")]
    if ref.kind == "ref":
        written = f"ref('{ref.name}')"
        what = "no model, seed or snapshot has that name"
        similar = next((m for name, m in tree.models.items() if name.lower() == ref.name.lower()), None)
        if similar is not None:
            because.insert(0, (similar.place, f"{similar.name} is written otherwise"))
    else:
        written = f"source('{ref.group}', '{ref.name}')"
        what = "no properties file has that table"
        entries = [e for (source, _), found in tree.sources.items() if source == ref.group for e in found]
        if entries:
            names = ", ".join(entry.name for entry in entries[:3])
            because.insert(0, (entries[0].place, f"the source {ref.group}, which has {names}"))
    return Finding(
        at=ref.place,
        message=f"{model.name} refers to {written}, and {what}: dbt stops at it, before it runs any model.",
        because=tuple(because),
        about=(ref.kind, ref.group, ref.name),
        group=tree.project.folder,
        note=f"{model.name} refers to {written}, which is not there either",
    )
