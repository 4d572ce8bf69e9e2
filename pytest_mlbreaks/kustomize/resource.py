"""An object on its way through kustomizations, and what selects one."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping

from pytest_mlbreaks.formats.yaml import YamlNode

LONGEST = 200
"""Characters of a pattern that is tried; names of Kubernetes have 253 at most."""


def text(node: YamlNode | None) -> str:
    """The text of a node, "" for none."""
    return (node.text or "") if node is not None else ""


def elements(node: YamlNode | None) -> Iterator[YamlNode]:
    """The elements of a list, none of anything else."""
    return iter(node.elements()) if node is not None else iter(())


@dataclasses.dataclass(frozen=True)
class Resource:
    """An object. *origin* is the file that it is written in and its number there; *names* are all that it has had.

    *generators* are the identities of the generated objects that it is made of, *unknown* why the
    value of which of its keys cannot be told, *partial* whether it has keys that are not known. *failed* is why it
    cannot be told what it comes to; *gone* is one that a patch deleted.
    """

    node: YamlNode
    kind: str
    origin: tuple[str, int]
    names: frozenset[str]
    generators: tuple[str, ...] = ()
    unknown: Mapping[str, str] = dataclasses.field(default_factory=dict)
    partial: bool = False
    failed: str = ""
    gone: bool = False

    @classmethod
    def of(cls, node: YamlNode, origin: tuple[str, int]) -> Resource:
        """The object that *node* is, as it is written."""
        return cls(node, text(node.get("kind")), origin, frozenset({text(node.get("metadata", "name"))}))

    @property
    def name(self) -> str:
        """Its name as it is by now."""
        return text(self.node.get("metadata", "name"))

    def is_named(self, name: str) -> bool:
        """Whether that is, or was, its name."""
        return name in self.names


@dataclasses.dataclass(frozen=True)
class Selector:
    """What a patch or replacement concerns. *kind*, *name*, *group* and *namespace* are patterns of the whole text, ""
    for any; *labels* and *annotations* what is written to select by them."""

    kind: str = ""
    name: str = ""
    group: str = ""
    namespace: str = ""
    labels: str = ""
    annotations: str = ""

    @classmethod
    def of(cls, node: YamlNode) -> Selector:
        """What a ``target``, ``select`` or ``source`` says."""
        fields = ("kind", "name", "group", "namespace", "labelSelector", "annotationSelector")
        return cls(*(text(node.get(field)) for field in fields))

    @classmethod
    def exactly(cls, kind: str, name: str) -> Selector:
        """Selects by a kind and a name that are no patterns."""
        return cls(re.escape(kind), re.escape(name))

    def fits(self, resource: Resource) -> bool | None:
        """Whether *resource* is meant; None where that cannot be told."""
        kind = _fits(self.kind, {resource.kind})
        if kind is False:
            return False
        group = text(resource.node.get("apiVersion")).rpartition("/")[0]
        answers: list[bool | None] = [
            kind,
            _fits(self.name, resource.names),
            _fits(self.group, {group}),
            _fits(self.namespace, {text(resource.node.get("metadata", "namespace"))}),
            _selected(self.labels, resource.node.get("metadata", "labels")),
            _selected(self.annotations, resource.node.get("metadata", "annotations")),
        ]
        return False if False in answers else None if None in answers else True


def _fits(pattern: str, texts: frozenset[str] | set[str]) -> bool | None:
    if not pattern:
        return True
    try:
        return None if len(pattern) > LONGEST else any(re.fullmatch(pattern, one) is not None for one in texts)
    except re.error:
        return None


def _selected(written: str, labels: YamlNode | None) -> bool | None:
    """Whether *labels* are what ``key=value,...`` asks for; other ways to ask are not understood."""
    if not written:
        return True
    held = {key: text(value) for key, _, value in labels.items()} if labels is not None else {}
    for one in written.split(","):
        key, equals, value = one.strip().partition("=")
        if not equals or key.endswith("!"):
            return None
        if held.get(key.strip()) != value.removeprefix("=").strip():
            return False
    return True
