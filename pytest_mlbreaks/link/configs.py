"""Configuration that code loads: what ``config["data"]["path"]`` and ``cfg.data.path`` are, by the files of the tree.

A file is the one of the tree that the path means, seen from the root or from a folder around the code; where several
fit and none is nearer, it is not told. What Hydra composes is put together by the rules of
https://hydra.cc/docs/advanced/defaults_list/ and https://hydra.cc/docs/advanced/overriding_packages/, with what the
command line of the process overrides (https://hydra.cc/docs/advanced/override_grammar/basic/). Where a part of that
can't be told, a key that may lie in it is unknown.
"""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Protocol

from pytest_mlbreaks.link.modules import Modules
from pytest_mlbreaks.model import Pipeline, Process
from pytest_mlbreaks.model.expr import Choice, Concat, Context, Expr, Literal, Name, PathJoin, Unknown, literal_text
from pytest_mlbreaks.model.facts import ConfigEntry, ConfigPackage, LoadedConfig, Parameter, TakenConfig
from pytest_mlbreaks.placeholders import INTERPOLATED

Key = tuple[str, str, str]
"""File, scope and variable."""

DEEPEST = 10
"""Files of one composition that name each other, and keys that stand for each other."""

_HOLE = "{*}"
_OVERRIDE = re.compile(r"(?P<sign>\+{0,2}|~)(?P<key>[A-Za-z_][\w./@-]*)=(?P<value>.*)")
_GROUP = re.compile(r"(?P<how>(?:(?:optional|override) +)*)(?P<group>/?[\w/]+)(?:@(?P<package>[\w.]+))?")
_MANY = re.compile(r"[\[\],{}()]")


class Patterns(Protocol):
    """What tells the text of an expression, ``{*}`` for each part that can't be told."""

    def __call__(self, expr: Expr, process: Process | None = None) -> str: ...


@dataclasses.dataclass(frozen=True)
class Found:
    """What a key comes to: the value, with other keys of the configuration put in, and the entry that says so. *open*:
    a command line may give another."""

    value: Expr
    entry: ConfigEntry
    open: bool = False


