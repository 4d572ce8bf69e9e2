"""What a kustomization comes to: its resources, generators and transformers, in kustomize's own order.

Rules: https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/ and, for the order,
``KustTarget.accumulateTarget`` of https://github.com/kubernetes-sigs/kustomize (api/internal/target).
What lies behind a URL, charts and plugins are not followed: of what they may change nothing is said.
"""

from __future__ import annotations

import dataclasses
import posixpath
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from pytest_mlbreaks.formats.yaml import YamlFile, YamlNode
from pytest_mlbreaks.kustomize import transform
from pytest_mlbreaks.kustomize.json_patch import patched
from pytest_mlbreaks.kustomize.nodes import at_line, changed, changed_below, mapping, scalar
from pytest_mlbreaks.kustomize.replace import replaced
from pytest_mlbreaks.kustomize.resource import Resource, Selector, elements, text
from pytest_mlbreaks.kustomize.strategic import WITH_SCHEMA, CannotApply, merged
from pytest_mlbreaks.model.near import KUSTOMIZATIONS

MOST = 5000
"""Objects of one kustomization. Each takes in another one once, or kustomize refuses it."""

_GENERATORS = (("configMapGenerator", "ConfigMap", "data"), ("secretGenerator", "Secret", "stringData"))
_REMOTE = ("://", "github.com/", "git@", "?ref=", "::")


class NotBuilt(Exception):
    """A kustomization of which it cannot be told what it comes to."""


@dataclasses.dataclass
class Used:
    """Files of patches: those that were *applied* wherever they are meant, and those that some use could not apply."""

    applied: set[str] = dataclasses.field(default_factory=set)
    open: set[str] = dataclasses.field(default_factory=set)


