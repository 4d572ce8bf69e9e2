"""The reader of caches that code keeps by itself."""

from __future__ import annotations

from typing import TypeVar

import pytest

from pytest_mlbreaks.codec import FactCodec
from pytest_mlbreaks.formats.python import PYTHON
from pytest_mlbreaks.model import Fact
from pytest_mlbreaks.model.facts import FACTS, ContainedErrors, KeptCoroutine, KeptEarly, OwnCache
from pytest_mlbreaks.readers.own_caches import READER
from pytest_mlbreaks.reading import Source, Wanted

F = TypeVar("F", bound=Fact)


def read(text: str, kind: type[F], path: str = "server.py") -> list[F]:
    facts = list(READER.read(PYTHON.parse(Source(path, text.encode())), Wanted()))
    codec = FactCodec(FACTS)
    assert list(codec.decode(codec.encode([f for f in facts if isinstance(f, Fact)]))) == facts
    return [f for f in facts if isinstance(f, kind)]


def body(*lines: str) -> str:
    """A function that may set the global ``_x``."""
    return "\n".join(["_x = None", "async def get():", "    global _x", *(f"    {line}" for line in lines)])


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("if _x is None:", "    _x = Make()", "    _x.load()", "return _x"), [("load", False, False)]),
        (("if not _x:", "    _x = await make()", "    await _x.start()"), [("start", True, False)]),
        (("if _x is None and ready:", "    _x = Make()", "    ok = _x.connect()"), [("connect", False, False)]),
        (("if _x is None:", "    with lock:", "        _x = Make()", "        _x.init()"), [("init", False, True)]),
        (("if _x is None:", "    _x = Make()", "    _x.start()"), []),
        (("if _x is None or old():", "    _x = Make()", "    _x.load()"), []),
        (("_x = Make()", "_x.load()"), []),
        (("if _x is None:", "    _x = 1", "    _x.load()"), []),
        (("if _x is None:", "    y = Make()", "    y.load()", "    _x = y"), []),
        (("if _x is None:", "    _x = Make()", "    _x = wrap(_x)", "    _x.load()"), [("load", False, False)]),
        (
            ("if _x is None:", "    _x = Make()", "    try:", "        _x.load()", "    except E:", "        log()"),
            [],
        ),
        (
            ("if _x is None:", "    _x = Make()", "    try:", "        _x.load()", "    except E:", "        raise"),
            [("load", False, False)],
        ),
    ],
)
def test_what_is_kept_before_it_is_complete(lines: tuple[str, ...], expected: list[tuple[str, bool, bool]]) -> None:
    """A global that is set where it is empty, and loaded afterwards, where an error of the load goes through."""
    assert [(k.step, k.awaited, k.locked) for k in read(body(*lines), KeptEarly)] == expected


def test_the_class_of_a_singleton_is_told() -> None:
    """``cls()`` and ``super().__new__(cls)`` make an object of the class around them."""
    text = (
        "class A:\n    def __new__(cls):\n        if cls._i is None:\n            cls._i = super().__new__(cls)\n"
        "            cls._i._init()\n        return cls._i\n"
    )
    (kept,) = read(text, KeptEarly)
    assert (kept.name, kept.made, kept.scope) == ("cls._i", "A", "A.__new__")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("try:\n            read()\n        except Exception:\n            log()", True),
        ("logger.info('x')\n        try:\n            read()\n        except:\n            pass", True),
        ("try:\n            read()\n        except ValueError:\n            pass", False),
        ("try:\n            read()\n        except Exception:\n            raise", False),
        ("prepare()\n        try:\n            read()\n        except Exception:\n            pass", False),
        ("self.x = 1", False),
    ],
)
def test_a_method_that_lets_no_error_out(lines: str, expected: bool) -> None:
    """All that it calls, loggers aside, is in a try that catches everything and raises nothing."""
    assert bool(read(f"class A:\n    def load(self):\n        {lines}\n", ContainedErrors)) is expected


@pytest.mark.parametrize(
    ("decorators", "expected"),
    [
        ("@functools.lru_cache", ["functools.lru_cache"]),
        ("@functools.cache", ["functools.cache"]),
        ("@functools.lru_cache(maxsize=2)", ["functools.lru_cache"]),
        ("@functools.lru_cache\n@as_task", []),
        ("@alru_cache", []),
    ],
)
def test_coroutines_that_are_kept(decorators: str, expected: list[str]) -> None:
    """Only a decorator right above a coroutine keeps the coroutine itself."""
    text = f"import functools\n{decorators}\nasync def f(x):\n    return x\nasync def g():\n    await f(1)\n"
    assert [k.by for k in read(text, KeptCoroutine)] == expected


