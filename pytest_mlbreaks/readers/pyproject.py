"""pyproject.toml: PEP 621, PEP 735, and the tables of Poetry, uv, pdm and setuptools."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
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
    uv = _table(file.data, "tool", "uv")
    found: list[Requirement] = []
    for said in _standard(file, project):
        if isinstance(said, Diagnostic):
            yield said
        else:
            found.append(said)
    for table, key in (("tool.uv", "dev-dependencies"), ("tool.pdm.dev-dependencies", "")):
        for said in _tool_groups(file, table, key):
            if isinstance(said, Diagnostic):
                yield said
            else:
                found.append(said)
    sources = _table(uv, "sources")
    for requirement in found:
        yield _sourced(requirement, sources.get(requirement.name)) if sources else requirement
    yield from _poetry_requirements(file, poetry)
    python = project.get("requires-python", "") or _poetry_python(poetry)
    dynamic = _dynamic(file, project)
    yield RequirementFile(
        place=file.place("[", "project" if project else "tool.poetry" if poetry else "build-system"),
        format="poetry" if poetry and "dependencies" in poetry else "pyproject",
        includes=tuple(dynamic or ()),
        python=python if isinstance(python, str) else "",
        package=canonicalize_name(str(project.get("name") or poetry.get("name") or "")),
        scripts=tuple({**_table(project, "scripts"), **_table(poetry, "scripts")}),
        unknown="its dependencies are dynamic: the build works them out" if dynamic is None else "",
        defaults=_defaults(file, poetry, uv),
    )


READER: Reader[TomlFile] = Reader("pyproject", 3, TOML, (Requirement, RequirementFile), claims, read)


def _standard(file: TomlFile, project: dict[str, Any]) -> Iterator[Requirement | Diagnostic]:
    """PEP 621's lists, and PEP 735's groups with the groups that they include."""
    for text in _texts(project.get("dependencies")):
        yield from _said(file, text, "project", "")
    for group, listed in _table(project, "optional-dependencies").items():
        for text in _texts(listed):
            yield from _said(file, text, "project.optional-dependencies", _group(group))
    own: dict[str, list[Requirement]] = {}
    taken: dict[str, list[str]] = {}
    for group, listed in _table(file.data, "dependency-groups").items():
        name = _group(group)
        own[name] = []
        taken[name] = []
        for item in listed if isinstance(listed, list) else ():
            if isinstance(item, str):
                for said in _said(file, item, "dependency-groups", name):
                    yield said
                    if isinstance(said, Requirement):
                        own[name].append(said)
            elif isinstance(item, dict) and isinstance(item.get("include-group"), str):
                taken[name].append(_group(item["include-group"]))
    for name in own:
        for other in _reached(name, taken):
            for requirement in own.get(other, ()):
                yield msgspec.structs.replace(requirement, group=name)


def _reached(group: str, taken: dict[str, list[str]]) -> list[str]:
    """The groups that *group* includes, those that they include, and so on; a circle ends where it began."""
    found: dict[str, None] = {}
    waiting = list(taken.get(group, ()))
    while waiting:
        other = waiting.pop()
        if other not in found and other != group:
            found[other] = None
            waiting += taken.get(other, ())
    return list(found)


def _tool_groups(file: TomlFile, table: str, key: str) -> Iterator[Requirement | Diagnostic]:
    """Groups from before PEP 735: uv's ``dev-dependencies``, and pdm's table of that name."""
    content = _table(file.data, *table.split("."))
    groups = {"dev": content.get(key)} if key else content
    for group, listed in groups.items():
        for text in _texts(listed):
            yield from _said(file, re.sub(r"^-e\s+", "", text), table, _group(group))


def _said(file: TomlFile, text: str, table: str, group: str) -> Iterator[Requirement | Diagnostic]:
    place = file.place(text, table)
    requirement = parse(text, place, group)
    if requirement is None:
        yield Diagnostic(place, "warning", "not a requirement that PEP 508 allows; left out")
    elif requirement.name:
        yield requirement


def _sourced(requirement: Requirement, given: Any) -> Requirement:
    """*requirement* with what ``tool.uv.sources`` says of where it comes from; of several places, nothing."""
    if not isinstance(given, dict) or "index" in given:
        return requirement
    if given.get("workspace"):
        return msgspec.structs.replace(requirement, source="workspace")
    source, branch = _located(given)
    return msgspec.structs.replace(requirement, source=source, branch=branch) if source else requirement


def _located(given: dict[str, Any]) -> tuple[str, bool]:
    """The URL or path of a table with ``git``, ``url`` or ``path``, and whether it names a branch."""
    for key in ("git", "url", "path"):
        if isinstance(given.get(key), str):
            text = str(given[key])
            if key != "git":
                return redact_url(text), False
            reference = next((str(given[k]) for k in ("rev", "tag", "branch") if given.get(k)), "")
            url = text if text.startswith("git+") else f"git+{text}"
            return redact_url(f"{url}@{reference}" if reference else url), "branch" in given
    return "", False


def _dynamic(file: TomlFile, project: dict[str, Any]) -> list[str] | None:
    """The files that setuptools takes dynamic dependencies from; None where what works them out is not known.
    https://setuptools.pypa.io/en/latest/userguide/pyproject_config.html#dynamic-metadata"""
    if "dependencies" not in _texts(project.get("dynamic")):
        return []
    given = _table(file.data, "tool", "setuptools", "dynamic", "dependencies").get("file")
    return [given] if isinstance(given, str) else _texts(given) or None


