"""The reader of rows that are looked for and inserted."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.formats.python import PYTHON
from pytest_mlbreaks.model.facts import LookedUpInsert, MappedTable
from pytest_mlbreaks.readers.upserts import READER
from pytest_mlbreaks.reading import Source, Wanted

HEAD = "from models import Item\nfrom sqlalchemy import select\n\n"


def inserts(body: str) -> list[LookedUpInsert]:
    """The facts of a function with that body."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    text = f"{HEAD}async def put(db, name, lang):\n{lines}"
    return [
        one
        for one in READER.read(PYTHON.parse(Source("a.py", text.encode())), Wanted())
        if isinstance(one, LookedUpInsert)
    ]


def table(body: str) -> MappedTable:
    """The fact of a mapped class with that body."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    text = f'class Item(Base):\n    __tablename__ = "items"\n{lines}'
    (one,) = READER.read(PYTHON.parse(Source("a.py", text.encode())), Wanted())
    assert isinstance(one, MappedTable)
    return one


ADD = "db.add(Item(name=name))"
QUERY = "select(Item).where(Item.name == name)"


@pytest.mark.parametrize(
    ("body", "only"),
    [
        (f"if not db.query(Item).filter(Item.name == name).first():\n    {ADD}", False),
        (f"found = db.query(Item).filter_by(name=name).one_or_none()\nif found is None:\n    {ADD}", True),
        (
            f"q = {QUERY}\nr = await db.execute(q)\nif r.scalars().first():\n    return\n{ADD}",
            False,
        ),
        (
            f"one = await db.scalar({QUERY})\nif one:\n    one.n += 1\nelse:\n    {ADD}",
            False,
        ),
    ],
)
def test_ways_to_look_and_insert(body: str, only: bool) -> None:
    """Old and new style, asked at once or over names, the row made below the condition or behind one that leaves."""
    (one,) = inserts(body)
    assert (one.model, one.columns, one.only, one.refuses) == ("models.Item", ("name",), only, False)


@pytest.mark.parametrize(
    "body",
    [
        f"found = db.query(Item).filter(Item.name > name).first()\nif not found:\n    {ADD}",
        f"found = db.query(Item).filter(Item.name == name).all()\nif not found:\n    {ADD}",
        f"found = db.query(Item, Other).filter(Item.name == name).first()\nif not found:\n    {ADD}",
        f"for name in lang:\n    if not db.query(Item).filter_by(name=name).first():\n        {ADD}",
        f"if not db.query(Item).filter_by(name=name).first():\n    {ADD}\n    # with_for_update",
        "if not db.query(Item).filter_by(name=name).first():\n    db.add(Other(name=name))",
        f"if db.query(Item).filter_by(name=name).first():\n    print(name)\n{ADD}",
    ],
)
def test_what_is_no_such_insert(body: str) -> None:
    """Other comparisons, all rows, several models, loops, files that take care, other rows, what is inserted anyway."""
    assert inserts(body) == []


def test_what_is_unique() -> None:
    """Columns, keys, constraints and unique indexes; one that is computed leaves it open."""
    one = table(
        "id = Column(Integer, primary_key=True)\nemail: Mapped[str] = mapped_column(String, unique=True)\n"
        '__table_args__ = (UniqueConstraint("a", "b", name="x"), Index("i", "c", unique=True), Index("j", "d"), {})'
    )
    assert (one.unique, one.told) == ((("email",), ("a", "b"), ("c",), ("id",)), True)
    assert not table("__table_args__ = (*COMMON,)").told
