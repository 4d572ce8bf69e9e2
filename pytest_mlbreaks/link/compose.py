"""Services of compose that extend others, with what they inherit.

Rules: https://github.com/compose-spec/compose-spec/blob/main/05-services.md#extends and 13-merge.md: one value is
replaced, mappings are merged, sequences are added up, volumes and devices are told by where they are mounted. Relative
paths are those of the file that they stand in.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from pytest_mlbreaks.model import Pipeline
from pytest_mlbreaks.model.expr import Expr, Literal, Unknown, literal_text
from pytest_mlbreaks.model.facts import Container, Mount, VariableSource, Workload

T = TypeVar("T")

DEEPEST = 20
"""Services that extend one another."""

_ONE = ("image", "entrypoint", "command", "workdir", "shared_memory", "ipc", "pull_policy", "restart", "build")
_BY_NAME = ("variables", "dependencies")
_BY_RESOURCE = ("requests", "limits")
_ADDED = ("ports", "aliases", "networks", "extra_hosts", "profiles")


def extend(pipeline: Pipeline) -> None:
    """Put what services inherit into the facts of those that ``extends`` them."""
    containers = {c.workload: c for c in pipeline.all(Container) if c.tool == "compose"}
    if not any(c.extends for c in containers.values()):
        return
    whole = {identity: _whole(container, containers, 0) for identity, container in containers.items()}
    pipeline.replace(Container, [whole.get(c.workload, c) for c in pipeline.all(Container)])
    workloads = {w.identity: w for w in pipeline.all(Workload)}
    pipeline.replace(Workload, [_workload(w, workloads, containers, 0) for w in pipeline.all(Workload)])


def _whole(container: Container, all_of_them: dict[str, Container], depth: int) -> Container:
    if not container.extends:
        return container
    base = all_of_them.get(container.extends)
    if base is None or depth > DEEPEST:
        return msgspec.structs.replace(container, untold=("*",))
    return _over(_whole(base, all_of_them, depth + 1), container)


def _over(base: Container, own: Container) -> Container:
    """*own* put over the service *base*."""
    changes: dict[str, object] = {name: getattr(own, name) or getattr(base, name) for name in _ONE}
    for name in _BY_NAME:
        changes[name] = _by_key(getattr(base, name), getattr(own, name), _name)
    for name in _BY_RESOURCE:
        changes[name] = _by_key(getattr(base, name), getattr(own, name), _resource)
    for name in _ADDED:
        changes[name] = tuple(dict.fromkeys((*getattr(base, name), *getattr(own, name))))
    source, target = (one.place.path.rpartition("/")[0] for one in (base, own))
    mounts = [_moved_mount(mount, source, target) for mount in base.mounts]
    changes["mounts"] = _by_key(mounts, own.mounts, _target)
    sources = (_moved_source(one, source, target) for one in base.variable_sources)
    changes["variable_sources"] = (*sources, *own.variable_sources)
    changes["probes"] = own.probes or base.probes
    changes["init"] = own.init or base.init
    changes["host_network"] = own.host_network or (base.host_network and not own.networks)
    changes["shares_network_of"] = own.shares_network_of or base.shares_network_of
    changes["untold"] = own.untold or base.untold
    return msgspec.structs.replace(own, **changes)


def _workload(own: Workload, workloads: dict[str, Workload], containers: dict[str, Container], depth: int) -> Workload:
    container = containers.get(own.identity)
    base = workloads.get(container.extends) if container is not None and container.extends else None
    if base is None or depth > DEEPEST:
        return own
    base = _workload(base, workloads, containers, depth + 1)
    return msgspec.structs.replace(
        own,
        replicas=own.replicas if own.replicas is not None else base.replicas,
        restart_policy=own.restart_policy or base.restart_policy,
        labels=_by_key(base.labels, own.labels, _key),
    )


def _by_key(base: Iterable[T], own: Iterable[T], key: Callable[[T], object]) -> tuple[T, ...]:
    return tuple({key(one): one for one in (*base, *own)}.values())


def _name(one: object) -> object:
    return getattr(one, "name", None)


def _resource(one: object) -> object:
    return getattr(one, "resource", None)


def _target(one: Mount) -> object:
    return one.target


def _key(one: object) -> object:
    return getattr(one, "key", None)


def _moved_mount(mount: Mount, source: str, target: str) -> Mount:
    return (
        mount if mount.kind != "bind" else msgspec.structs.replace(mount, source=_moved(mount.source, source, target))
    )


def _moved_source(one: VariableSource, source: str, target: str) -> VariableSource:
    return one if one.kind != "env-file" else msgspec.structs.replace(one, name=_moved(one.name, source, target))


def _moved(path: Expr, source: str, target: str) -> Expr:
    """A path that is relative to the folder *source*, seen from *target*."""
    if source == target:
        return path
    text = literal_text(path)
    if text is None:
        return Unknown("a path of another folder's compose file")
    if text.startswith(("/", "~")):
        return path
    moved = posixpath.relpath(posixpath.join(source, text), target or ".")
    return Literal(moved if moved.startswith(".") else f"./{moved}")
