"""What targets of Makefiles and recipes of justfiles run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlbreaks import tasks
from pytest_mlbreaks.model import Process
from pytest_mlbreaks.testing import linked

MAKEFILE = """\
PYTHON ?= python
SRC := src
FLAGS = --in $(SRC)
FLAGS += -v
.PHONY: all test
all: test train ; @echo done
test: lint
\t@$(PYTHON) -m pytest \\
\t  tests
train: FLAGS += --fast
train: data.csv | lint
\t-$(PYTHON) $(SRC)/train.py $(FLAGS) $@ $< $$HOME
\t# not this
lint:
ifeq ($(CI),1)
\truff check $(SRC)
endif
data.csv:
\tcurl -o $@ $(shell cat url)
sub:
\t$(MAKE) -C api run
"""


def lines(files: dict[str, str], command: str, folder: str = "") -> list[str] | None:
    """The texts that a command comes to."""
    run = tasks.run(linked(files), command.split(), folder)
    return None if run is None else [line.text for line in run.lines]


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("make lint", ["ruff check src"]),
        ("make test PYTHON=python3", ["ruff check src", "python3 -m pytest \\\n\t  tests"]),
        ("make sub", ["make -C api run"]),
        ("make none", None),
        ("make -n test", None),
        ("make -C nowhere test", None),
        ("cmake test", None),
    ],
)
def test_a_target_runs_after_what_it_needs(command: str, found: list[str] | None) -> None:
    """Variables are put in; what a target needs comes first; ``-n`` only shows."""
    assert lines({"Makefile": MAKEFILE}, command) == found


def test_the_first_target_is_the_default() -> None:
    """``make`` alone; each target once; variables of a target hold for it; functions are not told."""
    run = tasks.run(linked({"Makefile": MAKEFILE}), ["make"])
    assert run is not None
    assert [(one.text, one.ignored, one.maybe, one.place.line) for one in run.lines] == [
        ("ruff check src", False, True, 16),
        ("python -m pytest \\\n\t  tests", False, False, 8),
        ("curl -o data.csv {*}", False, False, 19),
        ("python src/train.py --in src -v --fast train data.csv $HOME", True, False, 12),
        ("echo done", False, False, 6),
    ]
    assert lines({"Makefile": ".DEFAULT_GOAL := b\na:\n\tx\nb:\n\ty\n"}, "make") == ["y"]


def test_the_last_of_two_recipes_counts() -> None:
    """Of targets of one name the last recipe is run; rules of two colons are all run."""
    assert lines({"Makefile": "a:\n\tx\na:\n\ty\n"}, "make a") == ["y"]
    assert lines({"Makefile": "a::\n\tx\na::\n\ty\n"}, "make a") == ["x", "y"]


def test_files_that_are_included_count() -> None:
    """``include`` looks where make runs; a file that isn't there leaves the rest open."""
    files = {"api/Makefile": "include ../common.mk\n", "common.mk": "test:\n\tpytest $(ARGS)\n"}
    assert lines(files, "make -C api test ARGS=-x") == ["pytest -x"]
    run = tasks.run(linked({"Makefile": "-include local.mk\na:\n\tx\n"}), ["make", "a"])
    assert run is not None
    assert run.incomplete


def test_one_shell_makes_one_script() -> None:
    """``.ONESHELL`` and a recipe of just with a shebang; lines keep their distance."""
    assert lines({"Makefile": ".ONESHELL:\na:\n\tcd x\n\t# no\n\tpwd\n"}, "make a") == ["cd x\n\npwd"]


JUSTFILE = """\
py := 'python3'
alias t := test
import 'more.just'

default: (train 'fast')

test *args: lint && report
    @{{py}} -m pytest {{args}}

train kind size='10':
    #!/usr/bin/env bash
    cd src

    python train.py {{kind}} {{size}}

report:
    -echo {{`date`}}
"""


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("just t -x tests", ["ruff check", "python3 -m pytest -x tests", "echo {*}"]),
        ("just train slow 3 lint", ["#!/usr/bin/env bash\ncd src\n\npython train.py slow 3", "ruff check"]),
        ("just", ["#!/usr/bin/env bash\ncd src\n\npython train.py {*} 10"]),
        ("just none", None),
    ],
)
def test_recipes_of_just(command: str, found: list[str] | None) -> None:
    """Parameters, aliases, imports, what comes before and behind; from a folder below, too."""
    files = {"justfile": JUSTFILE, "more.just": "lint:\n  ruff check\n"}
    assert lines(files, command) == found
    assert lines(files, command, "src/deep") == found


def test_entries_are_found_through_make() -> None:
    """In a job, through folders and further calls of make, and in an image that holds the Makefile."""
    pipeline = linked(
        {
            "Makefile": "train:\n\tcd src && python train.py\n\t$(MAKE) -C api serve\n",
            "api/Makefile": "serve:\n\tpython serve.py\n",
            "api/serve.py": "",
            "src/train.py": "",
            ".github/workflows/ci.yml": "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: make train\n",
            "Dockerfile": "FROM python:3.11\nWORKDIR /app\nCOPY . .\nCMD make -C api serve\n",
            "compose.yaml": "services:\n  api:\n    build: .\n",
        }
    )
    found = {process.name: {e.path for e in process.entries if e.path} for process in pipeline.all(Process)}
    assert found == {"a": {"src/train.py", "api/serve.py"}, "api": {"api/serve.py"}}


@given(st.text(alphabet="ab:=\t\n$(){}\\ #@-%+?'", max_size=120))
def test_no_text_makes_it_fail(text: str) -> None:
    """Whatever stands in them, circles included."""
    for name, command in (("Makefile", ["make", "a"]), ("justfile", ["just", "a"])):
        tasks.run(linked({name: f"a: b\nb: a\n{text}\n"}), command)