class Configs:
    """Answers for names as code has them (``config.data.path``)."""

    def __init__(self, pipeline: Pipeline, modules: Modules, pattern: Patterns) -> None:
        self._pipeline = pipeline
        self._modules = modules
        self._pattern = pattern
        self._loaded: dict[Key, list[LoadedConfig]] = defaultdict(list)
        for loaded in pipeline.all(LoadedConfig):
            self._loaded[loaded.path, loaded.scope, loaded.variable].append(loaded)
        self._taken: dict[Key, list[TakenConfig]] = defaultdict(list)
        for taken in pipeline.all(TakenConfig):
            self._taken[taken.path, taken.scope, taken.variable].append(taken)
        self._files: dict[str, list[str]] | None = None
        self._composed: dict[tuple[str, str, tuple[str, ...]], _Composition] = {}
        self._following: set[LoadedConfig] = set()

    def find(self, name: Name, process: Process | None) -> Found | None:
        """What the key that *name* ends in is, or None where it is no key of a configuration that can be told."""
        if not self._loaded or "." not in name.name:
            return None
        head, _, rest = name.name.partition(".")
        scope = name.scope
        if head == "self":
            attribute, _, rest = rest.partition(".")
            head, scope = f"self.{attribute}", scope.rpartition(".")[0]
        if not rest:
            return None
        where = self._where(name.path, scope, head)
        loaded, key, given = self._load(where, 0) if where is not None else (None, "", {})
        if loaded is None or loaded in self._following:
            return None  # its own file is named by a key of it
        wanted = ".".join(part for part in (loaded.key, key, rest) if part)
        self._following.add(loaded)
        try:
            return self._entry(loaded, wanted, given, process)
        finally:
            self._following.discard(loaded)

    def _where(self, path: str, scope: str, variable: str) -> Key | None:
        """Where the variable that is seen in *scope* is bound: there, or in a module."""
        key = (path, scope, variable)
        if key in self._loaded or key in self._taken or scope or variable.startswith("self."):
            return key
        origin = self._modules.origin(path, variable)
        return (origin[0], "", origin[1]) if origin is not None else None

    def _load(self, key: Key, depth: int) -> tuple[LoadedConfig | None, str, Mapping[str, Expr]]:
        """What fills a variable, the key that is taken of it, and what its function is given by name."""
        nothing: tuple[LoadedConfig | None, str, Mapping[str, Expr]] = (None, "", {})
        loaded, taken = self._loaded.get(key, []), self._taken.get(key, [])
        if len(loaded) == 1 and not taken:
            return loaded[0], "", {}
        if len(taken) != 1 or loaded or depth > DEEPEST:
            return nothing
        call = taken[0]
        meant = self._meaning(call)
        returned = self._loaded.get((*meant, ""), []) if meant is not None else []
        function = self._modules.function(*meant) if meant is not None else None
        if len(returned) != 1 or function is None:
            return nothing
        return returned[0], call.key, dict(_given(call, function.parameters))

    def _meaning(self, call: TakenConfig) -> tuple[str, str] | None:
        module, _, last = call.callee.rpartition(".")
        if not module:
            return self._modules.definition(call.path, last)
        found = self._modules.find(module, call.path)
        return self._modules.definition(found, last) if found is not None else None

    def _entry(
        self, loaded: LoadedConfig, key: str, given: Mapping[str, Expr], process: Process | None
    ) -> Found | None:
        file = _filled(loaded.file, given)
        if loaded.folder is not None:
            return self._of_composition(loaded, self._pattern(file, process), key, process)
        path = self._path(self._pattern(file, process), loaded.path)
        if path is None:
            return None
        entries = self._pipeline.index(ConfigEntry, _entry_key).get((path, key), ())
        if len(entries) != 1:
            return None
        values = {entry.key: entry for entry in self._pipeline.index(ConfigEntry, "path").get(path, ())}
        return Found(_interpolated(entries[0].value, values, 0), entries[0])

    def _path(self, written: str, code: str) -> str | None:
        """The configuration file of the tree that a path in the file *code* means."""
        tail = written.removeprefix(f"{_HOLE}/")
        if _HOLE in tail or not tail.endswith((".yaml", ".yml")) or tail.startswith("/"):
            return None
        tail = re.sub(r"^(?:\.\.?/)+", "", posixpath.normpath(tail))
        if self._files is None:
            self._files = defaultdict(list)
            for path in self._pipeline.index(ConfigEntry, "path"):
                self._files[str(path).rpartition("/")[2]].append(str(path))
        fitting = [p for p in self._files.get(posixpath.basename(tail), ()) if p == tail or p.endswith(f"/{tail}")]
        if len(fitting) == 1:
            return fitting[0]
        folder = code
        while folder and fitting:
            folder = folder.rpartition("/")[0]
            candidate = posixpath.join(folder, tail)
            if candidate in fitting:
                return candidate
        return None

    # ------------------------------------------------------------------------------------------------------- Hydra

    def _of_composition(self, loaded: LoadedConfig, name: str, key: str, process: Process | None) -> Found | None:
        folder = self._pattern(loaded.folder, process) if loaded.folder is not None else _HOLE
        if _HOLE in folder + name or folder.startswith("/") or "://" in folder:
            return None
        folder = posixpath.normpath(posixpath.join(posixpath.dirname(loaded.path), folder))
        entries = [e for e in process.entries if e.path == loaded.path] if process is not None else []
        words = entries[0].arguments if len(entries) == 1 else ()
        composition = self._compose(folder, name, words)
        entry = composition.values.get(key)
        if entry is None or composition.may_hold(key) or not entries or len(entries) > 1:
            return Found(_filled_in(entry, composition), entry, open=True) if entry is not None else None
        return Found(_filled_in(entry, composition), entry)

    def _compose(self, folder: str, name: str, words: tuple[str, ...]) -> _Composition:
        known = (folder, name, words)
        if known not in self._composed:
            composition = _Composition(self._pipeline, folder, words)
            composition.add(name, "", None, "", 0)
            composition.override()
            self._composed[known] = composition
        return self._composed[known]


