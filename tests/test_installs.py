"""Installs: what the build of an image installs, and what fixes the versions."""

from __future__ import annotations

from pytest_mlbreaks import engine
from pytest_mlbreaks.api import Install
from pytest_mlbreaks.testing import installed
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
