"""What several checks ask of queries: where a source's rows come from, and by what a model of dbt says they are told
apart."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from pytest_mlbreaks.api import DbtModel, DbtTree, Pipeline, expr
from pytest_mlbreaks.api import facts as f

_REF = "dbt_ref."
_DEEPEST = 8


@dataclasses.dataclass(frozen=True)
class Origin:
    """The table that a source hands on row by row: its name as written, and the SELECTs between, outermost first."""

    table: str
    between: tuple[f.SqlSelect, ...] = ()

    @property
    def model(self) -> str:
        """The model of dbt that it is, or ""."""
        return self.table.removeprefix(_REF) if self.table.startswith(_REF) else ""

    def column(self, name: str) -> str | None:
        """What the table calls the column that is *name* here; None where it is computed, or can't be told."""
        for select in self.between:
            handed = dict(select.passed)
            if name in handed:
                name = handed[name]
            elif not select.star:
                return None
        return name

    def conditions(self) -> Iterator[f.SqlFilter]:
        """The conditions that its rows have met."""
        for select in self.between:
            yield from select.filters


def selects_of(select: f.SqlSelect, pipeline: Pipeline) -> tuple[f.SqlSelect, ...]:
    """All SELECTs of the statement that *select* is part of."""
    return pipeline.index(f.SqlSelect, "query").get(select.query, ())


def origin(select: f.SqlSelect, alias: str, pipeline: Pipeline) -> Origin | None:
    """Where the rows of a source of *select* come from; None where they are made: grouped, joined, united."""
    between: list[f.SqlSelect] = []
    for _ in range(_DEEPEST):
        source = next((s for s in select.sources if s.alias == alias), None)
        if source is None or source.kind == "other":
            return None
        if source.kind == "table":
            return Origin(source.table, tuple(between))
        named = [s for s in selects_of(select, pipeline) if base_name(s) == source.query]
        if len(named) != 1 or len(named[0].sources) != 1 or named[0].joins or named[0].gathers:
            return None
        select, alias = named[0], named[0].sources[0].alias
        between.append(select)
    return None


def base_name(select: f.SqlSelect) -> str:
    """The name of the CTE that *select* is, or is a branch of."""
    return re.sub(r" \d+$", "", select.name)


def gathered_later(select: f.SqlSelect, pipeline: Pipeline) -> bool:
    """Whether *select*, or one that reads from it, makes fewer rows of its rows."""
    every = selects_of(select, pipeline)
    seen: set[str] = set()
    pending = [select]
    while pending:
        one = pending.pop()
        if one.gathers:
            return True
        name = base_name(one)
        if name in seen or name == "final":
            continue
        seen.add(name)
        pending.extend(s for s in every if any(source.query == name for source in s.sources))
    return False


def join_keys(join: f.SqlJoin) -> dict[str, f.SqlCondition | None]:
    """The columns of what *join* adds that are set equal to others', with the condition that does."""
    keys: dict[str, f.SqlCondition | None] = dict.fromkeys(join.using)
    for condition in join.conditions:
        for own, other in ((condition.left, condition.right), (condition.right, condition.left)):
            if own is not None and other is not None and own.source == join.source != other.source:
                keys[own.name] = condition
    return keys


def tree_of(path: str, pipeline: Pipeline) -> tuple[DbtTree, DbtModel] | None:
    """The dbt project and model whose file *path* is."""
    models = pipeline.index(DbtModel, "path").get(path, ())
    if len(models) != 1:
        return None
    tree = pipeline.one(DbtTree, models[0].project.identity)
    return (tree, models[0]) if tree is not None else None


def only_compiled(path: str, pipeline: Pipeline) -> bool:
    """Whether *path* is an analysis of a dbt project, which dbt compiles and never runs."""
    projects = pipeline.index(f.DbtProject, "folder")
    folder = path
    while folder:
        folder = folder.rpartition("/")[0]
        for project in projects.get(folder, ()):
            return any(path.startswith(f"{folder}/{part}/".lstrip("/")) for part in project.analysis_paths)
    return False


@dataclasses.dataclass(frozen=True)
class Unique:
    """Columns of which no two rows have the same values, as a test or a configuration says it; none where it is said of
    an expression."""

    columns: frozenset[str]
    test: f.DbtTest | None = None


def unique_keys(model: DbtModel) -> Iterator[Unique]:
    """All that is said of what tells the rows of *model* apart."""
    for entry in model.described:
        for test in entry.tests:
            if "unique" not in test.name and "primary_key" not in test.name:
                continue
            if test.column and not any(_names(a.value) for a in test.arguments if a.name != "to"):
                yield Unique(frozenset({test.column.lower()}), test)
            for argument in test.arguments:
                names = _names(argument.value)
                if names:
                    yield Unique(frozenset(names), test)
                elif not test.column and argument.name == "column_name":
                    yield Unique(_named(argument.value), test)
    key = model.setting("unique_key")
    if isinstance(key, expr.Literal) and isinstance(key.value, str):
        yield Unique(frozenset({key.value.lower()}))
    elif key is not None and (names := _names(key)):
        yield Unique(frozenset(names))


def _named(value: expr.Expr) -> frozenset[str]:
    """The one column that a test of the whole model is given; none where it is an expression."""
    text = value.value if isinstance(value, expr.Literal) else None
    return frozenset({text.lower()}) if isinstance(text, str) and text.isidentifier() else frozenset()


def _names(value: expr.Expr) -> tuple[str, ...]:
    """The names in a list, in lower case; none where it is none."""
    if not isinstance(value, expr.Items):
        return ()
    texts = [item.value for item in value.items if isinstance(item, expr.Literal) and isinstance(item.value, str)]
    return tuple(text.lower() for text in texts) if len(texts) == len(value.items) else ()


def absent(ref: f.DbtRef, tree: DbtTree) -> bool:
    """Whether nothing of the project has the name that *ref* names. Names of other packages are theirs to tell."""
    if ref.kind == "source":
        return (ref.group, ref.name) not in tree.sources
    if ref.group not in ("", tree.project.name) or ref.name in tree.models:
        return False
    return not any(re.fullmatch(rf"{re.escape(ref.name)}[_.]v\w+", name) for name in tree.models)


def guarded(model: DbtModel, pipeline: Pipeline) -> bool:
    """Whether a test would notice repeated rows: one of uniqueness or of how many there are, or one of its own."""
    if next(unique_keys(model), None) is not None:
        return True
    if any("row_count" in test.name for entry in model.described for test in entry.tests):
        return True
    return any(_is_test(file, model) for file in pipeline.index(f.DbtFile, _referred, each=True).get(model.name, ()))


def _referred(file: f.DbtFile) -> tuple[str, ...]:
    return tuple(dict.fromkeys(ref.name for ref in file.refs if ref.kind == "ref"))


def _is_test(file: f.DbtFile, model: DbtModel) -> bool:
    folder = model.project.folder
    return any(file.path.startswith(f"{folder}/{tests}/".lstrip("/")) for tests in model.project.test_paths)
