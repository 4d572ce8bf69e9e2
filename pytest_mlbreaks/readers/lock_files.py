"""Lock files: which packages a tool has chosen, in which versions, and which of them brings which along.

A lock is mostly the addresses and digests of archives, which nobody asks for: those lines are blanked before the
standard parser sees the rest, so that a lock costs about as much as it costs to read. Lines keep their numbers.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from packaging.utils import canonicalize_name

from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.facts import LockedPackage, LockFile
from pytest_mlbreaks.reading import Format, Reader, Source, Unreadable, Wanted
from pytest_mlbreaks.secrets import redact_url

_TOOLS = {
    "uv.lock": "uv",
    "poetry.lock": "poetry",
    "Pipfile.lock": "pipenv",
    "pdm.lock": "pdm",
    "pixi.lock": "pixi",
    "conda-lock.yml": "conda-lock",
    "pylock.toml": "pylock",
}

LOCK: Format[Source] = Format("lock file", lambda source: source)
"""The bytes: each tool's lock is taken apart by its own reader."""

_ARCHIVES = re.compile(
    rb"^(?:[ \t]+\{ ?(?:url|file|name) ?= ?\"[^\n]*(?:hash|sha256)[^\n]*|sdist = \{[^\n]*)$", re.MULTILINE
)
"""Lines that hold one archive each: ``{ url = "...", hash = "..." },`` of uv, ``{file = ..., hash = ...},`` of Poetry
and pdm, and uv's ``sdist = {...}``."""
_PACKAGE = re.compile(rb"^\[\[packages?\]\][ \t]*\r?$", re.MULTILINE)
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(?:\[[\w.,\s-]*\])?")

# Format versions whose meaning is known here: https://docs.astral.sh/uv/concepts/resolution/#lockfile-versioning,
# poetry's src/poetry/packages/locker.py, pdm's docs/reference/lockfile, PEP 751, pipenv's Pipfile spec.
_KNOWN = {
    "uv": re.compile(r"1"),
    "poetry": re.compile(r"[12]\.\d+"),
    "pipenv": re.compile(r"6"),
    "pdm": re.compile(r"4(\.\d+)*"),
    "pylock": re.compile(r"1\.\d+"),
}


def claims(path: str) -> bool:
    """Lock files by name."""
    name = path.rpartition("/")[2]
    return name in _TOOLS or (name.startswith("pylock.") and name.endswith(".toml"))


