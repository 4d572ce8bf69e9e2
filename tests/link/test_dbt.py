"""dbt projects, linked."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.model import Answer, Dataset, DbtModel, DbtTree, Pipeline, Process
from pytest_mlbreaks.model.expr import Literal
from pytest_mlbreaks.model.facts import Edge, Schedule, Step
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


def edges(pipeline: Pipeline) -> set[tuple[str, str]]:
    """The edges of a project, by the names of its steps."""
    return {(e.before.rpartition("/")[2], e.after.rpartition("/")[2]) for e in pipeline.all(Edge)}


def test_a_model_in_python_is_a_step_like_any_other() -> None:
    """What it refers to comes before it."""
    code = "def model(dbt, session):\n    dbt.config(materialized='table')\n    return dbt.ref('a')\n"
    pipeline = linked({"dw/dbt_project.yml": PROJECT, "dw/models/a.sql": "select 1", "dw/models/b.py": code})
    assert edges(pipeline) == {("a", "b")}
    assert {s.name: s.operator for s in pipeline.all(Step)} == {"a": "table", "b": "table"}


def test_a_reference_without_a_version_means_the_latest() -> None:
    """The highest one, where none is said to be; the file may be named by the version."""
    pipeline = linked(
        {
            "dw/dbt_project.yml": PROJECT,
            "dw/models/s.yml": "models: [{name: m, versions: [{v: 2}, {v: 10, defined_in: new}]}]",
            "dw/models/m_v2.sql": "select 1",
            "dw/models/new.sql": "select 1",
            "dw/models/a.sql": "select * from {{ ref('m') }}",
            "dw/models/b.sql": "select * from {{ ref('m', v=2) }}",
        }
    )
    assert edges(pipeline) == {("new", "a"), ("m_v2", "b")}


def test_a_model_comes_after_what_its_macros_refer_to() -> None:
    """Those of the project, called with or without its name."""
    pipeline = linked(
        {
            "dw/dbt_project.yml": PROJECT,
            "dw/macros/m.sql": "{% macro last() %}(select max(x) from {{ ref('a') }}){% endmacro %}",
            "dw/models/a.sql": "select 1",
            "dw/models/b.sql": "select {{ last() }}",
            "dw/models/c.sql": "select {{ shop.last() }}",
        }
    )
    assert edges(pipeline) == {("a", "b"), ("a", "c")}
    assert all(schedule.complete for schedule in pipeline.all(Schedule))


def test_a_macro_that_computes_what_it_refers_to_leaves_its_callers_open() -> None:
    """Their project is then not complete."""
    pipeline = linked(
        {
            "dw/dbt_project.yml": PROJECT,
            "dw/macros/m.sql": "{% macro last(name) %}{{ ref(name) }}{% endmacro %}",
            "dw/models/b.sql": "select * from {{ last('a') }}",
        }
    )
    (schedule,) = pipeline.all(Schedule)
    assert (schedule.complete, schedule.reason) == (False, "a reference that a template computes")


def test_what_a_macro_refers_to_on_a_condition_is_open() -> None:
    """It depends on what the caller gives it."""
    pipeline = linked(
        {
            "dw/dbt_project.yml": PROJECT,
            "dw/macros/m.sql": "{% macro last(x) %}{% if x %}{{ ref('a') }}{% endif %}{% endmacro %}",
            "dw/models/a.sql": "select 1",
            "dw/models/b.sql": "select {{ last(1) }}",
        }
    )
    (schedule,) = pipeline.all(Schedule)
    assert edges(pipeline) == set()
    assert schedule.reason == "a macro refers to a model on a condition"


def test_what_is_switched_off_is_no_step() -> None:
    """By its folder or by itself; where that is computed, the project is not complete."""
    files = {
        "dw/dbt_project.yml": "name: shop\nmodels: {shop: {old: {+enabled: false}}}\n",
        "dw/models/old/a.sql": "select 1",
        "dw/models/b.sql": "{{ config(enabled=false) }}select 1",
        "dw/models/c.sql": "select 1",
    }
    assert [step.name for step in linked(files).all(Step)] == ["c"]
    files["dw/models/c.sql"] = "{{ config(enabled=var('x')) }}select 1"
    (schedule,) = linked(files).all(Schedule)
    assert schedule.reason == "whether a model is enabled is computed"


def test_exposures_come_after_what_they_use() -> None:
    """They are steps of the project, with their owner."""
    exposure = "{name: board, type: dashboard, owner: {email: a@b.c}, depends_on: [ref('a')]}"
    pipeline = linked(
        {
            "dw/dbt_project.yml": PROJECT,
            "dw/models/a.sql": "select 1",
            "dw/models/s.yml": f"exposures: [{exposure}]",
        }
    )
    assert edges(pipeline) == {("a", "exposure board")}
    (board,) = (step for step in pipeline.all(Step) if step.operator == "exposure")
    assert {s.name: s.value for s in board.settings} == {"type": Literal("dashboard"), "owner": Literal("a@b.c")}


def test_a_snapshot_of_a_properties_file_comes_after_its_relation() -> None:
    """It has no SQL that would say so."""
    snapshot = "{name: h, relation: ref('a'), config: {unique_key: x}}"
    files = {"dw/models/a.sql": "select 1", "dw/snapshots/s.yml": f"snapshots: [{snapshot}]"}
    assert edges(linked({"dw/dbt_project.yml": PROJECT, **files})) == {("a", "h")}


PROFILES = (
    "shop: {target: dev, outputs: {dev: {type: postgres, schema: dev, password: x}, prod: {schema: analytics}}}\n"
)


@pytest.mark.parametrize(
    ("table", "model", "macros", "tied"),
    [
        ("analytics.orders", "select 1", "", True),
        ("dev.orders", "select 1", "", True),
        ("other.orders", "select 1", "", False),
        ("analytics_marts.orders", "{{ config(schema='marts') }}select 1", "", True),
        ("marts.orders", "{{ config(schema='marts') }}select 1", "", False),
        (
            "marts.orders",
            "{{ config(schema='marts') }}select 1",
            "{% macro generate_schema_name(a, b) %}{% endmacro %}",
            True,
        ),
        ("analytics.orders", "{{ config(schema=var('x')) }}select 1", "", False),
    ],
)
def test_a_model_is_the_table_that_code_names(table: str, model: str, macros: str, tied: bool) -> None:
    """Where its profile and configuration may give it that schema."""
    pipeline = linked(
        {
            "dw/dbt_project.yml": f"{PROJECT}profile: shop\n",
            "dw/profiles.yml": PROFILES,
            "dw/models/orders.sql": model,
            "dw/macros/m.sql": macros,
            "train.py": f"import pandas as pd\n\ndf = pd.read_sql('select * from {table}', con)\n",
        }
    )
    apis = [
        {access.api for access in found.accesses} for found in pipeline.all(Dataset) if found.name.endswith("orders")
    ]
    assert any("dbt" in each and len(each) == 2 for each in apis) is tied
