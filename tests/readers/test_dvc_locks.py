"""What dvc.lock and *.dvc files say."""

from __future__ import annotations

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlbreaks.codec import FactCodec
from pytest_mlbreaks.model import FACTS, Diagnostic, Fact
from pytest_mlbreaks.model.expr import Literal, SecretKey
from pytest_mlbreaks.model.facts import DvcData, DvcRecord
from pytest_mlbreaks.readers.dvc_locks import READER, STAGE_LIMIT, VALUE_LIMIT
from pytest_mlbreaks.reading import Source, Unreadable, Wanted


def read(text: str, path: str) -> list[Fact | Diagnostic]:
    """What is said of a file; facts survive being written and read back."""
    document = READER.format.parse(Source(path, dedent(text).encode()))
    found = list(READER.read(document, Wanted()))
    facts = [fact for fact in found if isinstance(fact, Fact)]
    codec = FactCodec(FACTS)
    assert list(codec.decode(codec.encode(facts))) == facts
    return found


def record(text: str, path: str = "ml/dvc.lock") -> DvcRecord:
    """The only record of a lock."""
    (found,) = (fact for fact in read(text, path) if isinstance(fact, DvcRecord))
    return found


@pytest.mark.parametrize(
    ("path", "claimed"),
    [
        ("dvc.lock", True),
        ("a/dvc.lock", True),
        ("a/data.csv.dvc", True),
        ("uv.lock", False),
        ("a/notdvc.lock", False),
        (".dvc", False),
        (".dvc/config", False),
    ],
)
def test_claims(path: str, claimed: bool) -> None:
    """Locks of DVC by their name, pointers by their ending; the folder ``.dvc`` is neither."""
    assert READER.claims(path) is claimed


def test_a_record_is_what_ran() -> None:
    """Commands, paths as written with their hashes, and each scalar of the parameters by file and key."""
    found = record(
        """\
        schema: '2.0'
        stages:
          train@fi:
            cmd:
            - echo start
            - python train.py
            deps:
            - path: ..\\data
              hash: md5
              md5: abc.dir
              nfiles: 2
            params:
              params.yaml:
                train:
                  rate: 0.1
                  sizes: [1, 2]
                seed: 7
            outs:
            - path: model.pkl
              md5: def
        """
    )
    assert (found.pipeline, found.name, found.place.line) == ("dvc:ml/dvc.yaml", "train@fi", 3)
    assert found.commands == ("echo start", "python train.py")
    assert [(one.path, one.digest) for one in found.inputs] == [("../data", "md5:abc.dir")]
    assert [(one.path, one.digest) for one in found.outputs] == [("model.pkl", "md5-dos2unix:def")]
    assert [(v.file, v.of, v.key, v.value) for v in found.values] == [
        ("params.yaml", "train", "train.rate", Literal(0.1)),
        ("params.yaml", "train", "train.sizes.0", Literal(1)),
        ("params.yaml", "train", "train.sizes.1", Literal(2)),
        ("params.yaml", "seed", "seed", Literal(7)),
    ]


def test_the_first_format_has_its_stages_at_the_top() -> None:
    """DVC 1 wrote no schema."""
    assert record("train:\n  cmd: python train.py\n", "dvc.lock").pipeline == "dvc:dvc.yaml"


def test_no_secret_enters_a_record() -> None:
    """Neither as a parameter nor in a command."""
    found = record(
        "stages:\n  a:\n    cmd: fetch --token=abcdefgh1234\n    params:\n      p.yaml:\n        api_key: abcdef12345\n"
    )
    assert found.commands == ("fetch --token=***",)
    assert [value.value for value in found.values] == [SecretKey("p.yaml", "api_key")]


def test_a_pointer_is_data_in_one_version() -> None:
    """Its path is seen from the root; data that was imported says whence, and at which revision."""
    found = read(
        """\
        deps:
        - path: data.xml
          repo:
            url: https://user:pw@example.com/registry
            rev_lock: f31f5c4
        outs:
        - path: data.xml
          md5: abc
          hash: md5
        """,
        "data/raw/data.xml.dvc",
    )
    (data,) = (fact for fact in found if isinstance(fact, DvcData))
    assert (data.data, data.digest, data.revision) == ("data/raw/data.xml", "md5:abc", "f31f5c4")
    assert data.source == "https://user:***@example.com/registry"


def test_a_pointer_may_have_another_folder() -> None:
    """``wdir`` is relative to the file."""
    (data,) = (f for f in read("wdir: ..\nouts:\n- path: x.csv\n", "a/b/x.dvc") if isinstance(f, DvcData))
    assert (data.data, data.digest, data.source) == ("a/x.csv", "", "")


def test_what_is_too_much_is_told() -> None:
    """Stages and values beyond a limit cost a note."""
    stages = "".join(f"  s{i}:\n    cmd: x\n" for i in range(STAGE_LIMIT + 1))
    assert [d.message for d in read(f"stages:\n{stages}", "dvc.lock") if isinstance(d, Diagnostic)] == [
        "more than 2,000 stages; the rest is not read"
    ]
    values = "".join(f"        k{i}: 1\n" for i in range(VALUE_LIMIT + 1))
    found = read(f"stages:\n  a:\n    params:\n      p.yaml:\n{values}", "dvc.lock")
    assert [d.message for d in found if isinstance(d, Diagnostic)] == [
        "more than 1,000 values of parameters; the rest is not read"
    ]


@given(st.text(alphabet="stagedpou:- \n[]{}'0.1&*", max_size=120), st.sampled_from(("dvc.lock", "a.dvc")))
def test_no_text_breaks_it(text: str, path: str) -> None:
    """Whatever stands there, nothing is raised but that it can't be read."""
    try:
        document = READER.format.parse(Source(path, f"stages:\n{text}".encode()))
    except Unreadable:
        return
    list(READER.read(document, Wanted()))
