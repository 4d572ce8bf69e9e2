"""The reader of call shapes: how calls are written that may be of functions of the tree."""

from __future__ import annotations

import textwrap

import pytest

from pytest_mlbreaks.codec import FactCodec
from pytest_mlbreaks.formats.python import PYTHON
from pytest_mlbreaks.model import Fact
from pytest_mlbreaks.model.facts import FACTS, CallShape, CallShapes
from pytest_mlbreaks.readers.call_shapes import READER
from pytest_mlbreaks.reading import Source, Wanted


def shapes(text: str) -> list[CallShape]:
    source = Source("a/job.py", textwrap.dedent(text).encode())
    found = [fact for fact in READER.read(PYTHON.parse(source), Wanted()) if isinstance(fact, Fact)]
    codec = FactCodec(FACTS)
    assert list(codec.decode(codec.encode(found))) == found
    return [call for fact in found if isinstance(fact, CallShapes) for call in fact.calls]


@pytest.mark.parametrize(
    ("text", "callee", "given", "names"),
    [
        ("from a.b import load\nload(x, 1, sep=2)", "a.b.load", 2, ("sep",)),
        ("from .b import load\nload()", ".b.load", 0, ()),
        ("from a.b import Model\nm = Model(1)\nm.fit(x)", "a.b.Model().fit", 1, ()),
        (
            "from a.b import Base\nclass M(Base):\n    def __init__(self, n):\n        super().__init__(n)",
            "a.b.Base().__init__",
            1,
            (),
        ),
        ("def load(a):\n    pass\nload(1, 2)", "load", 2, ()),
        ("class M:\n    def f(self, a):\n        pass\n    def g(self):\n        self.f()", "M().f", 0, ()),
    ],
)
def test_what_is_told_of_a_call(text: str, callee: str, given: int, names: tuple[str, ...]) -> None:
    """The name of what is called, how many arguments have no name, and the names of the others."""
    last = shapes(text)[-1]
    assert (last.callee, last.given, last.names) == (callee, given, names)


@pytest.mark.parametrize(
    "text",
    [
        "import pandas as pd\npd.read_csv('a')",
        "import os\nos.makedirs('a')",
        "from a.b import load\nload(*paths)",
        "from a.b import load\nload(**options)",
        "def load(a, b=1, *, c=None):\n    pass\nload(1, c=2)",
        "def go(make):\n    make().run(1)",
        "try:\n    from fast import load\nexcept ImportError:\n    from a.b import load\nload(1)",
        "class M(A, B):\n    def __init__(self):\n        super().__init__(1)",
        "class M:\n    @staticmethod\n    def f(d):\n        d.get('a', 1)\n    def get(self, a):\n        return a",
        "def broken(:",
    ],
)
def test_what_is_no_call_of_the_tree_or_fits(text: str) -> None:
    """Libraries, calls that unpack, names that may be several things, and what the file shows to be right."""
    assert not shapes(text)


def test_each_shape_is_told_once() -> None:
    """The second call of the same shape says nothing new; one that is no statement does."""
    found = shapes("from a.b import load\nload(1)\nload(2)\nx = load(3)")
    assert [(call.given, call.dropped) for call in found] == [(1, True), (1, False)]


def test_a_coroutine_of_the_file_whose_result_nothing_gets() -> None:
    """It is told although it fits; awaited, it is not."""
    text = "async def save(a):\n    return a\nasync def main():\n    await save(1)\n    save({})\n"
    (call,) = shapes(text)
    assert call.dropped
    assert call.place.line == 5


def test_a_call_behind_the_end_of_its_function_is_no_call() -> None:
    """No run comes to what stands behind a ``raise`` or ``return``; one in a branch ends nothing but that branch."""
    dead = "from a.b import load\ndef f():\n    raise NotImplementedError\n    return load(1)"
    alive = "from a.b import load\ndef f(x):\n    if x:\n        raise ValueError\n    return load(1)"
    assert shapes(dead) == []
    assert [call.callee for call in shapes(alive)] == ["a.b.load"]
