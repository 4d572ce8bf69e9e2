"""What of a lock file is installed: the packages that a project's lists lead to."""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections.abc import Iterable, Iterator

from packaging.utils import canonicalize_name

from pytest_mlbreaks.model.facts import LockedPackage, LockFile, Requirement, RequirementFile

_WANTED = re.compile(r"([^\[]+)(?:\[([^\]]*)\])?")


@dataclasses.dataclass(frozen=True)
class Wish:
    """What a command asks of a project: the *main* list, *extras* and *groups* (``*`` for all), and of a workspace the
    *member* ("" for the project that it runs in, ``*`` for all)."""

    main: bool = True
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    member: str = ""


class Locked:
    """A lock file as a graph. Markers are not evaluated: what one platform alone needs counts as installed."""

    def __init__(self, lock: LockFile) -> None:
        self._lock = lock
        self._by_name: dict[str, list[LockedPackage]] = {}
        for package in lock.packages:
            self._by_name.setdefault(package.name, []).append(package)

    def of(self, names: Iterable[str]) -> Iterator[LockedPackage]:
        """The packages of these names; a name that was locked in several versions gives each."""
        for name in names:
            yield from self._by_name.get(name, ())

    def wanted(
        self, project: RequirementFile | None, asked: Iterable[Requirement], wish: Wish
    ) -> tuple[dict[str, None], bool]:
        """The names that are installed, and whether that is all of them. *asked* is what the project's own lists ask
        for there, for a lock that does not hold the project itself."""
        if not self._lock.graph:
            groups = {"main", *wish.groups}
            named = [p for p in self._lock.packages if not p.within or groups & set(p.within)]
            return dict.fromkeys(p.name for p in named), True
        roots = list(self._roots(project, wish))
        if roots:
            first = [name for root in roots for name in _of_root(root, wish)]
        elif self._lock.tool == "uv":
            return dict.fromkeys(self._by_name), False
        else:
            first = [f"{r.name}[{','.join(r.extras)}]" for r in asked]
        return self._closure(first), True

    def _roots(self, project: RequirementFile | None, wish: Wish) -> Iterator[LockedPackage]:
        """The projects of the repository that are installed, in a lock that holds them (uv's)."""
        own = [p for p in self._lock.packages if p.source.startswith("./")]
        if wish.member == "*":
            yield from own
        elif wish.member:
            yield from (p for p in own if p.name == canonicalize_name(wish.member))
        elif project is not None:
            folder = posixpath.dirname(project.path)
            here = posixpath.dirname(self._lock.path)
            yield from (p for p in own if posixpath.normpath(posixpath.join(here, p.source)) == (folder or "."))

    def _closure(self, first: Iterable[str]) -> dict[str, None]:
        names: dict[str, None] = {}
        seen: set[str] = set()
        waiting = list(first)
        while waiting:
            text = waiting.pop()
            if text in seen:
                continue
            seen.add(text)
            match = _WANTED.match(text)
            if match is None:
                continue
            name = match[1]
            names[name] = None
            extras = [extra for extra in (match[2] or "").split(",") if extra]
            for package in self._by_name.get(name, ()):
                waiting += package.requires
                waiting += [need for extra, needs in package.extras if extra in extras for need in needs]
        return names


def _of_root(root: LockedPackage, wish: Wish) -> list[str]:
    wanted = list(root.requires) if wish.main else []
    for listed, asked in ((root.extras, wish.extras), (root.groups, wish.groups)):
        wanted += [need for name, needs in listed if name in asked or "*" in asked for need in needs]
    return wanted
