"""The transformers that kustomize has built in: namespace, names, labels, annotations, replicas, images.

Which fields they change is kustomize's default configuration
(https://github.com/kubernetes-sigs/kustomize/tree/master/api/internal/konfig/builtinpluginconsts).
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterator, Sequence

from pytest_mlbreaks.formats.yaml import YamlNode
from pytest_mlbreaks.kustomize.nodes import changed, changed_below, mapping, rewritten, scalar, sequence
from pytest_mlbreaks.kustomize.resource import Resource, elements, text
from pytest_mlbreaks.kustomize.strategic import WITH_SCHEMA

_NOT_RENAMED = frozenset({"CustomResourceDefinition", "Namespace", "APIService"})
_CLUSTER_WIDE = _NOT_RENAMED | {"ClusterRole", "ClusterRoleBinding", "StorageClass", "PersistentVolume"}
_TEMPLATED = frozenset({"Deployment", "ReplicaSet", "DaemonSet", "StatefulSet", "Job", "ReplicationController"})
_SELECTING = frozenset({"Deployment", "ReplicaSet", "DaemonSet", "StatefulSet"})
_SCALED = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "ReplicationController"})
_REFERENCES = {
    "configMap": ("name", "ConfigMap"),
    "configMapRef": ("name", "ConfigMap"),
    "configMapKeyRef": ("name", "ConfigMap"),
    "secretRef": ("name", "Secret"),
    "secretKeyRef": ("name", "Secret"),
    "secret": ("secretName", "Secret"),
    "persistentVolumeClaim": ("claimName", "PersistentVolumeClaim"),
}
"""The mappings that name another object, by the key that they stand under: the field that does, and its kind."""


def _with(resource: Resource, node: YamlNode) -> Resource:
    return dataclasses.replace(resource, node=node)


def namespaced(resources: list[Resource], namespace: YamlNode | None) -> list[Resource]:
    """*resources* in *namespace*."""
    if not text(namespace) or namespace is None:
        return resources
    return [
        r
        if r.kind in _CLUSTER_WIDE
        else _with(r, changed_below(r.node, ("metadata", "namespace"), lambda _: namespace, namespace))
        for r in resources
    ]


# --------------------------------------------------------------------------------------------------------- names


def renamed(resources: list[Resource], prefix: YamlNode | None, suffix: YamlNode | None) -> list[Resource]:
    """*resources* with something before and after their names, also where they name one another."""
    before, after = text(prefix), text(suffix)
    if not before and not after:
        return resources
    new = {(r.kind, r.name): f"{before}{r.name}{after}" for r in resources if r.kind not in _NOT_RENAMED}
    return [_renamed(r, new) for r in resources]


def _renamed(resource: Resource, new: dict[tuple[str, str], str]) -> Resource:
    node = resource.node
    if resource.kind in WITH_SCHEMA:
        node = rewritten(node, lambda key, held: _refers(key, held, new))
    name = new.get((resource.kind, resource.name))
    if name is None:
        return _with(resource, node)
    node = changed_below(node, ("metadata", "name"), lambda held: scalar(name, held or node), node)
    return dataclasses.replace(resource, node=node, names=resource.names | {name})


def _refers(key: str, node: YamlNode, new: dict[tuple[str, str], str]) -> YamlNode | None:
    if key == "scaleTargetRef":
        field, kind = "name", text(node.get("kind"))
    elif key in _REFERENCES:
        field, kind = _REFERENCES[key]
        if field == "secretName" and node.get(field) is None:
            field = "name"  # in a projected volume
    else:
        return None
    held = node.get(field)
    name = new.get((kind, text(held)))
    return changed(node, field, scalar(name, held)) if name is not None and held is not None else None


# -------------------------------------------------------------------------------------------------------- labels


def label_fields(node: YamlNode) -> Iterator[tuple[YamlNode, bool, bool]]:
    """The labels that a kustomization puts on everything, and whether on selectors and on templates, too."""
    for element in elements(node.get("labels")):
        pairs = element.get("pairs")
        selectors = _true(element.get("includeSelectors"))
        if pairs is not None:
            yield pairs, selectors, selectors or _true(element.get("includeTemplates"))
    common = node.get("commonLabels")
    if common is not None:
        yield common, True, True


def _true(node: YamlNode | None) -> bool:
    return node is not None and node.scalar is True


def labelled(resources: list[Resource], pairs: YamlNode, *, selectors: bool, templates: bool) -> list[Resource]:
    """*resources* with the labels *pairs*."""
    made = []
    for resource in resources:
        node = _put(resource.node, ("metadata", "labels"), pairs)
        for path in _templates(resource.kind) if templates else ():
            if node.get(*path[:-1]) is not None or path[-1] == "metadata":
                node = _put(node, (*path, "labels"), pairs)
        if selectors and resource.kind in _SELECTING:
            node = _put(node, ("spec", "selector", "matchLabels"), pairs)
        if selectors and resource.kind == "Service" and node.get("spec") is not None:
            node = _put(node, ("spec", "selector"), pairs)
        made.append(_with(resource, node))
    return made


def annotated(resources: list[Resource], pairs: YamlNode | None) -> list[Resource]:
    """*resources* with the annotations *pairs*."""
    if pairs is None or not pairs.is_mapping:
        return resources
    made = []
    for resource in resources:
        node = _put(resource.node, ("metadata", "annotations"), pairs)
        for path in _templates(resource.kind):
            node = _put(node, (*path, "annotations"), pairs)
        made.append(_with(resource, node))
    return made


def _templates(kind: str) -> tuple[tuple[str, ...], ...]:
    """Where templates of pods (and of jobs) have their metadata."""
    if kind in _TEMPLATED:
        return (("spec", "template", "metadata"),)
    if kind == "CronJob":
        job = ("spec", "jobTemplate")
        return ((*job, "metadata"), (*job, "spec", "template", "metadata"))
    return ()


def _put(node: YamlNode, path: Sequence[str], pairs: YamlNode) -> YamlNode:
    def put(held: YamlNode | None) -> YamlNode:
        old = held.entries if held is not None and held.is_mapping else {}
        return mapping({**old, **pairs.entries}, held if held is not None else pairs)

    return changed_below(node, path, put, pairs)


# ------------------------------------------------------------------------------------------- replicas and images


def scaled(resources: list[Resource], element: YamlNode) -> list[Resource]:
    """*resources* with the count of an element of ``replicas``."""
    name, count = text(element.get("name")), element.get("count")
    if count is None:
        return resources
    return [
        _with(r, changed_below(r.node, ("spec", "replicas"), lambda _: count, count))
        if r.kind in _SCALED and r.is_named(name)
        else r
        for r in resources
    ]


def with_images(resources: list[Resource], images: Sequence[YamlNode]) -> list[Resource]:
    """*resources* with the image of each element of ``images``, one after the other, in the place of those that it
    names."""
    if not images:
        return resources
    return [
        r
        if r.kind == "CustomResourceDefinition"
        else _with(r, rewritten(r.node, lambda _, held: _containers(held, images)))
        for r in resources
    ]


def _containers(node: YamlNode, images: Sequence[YamlNode]) -> YamlNode | None:
    found = None
    for field in ("containers", "initContainers"):
        held = node.get(field)
        if held is None or not held.is_sequence:
            continue
        old = list(held.elements())
        new = [functools.reduce(_container, images, one) for one in old]
        if any(one is not other for one, other in zip(old, new, strict=True)):
            found = changed(found or node, field, sequence(new, held))
    return found


def _container(node: YamlNode, element: YamlNode) -> YamlNode:
    image = node.get("image") if node.is_mapping else None
    if image is None or image.text is None:
        return node
    made = image_of(image.text, element)
    if made is None:
        return node
    at = element.get("newTag") or element.get("digest") or element.get("newName") or element
    return changed(node, "image", scalar(made, at))


def image_of(image: str, element: YamlNode) -> str | None:
    """The reference that an element of ``images`` makes of *image*; None where it does not name that
    (api/internal/image and api/filters/imagetag of kustomize)."""
    name, tag, digest = _split(image)
    if name != text(element.get("name")):
        return None
    new_tag, new_digest = text(element.get("newTag")), text(element.get("digest"))
    if new_tag or new_digest:
        tag, digest = new_tag, new_digest
    elif text(element.get("tagSuffix")):
        tag += text(element.get("tagSuffix"))
    name = text(element.get("newName")) or name
    return name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")


_TAG = re.compile(r":([^:/@]*)$")


def _split(image: str) -> tuple[str, str, str]:
    rest, _, digest = image.partition("@")
    match = _TAG.search(rest)
    return (rest[: match.start()], match[1], digest) if match is not None else (rest, "", digest)
