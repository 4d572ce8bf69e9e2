"""The reader of clients that code gets from elsewhere."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.codec import FactCodec
from pytest_mlbreaks.formats.python import PYTHON
from pytest_mlbreaks.model import Fact
from pytest_mlbreaks.model.facts import FACTS, GivenObject, ObjectCall
from pytest_mlbreaks.readers.clients import READER
from pytest_mlbreaks.reading import Source, Wanted


def stated(code: str) -> list[Fact]:
    """All facts of a file, each of which a cache can keep."""
    facts = [f for f in READER.read(PYTHON.parse(Source("app.py", code.encode())), Wanted()) if isinstance(f, Fact)]
    codec = FactCodec(FACTS)
    assert list(codec.decode(codec.encode(facts))) == facts
    return facts


def given(code: str) -> list[tuple[str, str]]:
    """Names that give clients, and what these are called."""
    return [(fact.name, fact.api) for fact in stated(code) if isinstance(fact, GivenObject)]


def called(code: str) -> list[str]:
    """The calls upon what is made elsewhere."""
    return [fact.api for fact in stated(code) if isinstance(fact, ObjectCall)]


A = "import redis\nclass A:\n"
GET = " def get(self):\n  return self.c"
SQL = "from sqlalchemy.orm import Session, sessionmaker\n"


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import redis\ncache = redis.from_url('redis://c')", [("cache", "redis.from_url()")]),
        ("import pymongo\nrows = pymongo.MongoClient('c')['db']['rows']", [("rows", "pymongo.MongoClient()")]),
        (SQL + "S = sessionmaker(e)", [("S", "sqlalchemy.orm.sessionmaker()")]),
        (SQL + "S = sessionmaker(e, class_=AsyncSession)", []),
        (SQL + "S = sessionmaker(**given)", []),
        (
            SQL + "from typing import Annotated\nD = Annotated[Session, Depends(f)]",
            [("D", "sqlalchemy.orm.Session")],
        ),
        ("import redis\nc = None\ndef get():\n global c\n c = redis.Redis()\n return c", None),
        ("import redis\nif a:\n c = redis.Redis()\nelse:\n c = Fake()", []),
        ("import redis.asyncio as redis\nc = redis.from_url('redis://c')", []),
    ],
)
def test_names_that_give_a_client(code: str, found: list[tuple[str, str]] | None) -> None:
    """What a name of the module is, through subscripts, ``None`` and ``global``; of several it is none."""
    assert given(code) == (found if found is not None else [("c", "redis.Redis()"), ("get", "redis.Redis()")])


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("import boto3\ndef f():\n return boto3.client('s3')", "boto3.client()"),
        ("import boto3\ndef f():\n if a:\n  return None\n return boto3.client('s3')", "boto3.client()"),
        ("import boto3\ndef f():\n if a:\n  return Fake()\n return boto3.client('s3')", ""),
        ("import redis\ndef f() -> redis.Redis | None: ...", "redis.Redis()"),
        ("import redis\ndef f() -> Other:\n return redis.Redis()", ""),
        (SQL + "def f():\n with Session(e) as s:\n  yield s", "sqlalchemy.orm.Session()"),
        (
            SQL + "from typing import Generator\ndef f() -> Generator[Session, None, None]: ...",
            "sqlalchemy.orm.Session()",
        ),
        (
            A + " def __init__(self):\n  self.c = None\n def open(self):\n  self.c = redis.Redis()\n" + GET,
            "redis.Redis()",
        ),
        (
            A + " def __init__(self, c):\n  self.c = c or redis.Redis()\n" + GET,
            "",
        ),
    ],
)
def test_functions_that_give_a_client(code: str, found: str) -> None:
    """What is annotated, else all that is returned or yielded."""
    assert [api for _, api in given(code)] == [found] * bool(found)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("cache.get('k')", ["app.caches.cache.get"]),
        ("client().bucket['rows'].find_one({})", ["app.caches.client().bucket.find_one"]),
        ("c = client()\n c.get('k')", ["app.caches.client().get"]),
        ("c = await client()\n c.get('k')", []),
        ("await cache.get('k')", []),
        ("run(lambda: cache.get('k'))", []),
        ("json.loads('1').get('k')", []),
        ("given.get('k')", []),
        ("{}.get('k')", []),
        ("cache.other('k')", []),
    ],
)
def test_calls_upon_what_is_made_elsewhere(body: str, found: list[str]) -> None:
    """Those that wait if it is a client; nothing that is awaited or handed on, and nothing of packages known to have
    none."""
    assert called(f"import json\nfrom app.caches import cache, client\nasync def f(given):\n {body}") == found


@pytest.mark.parametrize("code", ["def f(:", "x.get()", "def f():\n return", "def f(a):\n a[0].get(1)\n (1).get(2)"])
def test_odd_code_is_no_error(code: str) -> None:
    """The reader says nothing of what it does not know, and never raises."""
    assert stated(code) == []
