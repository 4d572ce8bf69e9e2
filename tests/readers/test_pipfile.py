"""Pipfiles."""

from __future__ import annotations

from pytest_mlbreaks.formats.toml import TOML
from pytest_mlbreaks.model.facts import Requirement, RequirementFile
from pytest_mlbreaks.readers import pipfile
from pytest_mlbreaks.reading import Source, Wanted


def test_pipfile() -> None:
    """Packages, groups, sources; an open version is open; passwords go."""
    text = (
        '[[source]]\nurl = "https://u:secretpw@pypi.example.com/simple"\n[packages]\nnumpy = "*"\nPandas = "==2.2.3"\n'
        'lib = {git = "https://h/lib.git", ref = "main"}\nuvicorn = {version = "~=0.30", extras = ["standard"]}\n'
        '[dev-packages]\npytest = "8"\n[gpu]\ntorch = ">=2"\n[requires]\npython_version = "3.12"\n'
    )
    said = list(pipfile.read(TOML.parse(Source("Pipfile", text.encode())), Wanted()))
    found = [s for s in said if isinstance(s, Requirement)]
    (file,) = [s for s in said if isinstance(s, RequirementFile)]
    assert [(r.name, r.specifier, r.group, r.place.line) for r in found] == [
        ("numpy", "", "", 4),
        ("pandas", "==2.2.3", "", 5),
        ("lib", "", "", 6),
        ("uvicorn", "~=0.30", "", 7),
        ("pytest", "==8", "dev", 9),
        ("torch", ">=2", "gpu", 11),
    ]
    assert (found[2].source, found[3].extras) == ("git+https://h/lib.git@main", ("standard",))
    assert (file.format, file.python) == ("pipfile", "==3.12.*")
    assert "secretpw" not in "".join(file.indexes)


def test_other_types_do_no_harm() -> None:
    """A table's entries may be anything."""
    text = '[packages]\na = 1\nb = ["x"]\nc = true\n[requires]\npython_version = 3\n'
    said = list(pipfile.read(TOML.parse(Source("Pipfile", text.encode())), Wanted()))
    assert [s.name for s in said if isinstance(s, Requirement)] == ["a", "b", "c"]
