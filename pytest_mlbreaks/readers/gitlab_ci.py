"""Files of GitLab CI, value by value: what they come to takes ``include``, ``extends`` and ``!reference`` over files,
which is link's.

Rules: https://docs.gitlab.com/ci/yaml/ and https://docs.gitlab.com/ci/yaml/yaml_optimization/.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from pytest_mlbreaks.formats.yaml import YAML, YamlFile, YamlNode
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.expr import Literal
from pytest_mlbreaks.model.facts import Command, GitlabFile, GitlabValue, ImageBuild
from pytest_mlbreaks.readers._image_commands import ImageCommands
from pytest_mlbreaks.reading import Reader, Wanted
from pytest_mlbreaks.secrets import redact_url, secret_key

_DEEPEST = 30
_FOLDERS = ("ci/", ".ci/", "gitlab/", ".gitlab/")
_SCRIPTS = ("before_script", "script")
_SAYS_SO = frozenset({"script", "stages", "include", "extends", "trigger", "before_script", "workflow", "default"})


def _claims(path: str) -> bool:
    if not path.endswith((".yml", ".yaml")):
        return False
    return "gitlab" in path or path.startswith(_FOLDERS) or "/ci/" in path


def _read(file: YamlFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    documents = [document for document in file.documents if document.is_mapping]
    # a header of `spec:` may stand before the configuration, as a document of its own
    if len(documents) == 2 and documents[0].get("spec") is not None:
        documents = documents[1:]
    for document in documents[:1]:
        if not _is_configuration(document):
            continue
        root = _value(document, "", 0)
        yield GitlabFile(root=root, place=document.place)
        for name, _, job in document.items():
            if job.is_mapping and job.get("script") is not None and not name.startswith("."):
                yield from _builds(f"gitlab-ci:{file.path}/{name}", job)


def _is_configuration(document: YamlNode) -> bool:
    """Whether a file is GitLab's: it names its keys at the top, or in what can be a job."""
    if document.place.path.endswith(".gitlab-ci.yml"):
        return True
    if document.get("apiVersion") is not None or document.get("jobs") is not None or document.get("on") is not None:
        return False
    return any(
        name in _SAYS_SO
        or (name.startswith(".") and node.is_mapping)
        or (node.is_mapping and any(key in _SAYS_SO for key, _, _ in node.items()))
        for name, _, node in document.items()
    )


def _value(node: YamlNode, name: str, depth: int) -> GitlabValue:
    if depth > _DEEPEST:
        return GitlabValue(kind="text", place=node.place)
    if node.is_mapping:
        entries = list(node.items())
        return GitlabValue(
            kind="map",
            keys=tuple(key for key, _, _ in entries),
            items=tuple(_value(value, key, depth + 1) for key, _, value in entries),
            place=node.place,
        )
    if node.is_sequence:
        items = tuple(_value(element, name, depth + 1) for element in node.elements())
        return GitlabValue(kind="reference" if node.tag == "!reference" else "list", items=items, place=node.place)
    text = node.text
    if text is not None:
        text = "" if secret_key(name) and "$" not in text else redact_url(text)
    return GitlabValue(kind="text", text=text, place=node.text_place)


def _builds(owner: str, job: YamlNode) -> Iterator[ImageBuild]:
    """The images that a job's own script builds."""
    commands = ImageCommands(owner)
    found: list[ImageBuild] = []
    for key in _SCRIPTS:
        node = job.get(key)
        for element in node.elements() if node is not None and node.is_sequence else [node] if node is not None else ():
            if element.text:
                found.extend(commands.read(Command(shell=Literal(redact_url(element.text)), place=element.text_place)))
    for ordinal, build in enumerate(commands.settled(found)):
        yield msgspec.structs.replace(build, ordinal=ordinal)


READER: Reader[YamlFile] = Reader("gitlab-ci", 1, YAML, (GitlabFile, ImageBuild), _claims, _read)
