"""The graph of small repositories: which things there are, what leads where, and where findings stand."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_mlbreaks import engine, testing
from pytest_mlbreaks.graph.build import build, say
from pytest_mlbreaks.graph.model import Graph, Link, Node
from pytest_mlbreaks.model import Tier
from pytest_mlbreaks.tree import MemoryTree

DAG = """\
from airflow.sdk import DAG
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.sensors.external_task import ExternalTaskSensor

with DAG("train", schedule="@daily") as dag:
    wait = ExternalTaskSensor(task_id="wait", external_dag_id="load", external_task_id="copy")
    fit = BashOperator(task_id="fit", bash_command="python jobs/fit.py")
    wait >> fit
"""
OTHER = """\
from airflow.sdk import DAG
from airflow.providers.standard.operators.bash import BashOperator

with DAG("load", schedule="0 2 * * *") as dag:
    copy = BashOperator(task_id="copy", bash_command="python jobs/copy.py")
"""
FIT = 'import pandas as pd\n\npd.read_parquet("s3://lake/clicks/rows.parquet")\n'
COPY = 'import pandas as pd\n\npd.DataFrame().to_parquet("s3://lake/clicks/rows.parquet")\n'
COMPOSE = """\
services:
  api:
    build: .
    command: python serve.py
    environment: {CACHE_URL: "redis://cache:6379"}
    depends_on: [cache]
  cache:
    image: redis:7
"""
SERVE = 'import os\n\nimport redis\n\nredis.from_url(os.environ["CACHE_URL"])\n'


def graph_of(files: Mapping[str, str], *, checks: bool = False, aside: bool = False) -> Graph:
    """The graph of a repository of *files*; without findings unless *checks* are run."""
    packs = testing.installed()
    examined = engine.examine(MemoryTree(files), packs, checks=None if checks else ())
    return build(examined.pipelines, examined.report, aside=aside)


def named(graph: Graph, label: str, kind: str = "") -> Node:
    """The one node of that label (and kind)."""
    (found,) = [node for node in graph.nodes if node.label == label and kind in ("", node.kind)]
    return found


def told(graph: Graph) -> set[tuple[str, str, str]]:
    """The links, by the labels of their ends."""
    labels = {node.id: node.label for node in graph.nodes}
    return {(labels[link.source], link.kind, labels[link.target]) for link in graph.links}


def between(graph: Graph, source: str, target: str) -> Link:
    """The one link from the node of one label to that of the other."""
    labels = {node.id: node.label for node in graph.nodes}
    (found,) = [link for link in graph.links if (labels[link.source], labels[link.target]) == (source, target)]
    return found


def test_steps_stand_in_their_pipeline_and_in_order() -> None:
    """Each DAG is a group, begun by its schedule; a sensor waits for the task of another one."""
    graph = graph_of({"dags/train.py": DAG, "dags/load.py": OTHER})
    assert {(group.tool, group.label) for group in graph.groups} == {("airflow", "train"), ("airflow", "load")}
    assert ("@daily", "starts", "wait") in told(graph)
    assert ("wait", "order", "fit") in told(graph)
    assert ("copy", "waits", "wait") in told(graph)
    assert named(graph, "fit").group != named(graph, "copy").group


def test_a_dataset_ties_the_steps_whose_code_shares_it() -> None:
    """What a step's script reads and writes hangs on the step; the reason names the line of the script."""
    graph = graph_of({"dags/train.py": DAG, "dags/load.py": OTHER, "jobs/fit.py": FIT, "jobs/copy.py": COPY})
    name = "s3://lake/clicks/rows.parquet"
    assert {("copy", "writes", name), (name, "reads", "fit")} <= told(graph)
    assert str(between(graph, name, "fit").reasons[0].place).startswith("jobs/fit.py:3")
    assert named(graph, "fit").files == ("jobs/fit.py",)


def test_what_one_function_reads_is_not_the_other_tasks_doing() -> None:
    """Of several tasks in one file each has the reads of its own function, and of those that this one calls."""
    dag = """\
import pandas as pd
from airflow.sdk import dag, task

def rows():
    return pd.read_csv("s3://lake/raw/rows.csv")

@task
def load():
    return rows()

@task
def tell():
    return 1

@dag(schedule=None)
def flow():
    load() >> tell()

flow()
"""
    graph = graph_of({"dags/flow.py": dag})
    reads = {link for link in told(graph) if link[1] == "reads"}
    assert reads == {("s3://lake/raw/rows.csv", "reads", "load")}


def test_code_of_several_processes_is_a_thing_of_its_own() -> None:
    """A file that several processes import is drawn once, and leads to what it reads; it is not said of each of
    them."""
    compose = "services:\n" + "".join(f"  s{n}: {{build: ., command: python s{n}.py}}\n" for n in range(2))
    files = {
        "compose.yaml": compose,
        "Dockerfile": "FROM python:3.12\nCOPY . .\n",
        "shared.py": FIT,
        "s0.py": "import shared\n",
        "s1.py": "import shared\n",
    }
    links = told(graph_of(files))
    assert {("s0", "uses", "shared.py"), ("s1", "uses", "shared.py")} <= links
    assert ("s3://lake/clicks/rows.parquet", "reads", "shared.py") in links


