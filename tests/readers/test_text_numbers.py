"""The reader of variables of the environment that are used as numbers."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.codec import FactCodec
from pytest_mlbreaks.formats.python import PYTHON
from pytest_mlbreaks.model import Fact
from pytest_mlbreaks.model.facts import FACTS, TextAsNumber
from pytest_mlbreaks.readers.text_numbers import READER
from pytest_mlbreaks.reading import Source, Wanted

IMPORTS = "import asyncio, os, requests, time\nfrom os import environ, getenv\n"


def read(text: str) -> list[tuple[str, str, str]]:
    """How, default and text of each use, written and read back."""
    file = PYTHON.parse(Source("a.py", (IMPORTS + text).encode()))
    found = [one for one in READER.read(file, Wanted()) if isinstance(one, Fact)]
    codec = FactCodec(FACTS)
    assert codec.decode(codec.encode(found)) == found
    return [(one.how, one.default, one.written) for one in found if isinstance(one, TextAsNumber)]


@pytest.mark.parametrize(
    ("text", "use"),
    [
        ("t = getenv('T', 5)\ntime.sleep(t)\n", ("argument", "number", "time.sleep(t)")),
        ("range(environ.get('T', default=5))\n", ("argument", "number", "range(environ.get('T', default=5))")),
        ("D = 5\nt = getenv('T', D)\n-1 >= t\n", ("order", "number", "-1 >= t")),
        ("t = os.environ['T']\nlen('a') - 1 < t\n", ("order", "", "len('a') - 1 < t")),
        ("getenv('T', '5') == 5\n", ("equal", "text", "getenv('T', '5') == 5")),
        ("x = []\nx[:getenv('T', 5)]\n", ("slice", "number", ":getenv('T', 5)")),
        ("getenv('T') - x\n", ("counted", "", "getenv('T') - x")),
        ("1 + getenv('T', 2.5)\n", ("counted", "number", "1 + getenv('T', 2.5)")),
        ("getenv('T', 5) * 60\n", ("repeated", "number", "getenv('T', 5) * 60")),
        (
            "requests.get('u', timeout=getenv('T', 5))\n",
            ("argument", "number", "requests.get('u', timeout=getenv('T', 5))"),
        ),
        ("t = getenv('T', 5)\ndef f():\n    return t > 1\n", ("order", "number", "t > 1")),
        (
            "class A:\n    def f(self):\n        self.t = getenv('T', 5)\n    def g(self): return self.t > 1\n",
            ("order", "number", "self.t > 1"),
        ),
    ],
)
def test_what_only_a_number_will_do_for(text: str, use: tuple[str, str, str]) -> None:
    """Comparisons, arithmetic, slices and arguments, directly or by the one assignment of a name or attribute."""
    assert read(text) == [use]


@pytest.mark.parametrize(
    "text",
    [
        "t = int(getenv('T', 5))\ntime.sleep(t)\n",
        "t = getenv('T', 5)\nt = int(t)\ntime.sleep(t)\n",
        "t = getenv('T', 5)\ntime.sleep(float(t))\n",
        "t = getenv('T', 5)\ndef f(t):\n    time.sleep(t)\n",
        "t = getenv('T', limit())\ntime.sleep(t)\n",
        "t = getenv('T', False)\nt == 0\n",
        "getenv('T') > x\ngetenv('T') + x\nx / getenv('T')\nx - getenv('T')\n",
        "getenv('T', 'a') - x\nf(getenv('T', 5)) - x\n",
        "getenv('T', '-') * 20\nx[getenv('A'):getenv('B')]\n",
        "getenv('T', 5) == '5'\ngetenv('T', 5) == True\n",
        "requests.get('u', params=getenv('T', 5))\nprint(getenv('T', 5))\n",
        "class A:\n    t = getenv('T', 5)\n    def f(self):\n        return self.t > 1\n",
        "class A:\n    def f(self):\n        self.t = getenv('T', 5)\n        self.t = 1\n        return self.t > 1\n",
    ],
)
def test_what_may_be_a_number_or_may_be_text(text: str) -> None:
    """What is converted, bound otherwise, or used as text may be."""
    assert read(text) == []
