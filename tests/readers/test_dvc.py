"""What dvc.yaml files say."""

from __future__ import annotations

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlbreaks.codec import FactCodec
from pytest_mlbreaks.model import FACTS, Diagnostic, Fact
from pytest_mlbreaks.model.expr import Concat, ConfigKey, Entries, Expr, Items, Literal, PathJoin, Unknown
from pytest_mlbreaks.model.facts import DvcLoop, DvcStage, Step
from pytest_mlbreaks.readers.dvc import READER
from pytest_mlbreaks.reading import Source, Unreadable, Wanted
from pytest_mlbreaks.testing import linked


def read(text: str, path: str = "ml/dvc.yaml") -> list[Fact]:
    """The facts of a file; they survive being written and read back."""
    document = READER.format.parse(Source(path, dedent(text).encode()))
    facts = [fact for fact in READER.read(document, Wanted()) if isinstance(fact, Fact)]
    assert {type(fact) for fact in facts} <= set(READER.facts)
    codec = FactCodec(FACTS)
    assert list(codec.decode(codec.encode(facts))) == facts
    return facts


def stage(text: str, path: str = "ml/dvc.yaml") -> DvcStage:
    """The only stage of a file."""
    (found,) = (fact for fact in read(text, path) if isinstance(fact, DvcStage))
    return found


@pytest.mark.parametrize(
    ("path", "claimed"),
    [("dvc.yaml", True), ("a/dvc.yaml", True), ("a/mydvc.yaml", False), ("dvc.yml", False), ("dvc.lock", False)],
)
def test_claims(path: str, claimed: bool) -> None:
    """DVC knows its file by this name alone."""
    assert READER.claims(path) is claimed


def test_a_stage_is_a_step() -> None:
    """Stages are steps of a pipeline, which is the file; each command keeps its line and runs in the stage's folder."""
    facts = read(
        """\
        stages:
          train:
            wdir: src
            cmd:
              - echo start
              - python train.py
        """
    )
    (step,) = (fact for fact in facts if isinstance(fact, Step))
    assert step.pipeline == "dvc:ml/dvc.yaml"
    assert [(c.shell, c.workdir, c.place.line) for c in step.commands] == [
        (Literal("echo start"), Literal("ml/src"), 5),
        (Literal("python train.py"), Literal("ml/src"), 6),
    ]


def test_paths_are_seen_from_the_root() -> None:
    """Paths are relative to the stage's folder, which is relative to the file's; URLs and absolute ones stay."""
    found = stage(
        """\
        stages:
          train:
            cmd: train
            wdir: ..
            deps: [ml/train.py, data\\\\raw, /abs/x, "s3://bucket/x"]
            outs:
              - model.bin
              - big: {cache: false}
            metrics: [m.json]
            plots:
              - p.csv: {x: step}
        """
    )
    inputs = [path.path for path in found.inputs]
    assert inputs == [Literal("ml/train.py"), Literal("data/raw"), Literal("/abs/x"), Literal("s3://bucket/x")]
    assert [p.path for p in found.outputs] == [Literal(n) for n in ("model.bin", "big", "m.json", "p.csv")]


def test_parameters() -> None:
    """A key alone is one of params.yaml; a file may have a list of keys, or count as a whole."""
    found = stage(
        """\
        stages:
          train:
            cmd: train
            params:
              - lr
              - conf/other.yaml:
                  - a.b
              - whole.toml:
        """
    )
    assert [(p.file, p.key) for p in found.parameters] == [
        (Literal("ml/params.yaml"), "lr"),
        (Literal("ml/conf/other.yaml"), "a.b"),
        (Literal("ml/whole.toml"), ""),
    ]


@pytest.mark.parametrize(
    ("dep", "expr"),
    [
        ("${data}/x", Literal("ml/raw/x")),
        ("${nested.deep[0]}", Literal("ml/first")),
        ("${number}", Literal("ml/0.1")),
        ("${password}", PathJoin((Literal("ml"), Unknown("a secret")))),
        (
            "${a.b}/x",
            PathJoin((Literal("ml"), Concat((ConfigKey("file/ml/params.yaml|ml/more.yaml", "a.b"), Literal("/x"))))),
        ),
        ("${item}", PathJoin((Literal("ml"), ConfigKey("file/ml/params.yaml|ml/more.yaml", "item")))),
        ("\\\\${x}", Literal("ml/${x}")),
    ],
)
def test_templates(dep: str, expr: Expr) -> None:
    """Values of the file are put in; those of another file are a key of it."""
    found = stage(
        f"""\
        vars:
          - data: raw
            nested: {{deep: [first]}}
            password: hunter2
            number: 0.10
          - more.yaml
        stages:
          train:
            cmd: train
            deps: ["{dep}"]
        """
    )
    assert found.inputs[0].path == expr


def test_a_loop_is_stated_as_it_is_written() -> None:
    """``foreach`` and ``matrix`` make a loop; what is below ``do`` is the stage, and ``item`` is for link to put in."""
    facts = read(
        """\
        vars:
          - sets: {a: {rows: 1}}
        stages:
          train:
            foreach: ${sets}
            do: {cmd: "train ${key}", deps: ["in/${item.rows}"], always_changed: true}
          tune:
            matrix: {size: [1, true], model: "${models}"}
            frozen: true
            cmd: tune ${item.size}
        """
    )
    train, tune = (fact for fact in facts if isinstance(fact, DvcLoop))
    assert len(facts) == 2
    assert train.items == Entries((("a", Entries((("rows", Literal("1")),))),))
    assert train.inputs[0].path == PathJoin((Literal("ml"), Concat((Literal("in/"), ConfigKey("loop", "item.rows")))))
    models = ConfigKey("file/ml/params.yaml", "models")
    assert tune.items == Entries((("size", Items((Literal("1"), Literal("true")))), ("model", models)))
    assert [(s.matrix, s.always_changed, s.frozen) for s in (train, tune)] == [
        (False, True, False),
        (True, False, True),
    ]


def test_values_of_other_files_are_told_by_link() -> None:
    """A template's key is found in the parameters file; one that is in none stays unknown."""
    pipeline = linked(
        {
            "dvc.yaml": "stages:\n  a: {cmd: python run.py, deps: ['${paths.raw}/x.csv', '${gone}']}\n",
            "params.yaml": "paths: {raw: data/raw}\n",
            "run.py": "print(1)\n",
        }
    )
    (found,) = pipeline.all(DvcStage)
    assert [pipeline.pattern(path.path) for path in found.inputs] == ["data/raw/x.csv", "{*}"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "stages:\n",
        "stages: [a, b]\n",
        "stages: {a: 1, b: null, c: []}\n",
        "stages: {a: {cmd: {x: y}, deps: {a: b}, outs: 3, params: text, wdir: [1]}}\n",
        "vars: {a: b}\nstages: {a: {cmd: '${a', deps: ['${}', '${a.b.c}']}}\n",
        "- a\n- b\n",
        "stages: {a: {foreach: 1, do: 2}}\n",
    ],
)
def test_bad_input(text: str) -> None:
    """What is no pipeline says nothing, and raises nothing."""
    read(text)


@given(st.text(alphabet="stages:vrcmd$-{}[] \n'\"&*", max_size=200))
def test_never_raises(text: str) -> None:
    """Whatever the file holds, it costs a diagnostic at most."""
    try:
        document = READER.format.parse(Source("dvc.yaml", text.encode()))
    except Unreadable:
        return
    for said in READER.read(document, Wanted()):
        assert isinstance(said, Fact | Diagnostic)