def test_services_of_compose_call_each_other_by_their_variables() -> None:
    """An address in a variable that the code reads is a call; ``depends_on`` is an order; an image is run."""
    files = {"compose.yaml": COMPOSE, "Dockerfile": "FROM python:3.12\nCOPY . .\n", "serve.py": SERVE}
    links = told(graph_of(files))
    assert {("api", "calls", "cache"), ("cache", "order", "api"), ("Dockerfile", "runs", "api")} <= links


def test_an_address_that_no_code_reads_is_only_told() -> None:
    """A variable alone is no call."""
    files = {"compose.yaml": COMPOSE, "Dockerfile": "FROM python:3.12\nCOPY . .\n", "serve.py": "x = 1\n"}
    links = told(graph_of(files))
    assert ("api", "told", "cache") in links
    assert ("api", "calls", "cache") not in links


def test_environments_are_those_of_the_pipeline() -> None:
    """Production, something else, and unknown, each with what says so."""
    one = "services:\n  api: {image: 'a:1'}\n"
    graph = graph_of({"prod/compose.yaml": one, "dev/compose.yaml": one, "other/compose.yaml": one})
    found = {node.place.path: node for node in graph.nodes if node.place is not None}
    assert found["prod/compose.yaml"].tier is Tier.PROD
    assert found["prod/compose.yaml"].reason == "folder 'prod'"
    assert found["dev/compose.yaml"].tier is Tier.NONPROD
    assert found["other/compose.yaml"].tier is Tier.UNKNOWN


def test_a_layer_of_dbt_is_no_environment() -> None:
    """``models/staging`` is a layer of models. A model is its table: no dataset is drawn beside it."""
    files = {
        "dbt_project.yml": "name: shop\n",
        "models/staging/stg_orders.sql": "select * from raw.orders",
        "models/marts/orders.sql": "select * from {{ ref('stg_orders') }}",
    }
    graph = graph_of(files)
    assert named(graph, "stg_orders").tier is Tier.UNKNOWN
    assert ("stg_orders", "order", "orders") in told(graph)
    assert [node.label for node in graph.nodes if node.kind == "dataset" and node.label == "orders"] == []


def test_relative_paths_of_two_programs_are_two_things() -> None:
    """``data/rows.csv`` means another file to each folder with a program of its own."""
    read = 'import pandas as pd\n\npd.read_csv("data/clicks.csv")\n'
    write = 'import pandas as pd\n\npd.DataFrame().to_csv("data/clicks.csv")\n'
    files = {"a/setup.py": "", "b/setup.py": "", "a/read.py": read, "b/write.py": write}
    graph = graph_of(files)
    assert len([node for node in graph.nodes if node.kind == "dataset"]) == 2


def test_a_finding_stands_on_its_thing_and_on_the_way_to_what_proves_it() -> None:
    """The sensor waits for a task that is not there: the sensor has the finding, and so has the line from the other
    DAG."""
    gone = OTHER.replace('task_id="copy"', 'task_id="load_rows"')
    graph = graph_of({"dags/train.py": DAG, "dags/load.py": gone}, checks=True)
    number = [f.check for f in graph.findings].index("external-sensor-never-matches")
    assert number in named(graph, "wait").findings
    assert any(number in link.findings for link in graph.links)


def test_every_finding_stands_somewhere() -> None:
    """Also one about a file that is no thing of its own: the file is drawn then."""
    files = {
        "compose.yaml": COMPOSE,
        "Dockerfile": "FROM python:3.12\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . .\n",
        "requirements.txt": "git+https://github.com/acme/tool\n",
        "serve.py": SERVE,
    }
    graph = graph_of(files, checks=True)
    assert graph.findings
    on = {number for node in graph.nodes for number in node.findings}
    assert on == set(range(len(graph.findings)))


def test_tests_and_examples_are_left_out_and_told() -> None:
    """They are nobody's production; asked for, they are there."""
    files = {"examples/compose.yaml": COMPOSE}
    graph = graph_of(files)
    assert graph.nodes == ()
    assert graph.notes[0].endswith("things of tests, examples, documentation and vendored code are left out")
    assert {node.label for node in graph_of(files, aside=True).nodes} >= {"api", "cache"}


def test_no_secret_and_no_control_character_gets_in() -> None:
    """Neither into labels nor into the identities that a dataset's URL would end up in."""
    read = 'import pandas as pd\n\npd.read_csv("https://bob:hunter2@files.acme.io/lake/rows.csv")\n'
    graph = graph_of({"read.py": read})
    assert any(node.kind == "dataset" for node in graph.nodes)
    assert "hunter2" not in repr(graph)
    assert say("a\x1b[31mb\nc") == "a�[31mb c"


def test_pipelines_of_a_configuration_do_not_mix() -> None:
    """Two parts may hold the same names for different things."""
    packs = testing.installed()
    parts = [engine.examine(MemoryTree({"compose.yaml": COMPOSE}), packs, checks=()) for _ in range(2)]
    graph = build([part.pipelines[0] for part in parts], parts[0].report)
    assert len([node for node in graph.nodes if node.label == "api"]) == 2
    assert len({node.id for node in graph.nodes}) == len(graph.nodes)


def test_the_same_repository_gives_the_same_graph() -> None:
    """Nothing of it depends on hashes or the clock."""
    files = {"dags/train.py": DAG, "dags/load.py": OTHER, "jobs/fit.py": FIT, "compose.yaml": COMPOSE}
    assert graph_of(files) == graph_of(files)
