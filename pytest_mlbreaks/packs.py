"""Packs: what is installed that brings readers, checks and reporters. A pack that is broken is an error, always."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.metadata
import pkgutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from pytest_mlbreaks import hookspecs, taxonomy
from pytest_mlbreaks.check import Check, CheckError
from pytest_mlbreaks.link import CALLS
from pytest_mlbreaks.model import Fact
from pytest_mlbreaks.reading import Reader, Wanted
from pytest_mlbreaks.report import Reporter

GROUP = "mlbreaks"
DISTRIBUTION = "pytest-mlbreaks"


class PackError(Exception):
    """A pack that can't be loaded, or contradicts another; the text names the pack and says why."""


@dataclasses.dataclass(frozen=True)
class Packs:
    """Everything that the installed packs bring. *versions*: distribution version by pack name. *own*: the top-level
    modules of the packs that came with pytest-mlbreaks itself, and so have its version."""

    versions: dict[str, str]
    readers: tuple[Reader[Any], ...]
    checks: tuple[Check, ...]
    reporters: dict[str, Reporter]
    facts: tuple[type[Fact], ...]
    own: frozenset[str] = frozenset()

    def check(self, identifier: str) -> Check | None:
        """The check of this id, or that had it formerly."""
        for check in self.checks:
            if check.id == identifier or identifier in check.formerly:
                return check
        return None

    def named(self, name: str) -> tuple[Check, ...] | None:
        """The checks that *name* stands for: the one of that id (``CATEGORY/ID`` is as good), or all of that category,
        also those that have it as a second one; None where nothing is called so."""
        check = self.check(name.rpartition("/")[2])
        if check is not None:
            return (check,)
        if name in taxonomy.categories():
            return tuple(check for check in self.checks if name in (check.category, *check.also))
        return None

    def wanted(self) -> Wanted:
        """What link and the checks ask the readers for."""
        return Wanted(calls=CALLS.union(call for check in self.checks for call in check.calls))


def load(extra: Iterable[tuple[str, ModuleType]] = (), *, checks_too: bool = True) -> Packs:
    """Load all installed packs, and *extra* ones given as (name, module); without *checks_too*, for a process that only
    reads, none of their checks. Raises PackError."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    versions: dict[str, str] = {}
    modules: list[tuple[str, ModuleType]] = []
    own: set[str] = set()
    for point in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda p: p.name):
        try:
            module = point.load()
        except (Exception, SystemExit) as error:
            raise PackError(f"pack {point.name!r} ({point.value}) can't be loaded: {_told(error)}") from error
        versions[point.name] = point.dist.version if point.dist else "unknown"
        modules.append((point.name, module))
        if point.dist is not None and point.dist.name == DISTRIBUTION:
            own.add(point.module.partition(".")[0])
    for name, module in [*modules, *extra]:
        versions.setdefault(name, "unknown")
        try:
            manager.register(module, name)
            manager.check_pending()
        except Exception as error:
            raise PackError(f"pack {name!r}: {_told(error)}") from error
    readers = _unique("reader", [(r.name, r) for answer in _ask(manager, "mlbreaks_readers", Reader) for r in answer])
    brought = _ask(manager, "mlbreaks_reporters", Reporter)
    reporters = _unique("reporter", [(r.name, r) for answer in brought for r in answer])
    facts = {fact.__name__: fact for reader in readers.values() for fact in reader.facts}
    for reader in readers.values():
        for fact in reader.facts:
            if fact.identity is Fact.identity:
                raise PackError(f"fact type {fact.__name__} of reader {reader.name!r} has no `identity` of its own")
            if facts[fact.__name__] is not fact:
                raise PackError(f"reader {reader.name!r}: two fact types are called {fact.__name__!r}")
    asked = _ask(manager, "mlbreaks_checks", ModuleType) if checks_too else ()
    packages = [package for answer in asked for package in answer]
    checks = [check for package in packages for check in find_checks(package)]
    _unique("check", [(name, check) for check in checks for name in (check.id, *check.formerly)])
    order = list(taxonomy.categories())
    checks.sort(key=lambda check: (order.index(check.category), check.id))
    every = tuple(facts.values())
    return Packs(versions, tuple(readers.values()), tuple(checks), reporters, every, frozenset(own))


def find_checks(package: ModuleType) -> list[Check]:
    """The checks of a package: a module per check in a folder per category. Raises PackError."""
    found = []
    for base in map(Path, package.__path__):
        for loose in base.glob("*/*.py"):
            if not (loose.parent / "__init__.py").exists():
                raise PackError(f"{package.__name__}: folder {loose.parent.name!r} holds checks but no __init__.py")
    for folder in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        if not folder.ispkg:
            continue
        category = _import(folder.name)
        for entry in pkgutil.iter_modules(category.__path__, folder.name + "."):
            if entry.name.rpartition(".")[2].startswith("_"):
                continue
            module = _import(entry.name)
            check = getattr(module, "check", None)
            if not isinstance(check, Check) or not check.rules:
                raise PackError(f"check module {entry.name} has no `check = Check(__name__, ...)` with an `over`")
            if not (module.__doc__ or "").strip():
                raise PackError(f"check module {entry.name} has no docstring: its first line is the check's title")
            found.append(check)
    return found


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except CheckError as error:
        raise PackError(str(error)) from error
    except (Exception, SystemExit) as error:
        raise PackError(f"{name} can't be imported: {_told(error)}") from error


def _ask(manager: pluggy.PluginManager, hook: str, kind: type) -> list[Sequence[Any]]:
    try:
        answers: list[Sequence[Any]] = [list(answer) for answer in getattr(manager.hook, hook)()]
    except PackError:
        raise
    except Exception as error:
        raise PackError(f"a pack failed in {hook}: {_told(error)}") from error
    for answer in answers:
        for thing in answer:
            if not isinstance(thing, kind) or (kind is ModuleType and not hasattr(thing, "__path__")):
                wanted = "packages" if kind is ModuleType else f"{kind.__name__} objects"
                raise PackError(f"a pack failed in {hook}: it gives {thing!r}, and not {wanted} alone")
    answers.reverse()  # pluggy asks the last registered first
    return answers


def _unique(what: str, named: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, thing in named:
        if name in found and found[name] is not thing:
            raise PackError(f"two packs bring a {what} called {name!r}")
        found[name] = thing
    return found


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
