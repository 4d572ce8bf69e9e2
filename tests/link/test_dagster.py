"""Dagster: what is read of a module, and what code locations and jobs come to."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.model import Answer, Pipeline
from pytest_mlbreaks.model.expr import Literal
from pytest_mlbreaks.model.facts import DagsterAsset, Edge, EnvRead, Schedule, Step
from pytest_mlbreaks.model.linked import Process
from pytest_mlbreaks.testing import linked

HEAD = "import dagster as dg\n"


def schedule(pipeline: Pipeline, name: str) -> Schedule:
    """The schedule of that name."""
    [found] = [s for s in pipeline.all(Schedule) if s.name == name]
    return found


def steps(pipeline: Pipeline, name: str) -> list[str]:
    """The steps of the schedule of that name."""
    identity = schedule(pipeline, name).identity
    return sorted(s.name for s in pipeline.all(Step) if s.pipeline == identity)


def edges(pipeline: Pipeline) -> set[tuple[str, str]]:
    """All edges, by what follows the schedule's identity."""
    heads = [f"{s.identity}/" for s in pipeline.all(Schedule)]

    def short(step: str) -> str:
        return next(step.removeprefix(head) for head in heads if step.startswith(head))

    return {(short(e.before), short(e.after)) for e in pipeline.all(Edge)}


def test_assets_depend_on_parameters_deps_and_ins() -> None:
    """By the parameter's name, by a key, by the asset itself; context, config and resources are no assets."""
    text = (
        HEAD
        + """
from dagster_duckdb import DuckDBResource
@dg.asset
def raw(): ...
@dg.asset(key_prefix="core", group_name="g")
def users(context, raw, config: Settings, database: DuckDBResource): ...
@dg.asset(deps=[users, dg.AssetKey(["core", "users"]), "raw"], key="marts/top")
def top(): ...
@dg.asset(ins={"frame": dg.AssetIn(key=dg.AssetKey(["marts", "top"])), "users": dg.AssetIn(key_prefix="core")})
def report(frame, users): ...
defs = dg.Definitions(assets=[raw, users, top, report])
"""
    )
    pipeline = linked({"p/definitions.py": text})
    assert schedule(pipeline, "p/definitions.py").complete
    assert steps(pipeline, "p/definitions.py") == ["core/users", "marts/top", "raw", "report"]
    assert edges(pipeline) == {
        *(("raw", "core/users"), ("core/users", "marts/top"), ("raw", "marts/top")),
        *(("marts/top", "report"), ("core/users", "report")),
    }
    assert pipeline.order.reaches("dagster:p/definitions.py/raw", "dagster:p/definitions.py/report") is Answer.YES


def test_assets_are_loaded_from_modules_and_packages_with_a_prefix() -> None:
    """A list of another module is followed; a parameter names the asset of the same group; what no list names is not
    run."""
    files = {
        "p/__init__.py": "",
        "p/definitions.py": HEAD
        + "from p import one\nfrom .lists import more\n"
        + "defs = dg.Definitions(assets=[*dg.load_assets_from_modules([one], key_prefix='x'), *more])\n",
        "p/lists.py": HEAD + "from p import deep\nmore = dg.load_assets_from_package_module(deep)\n",
        "p/one.py": HEAD + "@dg.asset\ndef a(): ...\n@dg.asset\ndef b(a): ...\n",
        "p/deep/__init__.py": "",
        "p/deep/two.py": HEAD + "@dg.asset(deps=['x/b'])\ndef c(): ...\n",
        "p/unused.py": HEAD + "@dg.asset\ndef d(c): ...\n",
    }
    pipeline = linked(files)
    assert steps(pipeline, "p/definitions.py") == ["c", "x/a", "x/b"]
    assert edges(pipeline) == {("x/a", "x/b"), ("x/b", "c"), ("c", "d")}
    assert schedule(pipeline, "p/definitions.py").complete
    assert schedule(pipeline, "p/unused.py").reason == "no definitions of the tree take it in"
    process = next(p for p in pipeline.all(Process) if p.name == "c")
    assert [entry.path for entry in process.entries] == ["p/deep/two.py"]


def test_a_folder_of_definitions_is_loaded_whole() -> None:
    """``definitions.py`` in it speaks for its folder; components in YAML leave the location open."""
    files = {
        "src/p/__init__.py": "",
        "src/p/definitions.py": "from dagster import definitions, load_from_defs_folder\n"
        "@definitions\ndef defs():\n    return load_from_defs_folder(project_root=here)\n",
        "src/p/defs/a.py": HEAD + "@dg.asset\ndef a(): ...\n",
        "src/p/defs/sub/definitions.py": HEAD + "from . import b\ndefs = dg.Definitions(assets=[b.kept])\n",
        "src/p/defs/sub/b.py": HEAD + "@dg.asset\ndef kept(a): ...\n@dg.asset\ndef left(a): ...\n",
        "src/p/defs/sub/__init__.py": "",
    }
    pipeline = linked(files)
    assert steps(pipeline, "src/p/definitions.py") == ["a", "kept"]
    assert schedule(pipeline, "src/p/definitions.py").complete
    pipeline = linked({**files, "src/p/defs/more/defs.yaml": "type: x\n"})
    assert schedule(pipeline, "src/p/definitions.py").reason == "components that YAML describes are not read"


