"""Frames, arrays and tensors that a loop makes longer by joining them with more, turn by turn."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pytest_mlbreaks.formats.python import PYTHON, CallSite, PythonFile, Scope
from pytest_mlbreaks.formats.python_nodes import walk
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.facts import GrownInLoop
from pytest_mlbreaks.readers.python import claims
from pytest_mlbreaks.reading import Reader, Wanted

_JOINERS = (
    *("pandas.concat", "polars.concat", "numpy.append", "numpy.concatenate", "numpy.vstack", "numpy.hstack"),
    *("torch.cat", "torch.concat"),
)
_SMALL = 32
"""Turns of a loop that are certainly few."""

_FEW = re.compile(r"\.(?:columns|keys|dtypes)\b|\bfolds?\b|\bsplit\(")


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """What grows in the loops of one module."""
    for callee in _JOINERS:
        for site in file.calls_by_name.get(callee, ()):
            loop = next((loop for loop in reversed(site.loops) if isinstance(loop, (ast.For, ast.While))), None)
            if loop is None or not site.result or site.result not in _joined(site):
                continue
            over, small = _over(loop, site.scope)
            yield GrownInLoop(
                place=file.place(site.node),
                frame=site.result,
                api=callee,
                over=over,
                loop=_line(file, loop),
                small=small,
                reset=_bound_in(loop, site.result) > 1,
                needed=_needed_in(loop, site.result),
                scope=site.scope.function,
            )


def _line(file: PythonFile, loop: ast.For | ast.While) -> Place:
    return file.place(loop.iter if isinstance(loop, ast.For) else loop.test)


def _joined(site: CallSite) -> list[str]:
    """The names that a call joins: in a list or tuple, or one after the other (``np.append(x, more)``)."""
    names = []
    for argument in site.node.args[:2]:
        elements = argument.elts if isinstance(argument, (ast.List, ast.Tuple)) else [argument]
        names += [element.id for element in elements if isinstance(element, ast.Name)]
    return names


def _over(loop: ast.For | ast.While, scope: Scope) -> tuple[str, bool]:
    """What a loop runs over, as written, and whether that is certainly little."""
    if isinstance(loop, ast.While):
        return "while", False
    source = loop.iter
    while isinstance(source, ast.Call) and isinstance(source.func, ast.Name) and source.func.id in _WRAPPERS:
        if not source.args:
            break
        source = source.args[0]
    text = " ".join(ast.unparse(source).split())[:120]
    if isinstance(_written(source, scope), (ast.List, ast.Tuple, ast.Set, ast.Dict)):
        return text, True
    if isinstance(source, ast.Call) and isinstance(source.func, ast.Name) and source.func.id == "range":
        last = source.args[-1] if len(source.args) < 3 else source.args[1]
        return text, isinstance(last, ast.Constant) and isinstance(last.value, int) and last.value <= _SMALL
    return text, bool(_FEW.search(text))


def _written(source: ast.expr, scope: Scope) -> object:
    """What is looped over, where a name stands for something that is written out in the file."""
    if isinstance(source, ast.Call) and isinstance(source.func, ast.Attribute) and source.func.attr == "items":
        source = source.func.value
    if isinstance(source, ast.Name):
        owner = scope.owner(source.id)
        bound = owner.names[source.id] if owner is not None else []
        return bound[0] if len(bound) == 1 else None
    return source


_WRAPPERS = frozenset({"enumerate", "tqdm", "list", "sorted", "reversed", "zip"})


def _bound_in(loop: ast.For | ast.While, name: str) -> int:
    """How often *name* is bound in a loop's body: more than once, and it may begin anew."""
    count = 0
    for node in walk(loop):
        if isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load):
            count += 1
    return count


_CHEAP = frozenset({"shape", "empty", "size", "columns", "dtypes", "ndim", "numel", "height", "width"})
"""Attributes of frames and tensors that say something of them without a look at their rows."""


def _needed_in(loop: ast.For | ast.While, name: str) -> bool:
    """Whether each turn needs what has been gathered so far: writes it, gives it to a function, looks something up."""
    spared: set[int] = set()
    for node in walk(loop):
        if isinstance(node, ast.Call) and _is_of_no_account(node.func):
            spared.update(id(part) for argument in node.args for part in ast.walk(argument))
        elif isinstance(node, ast.Attribute) and node.attr in _CHEAP:
            spared.add(id(node.value))
        elif isinstance(node, (ast.Return, ast.Compare)):
            spared.update(id(part) for part in ast.walk(node))
    return any(
        isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load) and id(node) not in spared
        for node in walk(loop)
    )


def _is_of_no_account(called: ast.expr) -> bool:
    name = called.id if isinstance(called, ast.Name) else called.attr if isinstance(called, ast.Attribute) else ""
    return name in _OF_NO_ACCOUNT


_OF_NO_ACCOUNT = frozenset(
    {
        *(joiner.rpartition(".")[2] for joiner in _JOINERS),
        *("len", "print", "debug", "info", "warning", "error", "exception", "set_postfix", "set_description"),
    }
)
"""Functions that join, count, or say something."""


READER: Reader[PythonFile] = Reader("growth", 3, PYTHON, (GrownInLoop,), claims, read)
