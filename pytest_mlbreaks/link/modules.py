"""Modules: which file of the tree an import, a dotted name or ``python -m`` means."""

from __future__ import annotations

import functools
import posixpath
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from pytest_mlbreaks.model import Pipeline
from pytest_mlbreaks.model.facts import Constant, Function, Import, KfpComponent, PythonModule, Requirement

HOPS = 40
"""How deep imports are followed from an entry file: more than any pipeline surveyed needs."""


class Modules:
    """The first-party modules of a tree.

    What ``sys.path`` holds when a file runs is not written anywhere, so a dotted name means the file whose path ends
    in it, nearest to the one that asks; where several are equally near, none.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self.files: dict[str, PythonModule] = {m.path: m for m in pipeline.all(PythonModule)}
        self._declared = frozenset(r.name for r in pipeline.all(Requirement))
        self._by_last: dict[str, list[str]] = {}
        for path in self.files:
            self._by_last.setdefault(_dotted(path).rpartition(".")[2], []).append(path)
        self._parts = frozenset(part for path in self.files for part in _parts(path))
        self._by_suffix: dict[str, dict[str, dict[str, tuple[int, str | None]]]] = {}
        self._by_ending: dict[str, str | None] | None = None
        self._constants: Mapping[object, tuple[Constant, ...]] = pipeline.index(Constant, _constant_key)
        self._functions: Mapping[object, tuple[Function, ...]] = pipeline.index(Function, _function_key)
        self._components: Mapping[object, tuple[KfpComponent, ...]] = pipeline.index(KfpComponent, _component_key)
        self._bound: dict[str, dict[str, list[Import]]] = {}
        self._imported: dict[str, tuple[str, ...]] = {}
        self._reached: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._found: dict[tuple[str, str], str | None] = {}

    def find(self, dotted: str, near: str = "", *, within: Sequence[str] = ()) -> str | None:
        """The file of module *dotted* as seen from the file or folder *near*; *within* are folders known to be on the
        path, which go first. None where there is none, or no one nearest."""
        for folder in within:
            for candidate in _candidates(posixpath.join(folder, dotted.replace(".", "/"))):
                if candidate in self.files:
                    return candidate
        if dotted.rpartition(".")[2] not in self._by_last or not self.may_hold(dotted):
            return None
        key = (dotted, near.rpartition("/")[0] if near.endswith(".py") else near)
        if key not in self._found:
            self._found[key] = self._nearest(*key)
        return self._found[key]

    @functools.cached_property
    def callable_names(self) -> tuple[frozenset[str], frozenset[str]]:
        """The last parts of all names by which the tree knows a function, and of those by which it knows a class with
        an ``__init__``. What is called by another name is not of the tree, and need not be looked for."""
        renamed = {
            entry.alias
            for module in self.files.values()
            for entry in module.imports
            if entry.name is not None and entry.alias != entry.name
        }
        functions, classes = set(renamed), renamed
        for defined in self._functions.values():
            owner, _, last = defined[0].name.rpartition(".")
            functions.add(last)
            if last == "__init__":
                classes.add(owner.rpartition(".")[2])
        return frozenset(functions), frozenset(classes)

    def may_hold(self, dotted: str) -> bool:
        """Whether any file or folder is called like the first part of *dotted*: most names are of libraries."""
        return dotted.partition(".")[0] in self._parts

    def _nearest(self, dotted: str, folder: str) -> str | None:
        """The module found from the fewest folders up from the asking file, and from there the fewest down to the
        folder that would be on the path."""
        if dotted.partition(".")[0] in sys.stdlib_module_names:
            return None  # a file of that name lies in a package, or would hide what all else imports
        below = self._suffixes(dotted.rpartition(".")[2]).get(dotted)
        at = folder
        while below is not None:
            if at in below:
                path = below[at][1]
                return None if path is not None and self._means_library(dotted, path, folder) else path
            if not at:
                break
            at = at.rpartition("/")[0]
        return None

    def _means_library(self, dotted: str, path: str, folder: str) -> bool:
        """Whether *dotted* is a package that the tree declares, and *path* only a namesake inside a package of the
        tree (``redis.py``), seen from elsewhere."""
        if dotted.lower().replace("_", "-") not in self._declared:
            return False
        base = "/".join(_parts(path)[: -dotted.count(".") - 1])
        return base != folder and posixpath.join(base, "__init__.py") in self.files

    def _suffixes(self, last: str) -> Mapping[str, Mapping[str, tuple[int, str | None]]]:
        """For each dotted name that ends in *last* and that a path of the tree ends in: by folder, how far below it the
        nearest such file is, and that file (None where several are equally near)."""
        known = self._by_suffix.get(last)
        if known is None:
            known = self._by_suffix[last] = {}
            for path in self._by_last.get(last, ()):
                parts = _parts(path)
                for start in range(len(parts)):
                    _enter(known.setdefault(".".join(parts[start:]), {}), parts[:start], path)
        return known

    def ending(self, tail: str) -> str | None:
        """The one Python file whose path ends in the whole parts *tail*; None where there is none or several."""
        if self._by_ending is None:
            self._by_ending = {}
            for path in self.files:
                end = path
                while end:
                    self._by_ending[end] = None if end in self._by_ending else path
                    end = end.partition("/")[2]
        return self._by_ending.get(tail)

    def imported(self, path: str) -> tuple[str, ...]:
        """The first-party files that *path* imports when it is loaded or run, packages' ``__init__`` included."""
        if path not in self._imported:
            found: dict[str, None] = {}
            module = self.files.get(path)
            for entry in module.imports if module else ():
                if not entry.guarded:
                    for target in self._targets(path, entry):
                        found[target] = None
                        found.update(dict.fromkeys(self.packages(target)))
            found.pop(path, None)
            self._imported[path] = tuple(found)
        return self._imported[path]

    def packages(self, path: str) -> Iterator[str]:
        """The ``__init__.py`` of each package that the module *path* is in: importing it runs them first."""
        folder = path.rpartition("/")[0]
        while folder and (package := f"{folder}/__init__.py") in self.files:
            yield package
            folder = folder.rpartition("/")[0]

    def reach(self, entries: Sequence[str]) -> tuple[str, ...]:
        """The files that *entries* reach by imports, themselves first."""
        key = tuple(entries)
        if key not in self._reached:
            self._reached[key] = self._reach(key)
        return self._reached[key]

    def _reach(self, entries: tuple[str, ...]) -> tuple[str, ...]:
        seen: dict[str, None] = dict.fromkeys(entries)
        layer = list(entries)
        for _ in range(HOPS):
            layer = list(dict.fromkeys(t for path in layer for t in self.imported(path) if t not in seen))
            if not layer:
                break
            seen.update(dict.fromkeys(layer))
        return tuple(seen)

    def _targets(self, path: str, entry: Import) -> list[str]:
        base = entry.target
        found = []
        if entry.name in self._by_last:  # else there is no such module
            submodule = self._resolve(path, entry, f"{base}.{entry.name}" if base else entry.name)
            if submodule:
                found.append(submodule)
        if base:
            module = self._resolve(path, entry, base)
            if module:
                found.append(module)
        return found

    def _resolve(self, path: str, entry: Import, dotted: str) -> str | None:
        if entry.level:
            folder = path.rpartition("/")[0]
            for _ in range(entry.level - 1):
                if not folder:
                    return None
                folder = folder.rpartition("/")[0]
            for candidate in _candidates(posixpath.join(folder, dotted.replace(".", "/"))):
                if candidate in self.files:
                    return candidate
            return None
        found = self.find(dotted, path)
        return found if found != path else None  # `redis.py` that imports redis means the library

    def definition(self, path: str, name: str, depth: int = 0) -> tuple[str, str] | None:
        """Where the dotted *name*, as seen at module level of *path*, is bound: (file, name there).

        Follows imports of names and of modules; None where it leads out of the tree, or in a circle.
        """
        if depth > 8:
            return None
        here = (path, name)
        if here in self._constants or here in self._functions or here in self._components:
            return here
        bindings = self._bindings(path).get(name.partition(".")[0], [])
        if len(bindings) != 1:
            return self._star(path, name, depth) if not bindings else None
        there = self._hop(path, name, bindings[0])
        return self.definition(*there, depth + 1) if there is not None else None

    def origin(self, path: str, name: str) -> tuple[str, str] | None:
        """Where the dotted *name*, as seen at module level of *path*, is bound, whatever it is: (file, name there), the
        file being the first that does not import it. None where it leads out of the tree, or in a circle."""
        for _ in range(8):
            bindings = self._bindings(path).get(name.partition(".")[0], [])
            if not bindings:
                return path, name
            there = self._hop(path, name, bindings[0]) if len(bindings) == 1 else None
            if there is None:
                return None
            path, name = there
        return None

    def _hop(self, path: str, name: str, entry: Import) -> tuple[str, str] | None:
        """Where the import *entry* of *path* takes *name* from: (file, name there)."""
        head, _, rest = name.partition(".")
        if entry.name and entry.name != "*":
            submodule = self._resolve(path, entry, f"{entry.target}.{entry.name}" if entry.target else entry.name)
            if submodule and rest:
                return submodule, rest
            module = self._resolve(path, entry, entry.target) if entry.target else self._package(path, entry)
            if module is None:
                return None
            return module, f"{entry.name}.{rest}" if rest else entry.name
        # `import a.b.c` binds `a` (or the alias binds all of it): the longest part that is a module, then a name in it
        dotted = entry.target if entry.alias != entry.target.partition(".")[0] else head
        parts = [*dotted.split("."), *rest.split(".")] if rest else dotted.split(".")
        for cut in range(len(parts) - 1, 0, -1):
            module = self._resolve(path, entry, ".".join(parts[:cut]))
            if module:
                return module, ".".join(parts[cut:])
        return None

    def constant(self, path: str, name: str) -> Constant | None:
        """The constant that *name* means in *path*; None if it is bound more than once, or elsewhere."""
        where = self.definition(path, name)
        found = self._constants.get(where, ()) if where else ()
        return found[0] if len(found) == 1 else None

    def function(self, path: str, name: str) -> Function | None:
        """The function that *name* means in *path*; None if it is bound more than once, or elsewhere."""
        where = self.definition(path, name)
        found = self._functions.get(where, ()) if where else ()
        return found[0] if len(found) == 1 else None

    def _star(self, path: str, name: str, depth: int) -> tuple[str, str] | None:
        if name.startswith("_"):
            return None  # a star brings no name that begins with an underscore
        for entry in reversed(self._bindings(path).get("*", [])):
            module = self._resolve(path, entry, entry.target)
            found = self.definition(module, name, depth + 1) if module and module != path else None
            if found:
                return found
        return None

    def _package(self, path: str, entry: Import) -> str | None:
        folder = path.rpartition("/")[0]
        for _ in range(entry.level - 1):
            folder = folder.rpartition("/")[0]
        candidate = posixpath.join(folder, "__init__.py")
        return candidate if candidate in self.files else None

    def _bindings(self, path: str) -> dict[str, list[Import]]:
        if path not in self._bound:
            bound: dict[str, list[Import]] = defaultdict(list)
            module = self.files.get(path)
            for entry in module.imports if module else ():
                if not entry.scope:
                    bound["*" if entry.name == "*" else entry.alias].append(entry)
            self._bound[path] = dict(bound)
        return self._bound[path]


def _constant_key(constant: Constant) -> tuple[str, str]:
    return (constant.place.path, constant.name)


def _function_key(function: Function) -> tuple[str, str]:
    return (function.place.path, function.name)


def _component_key(component: KfpComponent) -> tuple[str, str]:
    return (component.place.path, component.function)


def _dotted(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _candidates(stem: str) -> tuple[str, str]:
    normal = posixpath.normpath(stem)
    return (f"{normal}.py", f"{normal}/__init__.py")


def _parts(path: str) -> list[str]:
    """The folders of a module's path, and its name: ``a/b/__init__.py`` is a, b."""
    parts = path.removesuffix(".py").split("/")
    return parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts


def _enter(below: dict[str, tuple[int, str | None]], base: list[str], path: str) -> None:
    """Note that *path* is found from the folder *base*, for that folder and all above it."""
    for depth in range(len(base) + 1):
        folder = "/".join(base[: len(base) - depth])
        nearest = below.get(folder)
        if nearest is None or depth < nearest[0]:
            below[folder] = (depth, path)
        elif depth == nearest[0]:
            below[folder] = (depth, None)