class Builder:
    """Builds the kustomizations of one tree. *parse* gives a file of it as YAML, *content* its text; None where
    it cannot be read. *idle* are files whose objects concern nobody."""

    def __init__(
        self,
        paths: Collection[str],
        parse: Callable[[str], YamlFile | None],
        content: Callable[[str], str | None],
        idle: Collection[str] = frozenset(),
    ) -> None:
        self._paths = paths
        self._idle = idle
        self._parse = parse
        self._content = content
        self._built: dict[str, tuple[Resource, ...] | None] = {}
        self._open: set[str] = set()
        self.used = Used()

    def build(self, path: str) -> tuple[Resource, ...]:
        """What the kustomization *path* comes to. Raises NotBuilt."""
        if path not in self._built:
            self._built[path] = None  # unless it is built
            self._built[path] = tuple(self._accumulated(path, []))
        built = self._built[path]
        if built is None:
            raise NotBuilt("a kustomization takes in itself, or one that cannot be built")
        return built

    # ------------------------------------------------------------------------------------------------ taking in

    def _accumulated(self, path: str, resources: list[Resource]) -> list[Resource]:
        """*resources* and those of the kustomization or component *path*, after all that it does to them."""
        document = self._parse(path)
        node = next((d for d in document.documents if d.is_mapping), None) if document is not None else None
        if node is None or path in self._open:
            raise NotBuilt("a kustomization cannot be read, or takes in itself")
        self._open.add(path)
        folder = path.rpartition("/")[0]
        for field in ("resources", "bases"):
            for element in elements(node.get(field)):
                resources.extend(self._taken(folder, text(element)))
                if len(resources) > MOST:
                    raise NotBuilt("a kustomization of too many objects")
        for element in elements(node.get("components")):
            component = self._kustomization(_joined(folder, text(element)))
            if component is None:
                raise NotBuilt("a component is not in the tree")
            resources = self._accumulated(component, resources)
        if node.get("transformers") is not None:
            raise NotBuilt("a transformer of its own")
        for field, kind, holder in _GENERATORS:
            for element in elements(node.get(field)):
                self._generate(path, node, element, kind, holder, resources)
        self._open.discard(path)
        return self._transformed(folder, node, resources)

    def _taken(self, folder: str, written: str) -> Iterator[Resource]:
        if not written or any(mark in written for mark in _REMOTE):
            return
        path = _joined(folder, written)
        below = self._kustomization(path)
        if below is not None:
            yield from self.build(below)
            return
        document = self._parse(path) if path in self._paths and path not in self._idle else None
        pending = list(reversed(document.documents)) if document is not None else []
        number = 0
        while pending:
            node = pending.pop()
            kind = text(node.get("kind"))
            if kind.endswith("List") and node.get("items") is not None:
                pending.extend(reversed(list(elements(node.get("items")))))
            elif kind and text(node.get("metadata", "name")):
                yield Resource.of(node, (path, number))
            number += 1

    def _kustomization(self, folder: str) -> str | None:
        prefix = f"{folder}/" if folder else ""
        return next((prefix + name for name in KUSTOMIZATIONS if prefix + name in self._paths), None)

    # ------------------------------------------------------------------------------------------------ generators

    def _generate(
        self, path: str, holder: YamlNode, element: YamlNode, kind: str, field: str, resources: list[Resource]
    ) -> None:
        named = element.get("name")
        if named is None or not named.text:
            return
        behavior = text(element.get("behavior"))
        made = self._generated(path, holder, element, kind, field)
        if behavior not in ("merge", "replace"):
            resources.append(made)
            return
        for index, old in enumerate(resources):
            if old.kind == kind and old.is_named(named.text):
                resources[index] = _put_over(old, made, field, whole=behavior == "replace")
                return
        # kustomize refuses to merge into nothing: the base is one that is not in the tree
        resources.append(dataclasses.replace(made, partial=True))

    def _generated(self, path: str, holder: YamlNode, element: YamlNode, kind: str, field: str) -> Resource:
        folder = path.rpartition("/")[0]
        entries: dict[str, tuple[YamlNode, YamlNode]] = {}
        unknown: dict[str, str] = {}
        partial = False
        for entry in elements(element.get("literals")):
            key, _, value = text(entry).partition("=")
            entries[key] = (scalar(key, entry), scalar(_unquoted(value), entry))
        for entry in elements(element.get("files")):
            key, equals, rest = text(entry).partition("=")
            file = rest if equals else key
            key = key if equals else file.rpartition("/")[2]
            unknown[key] = f"the content of {file}"
            entries[key] = (scalar(key, entry), scalar("", entry))
        single = element.get("env")
        for entry in (*elements(element.get("envs")), *([single] if single is not None else ())):
            content = self._content(_joined(folder, text(entry)))
            partial = partial or content is None
            for key, given, line in _lines(content or ""):
                at = _spot(_joined(folder, text(entry)), line)
                entries[key] = (scalar(key, at), scalar(given or "", at))
                if given is None:
                    unknown[key] = "given by the shell that kustomize runs in"
        named = element.get("name") or element
        about: dict[str, tuple[YamlNode, YamlNode]] = {"name": (scalar("name", named), named)}
        namespace = element.get("namespace")
        if namespace is not None:
            about["namespace"] = (scalar("namespace", namespace), namespace)
        node = mapping(
            {
                "apiVersion": (scalar("apiVersion", named), scalar("v1", named)),
                "kind": (scalar("kind", named), scalar(kind, named)),
                "metadata": (scalar("metadata", named), mapping(about, named)),
                field: (scalar(field, named), mapping(entries, named)),
            },
            named,
        )
        immutable = element.get("options", "immutable") or holder.get("generatorOptions", "immutable")
        if immutable is not None:
            node = changed(node, "immutable", immutable)
        # what the reader of this one kustomization says of the generator, by which it is told apart
        told = text(namespace) or text(holder.get("namespace"))
        origin = f"{kind.lower()}:{path}#{told}/{named.text}"
        made = Resource.of(node, (path, -1))
        return dataclasses.replace(made, generators=(origin,), unknown=unknown, partial=partial)

    # ------------------------------------------------------------------------------------------------ transformers

    def _transformed(self, folder: str, node: YamlNode, resources: list[Resource]) -> list[Resource]:
        for element in elements(node.get("patchesStrategicMerge")):
            for file, patch in self._documents(folder, element):
                self._patch(file, patch, None, resources)
        for element in elements(node.get("patches")):
            self._patches(folder, element, resources)
        resources = transform.namespaced(resources, node.get("namespace"))
        resources = transform.renamed(resources, node.get("namePrefix"), node.get("nameSuffix"))
        for pairs, selectors, templates in transform.label_fields(node):
            resources = transform.labelled(resources, pairs, selectors=selectors, templates=templates)
        resources = transform.annotated(resources, node.get("commonAnnotations"))
        for element in elements(node.get("patchesJson6902")):
            self._patches(folder, element, resources)
        for element in elements(node.get("replicas")):
            resources = transform.scaled(resources, element)
        resources = transform.with_images(resources, list(elements(node.get("images"))))
        for element in elements(node.get("replacements")):
            for one in self._replacements(folder, element):
                resources = replaced(resources, one)
        if any(node.get(field) is not None for field in ("configurations", "crds", "openapi")):
            # these tell of fields that the kinds of others have
            resources = [
                r if r.kind in WITH_SCHEMA else dataclasses.replace(r, failed="a configuration of the transformers")
                for r in resources
            ]
        return resources

    def _patches(self, folder: str, element: YamlNode, resources: list[Resource]) -> None:
        target = element.get("target")
        selector = Selector.of(target) if target is not None else None
        for file, patch in self._documents(folder, element):
            self._patch(file, patch, selector, resources)

    def _documents(self, folder: str, element: YamlNode) -> list[tuple[str, YamlNode]]:
        """The documents of a patch, each with its file; "" for one that is written into the kustomization."""
        held = element if element.is_scalar else element.get("patch")
        written = text(held)
        if held is not None and ("\n" in written or not element.is_scalar) and written:
            line = held.text_place.line or 1
            return [("", one) for one in _whole(at_line(held.place.path, written, line))]
        path = _joined(folder, written or text(element.get("path")))
        document = self._parse(path) if path in self._paths else None
        if document is None:
            raise NotBuilt("a patch is not in the tree")
        return [(path, one) for one in _whole(document)]

    def _patch(self, file: str, patch: YamlNode, selector: Selector | None, resources: list[Resource]) -> None:
        if selector is None:
            selector = Selector.exactly(text(patch.get("kind")), text(patch.get("metadata", "name")))
        done = False
        for index, resource in enumerate(resources):
            fits = selector.fits(resource)
            if fits is False or resource.gone:
                continue
            try:
                if fits is None:
                    raise CannotApply("which objects a patch concerns cannot be told")
                resources[index] = _patched(resource, patch)
                done = True
            except CannotApply as error:
                resources[index] = dataclasses.replace(resource, failed=str(error))
                self.used.open.add(file)
        (self.used.applied if done else self.used.open).add(file)

    def _replacements(self, folder: str, element: YamlNode) -> Iterator[YamlNode]:
        written = text(element.get("path"))
        if not written:
            yield element
            return
        document = self._parse(_joined(folder, written))
        if document is None:
            raise NotBuilt("replacements are not in the tree")
        for one in document.documents:
            yield from elements(one) if one.is_sequence else [one]