class _Composition:
    """What the files of a folder come to. *values* by key; *unknown* the keys below which there may be others, "" for
    all."""

    def __init__(self, pipeline: Pipeline, folder: str, words: tuple[str, ...]) -> None:
        self._pipeline = pipeline
        self._folder = folder
        self.values: dict[str, ConfigEntry] = {}
        self.unknown: set[str] = set()
        self._chosen: dict[str, str] = {}
        self._set: dict[str, str] = {}
        self._used: set[str] = set()
        for word in words:
            self._word(word)

    def may_hold(self, key: str) -> bool:
        """Whether *key* may be another than *values* has it."""
        return any(not known or key == known or key.startswith(f"{known}.") for known in self.unknown)

    def _word(self, word: str) -> None:
        """What one word of a command line overrides."""
        match = _OVERRIDE.fullmatch(word)
        if match is None:
            if _HOLE in word or word.startswith(("--config", "-c", "--multirun", "-m")):
                self.unknown.add("")
            return
        key, value = match["key"].partition("@")[0], match["value"]
        if self._is_group(key):
            self._chosen[key] = value
        else:
            self._set[key] = value

    def _is_group(self, name: str) -> bool:
        return self._pipeline.has_folder(posixpath.join(self._folder, name))

    def add(self, name: str, group: str, given: str | None, usual: str, depth: int) -> None:
        """Add the file *name* of *group*; *given* is the package that the defaults list says, *usual* the one where
        neither it nor the file says any."""
        prefix = usual if given is None else given
        path = self._file(group, name)
        if path is None or depth > DEEPEST or _HOLE in name:
            self.unknown.add(prefix)
            return
        said = self._pipeline.index(ConfigPackage, "path").get(path, ())
        if said and given is None:
            package = said[0].package
            prefix = {"_global_": "", "_group_": group.replace("/", ".")}.get(package, package)
        entries = self._pipeline.index(ConfigEntry, "path").get(path, ())
        own = [e for e in entries if not e.key.startswith("defaults.")]
        options = list(_defaults(entries))
        if ("_self_", None) not in options:
            options.append(("_self_", None))
        for option, choice in options:
            if option == "_self_" and choice is None:
                self._put(own, prefix)
            else:
                self._add_default(option, choice, group, prefix, depth)

    def _add_default(self, name: str, choice: Expr | None, group: str, prefix: str, depth: int) -> None:
        """One line of a defaults list: a file beside (*choice* None), or a *choice* of the group *name*."""
        if choice is None:
            self.add(name, group, prefix, prefix, depth + 1)
            return
        match = _GROUP.fullmatch(name)
        if match is None:
            self.unknown.add("")
            return
        inner = match["group"]
        absolute, dotted = inner.startswith("/"), inner.strip("/").replace("/", ".")
        if dotted == "hydra" or dotted.startswith("hydra."):
            return  # of Hydra itself
        path = inner.strip("/") if absolute or not group else f"{group}/{inner}"
        usual = dotted if absolute or not prefix else f"{prefix}.{dotted}"
        named = match["package"]
        given = {"_global_": "", "_here_": prefix}.get(named, named) if named is not None else None
        option = self._chosen.get(path, literal_text(choice))
        self._used.add(path)
        if "override" in match["how"] or option is None or _MANY.search(option):
            # it takes the place of an earlier choice; nothing is chosen, or several things are
            self.unknown.add(usual if given is None else given)
        elif "optional" not in match["how"] or self._file(path, option) is not None:
            self.add(option, path, given, usual, depth + 1)

    def _file(self, group: str, name: str) -> str | None:
        base = posixpath.join(self._folder, group, name)
        return next((p for p in (f"{base}.yaml", base, f"{base}.yml") if p in self._pipeline.paths), None)

    def _put(self, entries: list[ConfigEntry], prefix: str) -> None:
        for entry in entries:
            key = f"{prefix}.{entry.key}" if prefix else entry.key
            if key.endswith(".0"):  # a list takes the place of another, whatever its length
                self._drop(key.removesuffix(".0"))
            self.values[key] = entry

    def _drop(self, key: str) -> None:
        for old in [old for old in self.values if old.startswith(f"{key}.")]:
            del self.values[old]

    def override(self) -> None:
        """Put in what the command line sets."""
        for key, value in self._set.items():
            if _HOLE in value or _MANY.search(value) or key not in self.values:
                self.unknown.add(key)
                continue
            said = self.values[key]
            self.values[key] = ConfigEntry(key=said.key, value=Literal(value.strip("'\"")), place=said.place)
        if self._chosen.keys() - self._used:
            self.unknown.add("")  # a group that no defaults list names is added


def _defaults(entries: tuple[ConfigEntry, ...]) -> Iterator[tuple[str, Expr | None]]:
    """The lines of a defaults list, in order: a name alone, or a group and its choice."""
    for entry in entries:
        section, _, line = entry.key.partition(".")
        number, *rest = line.split(".", 1)
        if section != "defaults" or not number.isdigit():
            continue
        if rest:
            yield rest[0], entry.value
        else:
            text = literal_text(entry.value)
            yield (text if text is not None else _HOLE), None


def _filled_in(entry: ConfigEntry, composition: _Composition) -> Expr:
    return _interpolated(entry.value, composition.values, 0)


def _interpolated(expr: Expr, values: Mapping[str, ConfigEntry], depth: int) -> Expr:
    """*expr* with other keys of the same configuration put in."""
    match expr:
        case Context(tool=tool, name=key) if tool == INTERPOLATED:
            entry = values.get(key)
            if entry is None or depth > DEEPEST:
                return Unknown("interpolated when it is loaded")
            return _interpolated(entry.value, values, depth + 1)
        case Concat(parts=parts):
            return Concat(tuple(_interpolated(part, values, depth) for part in parts))
        case _:
            return expr


def _given(call: TakenConfig, parameters: tuple[Parameter, ...]) -> Iterator[tuple[str, Expr]]:
    """What each parameter of the function is given by *call*, else its default."""
    by_position = [argument.value for argument in call.arguments if not argument.name]
    by_name = {argument.name: argument.value for argument in call.arguments if argument.name}
    for position, parameter in enumerate(parameters):
        if parameter.name in by_name:
            yield parameter.name, by_name[parameter.name]
        elif position < len(by_position):
            yield parameter.name, by_position[position]
        elif parameter.default is not None:
            yield parameter.name, parameter.default


def _filled(expr: Expr, given: Mapping[str, Expr]) -> Expr:
    """*expr* with what the parameters that it names are given."""
    match expr:
        case Name(name=name, scope=scope) if scope and name in given:
            return given[name]
        case Concat(parts=parts):
            return Concat(tuple(_filled(part, given) for part in parts))
        case PathJoin(parts=parts):
            return PathJoin(tuple(_filled(part, given) for part in parts))
        case Choice(options=options):
            return Choice(tuple(_filled(option, given) for option in options))
        case _:
            return expr


def _entry_key(entry: ConfigEntry) -> tuple[str, str]:
    return entry.path, entry.key
