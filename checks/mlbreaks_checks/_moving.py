"""Models that code takes by a name which moves, and what moves such names: aliases and stages of a registry."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from pytest_mlbreaks.api import Model, ModelReference, Pipeline, Place, aside, expr, facts

HOLE = "{*}"

Key = tuple[str, str]
"""A function by its file and name, "" for a module's own code."""

_MOST_CALLERS = 30


@dataclasses.dataclass(frozen=True)
class Moving:
    """A model by a name that moves, where code takes it or moves it. *name* holds
    ``{*}`` for what can't be told; *kind* is what moves, *written* the name's expression."""

    kind: str  # alias, stage, latest version, wandb alias
    name: str
    labels: tuple[str, ...]  # what the alias or stage can be; () where that can't be told
    written: expr.Expr
    path: str
    scope: str
    api: str
    place: Place

    @property
    def shown(self) -> str:
        """``alias 'production' of model 'churn'``, as far as that is told."""
        kind = self.kind.rpartition(" ")[2]
        if kind == "version":
            return f"the latest version of model {self.name!r}"
        label = "an alias" if kind == "alias" else "a stage"
        if self.labels:
            label = f"{kind} {self.labels[0]!r}"
        return f"{label} of model {self.name!r}" if HOLE not in self.name else f"{label} of a model"


def taken(pipeline: Pipeline) -> Iterator[Moving]:
    """Where code takes a model by an alias or a stage."""
    references = pipeline.index(Model, _identities, each=True)
    for access in pipeline.all(facts.ModelAccess):
        if access.mode == "find" and (access.alias is not None or access.stage is not None):
            yield of_access(access, pipeline)
        elif access.mode == "load" and access.kind == "registry" and not access.api.startswith("bentoml"):
            for model in references.get(access.identity, ()):
                reference = next((r for r in model.references if r.access is access and _moves(r)), None)
                if reference is not None:
                    yield _of_reference(reference, model.name)
                    break


def moved(pipeline: Pipeline) -> Iterator[Moving]:
    """Where code gives an alias or a stage to a version of a model, or makes a version, which is then the latest."""
    for access in pipeline.all(facts.ModelAccess):
        if access.mode == "promote" and (access.alias is not None or access.stage is not None):
            yield of_access(access, pipeline)
        elif access.mode == "register" and access.kind == "registry" and not access.api.startswith("bentoml"):
            yield dataclasses.replace(of_access(access, pipeline), kind="latest version", labels=("latest",))


def meets(one: Moving, other: Moving) -> bool:
    """Whether what moves in the one may be what the other takes: of one registry, and nothing that is told says that it
    is another model or another label."""
    if one.kind != other.kind:
        return False
    if one.labels and other.labels and not {x.casefold() for x in one.labels} & {x.casefold() for x in other.labels}:
        return False
    if HOLE not in one.name and HOLE not in other.name:
        return one.name == other.name
    return bool(_last_words(one.written) & _last_words(other.written))


def _identities(model: Model) -> tuple[str, ...]:
    return tuple(dict.fromkeys(access.identity for access in model.accesses))


def _moves(reference: ModelReference) -> bool:
    """Whether a reference certainly asks for an alias or a stage."""
    return bool(reference.alias or (reference.stage and HOLE not in reference.stage))


def labels_of(access: facts.ModelAccess, pipeline: Pipeline) -> tuple[str, ...]:
    """The aliases or stages that an access may give, as far as they are told."""
    label = access.alias if access.alias is not None else access.stage
    items = label.items if isinstance(label, expr.Items) else (label,)
    values = [alternative.value for item in items for alternative in pipeline.resolve(item)]
    return tuple(value for value in values if isinstance(value, str))


def _kind(access: facts.ModelAccess) -> str:
    if access.api.startswith("wandb."):
        return "wandb alias"
    return "alias" if access.alias is not None else "stage"


def of_access(access: facts.ModelAccess, pipeline: Pipeline) -> Moving:
    """The alias or stage that an access asks for, or moves."""
    label = access.alias if access.alias is not None else access.stage
    return Moving(
        kind=_kind(access),
        name=pipeline.pattern(access.target),
        labels=_options(label, pipeline),
        written=access.target,
        path=access.path,
        scope=access.scope,
        api=access.api,
        place=access.place,
    )


def _of_reference(reference: ModelReference, name: str) -> Moving:
    label = reference.alias or reference.stage
    access = reference.access
    return Moving(
        kind="latest version" if label == "latest" else "alias" if reference.alias else "stage",
        name=name,
        labels=() if HOLE in label else (label,),
        written=access.target,
        path=access.path,
        scope=access.scope,
        api=access.api,
        place=access.place,
    )


def _options(written: expr.Expr | None, pipeline: Pipeline) -> tuple[str, ...]:
    """All that a label can be, () where that can't be told."""
    if isinstance(written, expr.Items):
        inner = [_options(item, pipeline) for item in written.items]
        return tuple(text for texts in inner for text in texts) if all(inner) else ()
    value = pipeline.resolve(written)
    texts = [a.value for a in value if isinstance(a.value, str) and not a.secret]
    return tuple(texts) if value.complete and len(texts) == len(value.alternatives) else ()


def _last_words(written: expr.Expr) -> set[str]:
    """The last parts of the names that an expression is made of: ``model_name`` of ``settings.model_name``."""
    match written:
        case expr.Name(name=name):
            return {name.rpartition(".")[2].casefold()}
        case expr.EnvVar(key=key) | expr.ConfigKey(key=key):
            return {key.rpartition(".")[2].casefold()}
        case expr.Choice(options=parts) | expr.Concat(parts=parts):
            return {word for part in parts for word in _last_words(part)}
        case _:
            return set()


# ------------------------------------------------------------------------------------------------------- callers


def callers(key: Key, pipeline: Pipeline, *, direct: bool = False) -> list[Key]:
    """*key* and the functions and modules ("") that come to it by calls, the nearest first; *direct*: no others than
    those that call it themselves."""
    found: list[Key] = [key]
    by_callee = pipeline.index(facts.Function, _callee_words, each=True)
    modules = pipeline.index(facts.PythonModule, _module_words, each=True)
    for path, function in found:
        name = function.removesuffix(".__init__").rpartition(".")[2]
        if not function or len(found) > _MOST_CALLERS or (direct and (path, function) != key):
            continue
        for one in by_callee.get(name, ()):
            if (one.path, one.name) not in found and _knows(one.path, path, pipeline):
                found.append((one.path, one.name))
        for module in modules.get(name, ()):
            if (module.path, "") not in found and _knows(module.path, path, pipeline):
                found.append((module.path, ""))
    return [one for one in found if not aside(one[0])]


def _callee_words(function: facts.Function) -> tuple[str, ...]:
    return tuple({callee.removesuffix("()").rpartition(".")[2] for callee in function.calls})


def _module_words(module: facts.PythonModule) -> tuple[str, ...]:
    return tuple({callee.removesuffix("()").rpartition(".")[2] for callee in module.calls})


def _knows(path: str, other: str, pipeline: Pipeline) -> bool:
    """Whether the file *path* is *other*, or imports something of it by name."""
    if path == other:
        return True
    stem = other.removesuffix(".py").removesuffix("/__init__").rpartition("/")[2]
    for module in pipeline.index(facts.PythonModule, "path").get(path, ()):
        for entry in module.imports:
            if stem in (entry.target.rpartition(".")[2], entry.name):
                return True
    return False