def _patched(resource: Resource, patch: YamlNode) -> Resource:
    if resource.generators:
        resource = _without(resource, patch)
    if patch.is_sequence:
        made: YamlNode | None = patched(resource.node, patch)
    else:
        made = merged(resource.node, patch, resource.kind)
    if made is None:
        return dataclasses.replace(resource, gone=True)
    if text(made.get("metadata", "name")) == text(resource.node.get("metadata", "name")):
        return dataclasses.replace(resource, node=made)
    # a patch changes neither kind nor name of what its target names, unless it is allowed to, which is rare
    named = resource.node.get("metadata", "name")
    made = changed_below(made, ("metadata", "name"), lambda _: named, resource.node)
    return dataclasses.replace(resource, node=made)


def _without(resource: Resource, patch: YamlNode) -> Resource:
    """A generated object of whose keys those are known that *patch* sets."""
    if patch.is_sequence:
        raise CannotApply("a JSON patch of what a generator makes")
    held = [patch.get(field) for field in ("data", "stringData", "binaryData")]
    patched_keys = {key for node in held if node is not None for key in node.entries}
    return dataclasses.replace(resource, unknown={k: v for k, v in resource.unknown.items() if k not in patched_keys})


def _put_over(old: Resource, made: Resource, field: str, *, whole: bool) -> Resource:
    """The generated object *made* merged into, or put in the place of, *old*."""
    fields = ("data", "stringData", "binaryData")
    entries: dict[str, tuple[YamlNode, YamlNode]] = {}
    for name in () if whole else fields:
        held = old.node.get(name)
        entries.update(held.entries if held is not None else {})
    new = made.node.get(field)
    entries.update(new.entries if new is not None else {})
    node = old.node
    for name in fields:
        node = changed(node, name, None)
    node = changed(node, field, mapping(entries, new or old.node))
    return dataclasses.replace(
        old,
        node=node,
        generators=(*old.generators, *made.generators),
        unknown={**({} if whole else old.unknown), **made.unknown},
        partial=made.partial or (old.partial and not whole),
    )


def _whole(patch: YamlFile) -> list[YamlNode]:
    """The documents of a patch, all of which could be read."""
    if any(told.level == "error" for told in patch.diagnostics) or not patch.documents:
        raise NotBuilt("a patch cannot be read")
    return [document for document in patch.documents if not _empty(document)]


def _joined(folder: str, written: str) -> str:
    path = posixpath.normpath(posixpath.join(folder, written))
    return "" if path == "." else path


def _empty(node: YamlNode) -> bool:
    return node.is_scalar or not (node.entries or any(True for _ in node.elements()))


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value


def _lines(content: str) -> Iterator[tuple[str, str | None, int]]:
    """Keys and values of an env file, each with its line; a key without a value takes it from the shell."""
    for number, line in enumerate(content.splitlines(), 1):
        line = line.strip()
        key, equals, value = line.partition("=")
        if key and not key.startswith("#"):
            yield key, value if equals else None, number


def _spot(path: str, line: int) -> YamlNode:
    return at_line(path, "x", line).documents[0]


def roots(listed: Mapping[str, Iterable[str]], deployed: Collection[str]) -> list[str]:
    """The kustomizations that no other one takes in, or that are *deployed* by themselves. *listed*: what each takes
    in, files and folders, by its own path."""
    taken = {one for lists in listed.values() for one in lists}
    return [
        path
        for path in listed
        if (path.rpartition("/")[0] or ".") not in taken or (path.rpartition("/")[0] or ".") in deployed
    ]
