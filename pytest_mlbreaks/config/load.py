"""Settings of a run: the nearest configuration, what it extends, and what all of them together say.

Nothing is imported or run. What stands in the judged repository may name files of that repository, and packages that
are installed; it can't have anything else opened.
"""

from __future__ import annotations

import dataclasses
import os
import posixpath
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from pytest_mlbreaks import taxonomy
from pytest_mlbreaks.check import Check
from pytest_mlbreaks.config.files import PACKAGE, DiskFiles, Files, joined, package_folder
from pytest_mlbreaks.config.nodes import ConfigError, Node, from_toml, from_yaml
from pytest_mlbreaks.config.schema import (
    EnvironmentSettings,
    PipelineSettings,
    SettingsFile,
    decoded,
    listed,
    nearest,
)
from pytest_mlbreaks.globs import Globs
from pytest_mlbreaks.judge.policy import Ignore
from pytest_mlbreaks.link.environments import Names
from pytest_mlbreaks.model import Diagnostic, Place
from pytest_mlbreaks.packs import Packs
from pytest_mlbreaks.tree import ReadError

NAME = "mlbreaks.yaml"
PYPROJECT = "pyproject.toml"
_TABLE = ("tool", "mlbreaks")
NOTHING = frozenset({"/dev/null", os.devnull})
"""What is given on the command line where there is to be no configuration, on Windows as elsewhere."""
NO_ENVIRONMENTS = EnvironmentSettings()


@dataclasses.dataclass(frozen=True)
class Layer:
    """One file: how people know it, what it says, and where."""

    shown: str
    settings: SettingsFile
    node: Node

    def place(self, *way: str | int) -> Place:
        """Where the key, or the element of a list, at the end of *way* stands."""
        node, place = self.node, self.node.place
        for step in way:
            if isinstance(step, int) and isinstance(node.value, list):
                node = node.value[step]
                place = node.place
            elif isinstance(step, str) and isinstance(node.value, dict) and step in node.value:
                place, node = node.value[step]
        return place


@dataclasses.dataclass(frozen=True)
class Settings:
    """What all *layers* together say, the nearest deciding; *notes* are about attempts to switch off what is locked.

    *select*, *ignore*: check ids, expanded (None: nothing is selected). *options* by check id. *locked*: by check id,
    the file that locks it.
    """

    layers: tuple[Layer, ...] = ()
    select: frozenset[str] | None = None
    ignore: frozenset[str] = frozenset()
    fail_on: str | None = None
    checks_as_of: str | None = None
    baseline: str | None = None
    exclude: tuple[str, ...] = ()
    options: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    environments: EnvironmentSettings = NO_ENVIRONMENTS
    ignores: tuple[Ignore, ...] = ()
    pipelines: tuple[PipelineSettings, ...] = ()
    locked: Mapping[str, str] = dataclasses.field(default_factory=dict)
    notes: tuple[Diagnostic, ...] = ()

    def origin(self, key: str) -> tuple[Place, ...]:
        """Where *key* is said, the nearest last."""
        return tuple(
            layer.place(key) for layer in self.layers if isinstance(layer.node.value, dict) and key in layer.node.value
        )


def find(files: Files, start: str) -> tuple[str, Node] | None:
    """The nearest configuration from the folder *start* up to the root: its path and content; None where there is none.
    Raises ConfigError, also where one folder has both kinds."""
    folder = start.strip("/")
    while True:
        found = _in_folder(files, folder)
        if found is not None or not folder:
            return found
        folder = posixpath.dirname(folder)


def _in_folder(files: Files, folder: str) -> tuple[str, Node] | None:
    own, project = posixpath.join(folder, NAME), posixpath.join(folder, PYPROJECT)
    data = _read(files, own)
    try:
        table = _parse(files, project, files.read(project))
    except ReadError:
        table = None  # no configuration of this repository, then
    if data is None:
        return (project, table) if table is not None else None
    if table is not None:
        shown = files.shown(own)
        raise ConfigError(table.place, f"[tool.mlbreaks] is here and {shown}, too: one of the two has to go")
    node = _parse(files, own, data)
    return (own, node) if node is not None else None


def _read(files: Files, path: str) -> bytes | None:
    try:
        return files.read(path)
    except ReadError as error:
        raise ConfigError(Place(files.shown(path)), str(error)) from error


def _parse(files: Files, path: str, data: bytes | None) -> Node | None:
    shown = files.shown(path)
    if data is None:
        return None
    if not path.endswith(".toml"):
        return from_yaml(shown, data)
    return from_toml(shown, data, within=_TABLE) if b"mlbreaks" in data else None


