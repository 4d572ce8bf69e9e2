"""The dbt readers."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.codec import FactCodec
from pytest_mlbreaks.formats.python import PYTHON
from pytest_mlbreaks.formats.sql import SQL
from pytest_mlbreaks.formats.yaml import YAML
from pytest_mlbreaks.model import Fact
from pytest_mlbreaks.model.expr import EnvVar, Items, Literal, Unknown
from pytest_mlbreaks.model.facts import FACTS, DbtExposure, DbtFile, DbtPackages, DbtProfile, DbtProject, DbtProperties
from pytest_mlbreaks.readers.dbt import FILES, PYTHON_MODELS, READER
from pytest_mlbreaks.reading import Source, Wanted


def read(path: str, text: str) -> list[Fact]:
    source = Source(path, text.encode())
    if path.endswith(".sql"):
        said = list(FILES.read(SQL.parse(source), Wanted()))
    else:
        assert READER.claims(path)
        said = list(READER.read(YAML.parse(source), Wanted()))
    facts = [f for f in said if isinstance(f, Fact)]
    codec = FactCodec(FACTS)
    assert list(codec.decode(codec.encode(facts))) == said
    return facts


def properties(text: str) -> list[DbtProperties]:
    return [f for f in read("models/schema.yml", text) if isinstance(f, DbtProperties)]


@pytest.mark.parametrize(
    ("path", "yes"),
    [
        ("dbt_project.yml", True),
        ("warehouse/dbt_project.yaml", True),
        ("packages.yml", True),
        ("models/staging/_models.yml", True),
        ("seeds/seeds.yml", True),
        ("snapshots/plans.yaml", True),
        ("dbt_packages/dbt_utils/models/x.yml", False),
        ("target/models/x.yml", False),
        ("k8s/deployment.yaml", False),
        ("models/a.sql", False),
    ],
)
def test_files_of_a_project(path: str, yes: bool) -> None:
    """By name, and by the folders that properties files lie in; not what dbt installed or compiled."""
    assert READER.claims(path) is yes


def test_a_project_with_its_folders_and_settings() -> None:
    """Old and new names of the keys, and the configuration of folders."""
    [project] = read(
        "dw/dbt_project.yml",
        "name: shop\nsource-paths: [models, more/]\ndata-paths: [data]\n"
        "models:\n  shop:\n    +materialized: view\n    staging:\n      +schema: \"{{ env_var('S') }}\"\n",
    )
    assert isinstance(project, DbtProject)
    assert (project.folder, project.name) == ("dw", "shop")
    assert (project.model_paths, project.seed_paths, project.test_paths) == (("models", "more"), ("data",), ("tests",))
    assert project.analysis_paths == ("analyses", "analysis")
    assert {s.name: s.value for s in project.settings} == {
        "models.shop.+materialized": Literal("view"),
        "models.shop.staging.+schema": Unknown("computed by a template"),
    }


def test_packages_are_named_as_written() -> None:
    """From the hub, from git, from a folder."""
    [packages] = read(
        "packages.yml",
        "packages:\n- package: dbt-labs/dbt_utils\n  version: 1.0.0\n- git: https://x/y.git\n- local: ../z\n",
    )
    assert isinstance(packages, DbtPackages)
    assert packages.packages == ("dbt-labs/dbt_utils", "https://x/y.git", "../z")


def test_columns_and_tests_of_a_model() -> None:
    """Old and new keys, arguments beside the test and under ``arguments``, filters, and what tests refer to."""
    [model] = properties(
        "models:\n- name: orders\n  config: {materialized: incremental, unique_key: [a, b]}\n"
        "  tests:\n  - dbt_utils.unique_combination_of_columns:\n      arguments: {combination_of_columns: [a, b]}\n"
        "  columns:\n  - name: ID\n    data_type: INT64\n    data_tests:\n    - unique\n"
        "    - unique: {config: {where: current}}\n"
        "    - relationships: {to: ref('users'), field: id}\n"
        "    - relationships: {to: \"source('raw', 'u')\", field: id}\n"
    )
    assert [(c.name, c.data_type) for c in model.columns] == [("id", "int64")]
    compound, unique, filtered, model_ref, source_ref = model.tests
    assert compound.name == "dbt_utils.unique_combination_of_columns"
    assert compound.arguments[0].value == Items((Literal("a"), Literal("b")))
    assert (unique.name, unique.column, unique.filtered, filtered.filtered) == ("unique", "ID", False, True)
    assert [(r.kind, r.group, r.name) for r in (*model_ref.refs, *source_ref.refs)] == [
        ("ref", "", "users"),
        ("source", "raw", "u"),
    ]
    assert {a.name for a in model.config} == {"materialized", "unique_key"}


def test_tables_of_sources() -> None:
    """Names, relations, and freshness, where a table's own goes before its source's."""
    text = (
        "sources:\n- name: crm\n  schema: raw\n  loaded_at_field: at\n"
        "  freshness: {warn_after: {count: 1, period: day}}\n"
        "  tables:\n  - name: users\n  - name: plans\n    identifier: p\n    freshness: null\n"
        '- name: erp\n  schema: "{{ target.schema }}"\n  tables: [{name: x}]\n'
    )
    users, plans, x = properties(text)
    assert (users.source, users.name, users.relation, users.loaded_at) == ("crm", "users", "raw.users", "at")
    assert users.freshness is not None
    assert (plans.relation, plans.freshness) == ("raw.p", None)
    assert x.relation == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "models: 1",
        "models: [1, {x: y}]",
        "sources: [{name: a, tables: {}}]",
        "models: [{name: a, columns: [1], tests: [{}]}]",
    ],
)
def test_odd_properties_are_no_error(text: str) -> None:
    """Whatever is not as it should be states nothing, or less."""
    assert all(p.name for p in properties(text))


def test_what_a_model_refers_to() -> None:
    """References with their places, the configuration, macros and snapshots."""
    [file] = read(
        "models/a.sql",
        "{{ config(materialized='incremental', unique_key='id') }}\n"
        "select * from {{ ref('b') }}\n"
        "join {{ ref('other', 'c') }} using (id)\n"
        "{% if var('x') %}join {{ source('raw', 'd') }} using (id){% endif %}\n"
        "{% if is_incremental() %}where id > (select max(id) from {{ this }}){% endif %}\n"
        "{% snapshot s %}select 1{% endsnapshot %}{% macro m() %}{{ ref('inside') }}{% endmacro %}\n",
    )
    assert isinstance(file, DbtFile)
    assert [(r.kind, r.group, r.name, r.conditional, r.place.line) for r in file.refs] == [
        ("ref", "", "b", False, 2),
        ("ref", "other", "c", False, 3),
        ("source", "raw", "d", True, 4),
    ]
    assert {a.name: a.value for a in file.config} == {
        "materialized": Literal("incremental"),
        "unique_key": Literal("id"),
    }
    assert (file.snapshots, file.macros, file.incremental, file.own, file.opaque) == (("s",), ("m",), True, True, False)


def test_a_reference_that_is_computed_is_said_to_be() -> None:
    """It is no reference, and the file is opaque."""
    [file] = read("models/a.sql", "select * from {{ ref(name) }}")
    assert isinstance(file, DbtFile)
    assert (file.refs, file.opaque) == ((), True)


def test_sql_without_dbt_states_nothing() -> None:
    """Templates of others, and none at all."""
    assert not read("sql/a.sql", "select * from t where d = '{{ ds }}'")
    assert not read("sql/a.sql", "select 1")


def python(text: str) -> list[Fact]:
    """The facts of a model in Python."""
    file = PYTHON.parse(Source("models/m.py", text.encode()))
    return [fact for fact in PYTHON_MODELS.read(file, Wanted()) if isinstance(fact, Fact)]


def test_a_model_in_python() -> None:
    """What it names by the object that dbt gives it, whatever that is called; a computed name is said to be one."""
    code = """\
