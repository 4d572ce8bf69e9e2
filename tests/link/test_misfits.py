"""Calls that do not fit the function of the tree that they mean."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.model import FileCalls
from pytest_mlbreaks.testing import linked


def problems(
    function: str, call: str, imported: str = "from lib.tools import load"
) -> list[tuple[str, tuple[str, ...]]]:
    files = {"lib/__init__.py": "", "lib/tools.py": function, "lib/job.py": f"{imported}\n{call}\n"}
    return [
        (one.kind, one.names)
        for calls in linked(files).all(FileCalls)
        for one in calls.unfit
        if calls.path == "lib/job.py"
    ]


LOAD = "def load(path, sep, *, strict=False):\n    return path\n"


@pytest.mark.parametrize(
    ("call", "found"),
    [
        ("load(1, 2)", []),
        ("load(1, sep=2, strict=True)", []),
        ("load(1)", [("missing", ("sep",))]),
        ("load(1, 2, 3)", [("many", ("3", "2"))]),
        ("load(1, 2, path=3)", [("twice", ("path",))]),
        ("load(1, 2, engine=3)", [("unknown", ("engine",))]),
        ("def go(path, sep):\n    load(sep, path)", [("swapped", ("sep", "path"))]),
        ("def go(path, sep):\n    load(path, sep)", []),
        ("def go(sep, other):\n    load(sep, other)", []),
    ],
)
def test_what_does_not_fit(call: str, found: list[tuple[str, tuple[str, ...]]]) -> None:
    """A call that Python would refuse, and one whose variables are named like each other's parameter."""
    assert problems(LOAD, call) == found


@pytest.mark.parametrize(
    "function",
    [
        "def load(*parts):\n    return parts\n",
        "def load(**options):\n    return options\ndef other(): return 1\n",
        "from x import wrap\n@wrap\ndef load(a):\n    return a\n",
        "def load(a):\n    raise NotImplementedError\n",
        "def load(a):\n    return a\nload = 3\n",
        "if 1:\n    def load(a):\n        return a\nelse:\n    def load(a, b):\n        return b\n",
        "from airflow.decorators import task\n@task\ndef load(ti):\n    return ti\n",
        "from prefect import task\n@task\ndef load():\n    return 1\n",
    ],
)
def test_functions_that_may_take_it(function: str) -> None:
    """A star, a decorator that may change them, a declaration, several definitions, what the orchestrator gives."""
    call = "load(wait_for=[])" if "prefect" in function or "**" in function else "load()"
    assert not problems(function, call)


def test_methods_and_classes_over_modules() -> None:
    """Constructors, methods of objects, static and class methods; a renamed import, and one through a package."""
    model = (
        "class Model:\n    def __init__(self, name):\n        self.name = name\n"
        "    def fit(self, rows):\n        return rows\n"
        "    @staticmethod\n    def read(path):\n        return path\n"
        "    @classmethod\n    def make(cls, name):\n        return cls(name)\n"
    )
    fine = "Model.read(1)\nModel.make(1)\nm = Model('a')\nm.fit(1)\nModel.fit(m, 1)"
    assert problems(model, fine, "from lib.tools import Model") == []
    assert problems(model, "M()\nM('a').fit()", "from lib.tools import Model as M") == [
        ("missing", ("name",)),
        ("missing", ("rows",)),
    ]
    assert problems(model, "tools.Model.make()", "from lib import tools") == [("missing", ("name",))]
    assert problems(model, "tools.Model.make()", "from . import tools") == [("missing", ("name",))]


def test_a_base_class_of_another_module() -> None:
    """What ``super()`` hands on is held to the base's own parameters."""
    base = "class Base:\n    def __init__(self, name, http):\n        self.name = name\n"
    call = "class Sub(Base):\n    def __init__(self):\n        super().__init__('a')"
    assert problems(base, call, "from lib.tools import Base") == [("missing", ("http",))]


@pytest.mark.parametrize(
    "head", ["@dataclass\nclass Model:", "class Model(metaclass=Meta):", "@serve.deployment\nclass Model:"]
)
def test_classes_that_something_else_calls(head: str) -> None:
    """A metaclass or a decorator may put another constructor before the one that is written."""
    text = f"from x import *\n{head}\n    def __init__(self, name):\n        self.name = name\n"
    assert not problems(text, "Model()", "from lib.tools import Model")


def test_a_namesake_of_a_library_inside_a_package() -> None:
    """`import tools` from elsewhere is no module in the middle of a package; from beside it, it is."""
    tools = "def load(a):\n    return a\n"
    call = "from tools import load\nload()\n"
    files = {"app/__init__.py": "", "app/math/__init__.py": "", "app/math/tools.py": tools, "app/run/job.py": call}
    assert not [one for calls in linked(files).all(FileCalls) for one in calls.unfit]
    beside = {"app/__init__.py": "", "app/tools.py": tools, "app/job.py": call}
    assert [one.kind for calls in linked(beside).all(FileCalls) for one in calls.unfit] == ["missing"]


def test_a_coroutine_of_another_module() -> None:
    """The call whose result nothing gets; not the one that is awaited, nor one behind a decorator."""
    files = {
        "lib/tools.py": "import x\nasync def save(a):\n    return a\n@x.run\nasync def other():\n    return 1\n",
        "lib/job.py": "from lib.tools import other, save\n"
        "async def main():\n    save(1)\n    await save(2)\n    other()\n",
    }
    (calls,) = linked(files).all(FileCalls)
    assert [(call.place.line, function.name) for call, function in calls.unawaited] == [(3, "save")]
