"""The reader of values that a branch gives and that are replaced unread."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.codec import FactCodec
from pytest_mlbreaks.formats.python import PYTHON
from pytest_mlbreaks.model.facts import FACTS, OverwrittenValue
from pytest_mlbreaks.readers.overwritten import READER
from pytest_mlbreaks.reading import Source, Wanted


def lost(*lines: str) -> list[tuple[int | None, int | None, str]]:
    """The line of the value, that of the one that replaces it, and the name; written and read back."""
    text = "def f(a, b):\n" + "".join(f"    {line}\n" for line in lines)
    read = READER.read(PYTHON.parse(Source("a.py", text.encode())), Wanted())
    found = [one for one in read if isinstance(one, OverwrittenValue)]
    codec = FactCodec(FACTS)
    assert codec.decode(codec.encode(found)) == found
    return [(one.place.line, one.by.line, one.name) for one in found]


def test_the_value_of_a_branch() -> None:
    """A value is told that the next mention of its name replaces; in any block, and of either branch."""
    assert lost("if a:", "    x = g(a)", "x = 1", "return x") == [(3, 4, "x")]
    assert lost("for i in b:", "    if a:", "        x = 1", "    else:", "        x = 2", "    h()", "    x = 1") == [
        (6, 8, "x")
    ]


def test_a_script() -> None:
    """At module level, too, unless a function of the file has the name."""
    script = (
        "import sys\nif len(sys.argv) > 1:\n    wait = True\nelse:\n    raise SystemExit\nwait = False\nprint(wait)\n"
    )
    for text, told in ((script, 1), (f"{script}\ndef f():\n    return wait\n", 0)):
        read = READER.read(PYTHON.parse(Source("a.py", text.encode())), Wanted())
        assert len(list(read)) == told


@pytest.mark.parametrize(
    "lines",
    [
        ("if a:", "    x = 1", "print(x)", "x = 2"),
        ("if a:", "    x = 1", "x = x + 1"),
        ("if a:", "    x = 1", "x += 1"),
        ("if a:", "    x = None", "x = 2"),
        ("if a:", "    x = []", "x = 2"),
        ("if a:", "    x = g(b)", "x = g(b)"),
        ("if a:", "    x = 1", "    return x", "x = 2"),
        ("if a:", "    x = 1", "if b:", "    x = 2", "return x"),
        ("if a:", "    x = 1", "y = lambda: x", "y()", "x = 2"),
        ("try:", "    if a:", "        x = 1", "    x = g(a)", "except ValueError:", "    print(x)"),
        ("try:", "    h()", "except ValueError:", "    if a:", "        b = 3", "    b = 4"),
        ("global x", "if a:", "    x = 1", "h()", "x = 2"),
        ("if a:", "    x = 1", "print(locals())", "x = 2"),
    ],
)
def test_what_may_be_read(lines: tuple[str, ...]) -> None:
    """A value that something reads, may read, or that says nothing yet, is none."""
    assert lost(*lines) == []
