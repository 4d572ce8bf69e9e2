"""``prefect.yaml``: the deployments of Prefect's flows, with the image that its build steps make.

https://docs.prefect.io/v3/how-to-guides/deployments/prefect-yaml: ``entrypoint`` is a path, relative to the file, and a
function; ``{{ build_image.image }}`` is an output of a step of the file, ``{{ $NAME }}`` a variable of the machine that
deploys.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from pytest_mlbreaks.formats.yaml import YAML, YamlFile, YamlNode
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.expr import Choice, Entries, EnvVar, Expr, Items, Literal, SecretKey, Unknown
from pytest_mlbreaks.model.facts import Argument, FlowDeployment, ImageBuild, Variable
from pytest_mlbreaks.reading import Reader, Wanted
from pytest_mlbreaks.secrets import secret_key
from pytest_mlbreaks.slots import Slots, plain

DEPLOYMENT_LIMIT = 500
"""Deployments of one file."""

_TEMPLATE = re.compile(r"\{\{\s*([^{}\n]{1,200}?)\s*\}\}")
_BUILDS = "build_docker_image"
_PUSHES = "push_docker_image"
_SETTINGS = ("parameters", "work_pool", "tags", "concurrency_limit", "version", "paused", "active")


class _Sheet:
    """One file: what its placeholders stand for."""

    def __init__(self, file: YamlFile, document: YamlNode) -> None:
        self.path = file.path
        self.folder = file.path.rpartition("/")[0]
        self.document = document
        self.outputs: dict[str, Expr] = {}
        """What build steps give, by ``id.key``."""

    def expr(self, node: YamlNode | None, key: str = "") -> Expr:
        """A scalar with its placeholders, a list, or a mapping."""
        if node is None:
            return Literal(None)
        if node.is_mapping:
            return Entries(tuple((name, self.expr(inner, name)) for name, _, inner in node.items()))
        if node.is_sequence:
            return Items(tuple(self.expr(element, key) for element in node.elements()))
        text = node.text
        if text is not None and "{{" in text:
            return self._filled(text)
        if secret_key(key) and text:
            return SecretKey(self.path, key)
        return Literal(node.scalar)

    def _filled(self, text: str) -> Expr:
        slots = Slots()
        try:
            replaced = _TEMPLATE.sub(lambda match: slots.hold(self._placeholder(match[1])), plain(text))
        except ValueError:
            return Unknown("too many placeholders")
        return slots.expr(slots.redact(replaced))

    def _placeholder(self, name: str) -> Expr:
        if name.startswith("$"):
            return EnvVar(name[1:], scope="host")
        if name.startswith("prefect.blocks.secret."):
            return SecretKey("prefect", name.rpartition(".")[2])
        return self.outputs.get(name, Unknown("a value that Prefect fills in"))

    def inside(self, path: str) -> str:
        """*path*, as written beside this file, seen from the root."""
        normal = posixpath.normpath(posixpath.join(self.folder, path.replace("\\", "/")))
        return "" if normal == "." else normal


def _steps(node: YamlNode | None) -> Iterator[tuple[str, YamlNode]]:
    """The steps under ``build``, ``push`` or ``pull``: the function's name and what it is given."""
    for element in node.elements() if node is not None and node.is_sequence else ():
        for name, _, given in element.items():
            yield name.rpartition(".")[2], given
            break


def _builds(sheet: _Sheet, node: YamlNode, owner: str) -> Iterator[ImageBuild]:
    """The images that are built for a deployment, or for all of the file."""
    pushes = any(name == _PUSHES for name, _ in _steps(node.get("push")))
    for number, (name, given) in enumerate(_steps(node.get("build"))):
        if name != _BUILDS or not given.is_mapping:
            continue
        step = given.get("id")
        image, tag = sheet.expr(given.get("image_name")), given.get("tag")
        whole = _tagged(image, sheet.expr(tag)) if tag is not None else image
        if step is not None and step.text:
            sheet.outputs[f"{step.text}.image"] = whole
            sheet.outputs[f"{step.text}.image_name"] = image
        dockerfile = given.get("dockerfile")
        written = dockerfile.text if dockerfile is not None else None
        if written and written != "auto" and "{{" not in written:
            yield ImageBuild(
                place=given.place,
                builder="prefect",
                owner=owner,
                images=(whole,),
                context=Literal(sheet.folder or "."),
                dockerfile=Literal(sheet.inside(written)),
                pushes=pushes,
                ordinal=number,
            )


def _tagged(image: Expr, tag: Expr) -> Expr:
    if isinstance(image, Literal) and isinstance(tag, Literal):
        return Literal(f"{image.value}:{tag.value}")
    return Unknown("an image whose tag is filled in")


def _when(sheet: _Sheet, node: YamlNode) -> Expr | None:
    """The cron, interval or rule of ``schedule`` and ``schedules``; those that are switched off are none."""
    given = [node.get("schedule")]
    many = node.get("schedules")
    given += many.elements() if many is not None and many.is_sequence else []
    found: list[Expr] = []
    for one in given:
        if one is None or not one.is_mapping:
            continue
        active = one.get("active")
        if active is not None and active.text == "false":
            continue
        kind = next((k for k in ("cron", "interval", "rrule") if one.get(k) is not None), None)
        if kind is not None:
            found.append(sheet.expr(one.get(kind)))
    return None if not found else found[0] if len(found) == 1 else Choice(tuple(found))


def _deployment(sheet: _Sheet, node: YamlNode, name: str) -> FlowDeployment | None:
    entry = node.get("entrypoint")
    text = entry.text if entry is not None else None
    if not text or ":" not in text:
        return None
    path, _, function = text.rpartition(":")
    job = node.get("work_pool", "job_variables")
    image = job.get("image") if job is not None and job.is_mapping else None
    variables = job.get("env") if job is not None and job.is_mapping else None
    settings = [
        Argument(name=key, value=sheet.expr(inner), place=inner.place)
        for key in _SETTINGS
        if (inner := node.get(key)) is not None
    ]
    return FlowDeployment(
        place=node.place,
        orchestrator="prefect",
        name=name,
        entry=Literal(sheet.inside(path)),
        function=function,
        when=_when(sheet, node),
        image=sheet.expr(image) if image is not None else None,
        variables=tuple(
            Variable(name=key, value=sheet.expr(inner, key), place=inner.place)
            for key, _, inner in (variables.items() if variables is not None and variables.is_mapping else ())
        ),
        settings=tuple(settings),
    )


def _claims(path: str) -> bool:
    return path.endswith("prefect.yaml") and path.rpartition("/")[2] == "prefect.yaml"


def _read(file: YamlFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    for document in file.documents[:1]:
        if not document.is_mapping:
            continue
        sheet = _Sheet(file, document)
        yield from _builds(sheet, document, f"prefect:{file.path}")
        deployments = document.get("deployments")
        for number, node in enumerate(deployments.elements() if deployments is not None else ()):
            if number >= DEPLOYMENT_LIMIT or not node.is_mapping:
                break
            name = node.get("name")
            called = (name.text if name is not None else None) or f"deployment-{number}"
            yield from _builds(sheet, node, f"prefect:{file.path}#{called}")
            found = _deployment(sheet, node, called)
            if found is not None:
                yield found


READER: Reader[YamlFile] = Reader("prefect-yaml", 1, YAML, (FlowDeployment, ImageBuild), _claims, _read)
