"""Nodes of a Python tree: the same as the standard library's, contexts and operators aside."""

from __future__ import annotations

import ast
import inspect

import pytest

from pytest_mlbreaks.formats import python
from pytest_mlbreaks.formats.python_nodes import children, walk, within

_LEFT_OUT = (ast.expr_context, ast.boolop, ast.operator, ast.unaryop, ast.cmpop)

_EVERYTHING = """
import a.b as c
from d import *
@decorate(1)
async def f(x: int, /, y=1, *z, k, m=2, **w) -> str:
    global g
    async with a as b, c: yield x
    async for i in [j async for j in k if j]: await i
    return {**x, 'a': 1, **y}
class C(B, metaclass=M):
    x: int = 1
    y: str
match s:
    case {'a': 1, **rest}: pass
    case P(1, b=None) | [*_, 2] if z: pass
    case None: pass
    case q: pass
try: x = y = 1
except* (E, F) as e: raise E from e
try: del x[1:2], y.z
except: x += 1
else: pass
finally: assert x, f"{x!r:>{y}}"
while (n := 1) < 2 <= 3 and not x: break
else: lambda a, *b, c=1: a if b else -c
print(*a, sep='', **b)
"""


@pytest.mark.parametrize("source", [_EVERYTHING, inspect.getsource(python)])
def test_the_nodes_are_those_of_the_standard_library(source: str) -> None:
    """Each node has the same children in the same order, and a walk comes to the same nodes in the same order."""
    tree = ast.parse(source)

    assert list(walk(tree)) == [node for node in ast.walk(tree) if not isinstance(node, _LEFT_OUT)]
    for node in ast.walk(tree):
        assert children(node) == [one for one in ast.iter_child_nodes(node) if not isinstance(one, _LEFT_OUT)]


def test_what_is_defined_there_is_not_within() -> None:
    """A function, class or lambda is told, and nothing of its own parts; all else is."""
    tree = ast.parse("a = b\ndef f(x=y):\n    g\nlambda: h\nif c:\n    d(e)\n")
    names = {node.id for node in within(tree.body) if isinstance(node, ast.Name)}

    assert names == set("abcde")
    assert sum(isinstance(node, ast.FunctionDef | ast.Lambda) for node in within(tree.body)) == 2
