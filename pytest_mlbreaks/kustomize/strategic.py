"""Strategic merge patches.

Rules: https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md,
the ``patchMergeKey`` of the API's types (https://kubernetes.io/docs/reference/kubernetes-api/), and kustomize's own
merge, in whose lists what a patch speaks of comes first (kyaml's ``MergeOptionsListPrepend``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pytest_mlbreaks.formats.yaml import YamlNode
from pytest_mlbreaks.kustomize.nodes import mapping, sequence

Keys = Mapping[tuple[str, str], tuple[str, ...]]

_KEYS: dict[tuple[str, str], tuple[str, ...]] = {
    **{("spec", key): ("name",) for key in ("containers", "initContainers", "ephemeralContainers", "volumes")},
    ("spec", "imagePullSecrets"): ("name",),
    ("spec", "hostAliases"): ("ip",),
    ("spec", "topologySpreadConstraints"): ("topologyKey", "whenUnsatisfiable"),
    **{(holder, "env"): ("name",) for holder in ("containers", "initContainers", "ephemeralContainers")},
    **{(holder, "volumeMounts"): ("mountPath",) for holder in ("containers", "initContainers", "ephemeralContainers")},
    **{(holder, "volumeDevices"): ("devicePath",) for holder in ("containers", "initContainers")},
    **{(holder, "ports"): ("containerPort", "protocol") for holder in ("containers", "initContainers")},
    ("spec", "ports"): ("port", "protocol"),
    ("metadata", "ownerReferences"): ("uid",),
}
"""The lists that are merged element by element, by the key that they stand under and that of what holds them, and the
fields that tell their elements. All others are replaced."""

WITH_SCHEMA = frozenset(
    {
        *("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob", "Pod"),
        *("PodTemplate", "Service", "ConfigMap", "Secret", "HorizontalPodAutoscaler", "PersistentVolumeClaim"),
        *("LimitRange", "ServiceAccount", "Ingress", "NetworkPolicy", "Namespace", "Role", "RoleBinding"),
        *("ClusterRole", "ClusterRoleBinding", "PodDisruptionBudget", "ResourceQuota", "PersistentVolume"),
    }
)
"""Kinds of Kubernetes itself. Of others kustomize knows no types, and replaces every list."""


class CannotApply(Exception):
    """A patch that kustomize refuses, or that is not understood here."""


def merged(base: YamlNode, patch: YamlNode, kind: str) -> YamlNode | None:
    """The object *base* of *kind* with *patch* put over it; None where the patch deletes it. Raises CannotApply."""
    return _mapping(base, patch, "", kind in WITH_SCHEMA)


def _mapping(base: YamlNode, patch: YamlNode, key: str, schema: bool) -> YamlNode | None:
    directive = _directive(patch)
    if directive == "delete":
        return None
    if directive == "replace":
        return _plain(patch)
    entries = dict(base.entries)
    for name, (at, value) in patch.entries.items():
        if name == "$patch":
            continue
        if name.startswith("$"):
            raise CannotApply(f"a patch with {name.partition('/')[0]}")
        old = entries.get(name)
        made = _value(old[1] if old is not None else None, value, key, name, schema)
        if made is None:
            entries.pop(name, None)
        else:
            entries[name] = (at if old is None or not value.is_mapping else old[0], made)
    return mapping(entries, base)


def _value(base: YamlNode | None, patch: YamlNode, holder: str, key: str, schema: bool) -> YamlNode | None:
    """What stands under *key* of what stands under *holder*; None for nothing."""
    if patch.is_scalar:
        if base is not None and base.is_scalar and base.text is not None and base.text == patch.text:
            return base  # a name that only tells what is meant stays where it was given
        return patch if patch.text is not None or patch.quoted else None
    if patch.is_mapping:
        if base is not None and base.is_mapping:
            return _mapping(base, patch, key, schema)
        return None if _directive(patch) == "delete" else _plain(patch)
    telling = _KEYS.get((holder, key)) if schema else None
    if telling is None or base is None or not base.is_sequence:
        return _plain(patch)
    return _list(base, patch, key, telling, schema)


def _list(base: YamlNode, patch: YamlNode, key: str, telling: tuple[str, ...], schema: bool) -> YamlNode:
    left: list[YamlNode | None] = list(base.elements())
    if any(_directive(element) == "replace" and len(element.entries) == 1 for element in patch.elements()):
        return _plain(patch)
    first: list[YamlNode | None] = []
    for element in patch.elements():
        index = _found(left, element, telling)
        old = left[index] if index is not None else None
        if index is None or old is None:
            first.append(None if _directive(element) == "delete" else _plain(element))
        else:
            left[index] = None
            first.append(_mapping(old, element, key, schema))
    return sequence([element for element in (*first, *left) if element is not None], base)


def _found(elements: list[YamlNode | None], wanted: YamlNode, telling: tuple[str, ...]) -> int | None:
    """The position of the element that *wanted* speaks of: alike in each field of *telling* that both have."""
    for index, element in enumerate(elements):
        if element is None or not element.is_mapping or not wanted.is_mapping:
            continue
        pairs = [(element.get(field), wanted.get(field)) for field in telling]
        first = pairs[0]
        if first[0] is None or first[1] is None:
            continue
        if all(one is None or other is None or one.text == other.text for one, other in pairs):
            return index
    return None


def _directive(node: YamlNode) -> str:
    said = node.get("$patch") if node.is_mapping else None
    return (said.text or "") if said is not None else ""


def _plain(node: YamlNode) -> YamlNode:
    """What a patch brings where nothing was: without its directives and nulls."""
    return _kept(node, lambda _, value: not (value.is_scalar and value.text is None and not value.quoted))


def _kept(node: YamlNode, keep: Callable[[str, YamlNode], bool]) -> YamlNode:
    if node.is_mapping and not node.is_template:
        entries = {
            key: (at, _kept(value, keep))
            for key, (at, value) in node.entries.items()
            if not key.startswith("$") and keep(key, value)
        }
        return mapping(entries, node)
    if node.is_sequence:
        items = [_kept(element, keep) for element in node.elements() if not _directive(element)]
        return sequence(items, node)
    return node
