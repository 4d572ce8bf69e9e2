"""Installs: what the build of an image installs, and what fixes the versions."""

from __future__ import annotations

import pytest

from pytest_mlbreaks import engine
from pytest_mlbreaks.api import Install, Packages
from pytest_mlbreaks.testing import installed, linked
from pytest_mlbreaks.tree import MemoryTree

COMPOSE = "services: {scorer: {build: .}}\n"


def installs_of(dockerfile: str, **files: str) -> tuple[Install, ...]:
    """The installs of a repository with one image; ``requirements_txt`` names requirements.txt."""
    named = {name.replace("_", "."): text for name, text in files.items()}
    tree = MemoryTree({"Dockerfile": dockerfile, "compose.yaml": COMPOSE, **named})
    pipeline = engine.build(tree, engine.read(tree, installed(), lambda stage, done, total: None))
    return tuple(pipeline.all(Install))


def test_a_list_is_found_where_a_copy_put_it() -> None:
    """The path in the command is one of the image; the file is one of the tree, with its requirements."""
    dockerfile = (
        "FROM python:3.12\nWORKDIR /app\nCOPY requirements.txt deps/\nRUN cd deps && pip install -r requirements.txt\n"
    )
    (install,) = installs_of(dockerfile, requirements_txt="torch\nnumpy<2\n")
    assert [file.path for file in install.files] == ["requirements.txt"]
    assert [requirement.name for requirement in install.requirements] == ["torch", "numpy"]
    assert (install.fixed, install.unknown) == ("", "")
    assert [process.name for process in install.processes] == ["scorer"]


def test_continued_lines_are_one_command() -> None:
    """Packages on lines of their own belong to the command above; its place is the command's first line."""
    (install,) = installs_of("FROM python:3.12\nRUN pip install \\\n    # models\n    torch \\\n    mlflow==3.1.0\n")
    assert [requirement.name for requirement in install.requirements] == ["torch", "mlflow"]
    assert install.place.line == 2


def test_only_stages_whose_packages_are_copied_count() -> None:
    """A builder whose virtual environment is copied reaches the image; one that gives a binary does not."""
    dockerfile = (
        "FROM python:3.12 AS env\nRUN pip install torch\n"
        "FROM python:3.12 AS tool\nRUN pip install jinja2\n"
        "FROM python:3.12\nCOPY --from=env /usr/local/lib/python3.12/site-packages /usr/local/lib/python3.12/\n"
        "COPY --from=tool /out/report.html /srv/report.html\n"
    )
    assert [i.requirements[0].name for i in installs_of(dockerfile)] == ["torch"]


def test_what_fixes_the_versions_is_named() -> None:
    """Constraints on the command, in the list, in a variable; hashes."""
    copy = "FROM python:3.12\nCOPY requirements.txt .\n"
    plain = f"{copy}RUN pip install -r requirements.txt\n"
    (install,) = installs_of(f"{copy}RUN pip install -c pins.txt -r requirements.txt\n", requirements_txt="torch\n")
    assert install.fixed == "pins.txt"
    (install,) = installs_of(plain, requirements_txt="-c pins.txt\ntorch\n")
    assert install.fixed == "pins.txt"
    (install,) = installs_of(plain.replace("COPY", "ENV PIP_CONSTRAINT=/pins\nCOPY"), requirements_txt="torch\n")
    assert install.fixed == "PIP_CONSTRAINT"
    (install,) = installs_of(plain, requirements_txt="torch==2.4.1 --hash=sha256:00\n")
    assert install.fixed == "hashes"


def test_what_is_not_in_the_tree_is_unknown() -> None:
    """A list that nothing puts there, and a base image that may hold the package already."""
    (install,) = installs_of("FROM python:3.12\nRUN pip install -r https_list.txt\n")
    assert install.unknown == "a requirements file that is not in the tree"
    (install,) = installs_of("FROM pytorch/pytorch:2.4.1\nRUN pip install torch\n")
    assert install.unknown == "the base image may hold some of the packages"


UV_LOCK = """\
version = 1
requires-python = ">=3.12"

[[package]]
name = "fastapi"
version = "0.115.0"
source = { registry = "https://pypi.org/simple" }
dependencies = [
    { name = "starlette" },
]

[[package]]
name = "pytest"
version = "8.3.0"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "scorer"
version = "1"
source = { virtual = "." }
dependencies = [
    { name = "fastapi" },
]

[package.optional-dependencies]
gpu = [
    { name = "torch" },
]

[package.dev-dependencies]
dev = [
    { name = "pytest" },
]

[[package]]
name = "starlette"
version = "0.38.0"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "torch"
version = "2.5.0"
source = { registry = "https://pypi.org/simple" }
"""
PROJECT = (
    '[project]\nname = "scorer"\ndependencies = ["fastapi>=0.100"]\n[project.optional-dependencies]\ngpu = ["torch"]\n'
    '[dependency-groups]\ndev = ["pytest"]\n'
)


