"""The pipeline: all facts of a repository, linked and indexed."""

from __future__ import annotations

import operator
import sys
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from pytest_mlbreaks.model.expr import Expr
from pytest_mlbreaks.model.facts import Fact
from pytest_mlbreaks.model.near import Manifest, deployed_with, nearest
from pytest_mlbreaks.model.place import Place
from pytest_mlbreaks.model.value import Answer, Environment, Tier, Value

if TYPE_CHECKING:
    from pytest_mlbreaks.model.linked import Process

T = TypeVar("T")
M = TypeVar("M", bound=Manifest)


class Resolver(Protocol):
    """What link provides: values of expressions, for a process or for any."""

    def resolve(self, expr: Expr, process: Process | None) -> Value: ...

    def pattern(self, expr: Expr, process: Process | None) -> str: ...

    def environment(self, subject: Fact | Place) -> Environment: ...

    def address_tier(self, text: str) -> Tier: ...


class Order(Protocol):
    """The edges of all orchestrators in one graph."""

    def before(self, step: str) -> frozenset[str]: ...

    def reaches(self, first: str, then: str) -> Answer: ...


class Pipeline:
    """What checks ask. Look-ups go through `index`, which is built once per question and remembered."""

    #: How many look-ups were made and index entries filled: what a test of linearity counts.
    work: int

    def __init__(self, facts: Iterable[Fact], paths: Iterable[str], unread: Mapping[str, str] | None = None) -> None:
        self._all: dict[type, list[Any]] = defaultdict(list)
        for fact in facts:
            self._all[type(fact)].append(fact)
        self.paths = frozenset(paths)
        #: Files and folders that are there, or that the tree refers to, and were not read: path to reason. Whoever
        #: judges that something is absent asks here first.
        self.unread: Mapping[str, str] = unread or {}
        #: Notebooks that no step runs and whose models nothing loads; they are no subject of any check.
        self.idle: frozenset[str] = frozenset()
        #: Compose files and Dockerfiles that say that they are for a developer's machine; they are no subject, either.
        self.local: frozenset[str] = frozenset()
        #: Manifests that what deploys the others leaves out, and why: what a check finds there is left unjudged.
        self.passed_over: Mapping[str, str] = {}
        #: Names of other repositories whose facts are here as well, below ``@NAME/``: links lead there, and nothing is
        #: reported about them.
        self.others: frozenset[str] = frozenset()
        self._folders: frozenset[str] | None = None
        self._by_basename: dict[str, list[str]] | None = None
        self._indexes: dict[tuple[type, object, bool], Mapping[Hashable, tuple[Any, ...]]] = {}
        self._resolver: Resolver | None = None
        self._order: Order | None = None
        self._owners: Callable[[str], tuple[str, ...]] | None = None
        self._followed: Callable[[Process], Mapping[tuple[str, str], tuple[str, ...]]] | None = None
        self._added: set[type] = set()
        self.work = 0

    @property
    def identity(self) -> str:
        """The pipeline as a subject of checks that judge absence."""
        return "pipeline"

    @property
    def place(self) -> Place:
        """The root."""
        return Place(".")

    def all(self, kind: type[T]) -> Sequence[T]:
        """All facts, or linked things, of exactly this type, in reading order."""
        if kind is Pipeline:
            return cast(Sequence[T], (self,))
        return cast(Sequence[T], self._all.get(kind, ()))

    def kinds(self) -> tuple[type, ...]:
        """The types of which there is anything."""
        return tuple(self._all)

    def is_elsewhere(self, path: str) -> bool:
        """Whether *path* is of another repository, whose facts were given."""
        return bool(self.others) and path.startswith("@") and path[1:].partition("/")[0] in self.others

    def index(
        self, kind: type[T], by: str | Callable[[T], Any], *, each: bool = False
    ) -> Mapping[Hashable, tuple[T, ...]]:
        """Everything of type *kind* by a key; what has the key None is left out.

        *by* is the name of an attribute, or a function defined at the top of a module. With *each* the key is a
        collection, and the item is found under each of its members. Asking again is a dictionary look-up.
        """
        key = (kind, by, each)
        found: Mapping[Hashable, tuple[T, ...]] | None = self._indexes.get(key)
        self.work += 1
        if found is None:
            if not isinstance(by, str):
                _require_plain(by)
            groups: dict[Hashable, list[T]] = defaultdict(list)
            items = self.all(kind)
            read = operator.attrgetter(by) if isinstance(by, str) else by
            for item in items:
                value = read(item)
                if each:
                    for one in value or ():
                        self.work += 1
                        groups[one].append(item)
                elif value is not None:
                    groups[value].append(item)
            self.work += len(items)
            found = dict(zip(groups, map(tuple, groups.values()), strict=True))
            self._indexes[key] = found
        return found

    def one(self, kind: type[T], identity: str) -> T | None:
        """The thing of this type and identity; None if there is none or more than one."""
        found = self.index(kind, "identity").get(identity, ())
        return found[0] if len(found) == 1 else None

    def nearest(self, kind: type[M], name: str, to: Manifest, *, where: Callable[[M], bool] | None = None) -> M | None:
        """The object of Kubernetes of type *kind* and *name* that the one *to* speaks of: of its deployment and
        namespace, in its file, else in the nearest folder. *where* keeps others out. None where there is none, or no
        one nearest."""
        named = deployed_with(self.index(kind, "name").get(name, ()), to.scope)
        candidates = named if where is None else [c for c in named if where(c)]
        return nearest(candidates, to.place.path, to.namespace, lambda c: (c.place.path, c.namespace))

    def resolve(self, expr: Expr | None, process: Process | None = None) -> Value:
        """What *expr* can be for *process* (None: for whatever reads it)."""
        if expr is None or self._resolver is None:
            return Value.unknown("not given")
        return self._resolver.resolve(expr, process)

    def pattern(self, expr: Expr | None, process: Process | None = None) -> str:
        """The text of *expr* with ``{*}`` for each part that can't be told, or can be several things."""
        if expr is None or self._resolver is None:
            return "{*}"
        return self._resolver.pattern(expr, process)

    def environment(self, subject: Fact | Place) -> Environment:
        """The environment that a file or resource belongs to."""
        if self._resolver is None:
            raise RuntimeError("the pipeline is not linked yet")
        return self._resolver.environment(subject)

    def address_tier(self, text: str) -> Tier:
        """Whether *text* (a URL, ``host:port``, a bucket) leads to a host or bucket that the configuration names as
        production's, or as another environment's; unknown where it names none."""
        return Tier.UNKNOWN if self._resolver is None else self._resolver.address_tier(text)

    @property
    def order(self) -> Order:
        """Which step comes before which, over all orchestrators."""
        if self._order is None:
            raise RuntimeError("the pipeline is not linked yet")
        return self._order

    def processes_of(self, path: str) -> tuple[Process, ...]:
        """The processes whose entries reach the file *path*."""
        from pytest_mlbreaks.model.linked import Process  # the types of linked things know this module's

        return self.index(Process, "modules", each=True).get(path, ())

    def runs(self, process: Process) -> Mapping[tuple[str, str], tuple[str, ...]]:
        """The functions of the tree that *process* is seen to come to by calls from what it starts: by file and name
        ("" for a module's own code, of all files that it imports), with the callees in each.

        What is not there may run all the same (a function that is handed on, a method of an object that can't be told):
        it is never proof of the contrary. Each process is followed once, when it is asked for.
        """
        return self._followed(process) if self._followed is not None else {}

    def unread_near(self, path: str) -> str | None:
        """Why *path*, or a folder that it lies in, was not read; None where nothing like that is known."""
        while path:
            if path in self.unread:
                return self.unread[path]
            path = path.rpartition("/")[0]
        return None

    def has_folder(self, path: str) -> bool:
        """Whether any file lies below the folder *path*."""
        if self._folders is None:
            self._folders = frozenset(_parents(self.paths))
        return path in ("", ".") or path in self._folders

    def paths_named(self, name: str) -> tuple[str, ...]:
        """The files of the tree whose last part is *name*."""
        if self._by_basename is None:
            self._by_basename = defaultdict(list)
            for path in sorted(self.paths):
                self._by_basename[path.rpartition("/")[2]].append(path)
        return tuple(self._by_basename.get(name, ()))

    def add(self, items: Iterable[Any]) -> None:
        """For link: things made of facts, which checks then take as subjects."""
        for item in items:
            self._all[type(item)].append(item)
            self._added.add(type(item))
        for key in [k for k in self._indexes if k[0] in self._added]:
            del self._indexes[key]
        self._added.clear()

    def owners(self, path: str) -> tuple[str, ...]:
        """Who owns the file *path* by the repository's CODEOWNERS, as written there (``@org/team``, an address);
        nobody where it has none."""
        return self._owners(path) if self._owners is not None else ()

    def replace(self, kind: type[T], items: Iterable[T]) -> None:
        """For link: *items* in the place of all that was known of their type *kind*."""
        self._all[kind] = list(items)
        for key in [k for k in self._indexes if k[0] is kind]:
            del self._indexes[key]

    def settle(self, resolver: Resolver, order: Order, owners: Callable[[str], tuple[str, ...]] | None = None) -> None:
        """For link: what answers `resolve`, `environment`, `order` and `owners`."""
        self._resolver, self._order, self._owners = resolver, order, owners

    def follow(self, followed: Callable[[Process], Mapping[tuple[str, str], tuple[str, ...]]]) -> None:
        """For link: what answers `runs`."""
        self._followed = followed


def _parents(paths: Iterable[str]) -> set[str]:
    folders: set[str] = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(sys.intern(folder))
            folder = folder.rpartition("/")[0]
    return folders


def _require_plain(function: Callable[..., Any]) -> None:
    """Only one and the same function object may stand for a remembered index: no lambda, closure or bound method."""
    name = getattr(function, "__qualname__", "<")
    if "<" in name or getattr(function, "__self__", None) is not None:
        raise TypeError("index(by=) takes an attribute's name or a function defined at the top of a module")
