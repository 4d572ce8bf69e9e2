"""A Torch model is loaded and predicts in training mode."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")

_ALWAYS_MOODY = ("torchvision.models.", "timm.", "efficientnet_pytorch.")


def _predicts(weights: facts.TorchWeights, pipeline: Pipeline) -> bool:
    return weights.used is not None and not weights.trains


@check.over(facts.TorchWeights, where=_predicts)
def find(weights: facts.TorchWeights, pipeline: Pipeline) -> Iterator[Finding | Unjudged]:
    """Models whose weights are loaded and that predict in a file that never calls eval()."""
    if weights.evaluated or weights.used is None:
        return
    name = weights.by.rpartition(".")[2]
    if not name:
        yield Unjudged(weights.place, "what class the model is can't be told")
        return
    modules = pipeline.index(facts.TorchModule, _last_name).get(name, ())
    sure = weights.by.startswith(_ALWAYS_MOODY)
    moody = next((m for m in modules if m.moody), None) if len(modules) == 1 else None
    if modules and moody is None and not sure:
        if len(modules) > 1 or modules[0].opaque:
            yield Unjudged(weights.place, "whether a layer of the model behaves otherwise in training can't be told")
        return
    because = [(weights.used, "it predicts here")]
    if moody is not None and moody.moody_place is not None:
        because.append((moody.moody_place, f"{moody.moody} behaves otherwise in training mode"))
    layers = f"its {moody.moody}" if moody is not None else "dropout and batch normalisation"
    yield Finding(
        at=weights.place,
        message=f"{name} gets its weights here and is never told eval(): a new module is in training mode, in which "
        f"{layers} makes an answer random, or dependent on the rest of the batch.",
        because=tuple(because),
        confidence=None if moody is not None or sure else Confidence.MEDIUM,
        lowered="" if moody is not None or sure else "the layers of the model are not in the tree",
    )


def _last_name(module: facts.TorchModule) -> str:
    return module.name.rpartition(".")[2]