def packages_of(dockerfile: str, **files: str) -> Packages:
    """What the one image of a repository holds."""
    named = {name.replace("_", "."): text for name, text in files.items()}
    pipeline = linked({"Dockerfile": dockerfile, "compose.yaml": COMPOSE, **named})
    (packages,) = pipeline.all(Packages)
    return packages


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("uv sync --frozen --no-dev", {"fastapi", "starlette"}),
        ("uv sync --locked", {"fastapi", "starlette", "pytest"}),
        ("uv sync --frozen --no-dev --extra gpu", {"fastapi", "starlette", "torch"}),
        ("uv sync --frozen --only-group dev", {"pytest"}),
        ("uv sync --frozen --all-extras --no-default-groups", {"fastapi", "starlette", "torch"}),
        ("uv sync --frozen --package scorer --no-dev", {"fastapi", "starlette"}),
    ],
)
def test_what_a_lock_installs(command: str, names: set[str]) -> None:
    """The project's lists by what the command asks for, and all that comes along, in the versions of the lock."""
    found = packages_of(
        f"FROM python:3.12-slim\nWORKDIR /app\nCOPY pyproject.toml uv.lock ./\nRUN {command}\n",
        pyproject_toml=PROJECT,
        uv_lock=UV_LOCK,
    )
    assert set(found.installed) == names
    assert (found.unknown, found.closed, found.python) == ("", True, "3.12")


def test_versions_and_their_places() -> None:
    """What a list asks for stands in the list, what comes along in the lock."""
    found = packages_of(
        "FROM python:3.12-slim\nWORKDIR /app\nCOPY pyproject.toml uv.lock ./\nRUN uv sync --frozen --no-dev\n",
        pyproject_toml=PROJECT,
        uv_lock=UV_LOCK,
    )
    fastapi, starlette = found.version("fastapi"), found.version("starlette")
    assert fastapi is not None
    assert (fastapi.version, fastapi.place.path, fastapi.direct) == (
        "0.115.0",
        "pyproject.toml",
        True,
    )
    assert starlette is not None
    assert (starlette.version, starlette.place.path, starlette.place.line) == (
        "0.38.0",
        "uv.lock",
        35,
    )
    assert found.version("torch") is None


@pytest.mark.parametrize(
    ("base", "minor"),
    [
        ("python:3.11.4-slim", "3.11"),
        ("ghcr.io/astral-sh/uv:0.8-python3.13-bookworm", "3.13"),
        ("apache/airflow:2.10.5-python3.12", "3.12"),
        ("registry.access.redhat.com/ubi9/python-311:1", "3.11"),
        ("python:3", ""),
        ("ubuntu:22.04", ""),
    ],
)
def test_the_interpreter_of_an_image(base: str, minor: str) -> None:
    """As the base image's name or tag states it; nothing is guessed."""
    assert packages_of(f"FROM {base}\nRUN pip install torch==2.5.0\n").python == minor


def test_a_lock_is_passed_over() -> None:
    """pip reads none; uv's own does not reach the image, or only later."""
    for commands in (
        "COPY . .\nRUN pip install .\n",
        "COPY pyproject.toml .\nRUN uv sync\n",
        "COPY pyproject.toml .\nRUN uv sync\nCOPY . .\n",
    ):
        (install,) = installs_of(
            f"FROM python:3.12-slim\nWORKDIR /app\n{commands}", pyproject_toml=PROJECT, uv_lock=UV_LOCK
        )
        assert install.passed_over is not None, commands
        assert install.passed_over.path == "uv.lock"
        assert install.passed_why


@pytest.mark.parametrize(
    "command",
    [
        "COPY . .\nRUN uv sync\n",
        "COPY pyproject.toml .\nRUN uv sync --frozen\n",
        "RUN --mount=source=uv.lock,target=uv.lock --mount=source=pyproject.toml,target=pyproject.toml uv sync\n",
        "COPY . .\nRUN uv export -o r.txt && pip install -r r.txt && pip install --no-deps .\n",
    ],
)
def test_a_lock_is_read(command: str) -> None:
    """It is there, it is mounted, its absence fails the build, or its content was written out before."""
    found = installs_of(f"FROM python:3.12-slim\nWORKDIR /app\n{command}", pyproject_toml=PROJECT, uv_lock=UV_LOCK)
    assert all(install.passed_over is None for install in found)


def test_lists_of_setup_py_and_conda() -> None:
    """A project without pyproject.toml; an environment with packages of conda and of pip."""
    (install,) = installs_of(
        "FROM python:3.12-slim\nCOPY . .\nRUN pip install .\n",
        setup_py="from setuptools import setup\nsetup(install_requires=open('requirements.txt').readlines())\n",
        requirements_txt="torch==2.5.0\n",
    )
    assert [(p.name, p.version) for p in install.packages] == [("torch", "2.5.0")]
    (install,) = installs_of(
        "FROM continuumio/miniconda3\nCOPY . .\nRUN conda env create -f environment.yml\n",
        environment_yml="dependencies:\n  - numpy==1.26.4\n  - pip:\n    - mlflow==2.12.1\n",
    )
    assert [(p.name, p.version, p.source) for p in install.packages] == [
        ("numpy", "1.26.4", "conda"),
        ("mlflow", "2.12.1", "index"),
    ]


def test_lists_that_include_one_another() -> None:
    """A circle of files ends where it began."""
    (install,) = installs_of(
        "FROM python:3.12-slim\nCOPY requirements.txt requirements-more.txt ./\nRUN pip install -r requirements.txt\n",
        requirements_txt="-r requirements-more.txt\ntorch==2.5.0\n",
        **{"requirements-more_txt": "-r requirements.txt\nnumpy==2.1.3\n"},
    )
    assert sorted(p.name for p in install.packages) == ["numpy", "torch"]


def test_an_environment_made_in_a_builder() -> None:
    """A folder with the virtual environment in it is copied as a whole."""
    (install,) = installs_of(
        "FROM python:3.12 AS builder\nWORKDIR /app\nCOPY pyproject.toml uv.lock ./\nRUN uv sync --frozen\n"
        "FROM python:3.12-slim\nCOPY --from=builder /app /srv\n",
        pyproject_toml=PROJECT,
        uv_lock=UV_LOCK,
    )
    assert install.lock is not None