def read(source: Source, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The `LockFile`. One whose format has a version that is not known here yields a `Diagnostic` alone; of pixi's
    and conda-lock's locks only that they are there is told."""
    tool = _TOOLS.get(source.path.rpartition("/")[2], "pylock")
    place = Place(source.path, 1)
    if tool not in _KNOWN:
        yield LockFile(place=place, tool=tool)
        return
    try:
        data, lines = _parsed(source, tool)
    except Unreadable as error:
        yield Diagnostic(error.place, "error", error.message)
        return
    version = _version(tool, data)
    if not _KNOWN[tool].fullmatch(version):
        shown = f"of version {version}" if version else "without a version"
        yield Diagnostic(place, "warning", f"a {tool} lock {shown}, which is not known here; not read")
        return
    yield _READS[tool](place, version, data, lines)


READER: Reader[Source] = Reader("lock-files", 2, LOCK, (LockFile,), claims, read)


def _parsed(source: Source, tool: str) -> tuple[dict[str, Any], list[int]]:
    """The data of a lock, and the line of each of its packages. Raises `Unreadable`."""
    whole = Source(source.path, _ARCHIVES.sub(b"", source.data)) if tool != "pipenv" else source
    text = whole.text()
    try:
        data: Any = json.loads(text) if tool == "pipenv" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # JSON's and TOML's errors are ValueErrors
        match = re.search(r"line (\d+)", str(error))
        said = str(error).partition(" (at")[0].partition(": line")[0]
        raise Unreadable(Place(source.path, int(match[1]) if match else None), f"can't be parsed: {said}") from error
    if not isinstance(data, dict):
        raise Unreadable(Place(source.path), "is no lock file")
    return data, _lines(whole.data)


def _lines(data: bytes) -> list[int]:
    """The line of each ``[[package]]``."""
    found, line, before = [], 1, 0
    for match in _PACKAGE.finditer(data):
        line += data.count(b"\n", before, match.start())
        before = match.start()
        found.append(line)
    return found


def _version(tool: str, data: dict[str, Any]) -> str:
    if tool == "uv":
        found = data.get("version")
    elif tool == "poetry":
        found = _table(data, "metadata").get("lock-version")
    elif tool == "pdm":
        found = _table(data, "metadata").get("lock_version")
    elif tool == "pipenv":
        found = _table(data, "_meta").get("pipfile-spec")
    else:
        found = data.get("lock-version")
    return str(found) if isinstance(found, (str, int)) else ""


def _uv(place: Place, version: str, data: dict[str, Any], lines: list[int]) -> LockFile:
    packages = []
    for line, package in _packages(data, "package", lines):
        extras = _table(package, "optional-dependencies")
        groups = _table(package, "dev-dependencies")
        packages.append(
            LockedPackage(
                name=canonicalize_name(package["name"]),
                version=_text(package.get("version")),
                source=_uv_source(_table(package, "source")),
                line=line,
                requires=_uv_names(package.get("dependencies")),
                extras=tuple((str(canonicalize_name(e)), _uv_names(names)) for e, names in extras.items()),
                groups=tuple((str(canonicalize_name(g)), _uv_names(names)) for g, names in groups.items()),
            )
        )
    return LockFile(
        place=place,
        tool="uv",
        version=version,
        python=_text(data.get("requires-python")),
        packages=tuple(packages),
        graph=True,
        read=True,
    )


def _uv_source(source: dict[str, Any]) -> str:
    """Where a package comes from: ``{ registry = ... }``, ``{ git = ... }``, ``{ editable = "." }`` ..."""
    for kind in ("editable", "virtual", "directory", "path"):
        if kind in source:
            return f"./{_text(source[kind])}"
    if "git" in source:
        return redact_url(f"git+{_text(source['git'])}")
    return redact_url(_text(source["url"])) if "url" in source else "index"


def _uv_names(listed: Any) -> tuple[str, ...]:
    found = []
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, dict) and isinstance(item.get("name"), str):
            found.append(_with_extras(item["name"], item.get("extra")))
    return tuple(dict.fromkeys(found))


def _poetry(place: Place, version: str, data: dict[str, Any], lines: list[int]) -> LockFile:
    packages = []
    for line, package in _packages(data, "package", lines):
        extras = _table(package, "extras")
        within = package.get("groups", [package["category"]] if "category" in package else [])
        packages.append(
            LockedPackage(
                name=canonicalize_name(package["name"]),
                version=_text(package.get("version")),
                source=_poetry_source(_table(package, "source")),
                line=line,
                requires=tuple(_poetry_names(_table(package, "dependencies"))),
                extras=tuple((str(canonicalize_name(e)), _plain_names(names)) for e, names in extras.items()),
                within=tuple(_text(group) for group in within) if isinstance(within, list) else (),
            )
        )
    metadata = _table(data, "metadata")
    return LockFile(
        place=place,
        tool="poetry",
        version=version,
        python=_text(metadata.get("python-versions")),
        packages=tuple(packages),
        graph=True,
        read=True,
        digest=_text(metadata.get("content-hash")),
    )


def _poetry_source(source: dict[str, Any]) -> str:
    kind, url = _text(source.get("type")), _text(source.get("url"))
    if kind in ("directory", "file"):
        return f"./{url}"
    if kind == "git":
        return redact_url(f"git+{url}@{_text(source.get('resolved_reference') or source.get('reference'))}")
    return redact_url(url) if kind == "url" else "index"


def _poetry_names(dependencies: dict[str, Any]) -> Iterator[str]:
    """The packages that are needed whatever is asked for: those of extras are marked optional."""
    for name, given in dependencies.items():
        each = given if isinstance(given, list) else [given]
        needed = [one for one in each if not (isinstance(one, dict) and one.get("optional"))]
        if needed:
            extras = [e for one in needed if isinstance(one, dict) for e in _texts(one.get("extras"))]
            yield _with_extras(name, extras)


