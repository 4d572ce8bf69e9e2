"""Facts of other repositories: scope beyond the one that is judged.

``mlbreaks facts --format jsonl`` writes them there, ``--with-facts FILE`` reads them here: manifests lie in one
repository, code in another, dbt models in a third. Values and identities link to them; findings are told only about
what is here.

Such facts have ``@NAME/`` before their paths, so that no path of theirs is taken for one of this tree. Of what they
say, only that is used which means the same elsewhere: what an object in a cluster, a table, a model or a pipeline is
called. What is written relative to their own root (what a step starts, what an image is built from) is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from pytest_mlbreaks import __version__
from pytest_mlbreaks.codec import FactCodec
from pytest_mlbreaks.model import Fact
from pytest_mlbreaks.model.expr import Name
from pytest_mlbreaks.model.facts import (
    Autoscaler,
    ConfigObject,
    Constant,
    Container,
    DatasetAccess,
    DbtExposure,
    DbtFile,
    DbtPackages,
    DbtProfile,
    DbtProject,
    DbtProperties,
    Edge,
    ModelAccess,
    NetworkService,
    Schedule,
    Step,
    Trigger,
    Wait,
    Workload,
)
from pytest_mlbreaks.model.place import Place

FORMAT = 1
"""The version of the form of these files."""

ACROSS: frozenset[type[Fact]] = frozenset(
    {
        *(Workload, Container, ConfigObject, NetworkService, Autoscaler),
        *(DatasetAccess, ModelAccess, Constant),
        *(Schedule, Step, Edge, Wait, Trigger),
        *(DbtProject, DbtFile, DbtProperties, DbtPackages, DbtProfile, DbtExposure),
    }
)
"""The types of facts that mean something beyond their own repository."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_ROUNDS = 4
"""How often identities are made anew: a step's is made of its pipeline's, an edge's of its steps'."""


class FactsError(Exception):
    """A file of facts that can't be used: where, and why."""


class _Head(msgspec.Struct, frozen=True):
    """The first line of a file of facts."""

    mlbreaks_facts: int
    name: str
    version: str = ""


class Foreign(msgspec.Struct, frozen=True):
    """The facts of another repository, under ``@NAME/``, and how many more say nothing here."""

    name: str
    facts: tuple[Any, ...]
    left_out: int


def write(facts: Iterable[Fact], name: str, types: Iterable[type[Fact]]) -> bytes:
    """The facts as JSON lines, behind one line that says what they are; *name* is what the repository is to be called
    where they are read back."""
    head = msgspec.json.encode(_Head(FORMAT, name, __version__))
    return head + b"\n" + FactCodec(types).encode(facts)


def load(files: Iterable[Path], types: Sequence[type[Fact]]) -> tuple[Foreign, ...]:
    """The facts in *files*. Raises FactsError where one can't be read, or two are of one repository."""
    found: list[Foreign] = []
    for file in files:
        try:
            found.append(read(str(file), file.read_bytes(), types))
        except OSError as error:
            raise FactsError(f"{file}: can't be read: {error.strerror}") from error
        if any(other.name == found[-1].name for other in found[:-1]):
            raise FactsError(f"{file}: facts of {found[-1].name!r} were given before: write these with another --name")
    return tuple(found)


def read(source: str, data: bytes, types: Sequence[type[Fact]]) -> Foreign:
    """The facts that `write` wrote. Raises FactsError, naming *source* and the line, for anything else."""
    lines = data.splitlines()
    try:
        head = msgspec.json.decode(lines[0] if lines else b"", type=_Head)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise FactsError(f"{source}:1: is no file of facts (`mlbreaks facts --format jsonl` writes one)") from error
    if head.mlbreaks_facts != FORMAT:
        raise FactsError(f"{source}:1: facts of form {head.mlbreaks_facts}; this version reads form {FORMAT}")
    if not _NAME.fullmatch(head.name):
        raise FactsError(f"{source}:1: {head.name[:100]!r} is no name of a repository (letters, digits, '.', '_', '-')")
    codec = FactCodec(types)
    facts: list[Fact] = []
    for number, line in enumerate(lines[1:], 2):
        try:
            facts.extend(codec.decode(line))
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise FactsError(f"{source}:{number}: is no fact that this version and its packs know") from error
    used = [fact for fact in facts if type(fact) in ACROSS]
    return Foreign(head.name, tuple(_moved(used, f"@{head.name}/")), len(facts) - len(used))


def _moved(facts: Sequence[Fact], prefix: str) -> Sequence[Fact]:
    """The facts with their paths below *prefix*, and what they say of each other with them."""
    before = [fact.identity for fact in facts]
    moved = [_without_own_root(_below(fact, prefix)) for fact in facts]
    for _ in range(_ROUNDS):
        named = {old: fact.identity for old, fact in zip(before, moved, strict=True) if old != fact.identity}
        changed = [_renamed(fact, named) for fact in moved]
        if changed == moved:
            break
        moved = changed
    return moved


def _below(value: Any, prefix: str) -> Any:
    """*value* with each place, and each file that a Python name is seen from, below *prefix*."""
    if isinstance(value, (Place, Name)):
        return msgspec.structs.replace(value, path=prefix + value.path)
    if isinstance(value, tuple):
        return tuple(_below(one, prefix) for one in value)
    if isinstance(value, msgspec.Struct):
        fields = {name: getattr(value, name) for name in value.__struct_fields__}
        changed = {name: new for name, old in fields.items() if (new := _below(old, prefix)) is not old}
        if isinstance(value, Schedule) and value.scope == value.place.path:
            changed["scope"] = prefix + value.scope
        return msgspec.structs.replace(value, **changed) if changed else value
    return value


def _without_own_root(fact: Fact) -> Fact:
    """The fact without what is written relative to the root of its repository."""
    if isinstance(fact, Step):
        return msgspec.structs.replace(fact, callee=None, commands=())
    if isinstance(fact, Container):
        return msgspec.structs.replace(fact, build="")
    return fact


def _renamed(fact: Fact, named: dict[str, str]) -> Fact:
    """The fact with the new identities of those that it names."""
    changed = {}
    for name in fact.__struct_fields__:
        value = getattr(fact, name)
        if isinstance(value, str) and value in named:
            changed[name] = named[value]
    return msgspec.structs.replace(fact, **changed) if changed else fact