def _defaults(file: TomlFile, poetry: dict[str, Any], uv: dict[str, Any]) -> tuple[str, ...]:
    """The groups that are installed where the command names none. uv: ``tool.uv.default-groups``, else ``dev``
    (https://docs.astral.sh/uv/concepts/projects/dependencies/#default-groups); Poetry: all that are not optional."""
    if poetry:
        groups = _table(poetry, "group")
        named = [g for g, content in groups.items() if not (isinstance(content, dict) and content.get("optional"))]
        return tuple(_group(g) for g in dict.fromkeys((*named, *(("dev",) if "dev-dependencies" in poetry else ()))))
    given = uv.get("default-groups")
    if given == "all":
        return tuple(_group(g) for g in _table(file.data, "dependency-groups"))
    if isinstance(given, list):
        return tuple(_group(g) for g in _texts(given))
    # An extra that is called dev is no group: it is installed only where it is asked for.
    grouped = "dev-dependencies" in uv or any(_group(g) == "dev" for g in _table(file.data, "dependency-groups"))
    return ("dev",) if grouped else ()


def _poetry_python(poetry: dict[str, Any]) -> str:
    given = _table(poetry, "dependencies").get("python")
    return _poetry_specifier(given if isinstance(given, str) else "")


def _poetry_requirements(file: TomlFile, poetry: dict[str, Any]) -> Iterator[Requirement]:
    tables = [
        ("dependencies", "", poetry.get("dependencies")),
        ("dev-dependencies", "dev", poetry.get("dev-dependencies")),
    ]
    for group, content in _table(poetry, "group").items():
        if isinstance(content, dict):
            tables.append((f"group.{group}.dependencies", _group(group), content.get("dependencies")))
    extras = {
        canonicalize_name(name): _group(extra)
        for extra, listed in _table(poetry, "extras").items()
        for name in _texts(listed)
    }
    for table, group, content in tables:
        for name, given in content.items() if isinstance(content, dict) else ():
            if name == "python":
                continue
            for one in given if isinstance(given, list) and given else (given,):  # several: each by its marker
                yield _poetry(file, name, one, f"tool.poetry.{table}", group, extras)


def _poetry(file: TomlFile, name: str, given: Any, table: str, group: str, extras: dict[Any, str]) -> Requirement:
    place = file.place(name, table)
    options: dict[str, Any] = given if isinstance(given, dict) else {}
    version = given if isinstance(given, str) else options.get("version", "")
    source, branch = _located(options)
    plain = canonicalize_name(name)
    return Requirement(
        place=place,
        name=plain,
        specifier=_poetry_specifier(version if isinstance(version, str) else ""),
        extras=tuple(sorted(_texts(options.get("extras")))),
        marker=str(options.get("markers", "")),
        group=group if not options.get("optional") else group or extras.get(plain, "optional"),
        source=source or "index",
        branch=branch,
    )


def _group(name: object) -> str:
    return str(canonicalize_name(str(name)))


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
