"""dbt projects: the project file, its packages, properties files, and what its SQL's templates and its models in Python
refer to.

Nothing is rendered. What a macro makes is not known; what is written in ``ref()``, ``source()`` and ``config()`` is.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Literal as L

from pytest_mlbreaks.formats import sql as formats
from pytest_mlbreaks.formats.python import PYTHON, PythonFile
from pytest_mlbreaks.formats.python_nodes import walk
from pytest_mlbreaks.formats.sql import SQL, SqlFile, TemplateCall
from pytest_mlbreaks.formats.yaml import YAML, YamlFile, YamlNode
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.expr import Entries, EnvVar, Expr, Items, Literal, Unknown
from pytest_mlbreaks.model.facts import (
    Argument,
    DbtColumn,
    DbtExposure,
    DbtFile,
    DbtMacro,
    DbtPackages,
    DbtProfile,
    DbtProject,
    DbtProperties,
    DbtRef,
    DbtTarget,
    DbtTest,
    DbtVersion,
)
from pytest_mlbreaks.reading import Reader, Wanted

Kind = L["model", "seed", "snapshot", "source"]

MOST_SETTINGS = 500
"""Configurations of one project file. What is longer was made by a program."""

_PROJECT = re.compile(r"(?:^|/)dbt_project\.ya?ml$")
_PACKAGES = re.compile(r"(?:^|/)(?:packages|dependencies)\.ya?ml$")
_PROFILES = re.compile(r"(?:^|/)profiles\.ya?ml$")
_PROPERTIES = re.compile(r"(?:^|/)(?:models|seeds|data|snapshots|sources)/(?:.*/)?[^/]+\.ya?ml$")
_INSTALLED = re.compile(r"(?:^|/)(?:dbt_packages|dbt_modules|target)/")
_VARIABLE = re.compile(r"""\{\{\s*env_var\(\s*['"](\w+)['"]\s*(?:,\s*['"]([^'"]*)['"]\s*)?\)\s*\}\}""")
_TEMPLATED = re.compile(r"\{[{%]")
_REF = re.compile(r"""\bref\(\s*['"]([\w.-]+)['"]\s*(?:,\s*['"]([\w.-]+)['"]\s*)?\)""")
_SOURCE = re.compile(r"""\bsource\(\s*['"]([\w.-]+)['"]\s*,\s*['"]([\w.-]+)['"]\s*\)""")
_KINDS: tuple[tuple[str, Kind], ...] = (("models", "model"), ("seeds", "seed"), ("snapshots", "snapshot"))


# ------------------------------------------------------------------------------------------------------- YAML


def _claims(path: str) -> bool:
    if not path.endswith((".yml", ".yaml")) or _INSTALLED.search(path):
        return False
    # without what reads SQL, nobody knows which models and snapshots there are
    return any(pattern.search(path) is not None for pattern in (_PROJECT, _PACKAGES, _PROFILES, _PROPERTIES))


def _read(file: YamlFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    for document in file.documents:
        if not document.is_mapping:
            continue
        if _PROJECT.search(file.path):
            yield _project(document)
        elif _PACKAGES.search(file.path):
            yield _packages(document)
        elif _PROFILES.search(file.path):
            yield from _profiles(document)
        if _PROPERTIES.search(file.path):
            yield from _properties(document)


def _project(document: YamlNode) -> Fact:
    def paths(*keys: str, default: str, older: tuple[str, ...] = ()) -> tuple[str, ...]:
        for key in keys:
            node = document.get(key)
            if node is not None and node.is_sequence:
                return tuple(e.text.strip("/") for e in node.elements() if e.text)
        return (default, *older)

    return DbtProject(
        place=document.place,
        name=_text(document, "name"),
        profile=_text(document, "profile"),
        model_paths=paths("model-paths", "source-paths", default="models"),
        seed_paths=paths("seed-paths", "data-paths", default="seeds"),
        snapshot_paths=paths("snapshot-paths", default="snapshots"),
        macro_paths=paths("macro-paths", default="macros"),
        test_paths=paths("test-paths", default="tests"),
        # the starter project of dbt has named the folder either way, and the setting has had no default
        analysis_paths=paths("analysis-paths", default="analyses", older=("analysis",)),
        settings=tuple(_settings(document))[:MOST_SETTINGS],
    )


def _profiles(document: YamlNode) -> Iterator[Fact]:
    """https://docs.getdbt.com/docs/core/connect-data-platform/profiles.yml: a file has profiles by name."""
    for name, key, body in document.items():
        outputs = body.get("outputs")
        if outputs is None:
            continue
        targets = [
            DbtTarget(name=target, adapter=_text(given, "type"), schema=schema, place=place.place)
            for target, place, given in outputs.items()
            if (schema := _schema(given)) is not None
        ]
        yield DbtProfile(name=name, target=_text(body, "target"), targets=tuple(targets), place=key.place)


def _schema(target: YamlNode) -> Expr | None:
    """BigQuery calls it ``dataset``; DuckDB has ``main`` where none is named."""
    text = _text(target, "schema") or _text(target, "dataset")
    if not text:
        return Literal("main") if _text(target, "type") == "duckdb" else None
    variable = _VARIABLE.fullmatch(text)
    if variable is not None:
        return EnvVar(variable[1], Literal(variable[2]) if variable[2] is not None else None)
    return Unknown("computed by a template") if _TEMPLATED.search(text) else Literal(text)


def _settings(document: YamlNode) -> Iterator[Argument]:
    """The configurations of folders, by dotted keys."""
    for section, _ in (*_KINDS, ("tests", "")):
        node = document.get(section)
        pending = [(section, node, 0)] if node is not None else []
        while pending:
            key, inner, depth = pending.pop()
            if inner.is_mapping and depth < 12:
                pending.extend((f"{key}.{name}", value, depth + 1) for name, _, value in inner.items())
            else:
                yield Argument(name=key, value=_value(inner), place=inner.place)


def _packages(document: YamlNode) -> Fact:
    found = []
    for key in ("packages", "projects"):
        node = document.get(key)
        for element in node.elements() if node is not None else ():
            for name in ("package", "git", "local", "tarball", "name"):
                if text := _text(element, name):
                    found.append(text)
                    break
    return DbtPackages(place=document.place, packages=tuple(found))


def _properties(document: YamlNode) -> Iterator[Fact]:
    for section, kind in _KINDS:
        node = document.get(section)
        for element in node.elements() if node is not None else ():
            if _text(element, "name"):
                yield _entry(element, kind, None)
    exposures = document.get("exposures")
    for element in exposures.elements() if exposures is not None else ():
        if _text(element, "name") and _enabled(element):
            yield _exposure(element)
    sources = document.get("sources")
    for source in sources.elements() if sources is not None else ():
        tables = source.get("tables")
        for table in tables.elements() if tables is not None else ():
            if _text(table, "name") and _text(source, "name"):
                yield _entry(table, "source", source)


def _entry(node: YamlNode, kind: Kind, source: YamlNode | None) -> Fact:
    columns = node.get("columns")
    named = [c for c in (columns.elements() if columns is not None else ()) if _text(c, "name")]
    tests = [*_tests(node, ""), *_constraints(node, "")]
    for column in named:
        name = _text(column, "name")
        tests += [*_tests(column, name), *_constraints(column, name)]
    freshness, loaded_at = _freshness(node, source)
    return DbtProperties(
        place=_named(node),
        kind=kind,
        name=_text(node, "name"),
        source=_text(source, "name") if source is not None else "",
        columns=tuple(
            DbtColumn(name=_text(c, "name").lower(), data_type=_text(c, "data_type").lower(), place=c.place)
            for c in named
        ),
        tests=tuple(tests),
        config=tuple(_config(node)),
        freshness=freshness,
        loaded_at=loaded_at,
        relation=_relation(node, source),
        enabled=_enabled(node) and (source is None or _enabled(source)),
        versions=_versions(node),
        refs=tuple(_of_snapshot(node)) if kind == "snapshot" else (),
    )


def _of_snapshot(node: YamlNode) -> Iterator[DbtRef]:
    """What a snapshot that a properties file defines is made of: https://docs.getdbt.com/docs/build/snapshots."""
    said = node.get("relation")
    if said is not None and said.text:
        yield from _referred((Argument(name="relation", value=Literal(said.text), place=said.place),))


def _exposure(node: YamlNode) -> Fact:
    """https://docs.getdbt.com/docs/build/exposures"""
    needed = node.get("depends_on")
    arguments = tuple(
        Argument(name="depends_on", value=Literal(element.text), place=element.place)
        for element in (needed.elements() if needed is not None else ())
        if element.text
    )
    owner = node.get("owner")
    return DbtExposure(
        name=_text(node, "name"),
        kind=_text(node, "type"),
        owner=_text(owner, "name") or _text(owner, "email"),
        url=_text(node, "url"),
        refs=tuple(_referred(arguments)),
        place=_named(node),
    )


def _versions(node: YamlNode) -> tuple[DbtVersion, ...]:
    """https://docs.getdbt.com/docs/mesh/govern/model-versions: the file of version 2 of a model is called as
    ``defined_in`` says, else ``orders_v2``; the latest is the highest one where ``latest_version`` names none."""
    said = node.get("versions")
    names = [e for e in (said.elements() if said is not None else ()) if _text(e, "v")]
    if not names:
        return ()
    latest = _text(node, "latest_version") or max((_text(e, "v") for e in names), key=_rank)
    return tuple(
        DbtVersion(
            name=_text(element, "v"),
            file=_text(element, "defined_in") or f"{_text(node, 'name')}_v{_text(element, 'v')}",
            latest=_text(element, "v") == latest,
        )
        for element in names
    )


def _rank(version: str) -> tuple[int, float, str]:
    return (1, float(version), "") if version.replace(".", "", 1).isdigit() else (0, 0.0, version)


def _named(node: YamlNode) -> Place:
    name = node.get("name")
    return name.place if name is not None else node.place


def _freshness(node: YamlNode, source: YamlNode | None) -> tuple[Place | None, str]:
    """Where it is said how old data may be, and by which column that is told; the entry goes before its source."""
    place, loaded_at = None, ""
    for owner in (node, source):
        if owner is None:
            continue
        for path in (("freshness",), ("config", "freshness")):
            said = owner.get(*path)
            if said is not None and place is None:
                if not said.is_mapping:
                    return None, ""  # freshness: null switches it off
                if any(said.get(level, "count") is not None for level in ("warn_after", "error_after")):
                    place = said.place
        loaded_at = loaded_at or _text(owner, "loaded_at_field") or _text(owner.get("config"), "loaded_at_field")
    return place, loaded_at


def _relation(node: YamlNode, source: YamlNode | None) -> str:
    if source is None:
        return ""
    schema = _text(source, "schema") or _text(source, "name")
    table = _text(node, "identifier") or _text(node, "name")
    return "" if _TEMPLATED.search(schema + table) else f"{schema}.{table}"


def _enabled(node: YamlNode) -> bool:
    said = node.get("config", "enabled") or node.get("enabled")
    return said is None or said.scalar is True


def _config(node: YamlNode) -> Iterator[Argument]:
    said = node.get("config")
    for name, _, value in said.items() if said is not None else ():
        yield Argument(name=name, value=_value(value), place=value.place)


def _tests(node: YamlNode, column: str) -> Iterator[DbtTest]:
    for key in ("tests", "data_tests"):
        said = node.get(key)
        for element in said.elements() if said is not None else ():
            if element.text is not None:
                yield DbtTest(name=element.text, column=column, place=element.place)
                continue
            for name, key_node, body in element.items():
                if name == "name":
                    continue
                arguments = tuple(_arguments(body))
                given = _text(body, "test_name")
                yield DbtTest(
                    name=given or name,
                    column=column,
                    arguments=arguments,
                    refs=tuple(_referred(arguments)),
                    filtered=any(a.name in ("where", "config.where", "row_condition") for a in arguments),
                    place=key_node.place,
                )
                break


def _constraints(node: YamlNode, column: str) -> Iterator[DbtTest]:
    """Constraints that say what tells rows apart, as if they were tests of the database's own."""
    said = node.get("constraints")
    for element in said.elements() if said is not None else ():
        kind = _text(element, "type")
        if kind in ("primary_key", "unique"):
            yield DbtTest(name=kind, column=column, arguments=tuple(_arguments(element)), place=element.place)


def _arguments(body: YamlNode) -> Iterator[Argument]:
    """The arguments of a test; those under ``arguments:`` (dbt 1.10.5 and later) as if they stood beside it."""
    for name, _, value in body.items():
        if name == "arguments" and value.is_mapping:
            yield from _arguments(value)
        elif name == "config":
            for inner, _, given in value.items():
                yield Argument(name=f"config.{inner}", value=_value(given), place=given.place)
        else:
            yield Argument(name=name, value=_value(value), place=value.place)


def _value(node: YamlNode, depth: int = 0) -> Expr:
    if node.is_scalar:
        text = node.text
        if text is not None and _TEMPLATED.search(text):
            return Unknown("computed by a template")
        return Literal(node.scalar)
    if depth > 6:
        return Unknown("nested too deeply")
    if node.is_sequence:
        return Items(tuple(_value(element, depth + 1) for element in node.elements()))
    if node.is_mapping and not node.is_template:
        return Entries(tuple((name, _value(value, depth + 1)) for name, _, value in node.items()))
    return Unknown("computed by a template")


def _text(node: YamlNode | None, key: str) -> str:
    found = node.get(key) if node is not None and node.is_mapping else None
    return (found.text or "").strip() if found is not None else ""


def _referred(arguments: tuple[Argument, ...]) -> Iterator[DbtRef]:
    """The models and sources that arguments name (``to: ref('users')``)."""
    for argument in arguments:
        text = argument.value.value if isinstance(argument.value, Literal) else None
        if not isinstance(text, str):
            continue
        for match in _SOURCE.finditer(text):
            yield DbtRef(kind="source", group=match[1], name=match[2], place=argument.place)
        for match in _REF.finditer(text):
            group, name = (match[1], match[2]) if match[2] else ("", match[1])
            yield DbtRef(kind="ref", group=group, name=name, place=argument.place)


# -------------------------------------------------------------------------------------------------------- SQL


def _sql_claims(path: str) -> bool:
    return path.endswith(".sql") and not _INSTALLED.search(path)


def _sql(file: SqlFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    template = file.template
    if template is None:
        return
    refs: list[DbtRef] = []
    config: list[Argument] = []
    opaque = False
    of_macros: dict[str, tuple[list[DbtRef], list[TemplateCall]]] = {}
    for call in template.calls:
        if call.name in ("config", "builtins.config") and not call.macro:
            config.extend(
                Argument(name=name, value=value, place=Place(file.path, call.line)) for name, value in call.keywords
            )
            continue
        if call.name.removeprefix("builtins.") not in ("ref", "source"):
            continue
        ref = _ref(file.path, call)
        if ref is None:
            opaque = True
        elif not call.macro:
            refs.append(ref)
        if call.macro:
            told, not_told = of_macros.setdefault(call.macro, ([], []))
            if ref is None:
                not_told.append(call)
            else:
                told.append(ref)
    names = tuple(dict.fromkeys(call.name for call in template.calls if not call.macro))
    macros = tuple(name for kind, name, _ in template.blocks if kind == "macro")
    snapshots = tuple(name for kind, name, _ in template.blocks if kind == "snapshot")
    own = formats.THIS in template.text
    if not (refs or config or macros or snapshots or opaque or own or names):
        return
    yield DbtFile(
        place=Place(file.path, 1),
        refs=tuple(refs),
        config=tuple(config),
        macros=macros,
        snapshots=snapshots,
        calls=names,
        incremental=bool(template.incremental),
        opaque=opaque,
        own=own,
        referring=tuple(
            DbtMacro(name=name, refs=tuple(told), opaque=bool(not_told)) for name, (told, not_told) in of_macros.items()
        ),
    )


def _ref(path: str, call: TemplateCall) -> DbtRef | None:
    texts = [call.text(position) for position in range(len(call.arguments))]
    if not texts or any(text is None for text in texts) or len(texts) > 2:
        return None
    kind: L["ref", "source"] = "source" if call.name.endswith("source") else "ref"
    if kind == "source" and len(texts) != 2:
        return None
    return DbtRef(
        kind=kind,
        name=texts[-1] or "",
        group=(texts[0] or "") if len(texts) == 2 else "",
        version=_version(call.keywords),
        conditional=call.conditional,
        place=Place(path, call.line),
    )


def _version(keywords: tuple[tuple[str, Expr], ...]) -> str:
    return next((str(e.value) for n, e in keywords if n in ("v", "version") and isinstance(e, Literal)), "")


# ----------------------------------------------------------------------------------------------------- Python


def _python_claims(path: str) -> bool:
    return path.endswith(".py") and "models/" in path and not _INSTALLED.search(path)


def _python(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """https://docs.getdbt.com/docs/build/python-models: a function ``model(dbt, session)``, which names what it reads
    by ``dbt.ref()`` and ``dbt.source()``."""
    if file.tree is None or not file.mentions(b"def model("):
        return
    for node in file.tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "model" and len(node.args.args) == 2:
            yield _python_model(file, node)


def _python_model(file: PythonFile, function: ast.FunctionDef) -> Fact:
    dbt = function.args.args[0].arg
    refs: list[DbtRef] = []
    config: list[Argument] = []
    opaque = False
    for node in walk(function):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if not (isinstance(node.func.value, ast.Name) and node.func.value.id == dbt):
            continue
        call = TemplateCall(
            name=node.func.attr,
            line=node.lineno,
            arguments=tuple(_constant(argument) for argument in node.args),
            keywords=tuple((k.arg, _constant(k.value)) for k in node.keywords if k.arg is not None),
        )
        if call.name == "config":
            config.extend(
                Argument(name=name, value=value, place=Place(file.path, call.line)) for name, value in call.keywords
            )
        elif call.name in ("ref", "source"):
            ref = _ref(file.path, call)
            opaque = opaque or ref is None
            refs.extend([ref] if ref is not None else [])
    return DbtFile(place=Place(file.path, 1), refs=tuple(refs), config=tuple(config), opaque=opaque)


def _constant(node: ast.expr) -> Expr:
    if isinstance(node, ast.Constant) and isinstance(node.value, str | int | float | bool | None):
        return Literal(node.value)
    if isinstance(node, ast.List | ast.Tuple):
        return Items(tuple(_constant(element) for element in node.elts))
    return Unknown("computed by code")


READER: Reader[YamlFile] = Reader(
    "dbt", 3, YAML, (DbtProject, DbtPackages, DbtProfile, DbtProperties, DbtExposure), _claims, _read
)
FILES: Reader[SqlFile] = Reader("dbt-files", 2, SQL, (DbtFile,), _sql_claims, _sql)
PYTHON_MODELS: Reader[PythonFile] = Reader("dbt-python", 1, PYTHON, (DbtFile,), _python_claims, _python)