def memo(*lines: str, head: str = "def f(a: str, b: int):") -> OwnCache | None:
    text = "\n".join(["_cache = {}", head, *(f"    {line}" for line in lines)])
    found = read(text, OwnCache)
    return found[0] if found else None


@pytest.mark.parametrize(
    "lines",
    [
        ("if a in _cache:", "    return _cache[a]", "v = make(a, b)", "_cache[a] = v", "return v"),
        ("if a not in _cache:", "    _cache[a] = make(a, b)", "return _cache[a]"),
        ("v = _cache.get(a)", "if v is None:", "    v = make(a, b)", "    _cache[a] = v", "return v"),
        ("v = store.cache.get(a)", "if v:", "    return v", "w = make(b)", "store.cache.set(a, w, ex=3)", "return w"),
        ("if (v := _cache.get(a)) is not None:", "    return v", "_cache[a] = make(b)", "return _cache[a]"),
    ],
)
def test_a_parameter_that_is_not_in_the_key(lines: tuple[str, ...]) -> None:
    """In whichever way the look and the store are written."""
    cache = memo(*lines)
    assert cache is not None
    assert (cache.key, cache.parameters, [gap.name for gap in cache.gaps]) == ("a", ("a",), ["b"])


@pytest.mark.parametrize(
    ("lines", "head"),
    [
        (("k = (a, b)", "if k in _cache:", "    return _cache[k]", "_cache[k] = make(a, b)", "return _cache[k]"), ""),
        (("if a in _cache:", "    return _cache[a][:b]", "_cache[a] = make(a, b)", "return _cache[a]"), ""),
        (("if a in _cache and not b:", "    return _cache[a]", "_cache[a] = make(a, b)", "return _cache[a]"), ""),
        (("if a not in _cache:", "    _cache[a] = make(a, b)", "return fit(_cache[a], b)"), ""),
        (("if a not in _cache:", "    _cache[a] = dict(x=1)", "return _cache[a]"), ""),
        (("if a not in _cache:", "    _cache[a] = make(timeout)", "return _cache[a]"), "def f(a, timeout: int = 3):"),
        (("if a not in _cache:", "    _cache[a] = make(b)", "return _cache[a]"), "def f(a, b: Client):"),
        (("if key not in _cache:", "    _cache[key] = make(b)", "return _cache[key]"), "def f(key, b: int = 3):"),
    ],
)
def test_what_is_no_gap(lines: tuple[str, ...], head: str) -> None:
    """The parameter is in the key, is looked at besides, only says how to fetch, or the key is the caller's."""
    cache = memo(*lines, head=head or "def f(a: str, b: int):")
    assert cache is not None
    assert cache.gaps == ()


@pytest.mark.parametrize(
    "lines",
    [
        ("_cache[a] = _cache.get(a, 0) + b", "return _cache[a]"),
        ("local = {}", "if a in local:", "    return local[a]", "local[a] = make(b)", "return local[a]"),
        ("if a in given:", "    return given[a]", "given[a] = make(b)", "return given[a]"),
    ],
)
def test_what_is_no_cache(lines: tuple[str, ...]) -> None:
    """A count, a local mapping, and one that the caller hands in."""
    assert memo(*lines, head="def f(a: str, b: int, given: dict):") is None


def test_what_calls_in_the_file_give() -> None:
    """Calls whose key is written out are left out: what goes with it may belong to it."""
    text = (
        "_cache = {}\ndef f(a: str, b: int = 1):\n    if a not in _cache:\n        _cache[a] = make(a, b)\n"
        "    return _cache[a]\ndef g(x):\n    return f(x, 2), f(x, b=3), f('y', 4)\n"
    )
    (cache,) = read(text, OwnCache)
    (gap,) = cache.gaps
    assert (gap.default, gap.passed) == ("1", ("2", "3"))


def test_a_failure_that_is_stored() -> None:
    """An empty constant that a handler binds and the store takes, where finding it counts as a hit."""
    made = ("try:", "    v = ask(a)", "except OSError:", "    v = None", "_cache[a] = v", "return v")
    cache = memo("if a in _cache:", "    return _cache[a]", *made)
    assert cache is not None
    assert (cache.bare, cache.because) == ("None", "after OSError")
    missed = memo("v = _cache.get(a)", "if v is not None:", "    return v", *made)
    assert missed is not None
    assert missed.bare == ""


@pytest.mark.parametrize("text", ["def f(:", "x = 1", "cache = redis = {}\ncache[1] = 2", "def f():\n    global y"])
def test_nothing_is_said_of_other_files(text: str) -> None:
    """Broken files, and those without a cache."""
    assert read(text, Fact) == []
