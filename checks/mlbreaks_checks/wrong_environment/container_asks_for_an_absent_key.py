"""A container takes a variable from a key that its ConfigMap or Secret does not have.

Kubernetes does not start a container without it: the pod stays in CreateContainerConfigError, and a rollout stands
still.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _applied, _installs, _manifests
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Severity,
    Unjudged,
    Verdict,
    deployed_with,
    expr,
    facts,
    one_namespace,
)

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    also=("push-order",),
)

_EXAMPLE = re.compile(r"(^|[._/-])(example|sample|template|dummy|placeholder)s?([._/-]|$)", re.IGNORECASE)
SHOWN = 6
"""Variables that a finding names one by one."""

_Wanted = tuple[facts.Variable, str, str, str]
"""A variable, and the kind, the name and the key of what it is taken from."""


def _asks(container: facts.Container, pipeline: Pipeline) -> bool:
    """Whether it takes a variable from a ConfigMap or Secret that the tree holds."""
    return any(_holders(kind, name, container, pipeline) for _, kind, name, _ in _wanted(container))


@check.over(facts.Container, where=_asks)
def find(container: facts.Container, pipeline: Pipeline) -> Iterator[Verdict]:
    """Whether each key is there that a container takes a variable from, of a ConfigMap or Secret of the tree."""
    absent: dict[tuple[str, str], list[_Wanted]] = {}
    for wanted in _wanted(container):
        _, kind, name, key = wanted
        holders = _holders(kind, name, container, pipeline)
        if holders and not any(entry.name == key for holder in holders for entry in holder.entries):
            absent.setdefault((kind, name), []).append(wanted)
    for (kind, name), missing in absent.items():
        holders = _holders(kind, name, container, pipeline)
        doubt = _doubt(container, holders, pipeline)
        yield Unjudged(missing[0][0].place, doubt) if doubt else _finding(container, holders[0], missing)


def _wanted(container: facts.Container) -> Iterator[_Wanted]:
    """What the container does not start without, of one key each."""
    for variable in container.variables if container.tool == "kubernetes" else ():
        value = variable.value
        if isinstance(value, expr.ConfigKey | expr.SecretKey) and not variable.optional:
            kind, _, name = value.store.partition("/")
            if kind in ("configmap", "secret") and name and "{" not in f"{name}{value.key}":
                yield variable, kind, name, value.key


def _holders(kind: str, name: str, container: facts.Container, pipeline: Pipeline) -> list[facts.ConfigObject]:
    """All of the tree that may be meant: which of several comes to the cluster is often said nowhere."""
    workload = pipeline.one(facts.Workload, container.workload)
    if workload is None:
        return []
    named = pipeline.index(facts.ConfigObject, "name").get(name, ())
    fitting = [one for one in named if one.kind == kind and one_namespace(one.namespace, workload.namespace)]
    return deployed_with(fitting, workload.scope)


def _doubt(container: facts.Container, holders: list[facts.ConfigObject], pipeline: Pipeline) -> str:
    """Why the key may be there all the same; "" where it is not."""
    workload = pipeline.one(facts.Workload, container.workload)
    if any(not holder.entries for holder in holders):
        return "it is empty in the tree, and something else fills it"
    if any(holder.partial for holder in holders):
        return "other keys come from elsewhere"
    if any("/templates/" in f"/{holder.path}" for holder in holders):
        return "a template of a chart may hold more"
    if workload is None or _manifests.may_be_patched(container.path, pipeline, of=workload):
        return _manifests.PATCHED
    if _manifests.any_may_be_patched(holders, pipeline, apart_from=("replicas", "images")):
        return _manifests.PATCHED
    if any(_EXAMPLE.search(holder.path) for holder in holders):
        return "an example of it is in the tree, and not itself"
    if _applied.is_made(holders[0].name, pipeline):
        return "a command makes another of that name"
    return ""


def _finding(container: facts.Container, holder: facts.ConfigObject, missing: list[_Wanted]) -> Finding:
    keys = [key for _, _, _, key in missing]
    what = "ConfigMap" if holder.kind == "configmap" else "Secret"
    several = f"keys {_installs.listed(keys)}" if len(keys) > 1 else f"key {keys[0]}"
    there = [entry.name for entry in holder.entries]
    return Finding(
        at=missing[0][0].place,
        message=(
            f"{container.name} takes {several} of {what} {holder.name}, and it has "
            f"{_installs.listed(sorted(there))}: Kubernetes does not start the container (CreateContainerConfigError)."
        ),
        because=(
            (holder.place, f"{what} {holder.name}, without {'them' if len(keys) > 1 else 'it'}"),
            *((variable.place, f"{variable.name} is taken from {key}") for variable, _, _, key in missing[1:SHOWN]),
        ),
        about=(holder.name, *keys),
    )
