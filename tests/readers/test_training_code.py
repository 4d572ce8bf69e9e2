"""The readers of growing frames, of Spark splits and of Torch code."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from pytest_mlbreaks.codec import FactCodec
from pytest_mlbreaks.formats.python import PYTHON
from pytest_mlbreaks.model.facts import FACTS
from pytest_mlbreaks.readers import growth, spark, torch
from pytest_mlbreaks.reading import Source, Wanted


def facts(reader: Any, text: str) -> list[Any]:
    file = PYTHON.parse(Source("a.py", textwrap.dedent(text).encode()))
    found = list(reader.READER.read(file, Wanted()))
    codec = FactCodec(FACTS)
    assert list(codec.decode(codec.encode(found))) == found
    return found


@pytest.mark.parametrize(
    ("loop", "over", "small"),
    [
        ("for n in os.listdir(d)", "os.listdir(d)", False),
        ("for i, n in enumerate(tqdm(names))", "names", False),
        ("for n in range(5)", "range(5)", True),
        ("for n in range(500)", "range(500)", False),
        ("for n in ('a', 'b')", "('a', 'b')", True),
        ("for n in FEW", "FEW", True),
        ("for k, v in TABLE.items()", "TABLE.items()", True),
        ("for c in df.columns", "df.columns", True),
        ("while more()", "while", False),
    ],
)
def test_a_frame_that_grows_in_a_loop(loop: str, over: str, *, small: bool) -> None:
    """What the loop runs over, and whether that is certainly little."""
    text = f"""
    import os
    import pandas as pd
    FEW = ["a", "b"]
    TABLE = {{"a": 1}}
    def f(x, d, names, df):
        {loop}:
            x = pd.concat([x, g(d)])
    """
    (found,) = facts(growth, text)
    assert (found.frame, found.over, found.small, found.reset) == ("x", over, small, False)


def test_what_does_not_grow() -> None:
    """Another name, a slice of it, no loop, a comprehension; and what begins anew is told."""
    text = """
    import pandas as pd, numpy as np
    x = pd.concat([x, y])
    for n in names:
        z = pd.concat([x, y])
        w = np.concatenate([w[-5:], y])
    v = [pd.concat([v, y]) for y in names]
    for n in names:
        u = pd.concat([u, y])
        if full(u):
            u = pd.DataFrame()
    """
    assert [(f.frame, f.reset) for f in facts(growth, text)] == [("u", True)]


def test_spark_splits() -> None:
    """What of a frame's making changes from run to run, and whether it is kept."""
    text = """
    from pyspark.sql import functions as F
    def a(x, y):
        pairs = x.join(y, "k").withColumn("r", F.rand())
        return pairs.randomSplit([0.5, 0.3, 0.2])
    def b(x, y):
        pairs = x.join(y, "k").limit(5)
        pairs.cache()
        return pairs.randomSplit([0.5, 0.5])
    def c(df):
        df = df.orderBy("k").limit(5)
        return df.randomSplit([0.5, 0.5])
    """
    found = {f.scope: (f.lottery, f.shuffle, f.kept, f.parts) for f in facts(spark, text)}
    assert found == {
        "a": ("rand()", "join()", False, 3),
        "b": ("limit(5)", "join()", True, 2),
        "c": ("", "", False, 2),
    }


def test_distributed_samplers() -> None:
    """Those that shuffle; whether they are told the epoch, and by whom they may be."""
    text = """
    from torch.utils.data.distributed import DistributedSampler
    a = DistributedSampler(d)
    b = DistributedSampler(d, shuffle=False)
    for epoch in range(3):
        run(a)
    """
    (found,) = facts(torch, text)
    assert (found.result, found.told, found.trainer) == ("a", False, "")
    assert found.loop is not None
    (found,) = facts(torch, "import lightning\n" + textwrap.dedent(text) + "    a.set_epoch(epoch)\n")
    assert (found.told, found.trainer) == (True, "lightning")


def test_torch_weights() -> None:
    """Where the model is used: also through the attribute that holds what a method returns. Optimizers are none."""
    text = """
    import torch
    from zoo import Tower
    class P:
        def __init__(self):
            self.model = self.load()
        def load(self):
            tower = Tower()
            tower.load_state_dict(torch.load("a"))
            optimizer.load_state_dict(torch.load("b"))
            return tower
        def predict(self, x):
            return self.model(x)
    """
    (found,) = facts(torch, text)
    assert (found.model, found.by, found.evaluated, found.trains) == ("tower", "zoo.Tower", False, True)
    assert found.used is not None
    assert found.used.line == 13


def test_torch_modules() -> None:
    """The layer that behaves otherwise in training, and whether there are layers that can't be told."""
    text = """
    import torch
    from torch import nn
    import torch.nn.functional as F
    from blocks import Block
    class A(nn.Module):
        def __init__(self):
            self.x = nn.Sequential(nn.Linear(1, 2), nn.BatchNorm1d(2))
    class B(nn.Module):
        def __init__(self):
            self.x = Block()
    class C(nn.Module):
        def forward(self, x):
            return F.dropout(x, training=self.training)
    class D(nn.Module):
        def forward(self, x):
            return F.dropout(x)
    """
    assert [(f.name, f.moody, f.opaque) for f in facts(torch, text)] == [
        ("A", "nn.BatchNorm1d", False),
        ("B", "", True),
        ("C", "", False),
        ("D", "F.dropout", False),
    ]
