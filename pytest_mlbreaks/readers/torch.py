"""PyTorch: samplers of distributed training, models whose weights are loaded, and the layers of modules."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from pytest_mlbreaks.formats.python import PYTHON, CallSite, ClassSite, PythonFile
from pytest_mlbreaks.formats.python_nodes import walk
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.facts import EpochSampler, TorchModule, TorchWeights
from pytest_mlbreaks.readers.python import claims
from pytest_mlbreaks.reading import Reader, Wanted

_SAMPLERS = (
    *("torch.utils.data.distributed.DistributedSampler", "torch.utils.data.DistributedSampler"),
    "torch.utils.data.sampler.DistributedSampler",
)
_TRAINERS = ("lightning", "pytorch_lightning", "transformers", "accelerate", "ray", "ignite", "composer", "catalyst")
"""Libraries that call ``set_epoch`` themselves."""

_MOODY = ("Dropout", "BatchNorm", "AlphaDropout", "SyncBatchNorm", "LazyBatchNorm", "FeatureAlphaDropout")
"""Beginnings of the names of layers that behave otherwise while training:
https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.eval"""

_PLAIN = frozenset(
    {
        *(
            "Linear",
            "Conv1d",
            "Conv2d",
            "Conv3d",
            "Embedding",
            "EmbeddingBag",
            "ReLU",
            "GELU",
            "Sigmoid",
            "Tanh",
            "Softmax",
        ),
        *(
            "LayerNorm",
            "Flatten",
            "MaxPool2d",
            "AvgPool2d",
            "AdaptiveAvgPool2d",
            "Identity",
            "Sequential",
            "ModuleList",
        ),
        *("LeakyReLU", "ELU", "SiLU", "Parameter", "ModuleDict", "Unflatten", "ConvTranspose2d", "CosineSimilarity"),
    }
)


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The samplers, loaded models and module classes of one module."""
    if not file.mentions(b"torch"):
        return
    for callee in _SAMPLERS:
        for site in file.calls_by_name.get(callee, ()):
            if _shuffles(site):
                yield _sampler(file, site)
    for site in file.methods_by_name.get("load_state_dict", ()):
        fact = _weights(file, site)
        if fact is not None:
            yield fact
    for cls in file.classes:
        bases = (file.qualified(base, cls.scope.parent or file.module) for base in cls.node.bases)
        if any(base in ("torch.nn.Module", "torch.nn.modules.module.Module") for base in bases):
            yield _module(file, cls)


# ------------------------------------------------------------------------------------------------------- samplers


def _shuffles(site: CallSite) -> bool:
    """Whether a sampler shuffles: it does unless told otherwise (``shuffle=True`` is the default)."""
    value = next((k.value for k in site.node.keywords if k.arg == "shuffle"), None)
    return value is None or (isinstance(value, ast.Constant) and value.value is True)


def _sampler(file: PythonFile, site: CallSite) -> EpochSampler:
    trainer = next(
        (entry.target for entry in file.imports if entry.target.partition(".")[0] in _TRAINERS and not entry.level), ""
    )
    return EpochSampler(
        place=file.place(site.node),
        result=site.result,
        told="set_epoch" in file.methods_by_name or file.mentions(b"set_epoch"),
        loop=_epochs(file),
        trainer=trainer,
        scope=site.scope.function,
    )


def _epochs(file: PythonFile) -> Place | None:
    """The first loop whose variable is an epoch."""
    for site in file.calls:
        for loop in site.loops:
            target = loop.target if isinstance(loop, ast.For) else None
            if isinstance(loop, ast.For) and isinstance(target, ast.Name) and "epoch" in target.id.lower():
                return file.place(loop.iter)
    return None


# -------------------------------------------------------------------------------------------------- loaded models


def _weights(file: PythonFile, site: CallSite) -> TorchWeights | None:
    function = site.node.func
    owner = function.value if isinstance(function, ast.Attribute) else None
    name = _dotted(owner)
    if not name or "optim" in name.lower() or "sched" in name.lower() or "scaler" in name.lower():
        return None
    by = site.callee.removesuffix("().load_state_dict") if site.callee.endswith("().load_state_dict") else ""
    return TorchWeights(
        place=file.place(site.node),
        model=name,
        by=by,
        used=_used(file, site, name),
        evaluated=bool({"eval", "train", "requires_grad_"} & file.methods_by_name.keys()) or file.mentions(b".eval()"),
        trains="backward" in file.methods_by_name or file.mentions(b"torch.optim") or file.mentions(b"optimizer"),
        scope=site.scope.function,
    )


def _used(file: PythonFile, site: CallSite, name: str) -> Place | None:
    """Where the model is called: by its name, or, where its function returns it, by the attribute that holds that. Not
    in a ``forward()``: there it is a layer, whose mode is the one of the module around it."""
    holders = {name}
    returned = any(isinstance(node, ast.Return) and _dotted(node.value) == name for node in walk(site.scope.node))
    if returned:
        maker = site.scope.qualname
        holders |= {call.result for call in file.calls if call.callee == maker and call.result}
    for call in file.calls:
        if call.scope.qualname.endswith(".forward"):
            continue
        dotted = _dotted(call.node.func)
        if dotted in holders or (dotted.endswith(".forward") and dotted.removesuffix(".forward") in holders):
            return file.place(call.node)
    return None


def _dotted(node: ast.expr | None) -> str:
    """``name`` or ``self.name``; "" for everything else."""
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join(reversed([*names, node.id]))


# --------------------------------------------------------------------------------------------------------- layers


def _module(file: PythonFile, cls: ClassSite) -> TorchModule:
    moody: tuple[str, Place] | None = None
    opaque = False
    prefix = f"{cls.scope.qualname}."
    for site in file.calls:
        if not site.scope.qualname.startswith(prefix):
            continue
        root, _, last = site.callee.rpartition(".")
        if root in ("torch.nn", "torch.nn.modules"):
            if last.startswith(_MOODY) and moody is None:
                moody = (f"nn.{last}", file.place(site.node))
            elif last not in _PLAIN:
                opaque = True
        elif root == "torch.nn.functional" and last.startswith("dropout") and moody is None:
            given = {keyword.arg for keyword in site.node.keywords}
            if "training" not in given:
                moody = (f"F.{last}", file.place(site.node))
        elif last[:1].isupper() and site.scope.qualname == f"{prefix}__init__":
            opaque = True
    return TorchModule(
        place=file.definition_place(cls.node),
        name=cls.scope.qualname,
        moody=moody[0] if moody else "",
        moody_place=moody[1] if moody else None,
        opaque=opaque,
    )


READER: Reader[PythonFile] = Reader("torch", 1, PYTHON, (EpochSampler, TorchWeights, TorchModule), claims, read)
