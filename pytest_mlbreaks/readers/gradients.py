"""Calls of PyTorch models that are only evaluated, and the files that turn the recording of gradients off."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pytest_mlbreaks.formats.python import PYTHON, CallSite, PythonFile, Scope
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.facts import GradientGuard, RecordedForward
from pytest_mlbreaks.readers.python import claims
from pytest_mlbreaks.reading import Reader, Wanted

_GUARDS = re.compile(rb"no_grad|inference_mode|grad_enabled|requires_grad|autograd")
"""What stops the recording of gradients, or shows that somebody thought of it."""

_OTHERS = re.compile(
    rb"lightning|\.backward\(|optim\.|onnx|openvino|tensorrt|torch2trt|mkldnn|quantiz|neuron|yolo|ultralytics|"
    rb"jit\.|torch\.compile|torch\.export|captum|\.grad\b|ignite|fastai"
)
"""What trains, exports or explains a model, has no gradients (quantized and mkldnn layers, other runtimes), or
turns them off by itself."""

_MODULES = frozenset({"Module", "LightningModule", "ScriptModule", "PreTrainedModel"})
"""Base classes of which a method is part of a model, and may be trained with it."""


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The calls of one module, or that it turns gradients off."""
    if not file.mentions(b"torch") or file.tree is None:
        return
    if file.has(_GUARDS):
        yield GradientGuard(place=file.place(file.tree))
        return
    if not file.mentions(b".eval()") or file.path.endswith(".ipynb") or file.has(_OTHERS):
        return
    evaluated: dict[tuple[int, str], CallSite] = {}
    for site in file.methods_by_name.get("eval", ()):
        called = site.node.func
        if isinstance(called, ast.Attribute) and not site.node.args and not site.node.keywords:
            for name in (_dotted(called.value), site.result):
                if name:
                    evaluated.setdefault(_key(name, site.scope), site)
    if not evaluated:
        return
    for call in file.calls:
        name = _dotted(call.node.func)
        switched = evaluated.get(_key(name, call.scope)) if name else None
        if switched is not None and (call.node.args or call.node.keywords) and not _is_part_of_a_model(call.scope):
            yield RecordedForward(
                place=file.place(call.node),
                written=name,
                switched=file.place(switched.node),
                scope=call.scope.function,
            )


def _dotted(node: ast.AST) -> str:
    """``model`` or ``self.model``, as written; "" for all else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return ""


def _key(name: str, scope: Scope) -> tuple[int, str]:
    """The same for two names that mean the same object: the name, and the scope that binds it, or its class."""
    first, _, rest = name.partition(".")
    cls = _class(scope) if rest else None
    owner = cls if cls is not None and first == "self" else scope.owner(first)
    return (id(owner) if owner is not None else 0, name)


def _class(scope: Scope) -> Scope | None:
    """The class in whose methods *scope* lies; None outside of classes."""
    here: Scope | None = scope
    while here is not None and here.kind != "class":
        here = here.parent
    return here


def _is_part_of_a_model(scope: Scope) -> bool:
    cls = _class(scope)
    if scope.function.rpartition(".")[2] == "forward":
        return True
    bases = cls.node.bases if cls is not None and isinstance(cls.node, ast.ClassDef) else ()
    return any(ast.unparse(base).rpartition(".")[2] in _MODULES for base in bases)


READER: Reader[PythonFile] = Reader("gradients", 1, PYTHON, (GradientGuard, RecordedForward), claims, read)
