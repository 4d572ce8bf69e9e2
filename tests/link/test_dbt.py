"""dbt projects, linked."""

from __future__ import annotations

from pytest_mlbreaks.model import Answer, Dataset, DbtModel, DbtTree, Pipeline, Process
from pytest_mlbreaks.model.expr import Literal
from pytest_mlbreaks.testing import linked

PROJECT = "name: shop\nmodels:\n  shop:\n    +materialized: table\n    staging:\n      +materialized: view\n"


def tree(files: dict[str, str | bytes]) -> DbtTree:
    [found] = linked({"dw/dbt_project.yml": PROJECT, **files}).all(DbtTree)
    return found


def order(pipeline: Pipeline, first: str, then: str) -> Answer:
    return pipeline.order.reaches(f"dbt:dw/dbt_project.yml#shop/{first}", f"dbt:dw/dbt_project.yml#shop/{then}")


def test_models_seeds_and_snapshots_are_found() -> None:
    """SQL, Python, CSV, snapshots by their block and by their properties; no analyses, tests or macros."""
    found = tree(
        {
            "dw/models/a.sql": "select 1",
            "dw/models/staging/b.py": "def model(dbt, session): ...",
            "dw/seeds/c.csv": "x\n1\n",
            "dw/snapshots/all.sql": "{% snapshot d %}select 1{% endsnapshot %}",
            "dw/snapshots/e.yml": "snapshots: [{name: e, relation: ref('a'), config: {unique_key: x}}]",
            "dw/analyses/f.sql": "select 1",
            "dw/tests/g.sql": "select * from {{ ref('a') }}",
            "dw/macros/h.sql": "{% macro h() %}{% endmacro %}",
            "other/models/i.sql": "select 1",
        }
    )
    assert {(m.name, m.kind) for m in found.models.values()} == {
        ("a", "model"),
        ("b", "model"),
        ("c", "seed"),
        ("d", "snapshot"),
        ("e", "snapshot"),
    }
    assert [file.path for file in found.tests] == ["dw/tests/g.sql"]


def test_configuration_comes_from_the_nearest() -> None:
    """The project's folders, then properties, then the model itself."""
    models = tree(
        {
            "dw/models/a.sql": "select 1",
            "dw/models/staging/b.sql": "select 1",
            "dw/models/staging/c.sql": "{{ config(materialized='incremental') }}select 1",
            "dw/models/staging/d.sql": "select 1",
            "dw/models/staging/s.yml": "models: [{name: d, config: {materialized: ephemeral}}]",
        }
    ).models
    said = {name: model.setting("materialized") for name, model in models.items()}
    assert said == {n: Literal(v) for n, v in {"a": "table", "b": "view", "c": "incremental", "d": "ephemeral"}.items()}


def test_models_are_ordered_by_what_they_refer_to() -> None:
    """A circle ends where it began; two that have nothing to do with each other are in no order."""
    pipeline = linked(
        {
            "dw/dbt_project.yml": PROJECT,
            "dw/models/a.sql": "select * from {{ ref('c') }}",
            "dw/models/b.sql": "select * from {{ ref('a') }}",
            "dw/models/c.sql": "select * from {{ ref('b') }}",
            "dw/models/d.sql": "select 1",
        }
    )
    assert order(pipeline, "a", "b") is Answer.YES
    assert order(pipeline, "a", "d") is Answer.NO
    assert not pipeline.all(Process)


def test_what_is_computed_leaves_the_order_open() -> None:
    """A reference by a variable may be to anything."""
    pipeline = linked(
        {
            "dw/dbt_project.yml": PROJECT,
            "dw/models/a.sql": "select * from {{ ref(var('x')) }}",
            "dw/models/b.sql": "select 1",
        }
    )
    assert order(pipeline, "b", "a") is Answer.CANNOT_TELL


def test_tables_of_models_and_sources_are_datasets() -> None:
    """A model writes the table of its name, in the schema of its profile; a source is where its properties say."""
    pipeline = linked(
        {
            "dw/dbt_project.yml": PROJECT,
            "dw/models/a.sql": "select * from {{ source('crm', 'users') }}",
            "dw/models/b.sql": "select * from {{ ref('a') }}",
            "dw/models/s.yml": "sources: [{name: crm, schema: raw, tables: [{name: users}]}]",
            "load.py": "df.to_sql('raw.users', engine)",
        }
    )
    found = {d.name: sorted(a.mode for a in d.accesses) for d in pipeline.all(Dataset)}
    assert found == {"raw.users": ["read", "write"], "{*}.a": ["read", "write"], "{*}.b": ["write"]}


def test_a_tree_says_what_it_may_not_see() -> None:
    """Files that can't be read, folders whose properties are not looked for, packages with models."""
    assert not tree({"dw/models/a.sql": "select 1"}).incomplete
    assert tree({"dw/models/s.yml": "models: [a: b: c"}).incomplete == "dw/models/s.yml is not read"
    [odd] = linked({"dbt_project.yml": "name: x\nmodel-paths: [transform]"}).all(DbtTree)
    assert odd.incomplete
    packages = "packages: [{package: dbt-labs/dbt_utils, version: 1.0.0}, {package: fivetran/stripe, version: 1.0.0}]"
    assert tree({"dw/packages.yml": packages}).packages == ("fivetran/stripe",)


def test_without_a_project_there_is_nothing() -> None:
    """Properties and models of nobody."""
    pipeline = linked({"models/a.sql": "select * from {{ ref('b') }}", "models/s.yml": "models: [{name: a}]"})
    assert not pipeline.all(DbtTree)
    assert not pipeline.all(DbtModel)


def test_a_seed_of_any_size_is_only_a_name() -> None:
    """Its rows are never read: they may be no text at all."""
    assert "big" in tree({"dw/seeds/big.csv": b"\xff\x00" * 1000}).models