def _pdm(place: Place, version: str, data: dict[str, Any], lines: list[int]) -> LockFile:
    packages = []
    for line, package in _packages(data, "package", lines):
        path = package.get("path")
        git = package.get("git")
        packages.append(
            LockedPackage(
                name=canonicalize_name(package["name"]),
                version=_text(package.get("version")),
                source=f"./{path}" if path else redact_url(f"git+{git}") if git else "index",
                line=line,
                requires=_plain_names(package.get("dependencies")),
                within=tuple(_texts(package.get("groups"))),
            )
        )
    metadata = _table(data, "metadata")
    return LockFile(
        place=place,
        tool="pdm",
        version=version,
        python=_text(metadata.get("requires_python")),
        packages=tuple(packages),
        graph=True,
        read=True,
        digest=_text(metadata.get("content_hash")),
    )


def _pylock(place: Place, version: str, data: dict[str, Any], lines: list[int]) -> LockFile:
    packages = []
    for line, package in _packages(data, "packages", lines):
        vcs, folder, archive = (_table(package, key) for key in ("vcs", "directory", "archive"))
        source = "index"
        if vcs:
            source = redact_url(f"{_text(vcs.get('type'))}+{_text(vcs.get('url'))}@{_text(vcs.get('commit-id'))}")
        elif folder:
            source = f"./{_text(folder.get('path'))}"
        elif archive:
            source = redact_url(_text(archive.get("url") or archive.get("path")))
        packages.append(
            LockedPackage(
                name=canonicalize_name(package["name"]),
                version=_text(package.get("version")),
                source=source,
                line=line,
                requires=_uv_names(package.get("dependencies")),
            )
        )
    python = _text(data.get("requires-python"))
    return LockFile(place=place, tool="pylock", version=version, python=python, packages=tuple(packages), read=True)


def _pipenv(place: Place, version: str, data: dict[str, Any], lines: list[int]) -> LockFile:
    """Its JSON says no lines: all packages stand at the first one."""
    meta = _table(data, "_meta")
    packages = []
    for section, within in (("default", "main"), ("develop", "dev")):
        for name, given in _table(data, section).items():
            if not isinstance(given, dict):
                continue
            source = str(given.get("path") or given.get("file") or "index")
            if given.get("git"):
                source = f"git+{given['git']}@{_text(given.get('ref'))}"
            packages.append(
                LockedPackage(
                    name=canonicalize_name(name),
                    version=_text(given.get("version")).removeprefix("=="),
                    source=redact_url(source),
                    line=1,
                    within=(within,),
                )
            )
    python = _text(_table(meta, "requires").get("python_version"))
    digest = _text(_table(meta, "hash").get("sha256"))
    return LockFile(
        place=place,
        tool="pipenv",
        version=version,
        python=python,
        packages=tuple(packages),
        read=True,
        digest=digest,
    )


_READS: dict[str, Callable[[Place, str, dict[str, Any], list[int]], LockFile]] = {
    "uv": _uv,
    "poetry": _poetry,
    "pdm": _pdm,
    "pylock": _pylock,
    "pipenv": _pipenv,
}


def _packages(data: dict[str, Any], key: str, lines: list[int]) -> Iterator[tuple[int, dict[str, Any]]]:
    """The packages that have a name, each with its line."""
    listed = data.get(key)
    for index, package in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(package, dict) and isinstance(package.get("name"), str):
            yield lines[index] if index < len(lines) else 1, package


def _with_extras(name: str, extras: Any) -> str:
    plain = canonicalize_name(name)
    named = sorted({str(canonicalize_name(extra)) for extra in _texts(extras)})
    return f"{plain}[{','.join(named)}]" if named else plain


def _plain_names(listed: Any) -> tuple[str, ...]:
    """The names, with extras, at the start of requirements as text."""
    found = []
    for text in _texts(listed):
        match = _NAME.match(text.strip())
        if match:
            name, _, extras = match[0].partition("[")
            found.append(_with_extras(name, [e.strip() for e in extras.rstrip("]").split(",") if e.strip()]))
    return tuple(dict.fromkeys(found))


def _table(data: dict[str, Any], key: str) -> dict[str, Any]:
    found = data.get(key)
    return found if isinstance(found, dict) else {}


def _texts(listed: Any) -> Iterable[str]:
    return [item for item in listed if isinstance(item, str)] if isinstance(listed, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
