"""What expressions can be."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.link.values import union
from pytest_mlbreaks.model import Pipeline, Process, Value
from pytest_mlbreaks.model.expr import Choice, Concat, EnvVar, Expr, Literal, Name, PathJoin, SecretKey, Unknown
from pytest_mlbreaks.testing import linked


def pipeline() -> Pipeline:
    """Constants in two modules, one in a circle."""
    return linked(
        {
            "conf.py": 'BUCKET = "b"\nROOT = f"s3://{BUCKET}/in"\nA = B\nB = A\n',
            "main.py": "from conf import ROOT\n",
            "compose.yaml": "services:\n  a:\n    image: x\n    environment:\n      P: '1'\n      E: ''\n",
        }
    )


@pytest.mark.parametrize(
    ("expr", "values", "complete"),
    [
        (Literal(1), [1], True),
        (Name("main.py", "ROOT"), ["s3://b/in"], True),
        (Name("conf.py", "A"), [], False),
        (Name("main.py", "ROOT", "f"), [], False),
        (Concat((Literal("a"), Literal(1))), ["a1"], True),
        (Concat((Literal("a"), Unknown("x"))), [], False),
        (PathJoin((Literal("a"), Literal("/b"), Literal("../c"))), ["/c"], True),
        (Choice((Literal("a"), Literal("a"), Literal("b"))), ["a", "b"], True),
        (Choice((Literal("a"), Unknown("x"))), ["a"], False),
        (Concat((Literal("a"), SecretKey("s", "k"))), [], False),
        (EnvVar("P", Literal("0")), ["1"], True),
        (EnvVar("E", Literal("0"), empty_counts=True), ["0"], True),
        (EnvVar("E", Literal("0")), [""], True),
        (EnvVar("V", Literal("0"), "build"), ["0"], True),
        (EnvVar("V", Literal("0"), "host"), ["0"], False),
    ],
)
def test_expressions(expr: Expr, values: list[object], complete: bool) -> None:
    """Each kind, for a process that is given two variables."""
    linked_one = pipeline()
    (process,) = linked_one.all(Process)
    found = linked_one.resolve(expr, process)
    assert ([a.value for a in found], found.complete) == (values, complete)


def test_too_many_possibilities_are_not_all_kept() -> None:
    """Beyond the limit a value is incomplete, so that it is never compared as if it were all."""
    assert not union([Value.of(n) for n in range(100)]).complete
    both = Concat((Choice(tuple(Literal(n) for n in range(9))),) * 2)
    assert not pipeline().resolve(both).complete


def test_origins_lead_back() -> None:
    """Where a value was set, the deciding place first."""
    (only,) = pipeline().resolve(Name("main.py", "ROOT"))
    assert [(o.place.path, o.place.line) for o in only.origins][:2] == [("conf.py", 2), ("conf.py", 1)]
