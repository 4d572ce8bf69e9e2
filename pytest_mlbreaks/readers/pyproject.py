"""pyproject.toml: PEP 621, PEP 735 and Poetry's own tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from packaging.utils import canonicalize_name

from pytest_mlbreaks.formats.toml import TOML, TomlFile
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.facts import Requirement, RequirementFile
from pytest_mlbreaks.pep508 import parse
from pytest_mlbreaks.reading import Reader, Wanted
from pytest_mlbreaks.secrets import redact_url

_POETRY_TERM = re.compile(r"(?P<op>\^|~=|~|==|!=|>=|<=|>|<|=)?\s*v?(?P<version>[\w.*+!-]+)")


def claims(path: str) -> bool:
    """``pyproject.toml`` in any folder."""
    return path == "pyproject.toml" or path.endswith("/pyproject.toml")


def read(file: TomlFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The `Requirement` facts of all groups, and the `RequirementFile`."""
    project = _table(file.data, "project")
    poetry = _table(file.data, "tool", "poetry")
    python = project.get("requires-python", "")
    for text in _texts(project.get("dependencies")):
        yield from _said(file, text, "project", "")
    for group, listed in _table(project, "optional-dependencies").items():
        for text in _texts(listed):
            yield from _said(file, text, "project.optional-dependencies", str(group))
    for group, listed in _table(file.data, "dependency-groups").items():
        for text in _texts(listed):
            yield from _said(file, text, "dependency-groups", str(group))
    if poetry:
        tables = [
            ("dependencies", "", poetry.get("dependencies")),
            ("dev-dependencies", "dev", poetry.get("dev-dependencies")),
        ]
        for group, content in _table(poetry, "group").items():
            if isinstance(content, dict):
                tables.append((f"group.{group}.dependencies", str(group), content.get("dependencies")))
        for table, group, content in tables:
            for name, given in content.items() if isinstance(content, dict) else ():
                if name == "python":
                    python = python or _poetry_specifier(given if isinstance(given, str) else "")
                    continue
                for one in given if isinstance(given, list) and given else (given,):  # several: each by its marker
                    yield _poetry(file, name, one, f"tool.poetry.{table}", group)
    yield RequirementFile(
        place=file.place("[", "project" if project else "tool.poetry" if poetry else "build-system"),
        format="poetry" if poetry and "dependencies" in poetry else "pyproject",
        python=python if isinstance(python, str) else "",
        package=canonicalize_name(str(project.get("name") or poetry.get("name") or "")),
        scripts=tuple({**_table(project, "scripts"), **_table(poetry, "scripts")}),
    )


READER: Reader[TomlFile] = Reader("pyproject", 1, TOML, (Requirement, RequirementFile), claims, read)


def _said(file: TomlFile, text: str, table: str, group: str) -> Iterator[Fact | Diagnostic]:
    place = file.place(text, table)
    requirement = parse(text, place, group)
    if requirement is None:
        yield Diagnostic(place, "warning", "not a requirement that PEP 508 allows; left out")
    elif requirement.name:
        yield requirement


def _poetry(file: TomlFile, name: str, given: Any, table: str, group: str) -> Requirement:
    place = file.place(name, table)
    options: dict[str, Any] = given if isinstance(given, dict) else {}
    version = given if isinstance(given, str) else options.get("version", "")
    source = next((str(options[key]) for key in ("git", "url", "path") if key in options), "index")
    return Requirement(
        place=place,
        name=canonicalize_name(name),
        specifier=_poetry_specifier(version if isinstance(version, str) else ""),
        extras=tuple(sorted(_texts(options.get("extras")))),
        marker=str(options.get("markers", "")),
        group=group if not options.get("optional") else group or "optional",
        source=redact_url(source),
    )


def _poetry_specifier(text: str) -> str:
    """A Poetry version constraint as PEP 440 text: ``^1.2`` is ``>=1.2,<2``, ``~1.2`` is ``>=1.2,<1.3``."""
    if "||" in text or "|" in text:
        return ""
    terms = []
    for part in re.sub(r"(?<=[\^~=!<>]) +", "", text).replace(" ", ",").split(","):
        match = _POETRY_TERM.fullmatch(part.strip())
        if match is None or match["version"] == "*":
            continue
        operator, version = match["op"] or "", match["version"]
        numbers = [int(n) for n in re.findall(r"\d+", version.partition("-")[0])][:3]
        if operator == "^" and numbers:
            first = next((i for i, n in enumerate(numbers) if n), len(numbers) - 1)
            terms += [f">={version}", f"<{'.'.join(str(n) for n in [*numbers[:first], numbers[first] + 1])}"]
        elif operator in ("^", "~") and not numbers:
            continue
        elif operator == "~":
            keep = min(len(numbers) - 1, 1)
            terms += [f">={version}", f"<{'.'.join(str(n) for n in [*numbers[:keep], numbers[keep] + 1])}"]
        else:
            terms.append(f"{'==' if operator in ('', '=') else operator}{version}")
    return ",".join(terms)


def _table(data: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def _texts(listed: Any) -> list[str]:
    return [item for item in listed if isinstance(item, str)] if isinstance(listed, list) else []
