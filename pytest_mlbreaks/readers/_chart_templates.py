"""What stands for the holes of a Helm template, put into the facts made of its YAML; and what it leaves open."""

from __future__ import annotations

import msgspec

from pytest_mlbreaks.formats.helm import HOLE, TAG, HelmFile, filled, shown
from pytest_mlbreaks.formats.yaml import YamlNode
from pytest_mlbreaks.model import Fact, Place
from pytest_mlbreaks.model.expr import Expr, Literal, Unknown
from pytest_mlbreaks.model.facts import Container, Mount, VariableSource, Workload

_BY_NAME = ("configmap", "secret", "claim")
_ELEMENTWISE = frozenset({"env", "envFrom", "volumeMounts", "volumes", "ports", "containers", "initContainers"})
"""Lists of which an element is known or not by itself: a value that is filled in leaves none of the others open."""
_APART = frozenset({"template", "spec", "jobTemplate", "metadata", "name", "image", "args", "command"})
"""Keys whose values are looked at by themselves, or are expressions."""
ANYTHING = "*"


class Settler:
    """Settles the facts of one file."""

    def __init__(self, file: HelmFile) -> None:
        self._holes = file.holes
        self._open: dict[Place, tuple[str, ...]] = {}
        for document in file.documents:
            self._look(document)

    def settled(self, fact: Fact) -> Fact:
        """*fact* with expressions and texts for its holes, and with what a template may set besides."""
        found = self._settled(fact)
        if isinstance(fact, Workload) and isinstance(found, Workload):
            return msgspec.structs.replace(found, untold=self._open.get(fact.place, ()))
        if isinstance(fact, Container) and isinstance(found, Container):
            untold = self._open.get(fact.place, ())
            mounts = found.mounts
            if not {ANYTHING, "volumeMounts"}.isdisjoint(untold):
                mount = Mount(kind="unknown", source=_MORE, target=_MORE, place=found.place)
                mounts = (*mounts, mount)
            return msgspec.structs.replace(found, untold=untold, mounts=mounts)
        return found if isinstance(found, Fact) else fact

    # ------------------------------------------------------------------------------------------------ settling

    def _settled(self, thing: object) -> object:
        if isinstance(thing, str):
            return shown(thing, self._holes) if "\u2983" in thing else thing
        if isinstance(thing, Place):
            return Place(thing.path, thing.line, None, thing.end_line, None)
        if isinstance(thing, Literal):
            return self._literal(thing)
        if isinstance(thing, tuple):
            return tuple(self._settled(one) for one in thing)
        if not isinstance(thing, msgspec.Struct):
            return thing
        if isinstance(thing, VariableSource) or (isinstance(thing, Mount) and thing.kind in _BY_NAME):
            thing = self._named(thing)
        fields = {name: getattr(thing, name) for name in thing.__struct_fields__}
        changed = {name: new for name, old in fields.items() if (new := self._settled(old)) is not old}
        return msgspec.structs.replace(thing, **changed) if changed else thing

    def _literal(self, literal: Literal) -> Expr:
        if not isinstance(literal.value, str) or "\u2983" not in literal.value:
            return literal
        return filled(literal.value, self._holes)

    def _named(self, thing: VariableSource | Mount) -> VariableSource | Mount:
        """The name of another object stays the text that it is: what is written alike in one chart has one name."""
        given = thing.name if isinstance(thing, VariableSource) else thing.source
        if not isinstance(given, Literal) or not isinstance(given.value, str):
            return thing
        text = Literal(shown(given.value, self._holes))
        if isinstance(thing, VariableSource):
            return msgspec.structs.replace(thing, name=text)
        return msgspec.structs.replace(thing, source=text)

    # ---------------------------------------------------------------------------------------------- what is open

    def _look(self, document: YamlNode) -> None:
        if not _holds(document):
            return
        named = document.get("metadata", "name") or document.get("metadata", "generateName")
        levels: set[str] = set()
        pending = [document.get("spec"), document.get("metadata")]
        while pending:
            node = pending.pop()
            if node is None or not node.is_mapping:
                if node is not None and node.is_scalar and _holds(node):
                    levels.add(ANYTHING)
                continue
            if node.tag.startswith(TAG):
                levels.add(ANYTHING)
            levels.update(_open_keys(node))
            for key in ("template", "spec", "jobTemplate", "metadata"):
                pending.append(node.get(key))
            for key in ("containers", "initContainers"):
                held = node.get(key)
                for container in held.elements() if held is not None else ():
                    if container.is_mapping:
                        own = container.get("name")
                        place = own.place if own is not None else container.place
                        self._open[place] = tuple(sorted(_open_keys(container)))
        self._open[named.place if named is not None else document.place] = tuple(sorted(levels))


_MORE = Unknown("a Helm template may mount more")


def _open_keys(node: YamlNode) -> set[str]:
    """The keys of a mapping whose value a template makes, or adds to; all where it may add keys."""
    found: set[str] = set()
    for key, _, value in node.items():
        if HOLE.search(key):
            found.add(ANYTHING)
        elif key in _ELEMENTWISE:
            if _adds(value) or (key == "env" and _names_one(value)):
                found.add(key)
        elif key not in _APART and _holds(value):
            found.add(key)
    return found


def _adds(value: YamlNode) -> bool:
    """Whether a template may add elements to a list, or makes it."""
    if value.tag.startswith(TAG):
        return True
    if value.is_scalar:
        return HOLE.search(value.text or "") is not None
    for element in value.elements():
        if element.is_scalar and HOLE.search(element.text or ""):
            return True
        if element.is_mapping and any(HOLE.search(key) for key, _, _ in element.items()):
            return True
    return False


def _names_one(variables: YamlNode) -> bool:
    """Whether a template names a variable, as a loop over values does."""
    names = (element.get("name") for element in variables.elements())
    return any(name is not None and "\u2983" in (name.text or "") for name in names)


def _holds(node: YamlNode) -> bool:
    """Whether a template fills in anything below *node*."""
    pending = [node]
    while pending:
        one = pending.pop()
        if one.tag.startswith(TAG):
            return True
        if one.is_scalar:
            if "\u2983" in (one.text or ""):
                return True
            continue
        for key, _, value in one.items():
            if "\u2983" in key:
                return True
            pending.append(value)
        pending.extend(one.elements())
    return False


def is_test_hook(fact: Fact) -> bool:
    """Whether a workload is run by ``helm test`` alone (https://helm.sh/docs/topics/chart_tests/)."""
    marks = fact.annotations if isinstance(fact, Workload) else ()
    return any(mark.key == "helm.sh/hook" and mark.value.startswith("test") for mark in marks)