def model(d, session):
    d.config(materialized="table", packages=["numpy"])
    one = d.ref("a", v=2)
    two = d.source("web", "hits")
    other.ref("x")
    return one.join(two)
"""
    [file] = python(code)
    assert isinstance(file, DbtFile)
    assert [(r.kind, r.group, r.name, r.version) for r in file.refs] == [
        ("ref", "", "a", "2"),
        ("source", "web", "hits", ""),
    ]
    assert [(a.name, a.value) for a in file.config] == [
        ("materialized", Literal("table")),
        ("packages", Items((Literal("numpy"),))),
    ]
    assert not file.opaque
    [file] = python("def model(dbt, session):\n    return dbt.ref(name)\n")
    assert isinstance(file, DbtFile)
    assert file.opaque


@pytest.mark.parametrize("text", ["def model(x): ...\n", "def model(:\n", "class A:\n    def model(a, b): ...\n"])
def test_other_python_is_no_model(text: str) -> None:
    """Only a function of the module with two parameters is."""
    assert python(text) == []


def test_versions_of_a_model() -> None:
    """The file is named by the version unless it says otherwise; the latest is named, or the highest."""
    text = """\
models:
  - {name: m, versions: [{v: 2}, {v: 10, defined_in: new}]}
  - {name: n, latest_version: 1, versions: [{v: 1}, {v: 2}]}
"""
    first, second = properties(text)
    assert [(v.name, v.file, v.latest) for v in first.versions] == [("2", "m_v2", False), ("10", "new", True)]
    assert [(v.name, v.latest) for v in second.versions] == [("1", True), ("2", False)]


def test_profiles_tell_schemas_and_no_secrets() -> None:
    """A variable with its default; BigQuery's dataset; DuckDB's own; a target without one is left out."""
    text = """\
config: {send_anonymous_usage_stats: false}
shop:
  target: dev
  outputs:
    dev: {type: postgres, schema: "{{ env_var('S', 'dev') }}", password: hunter2}
    prod: {type: bigquery, dataset: analytics}
    odd: {type: postgres, schema: "{{ target.x }}"}
    none: {type: postgres}
    local: {type: duckdb}
"""
    [profile] = read("profiles.yml", text)
    assert isinstance(profile, DbtProfile)
    assert {t.name: t.schema for t in profile.targets} == {
        "dev": EnvVar("S", Literal("dev")),
        "prod": Literal("analytics"),
        "odd": Unknown("computed by a template"),
        "local": Literal("main"),
    }
    assert "hunter2" not in repr(profile)


def test_exposures() -> None:
    """What uses models, and whose it is."""
    text = """\
exposures:
  - {name: a, type: application, url: "https://x", owner: {name: Team, email: t@e.x}, depends_on: ["ref('m')"]}
  - {name: b, enabled: false}
  - {type: dashboard}
"""
    [exposure] = read("models/x.yml", text)
    assert isinstance(exposure, DbtExposure)
    assert (exposure.kind, exposure.owner, exposure.url) == ("application", "Team", "https://x")
    assert [ref.name for ref in exposure.refs] == ["m"]