def test_multi_assets_notebooks_and_external_assets() -> None:
    """Each output is an asset; an external one is no step."""
    text = (
        HEAD
        + """
from dagstermill import define_dagstermill_asset
source = dg.AssetSpec("source")
@dg.multi_asset(outs={"a": dg.AssetOut(), "b": dg.AssetOut(key_prefix="p")}, deps=[source])
def both(): ...
@dg.multi_asset(specs=[dg.AssetSpec("c", deps=["a"]), dg.AssetSpec("d", deps=["c"])])
def chain(): ...
notebook = define_dagstermill_asset(name="n", notebook_path="n.ipynb", ins={"x": dg.AssetIn("d")})
defs = dg.Definitions(assets=[source, both, chain, notebook])
"""
    )
    pipeline = linked({"definitions.py": text})
    assert steps(pipeline, "definitions.py") == ["a", "c", "d", "n", "p/b"]
    assert edges(pipeline) == {("a", "c"), ("c", "d"), ("d", "n")}


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("defs = dg.Definitions(assets=make())\n", "assets are computed"),
        ("@dg.asset(name=f'a_{x}')\ndef a(): ...\ndefs = dg.Definitions(assets=[a])\n", "a key is computed"),
        ("from lib import c\ndefs = dg.Definitions(assets=[c])\n", "assets of another package, or computed ones"),
        (
            (
                "def make():\n    @dg.asset\n    def a(): ...\n    return a\n"
                "defs = dg.Definitions(assets=dg.load_assets_from_current_module())\n"
            ),
            "assets are made by the function make",
        ),
        (
            "@dg.asset(deps=[find()])\ndef a(): ...\ndefs = dg.Definitions(assets=[a])\n",
            "what an asset depends on is computed",
        ),
    ],
)
def test_what_is_computed_leaves_a_location_open(code: str, reason: str) -> None:
    """Nothing is claimed of it, and the reason is told."""
    code = HEAD + "@dg.asset\ndef z(): ...\n" + code
    assert schedule(linked({"definitions.py": code}), "definitions.py").reason == reason


def test_jobs_are_made_of_ops_and_graphs() -> None:
    """Names of a second call, aliases, graphs within graphs, mapped outputs; ops of another file."""
    files = {
        "ops.py": HEAD
        + "@dg.op(name='read')\ndef load(): ...\n@dg.op\ndef clean(x): ...\n@dg.op\ndef save(a, b): ...\n",
        "jobs.py": HEAD
        + """
from ops import load, clean, save
@dg.graph
def twice(x):
    return clean(clean(x))
@dg.job
def nightly():
    rows = load()
    save(twice(rows), clean.alias("other")(rows))
    rows.map(clean).collect()
daily = twice.to_job(name="daily")
timer = dg.ScheduleDefinition(job=nightly, cron_schedule="0 3 * * *")
@dg.job
def open_one():
    for x in many():
        clean(x)
""",
    }
    pipeline = linked(files)
    assert steps(pipeline, "nightly") == ["clean", "other", "read", "save", "twice.clean", "twice.clean_2"]
    nightly = schedule(pipeline, "nightly")
    assert nightly.complete
    assert nightly.when == Literal("0 3 * * *")
    assert [s.name for s in pipeline.all(Step) if s.mapped] == ["clean"]
    head = f"{nightly.identity}/"
    found = {(e.before.removeprefix(head), e.after.removeprefix(head)) for e in pipeline.all(Edge) if head in e.after}
    assert found == {
        *(("read", "twice.clean"), ("twice.clean", "twice.clean_2"), ("twice.clean_2", "save")),
        *(("read", "other"), ("other", "save"), ("read", "clean")),
    }
    assert steps(pipeline, "daily") == ["clean", "clean_2"]
    assert not schedule(pipeline, "open_one").complete


def test_a_job_of_assets_has_a_schedule_and_no_steps_of_its_own() -> None:
    """Its steps are those of the code location."""
    text = (
        HEAD
        + "job = dg.define_asset_job('j', selection='*')\ns = dg.ScheduleDefinition(job=job, cron_schedule='@daily')\n"
    )
    pipeline = linked({"definitions.py": text})
    assert schedule(pipeline, "j").when == Literal("@daily")
    assert not steps(pipeline, "j")


def test_assets_and_models_of_dbt_are_in_one_order() -> None:
    """A model that an asset names comes before it, and an asset that a source names before the models that read it."""
    files = {
        "dw/dbt_project.yml": "name: shop\n",
        "dw/models/orders.sql": "select * from {{ source('raw', 'orders') }}",
        "dw/models/s.yml": "sources: [{name: raw, tables: [{name: orders}]}]",
        "definitions.py": HEAD
        + "from dagster_dbt import dbt_assets, get_asset_key_for_model\n"
        + "@dbt_assets(manifest=m)\ndef models(context): ...\n"
        + "@dg.asset(key=['raw', 'orders'])\ndef load(): ...\n"
        + "@dg.asset(deps=[get_asset_key_for_model([models], 'orders')])\ndef train(): ...\n"
        + "defs = dg.Definitions(assets=[models, load, train])\n",
    }
    assert edges(linked(files)) == {("raw/orders", "orders"), ("orders", "train")}


def test_variables_of_resources_are_asked_for() -> None:
    """``EnvVar`` raises where the variable is missing."""
    pipeline = linked({"definitions.py": HEAD + "r = Db(password=dg.EnvVar('DB_PASSWORD'))\n"})
    [read] = pipeline.all(EnvRead)
    assert (read.key, read.required, read.api) == (Literal("DB_PASSWORD"), True, "dagster.EnvVar")


def test_a_file_without_dagster_states_nothing() -> None:
    """The word alone, or a decorator called asset, is not enough."""
    assert not linked({"a.py": "from lib import asset  # not dagster\n@asset\ndef a(): ...\n"}).all(DagsterAsset)
