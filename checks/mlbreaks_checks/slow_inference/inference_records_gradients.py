"""A model that only predicts is called with the recording of gradients on.

Each request keeps what a training step would need, and nobody takes that step.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks._rows import tried_out
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, facts

check = Check(
    __name__,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    since="0.1",
)


def _is_run(call: facts.RecordedForward, pipeline: Pipeline) -> bool:
    return not tried_out(call.path)


@check.over(facts.RecordedForward, where=_is_run)
def find(call: facts.RecordedForward, pipeline: Pipeline) -> Iterator[Finding | Unjudged]:
    """Looks at each call of a model that its file puts into evaluation mode; those of one file are told at once."""
    if _guarded_beside(call.path, pipeline):
        yield Unjudged(call.place, "a file that it imports, or that imports it, turns gradients off")
        return
    yield Finding(
        at=call.place,
        message=f"{call.written}() is called to predict, and nothing turns the recording of gradients off: eval() does"
        " not, so that every call keeps the activations of all layers for a backward pass that never comes.",
        because=((call.switched, "it is put into evaluation mode here"),),
        about=(call.scope, call.written),
        group=call.path,
        note=f"and {call.written}() here",
    )


def _guarded_beside(path: str, pipeline: Pipeline) -> bool:
    """Whether gradients are turned off in a file that imports *path* or that *path* imports, told by the last parts of
    names: one too many leaves a call unjudged, and that is all."""
    guards = pipeline.index(facts.GradientGuard, "path")
    importers = pipeline.index(facts.PythonModule, _imported, each=True).get(_stem(path), ())
    if any(one.path in guards for one in importers):
        return True
    stems = pipeline.index(facts.GradientGuard, _guard_stem)
    return any(
        name in stems
        for module in pipeline.index(facts.PythonModule, "path").get(path, ())
        for name in _imported(module)
    )


def _guard_stem(guard: facts.GradientGuard) -> str:
    return _stem(guard.path)


def _stem(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").rpartition("/")[2]


def _imported(module: facts.PythonModule) -> list[str]:
    """The last parts of what a file may import, modules and names."""
    parts = {one.target.rpartition(".")[2] for one in module.imports} | {one.name for one in module.imports if one.name}
    return list(parts)
