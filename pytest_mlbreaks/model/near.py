"""Which of several things of one name a manifest means: that of its namespace, and then the nearest one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from pytest_mlbreaks.model.place import Place

T = TypeVar("T")
M = TypeVar("M", bound="Manifest")


class Manifest(Protocol):
    """An object of Kubernetes: it has a name, a namespace ("" where it names none) and a file."""

    @property
    def name(self) -> str: ...

    @property
    def namespace(self) -> str: ...

    @property
    def scope(self) -> str: ...

    @property
    def place(self) -> Place: ...


KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
"""What the file of a kustomization is called (``konfig.RecognizedKustomizationFileNames``)."""


def one_namespace(first: str, second: str) -> bool:
    """Whether two objects can be of one namespace: a manifest that names none goes into any."""
    return not first or not second or first == second


def deployment(scope: str) -> str:
    """The kustomization that an object of *scope* is deployed by, as far as that is built; "" where it is none's."""
    return scope if scope.rpartition("/")[2] in KUSTOMIZATIONS else ""


def one_deployment(first: str, second: str) -> bool:
    """Whether objects of two scopes can be deployed together: not as parts of two kustomizations."""
    return not deployment(first) or not deployment(second) or first == second


def deployed_with(candidates: Iterable[M], scope: str) -> list[M]:
    """Those of *candidates* that an object of *scope* can mean: what its own kustomization makes, else what none
    does."""
    able = [candidate for candidate in candidates if one_deployment(candidate.scope, scope)]
    own = [candidate for candidate in able if deployment(scope) and candidate.scope == scope]
    return own or able


def distance(path: str, other: str) -> tuple[bool, int]:
    """How far apart two files lie, to sort by: another file or the same one, then the folders from one to the other."""
    one, two = path.split("/")[:-1], other.split("/")[:-1]
    shared = 0
    for mine, theirs in zip(one, two, strict=False):
        if mine != theirs:
            break
        shared += 1
    return path != other, len(one) + len(two) - 2 * shared


def nearest(candidates: Iterable[T], path: str, namespace: str, where: Callable[[T], tuple[str, str]]) -> T | None:
    """The one of *candidates* that a resource in *path* and *namespace* means: of the same namespace (a manifest that
    names none takes any), in the same file, else in the nearest folder. *where* gives a candidate's path and namespace.
    None where there is none, or no one nearest."""
    ranked = []
    for candidate in candidates:
        other, its_namespace = where(candidate)
        if one_namespace(namespace, its_namespace):
            ranked.append((distance(path, other), candidate))
    ranked.sort(key=lambda entry: entry[0])
    if not ranked or (len(ranked) > 1 and ranked[0][0] == ranked[1][0]):
        return None
    return ranked[0][1]