def load(packs: Packs, files: Files, root: Path, *, start: str = "", given: Path | None = None) -> Settings:
    """The settings of a run: of the file *given* on the command line, else of the nearest from *start* (a folder of
    *root*) on, with all that it extends. Raises ConfigError."""
    if given is not None:
        files, path = _given(files, root, given)
        data = _read(files, path)
        if data is None:
            raise ConfigError(Place(files.shown(path)), "no such file")
        node = _parse(files, path, data)
        if node is None:
            raise ConfigError(Place(files.shown(path)), "has no table [tool.mlbreaks]")
        found = path, node
    else:
        nearest_one = find(files, start)
        if nearest_one is None:
            return Settings()
        found = nearest_one
    layers = _Layers(root)
    layers.add(files, *found, ())
    return _Merge(packs).all(layers.found)


def _given(files: Files, root: Path, given: Path) -> tuple[Files, str]:
    """How to read the file of the command line: as one of the judged tree where it lies in it."""
    real, top = os.path.realpath(given), os.path.realpath(root)
    if files.inside and Path(real).is_relative_to(top) and given.exists():
        return files, Path(real).relative_to(top).as_posix()
    return DiskFiles(Path.cwd()), os.devnull if given.as_posix() in NOTHING else os.path.abspath(given)


class _Layers:
    """Files that extend each other, what is extended first."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._done: set[tuple[bool, str]] = set()
        self.found: list[Layer] = []

    def add(self, files: Files, path: str, node: Node, open_files: tuple[tuple[bool, str], ...]) -> None:
        """Add a file, behind all that it extends. Raises ConfigError."""
        key = (files.inside, path)
        layer = Layer(files.shown(path), decoded(node), node)
        names = layer.settings.extends
        several = not isinstance(names, str)
        for number, name in enumerate(names if isinstance(names, tuple) else (names,)):
            place = layer.place("extends", number) if several else layer.place("extends")
            theirs, target = self._target(files, path, name, place)
            if (theirs.inside, target) in (*open_files, key):
                way = [*open_files, key, (theirs.inside, target)]
                circle = " extends ".join(shown for _, shown in way[way.index((theirs.inside, target)) :])
                raise ConfigError(place, f"these extend each other in a circle: {circle}")
            if (theirs.inside, target) in self._done:
                continue
            data = self._content(theirs, target, name, place)
            inner = _parse(theirs, target, data)
            if inner is None:
                raise ConfigError(place, f"{name} has no table [tool.mlbreaks]")
            self.add(theirs, target, inner, (*open_files, key))
        self._done.add(key)
        self.found.append(layer)

    def _target(self, files: Files, path: str, name: str, place: Place) -> tuple[Files, str]:
        if name.startswith(PACKAGE):
            package = name.removeprefix(PACKAGE)
            folder = package_folder(package, self._root)
            if folder is None:
                raise ConfigError(place, f"{name}: no package {package!r} is installed beside pytest-mlbreaks")
            return DiskFiles(folder, name), str(folder / NAME)
        target = joined(files, path, name)
        if target is None:
            raise ConfigError(
                place, f"{name!r} is no file of this repository (or {PACKAGE}NAME for an installed package)"
            )
        return files, target

    def _content(self, files: Files, target: str, name: str, place: Place) -> bytes:
        try:
            data = files.read(target)
        except ReadError as error:
            raise ConfigError(place, f"{name}: {error}") from error
        if data is None:
            told = f"{name} holds no {NAME}" if name.startswith(PACKAGE) else f"{name}: no such file"
            raise ConfigError(place, told)
        return data


class _Merge:
    """Makes one of several layers, the later deciding."""

    def __init__(self, packs: Packs) -> None:
        self._packs = packs
        self._locked: dict[str, str] = {}
        self._notes: list[Diagnostic] = []

    def all(self, layers: list[Layer]) -> Settings:
        """What *layers* say together. Raises ConfigError."""
        settings = Settings()
        for layer in layers:
            settings = self._with(settings, layer)
        return dataclasses.replace(settings, layers=tuple(layers), locked=dict(self._locked), notes=tuple(self._notes))

    def _with(self, base: Settings, layer: Layer) -> Settings:
        said = layer.settings
        changes: dict[str, Any] = {
            "select": self._selected(base, layer),
            "ignore": base.ignore | self._unlocked(layer, self._named(layer, said.ignore, "ignore"), "ignore"),
            "fail_on": said.fail_on or base.fail_on,
            "checks_as_of": said.checks_as_of or base.checks_as_of,
            "baseline": said.baseline or base.baseline,
            "exclude": (*base.exclude, *said.exclude),
            "options": self._options(base, layer),
            "environments": _both(base.environments, said.environments),
            "ignores": (*base.ignores, *self._ignores(layer)),
            "pipelines": self._pipelines(layer) or base.pipelines,
        }
        for identifier in self._named(layer, said.lock, "lock"):
            self._locked.setdefault(identifier, layer.shown)
        return dataclasses.replace(base, **changes)

    def _named(self, layer: Layer, names: Iterable[str], *way: str | int, at: int = 0) -> frozenset[str]:
        """The ids of the checks that *names* stand for, of the list at the end of *way* from number *at* on. Raises
        ConfigError."""
        found: set[str] = set()
        for number, name in enumerate(names, start=at):
            checks = self._packs.named(name)
            if checks is None:
                known = [check.id for check in self._packs.checks] + list(taxonomy.categories())
                near = nearest(name.rpartition("/")[2], known)
                raise ConfigError(layer.place(*way, number), f"{way[-1]!r}: no check or category {name!r}{near}")
            found.update(check.id for check in checks)
        return frozenset(found)

    def _selected(self, base: Settings, layer: Layer) -> frozenset[str] | None:
        if layer.settings.select is None:
            return base.select
        chosen = self._named(layer, layer.settings.select, "select")
        left = sorted(set(self._locked) - chosen)
        for identifier in left:
            self._refuse(layer.place("select"), identifier, "it runs though it is not selected")
        return chosen

    def _unlocked(self, layer: Layer, checks: frozenset[str], *way: str | int) -> frozenset[str]:
        for identifier in sorted(checks & set(self._locked)):
            self._refuse(layer.place(*way), identifier, "it can't be ignored")
        return checks - set(self._locked)

    def _refuse(self, place: Place, identifier: str, what: str) -> None:
        message = f"{identifier} is locked by {self._locked[identifier]}: {what}"
        self._notes.append(Diagnostic(place, "warning", message, topic="settings"))

    def _options(self, base: Settings, layer: Layer) -> dict[str, dict[str, Any]]:
        merged = {identifier: dict(options) for identifier, options in base.options.items()}
        for name, options in layer.settings.options.items():
            check = self._packs.check(name.rpartition("/")[2])
            if check is None:
                known = [check.id for check in self._packs.checks]
                raise ConfigError(layer.place("options", name), f"'options': no check {name!r}{nearest(name, known)}")
            for option, value in options.items():
                plain = _option(check, option, value, layer.place("options", name, option))
                if check.id in self._locked:
                    self._refuse(
                        layer.place("options", name, option), check.id, f"its option {option!r} stays as it is"
                    )
                else:
                    merged.setdefault(check.id, {})[option] = plain
        return merged

    def _ignores(self, layer: Layer) -> list[Ignore]:
        found = []
        for number, entry in enumerate(layer.settings.ignores):
            way = ("ignores", number, "checks")
            place = layer.place("ignores", number)
            if not entry.paths and not entry.resources:
                raise ConfigError(
                    place, "an entry of 'ignores' has 'paths' or 'resources' ('ignore' switches a check off)"
                )
            if not entry.reason.strip():
                raise ConfigError(
                    layer.place("ignores", number, "reason"), "'reason': a text that is not empty is wanted"
                )
            named = {name: self._named(layer, (name,), *way, at=at) for at, name in enumerate(entry.checks)}
            if not named:
                raise ConfigError(place, "'checks': at least one is wanted")
            found.append(
                Ignore(
                    place=place,
                    name=f"ignores[{number}] of {layer.shown}",
                    checks={name: self._unlocked(layer, checks, *way) for name, checks in named.items()},
                    reason=" ".join(entry.reason.split()),
                    paths=Globs(entry.paths) if entry.paths else None,
                    resources=entry.resources or None,
                )
            )
        return found

    def _pipelines(self, layer: Layer) -> tuple[PipelineSettings, ...]:
        names: set[str] = set()
        normal = []
        for number, one in enumerate(layer.settings.pipelines):
            if one.name in names:
                raise ConfigError(layer.place("pipelines", number, "name"), f"'pipelines': two are called {one.name!r}")
            names.add(one.name)
            root = posixpath.normpath(one.root)
            if root.startswith(("/", "../")) or root == ".." or "\\" in root:
                place = layer.place("pipelines", number, "root")
                raise ConfigError(place, f"'root': {one.root!r} is no folder of this repository (written with /)")
            normal.append(msgspec.structs.replace(one, root="" if root == "." else root))
        return tuple(normal)


def _option(check: Check, name: str, value: Any, place: Place) -> Any:
    """The value of an option of *check*, of the type of its default. Raises ConfigError."""
    if name not in check.options:
        near = nearest(name, check.options) or listed(tuple(check.options)) or " (it has none)"
        raise ConfigError(place, f"'options': {check.id} has no option {name!r}{near}")
    default = check.options[name]
    try:
        return msgspec.convert(value, _type_of(default))
    except msgspec.ValidationError as error:
        raise ConfigError(place, f"'options': {name!r} of {check.id} is as {default!r}: {error}") from error


def _type_of(default: Any) -> Any:
    """The type of values that can stand in the place of *default*; collections of what it holds, else of text."""
    if isinstance(default, tuple | frozenset | set | list):
        inner = type(next(iter(default))) if default else str
        return type(default)[inner, ...] if isinstance(default, tuple) else type(default)[inner]  # type: ignore[index]
    return Any if default is None else type(default)


def _both(base: EnvironmentSettings, said: EnvironmentSettings) -> EnvironmentSettings:
    join: Callable[[Names, Names], Names] = Names.joined
    return EnvironmentSettings(join(base.production, said.production), join(base.not_production, said.not_production))
