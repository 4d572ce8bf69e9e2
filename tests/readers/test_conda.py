"""conda environments."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.formats.yaml import YAML
from pytest_mlbreaks.model import Diagnostic
from pytest_mlbreaks.model.facts import Requirement, RequirementFile
from pytest_mlbreaks.readers import conda
from pytest_mlbreaks.reading import Source, Wanted


def read(text: str) -> list[object]:
    """What is read of an environment.yml of *text*."""
    return list(conda.read(YAML.parse(Source("environment.yml", text.encode())), Wanted()))


def test_environment() -> None:
    """conda's own packages, those of pip with what they include, the interpreter, the channels."""
    said = read(
        "name: x\nchannels: [conda-forge]\ndependencies:\n  - python=3.11\n  - conda-forge::NumPy=1.26\n"
        "  - pandas >=2,<3\n  - pip\n  - pip:\n    - mlflow==2.12.1\n    - -r requirements.txt\n    - -c pins.txt\n"
        "    - git+https://h/lib@main\n"
    )
    found = [s for s in said if isinstance(s, Requirement)]
    (file,) = [s for s in said if isinstance(s, RequirementFile)]
    assert [(r.name, r.specifier, r.source, r.place.line) for r in found] == [
        ("numpy", "==1.26.*", "conda", 5),
        ("pandas", "<3,>=2", "conda", 6),
        ("pip", "", "conda", 7),
        ("mlflow", "==2.12.1", "index", 9),
    ]
    assert (file.python, file.includes, file.constraints) == ("==3.11.*", ("requirements.txt",), ("pins.txt",))
    assert file.indexes == ("conda-forge",)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("a==1.2.3", "==1.2.3"),
        ("a=1.2=py311_0", "==1.2.*"),
        ("a=1.2.*", "==1.2.*"),
        ("a 1.2", "==1.2.*"),
        ("a>=1|2", ""),
        ("a", ""),
    ],
)
def test_versions(written: str, meant: str) -> None:
    """As conda's package specification has them."""
    (one, _) = read(f"dependencies:\n  - {written}\n")
    assert isinstance(one, Requirement)
    assert one.specifier == meant


@pytest.mark.parametrize("text", ["a: 1\n", "dependencies: {a: 1}\n", "- a\n", ""])
def test_other_yaml_of_that_name(text: str) -> None:
    """Values of a deployment's environment are no list of packages."""
    assert read(text) == []


def test_a_line_that_pip_does_not_take() -> None:
    """Is said, with its line."""
    said = [s for s in read("dependencies:\n  - pip:\n    - '<<<<'\n") if isinstance(s, Diagnostic)]
    assert [(s.level, s.place.line) for s in said] == [("warning", 3)]
