"""Pipfiles: what pipenv installs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from packaging.utils import canonicalize_name

from pytest_mlbreaks.formats.toml import TOML, TomlFile
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.facts import Requirement, RequirementFile
from pytest_mlbreaks.reading import Reader, Wanted
from pytest_mlbreaks.secrets import redact_url

_SECTIONS = frozenset({"packages", "source", "requires", "scripts", "pipenv", "pipfile"})


def claims(path: str) -> bool:
    """Files of that name."""
    return path == "Pipfile" or path.endswith("/Pipfile")


def read(file: TomlFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The `Requirement` facts, and the `RequirementFile`. ``dev-packages`` are group ``dev``; another table of packages
    is a group of its name. https://pipenv.pypa.io/en/latest/pipfile.html"""
    for section, content in file.data.items():
        if not isinstance(content, dict) or section in _SECTIONS - {"packages"}:
            continue
        group = {"packages": "", "dev-packages": "dev"}.get(section, str(canonicalize_name(section)))
        for name, given in content.items():
            yield _requirement(file, name, given, section, group)
    requires = file.data.get("requires")
    python = requires.get("python_version") if isinstance(requires, dict) else None
    sources = file.data.get("source")
    urls = [s.get("url") for s in sources if isinstance(s, dict)] if isinstance(sources, list) else []
    yield RequirementFile(
        place=Place(file.path, 1),
        format="pipfile",
        python=f"=={python}.*" if isinstance(python, str) and re.fullmatch(r"\d+(\.\d+)*", python) else "",
        indexes=tuple(redact_url(url) for url in urls if isinstance(url, str)),
    )


READER: Reader[TomlFile] = Reader("pipfile", 1, TOML, (Requirement, RequirementFile), claims, read)


def _requirement(file: TomlFile, name: str, given: Any, section: str, group: str) -> Requirement:
    options: dict[str, Any] = given if isinstance(given, dict) else {"version": given}
    version = options.get("version")
    source = "index"
    if isinstance(options.get("git"), str):
        reference = options.get("ref")
        url = str(options["git"]).removeprefix("git+")
        source = redact_url(f"git+{url}@{reference}" if reference else f"git+{url}")
    elif any(isinstance(options.get(key), str) for key in ("path", "file")):
        source = redact_url(str(options.get("path") or options.get("file")))
    extras = options.get("extras")
    return Requirement(
        place=file.place(name, section),
        name=canonicalize_name(name),
        specifier=_specifier(version) if isinstance(version, str) else "",
        extras=tuple(sorted(e for e in extras if isinstance(e, str))) if isinstance(extras, list) else (),
        marker=str(options.get("markers", "")),
        group=group,
        source=source,
    )


def _specifier(version: str) -> str:
    text = version.replace(" ", "")
    if text in ("", "*"):
        return ""
    return f"=={text}" if text[0].isdigit() else text
