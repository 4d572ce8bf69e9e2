"""setup.py by its syntax, and setup.cfg."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.formats.python import PYTHON
from pytest_mlbreaks.formats.text import TextFile
from pytest_mlbreaks.model import Diagnostic
from pytest_mlbreaks.model.facts import Requirement, RequirementFile
from pytest_mlbreaks.readers import setup_files
from pytest_mlbreaks.reading import Source, Wanted

Read = tuple[list[Requirement], list[RequirementFile], list[Diagnostic]]


def sorted_out(said: list[object]) -> Read:
    """Requirements, files and diagnostics apart."""
    return (
        [s for s in said if isinstance(s, Requirement)],
        [s for s in said if isinstance(s, RequirementFile)],
        [s for s in said if isinstance(s, Diagnostic)],
    )


def py(text: str) -> Read:
    """What is read of a setup.py of *text*."""
    document = PYTHON.parse(Source("setup.py", text.encode()))
    return sorted_out(list(setup_files.read_py(document, Wanted())))


def cfg(text: str) -> Read:
    """What is read of a setup.cfg of *text*."""
    return sorted_out(list(setup_files.read_cfg(TextFile("setup.cfg", text), Wanted())))


def test_literal_lists() -> None:
    """Lists written out, bound to a name, added up; extras; scripts; each requirement at its own line."""
    found, (file,), said = py(
        "from setuptools import setup\nCORE = ['numpy>=1',\n  'pandas']\nextras = {'gpu': ['torch']}\n"
        "setup(name='My.Lib', python_requires='>=3.10', install_requires=CORE + ['six'], extras_require=extras,\n"
        "  entry_points={'console_scripts': ['train = lib:main']})\n"
    )
    assert [(r.name, r.group, r.place.line) for r in found] == [
        ("numpy", "", 2),
        ("pandas", "", 3),
        ("six", "", 5),
        ("torch", "gpu", 4),
    ]
    assert (file.package, file.python, file.scripts, file.unknown) == ("my-lib", ">=3.10", ("train",), "")
    assert not said


@pytest.mark.parametrize(
    "idiom",
    [
        "setup(install_requires=open('requirements.txt').read().splitlines())",
        "with open('requirements.txt') as fh:\n    needs = [l.strip() for l in fh]\nsetup(install_requires=needs)",
        "def load(p):\n    return open(p).read().split()\nsetup(install_requires=load('requirements.txt'))",
        "from pathlib import Path\nsetup(install_requires=Path('requirements.txt').read_text().split())",
        "import pip.req as q\nsetup(install_requires=[str(r) for r in q.parse_requirements('requirements.txt')])",
    ],
)
def test_lists_that_are_read_from_a_file(idiom: str) -> None:
    """Each known way to read requirements.txt is an include, and the file is not opened."""
    found, (file,), _ = py(f"from setuptools import setup\n{idiom}\n")
    assert (found, file.includes, file.unknown) == ([], ("requirements.txt",), "")


@pytest.mark.parametrize(
    "call", ["install_requires=make()", "install_requires=['a', b]", "**config", "install_requires=[x for x in y]"]
)
def test_what_is_computed_is_unknown(call: str) -> None:
    """Never guessed, never run."""
    _, (file,), _ = py(f"from setuptools import setup\nsetup({call})\n")
    assert file.unknown


@pytest.mark.parametrize("text", ["x = 1\n", "def f(:\n", "from setuptools import setup\nsetup()\nsetup()\n"])
def test_no_call_no_file(text: str) -> None:
    """Other files of that name say nothing, broken ones neither."""
    assert py(text)[:2] == ([], [])


def test_setup_cfg() -> None:
    """Lists of lines, extras, an interpreter, scripts."""
    found, (file,), said = cfg(
        "[metadata]\nname = lib\n[options]\npython_requires = >=3.9\ninstall_requires =\n    numpy>=1\n"
        "    pandas; python_version<'3.12'\n[options.extras_require]\ngpu = torch; xgboost\n"
        "[options.entry_points]\nconsole_scripts =\n    train = lib:main\n"
    )
    assert [(r.name, r.group) for r in found] == [("numpy", ""), ("pandas", ""), ("torch", "gpu"), ("xgboost", "gpu")]
    assert [r.place.line for r in found[:2]] == [6, 7]
    assert (file.package, file.python, file.scripts) == ("lib", ">=3.9", ("train",))
    assert not said


def test_setup_cfg_reads_a_file() -> None:
    """``file:`` is an include."""
    _, (file,), _ = cfg("[options]\ninstall_requires = file: a.txt, b.txt\n")
    assert file.includes == ("a.txt", "b.txt")


def test_setup_cfg_of_tools() -> None:
    """A file that only configures flake8 is none."""
    assert cfg("[flake8]\nmax-line-length = 120\n") == ([], [], [])


def test_setup_cfg_that_is_broken() -> None:
    """A diagnostic with a line."""
    found, files, (said,) = cfg("[options]\ninstall_requires\n[\n")
    assert (found, files, said.level) == ([], [], "error")
    assert said.place.line
