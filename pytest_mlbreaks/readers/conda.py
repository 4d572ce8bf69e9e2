"""conda environments: ``environment.yml`` and its like."""

from __future__ import annotations

import re
from collections.abc import Iterator

from packaging.utils import canonicalize_name

from pytest_mlbreaks.formats.yaml import YAML, YamlFile, YamlNode
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.facts import Requirement, RequirementFile
from pytest_mlbreaks.pep508 import parse
from pytest_mlbreaks.reading import Reader, Wanted
from pytest_mlbreaks.secrets import redact_url

_PATH = re.compile(r"(^|/)[^/]*(conda|environment)[^/]*\.ya?ml$|(^|/)(conda|envs)/[^/]+\.ya?ml$")
# ``channel::name``, then a version, then a build: https://docs.conda.io/projects/conda-build/en/stable/resources/package-spec.html
_SPEC = re.compile(r"(?:[\w./-]+::)?(?P<name>[A-Za-z0-9_][\w.-]*)\s*(?P<rest>.*)$")
_VERSION = re.compile(r"(?P<op>===?|!=|<=|>=|<|>|~=|=)?\s*(?P<version>[\w.*+!]+)")
_INCLUDE = re.compile(r"(-r|--requirement|-c|--constraint)[ =]\s*(\S+)")


def claims(path: str) -> bool:
    """YAML whose name or folder speaks of conda or an environment; what it holds decides."""
    return path.endswith((".yml", ".yaml")) and bool(_PATH.search(path)) and not path.endswith("conda-lock.yml")


def read(file: YamlFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The `Requirement` facts, and the `RequirementFile`; nothing for a file that lists no dependencies. What conda
    itself installs has the source ``conda``, what the list under ``pip:`` asks for has that of its line."""
    for document in file.documents:
        listed = document.get("dependencies") if document.is_mapping else None
        if listed is None or not listed.is_sequence:
            continue
        includes: list[str] = []
        constraints: list[str] = []
        python = ""
        for item in listed.elements():
            pip = item.get("pip") if item.is_mapping else None
            if pip is not None:
                yield from _pip(pip, includes, constraints)
                continue
            requirement = _package(item)
            if requirement is None:
                continue
            if requirement.name == "python":
                python = requirement.specifier
            else:
                yield requirement
        channels = document.get("channels")
        names = [c.text for c in channels.elements()] if channels is not None and channels.is_sequence else []
        yield RequirementFile(
            place=document.key_place("dependencies"),
            format="conda",
            includes=tuple(includes),
            constraints=tuple(constraints),
            python=python,
            indexes=tuple(redact_url(name) for name in names if name),
        )
        return


READER: Reader[YamlFile] = Reader("conda", 1, YAML, (Requirement, RequirementFile), claims, read)


def _package(item: YamlNode) -> Requirement | None:
    """One line of conda's own: ``numpy``, ``numpy=1.26``, ``conda-forge::numpy==1.26.4``, ``numpy >=1.2,<2``."""
    match = _SPEC.match(item.text.strip()) if item.text else None
    if match is None:
        return None
    version = match["rest"].strip()
    if "=" in version.lstrip("=<>!~") and "," not in version:  # name=version=build
        start = len(version) - len(version.lstrip("=<>!~"))
        version = version[:start] + version[start:].partition("=")[0]
    terms = []
    for part in re.split(r"\s*,\s*", version) if version and "|" not in version else ():
        term = _VERSION.fullmatch(part.strip())
        if term is None:
            continue
        operator, number = term["op"] or "=", term["version"]
        fuzzy = operator == "=" and not number.endswith("*")  # =1.2 is any 1.2.x
        terms.append(f"=={number}.*" if fuzzy else f"{'==' if operator == '=' else operator}{number}")
    return Requirement(
        place=item.place,
        name=canonicalize_name(match["name"]),
        specifier=",".join(sorted(terms)),
        source="conda",
    )


def _pip(listed: YamlNode, includes: list[str], constraints: list[str]) -> Iterator[Requirement | Diagnostic]:
    for item in listed.elements() if listed.is_sequence else ():
        text = (item.text or "").strip()
        include = _INCLUDE.match(text)
        if include:
            to = includes if include[1] in ("-r", "--requirement") else constraints
            to.append(include[2].removeprefix("file:"))
            continue
        editable = re.match(r"(-e|--editable)[ =]\s*", text)
        if not text or (text.startswith("-") and not editable):
            continue
        requirement = parse(text[editable.end() :] if editable else text, item.place)
        if requirement is None:
            yield Diagnostic(item.place, "warning", "not a requirement that pip understands; left out")
        elif requirement.name:
            yield requirement
