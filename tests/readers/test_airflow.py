"""The Airflow reader: what a DAG file says, followed without running it."""

from __future__ import annotations

from textwrap import dedent

import pytest

from pytest_mlbreaks.codec import FactCodec
from pytest_mlbreaks.formats.python import PYTHON
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.expr import Choice, Concat, Entries, EnvVar, Items, Literal, Made, Name, SecretKey, Unknown
from pytest_mlbreaks.model.facts import FACTS, Callee, Edge, Schedule, Step, Trigger, Wait
from pytest_mlbreaks.readers.airflow import READER, claims
from pytest_mlbreaks.reading import Source, Wanted

PATH = "dags/daily.py"
HEAD = """
from airflow import DAG
from airflow.decorators import dag, task, task_group, setup, teardown
from airflow.models.baseoperator import chain, chain_linear, cross_downstream
from airflow.operators.bash import BashOperator
from airflow.operators.empty import EmptyOperator
from airflow.operators.python import PythonOperator
from airflow.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sensors.external_task import ExternalTaskMarker, ExternalTaskSensor
from airflow.utils.edgemodifier import Label
from airflow.utils.task_group import TaskGroup
from airflow.utils.trigger_rule import TriggerRule
import os
def E(name, **kwargs):
    return EmptyOperator(task_id=name, **kwargs)
"""


class Said:
    """What the reader says of one text."""

    def __init__(self, text: str, head: str = HEAD) -> None:
        self.facts: list[Fact | Diagnostic] = list(
            READER.read(PYTHON.parse(Source(PATH, (head + text).encode())), Wanted())
        )

    def dags(self) -> dict[str, Schedule]:
        return {f.name: f for f in self.facts if isinstance(f, Schedule)}

    @property
    def dag(self) -> Schedule:
        (dag,) = self.dags().values()
        return dag

    def steps(self) -> dict[str, Step]:
        return {f.name: f for f in self.facts if isinstance(f, Step)}

    def edges(self) -> set[str]:
        return {
            f"{f.before.rpartition('/')[2]}>{f.after.rpartition('/')[2]}" for f in self.facts if isinstance(f, Edge)
        }

    def waits(self) -> list[Wait]:
        return [f for f in self.facts if isinstance(f, Wait)]


def edges(body: str) -> set[str]:
    """The edges of one DAG with this body, which the reader says it could tell all of."""
    said = Said("with DAG('d') as d:\n" + "".join(f"    {line}\n" for line in body.splitlines()))
    assert said.dag.complete, said.dag.reason
    return said.edges()


def reason(text: str) -> str:
    """Why the one DAG of the text is incomplete."""
    dag = Said(text).dag
    assert not dag.complete
    return dag.reason


def test_claims_python() -> None:
    """Python files, and nothing else."""
    assert claims("dags/a.py")
    assert not claims("dags/a.sql")


def test_a_module_without_airflow_says_nothing() -> None:
    """The word alone does not make a DAG file, and a file that does not parse is another reader's to report."""
    assert Said("DAG('airflow')", head="").facts == []
    assert Said("import airflow\ndef (", head="").facts == []


def test_facts_survive_being_written_and_read_back() -> None:
    """Every fact of a DAG goes through the cache unchanged."""
    said = Said("with DAG('d', start_date=x.y(1)) as d:\n    E('a') >> BashOperator(task_id='b', bash_command='ls')\n")
    codec = FactCodec(FACTS)
    facts = [f for f in said.facts if isinstance(f, Fact)]
    assert codec.decode(codec.encode(facts)) == facts


@pytest.mark.parametrize(
    "text",
    [
        "with DAG('daily') as d:\n    E('a') >> E('b')\n",
        "with DAG(dag_id='daily'):\n    E('a') >> E('b')\n",
        "d = DAG('daily')\na = E('a', dag=d)\nb = E('b', dag=d)\na.set_downstream(b)\n",
        "d = DAG('daily')\na = E('a', dag=d)\nb = E('b')\na >> b\n",
        "NAME = 'daily'\nd = DAG(f'{NAME}')\nwith d:\n    chain(E('a'), E('b'))\n",
        "@dag\ndef daily():\n    E('a') >> E('b')\ndaily()\n",
        "@dag(dag_id='daily', schedule=None)\ndef other():\n    E('a') >> E('b')\nx = other()\n",
        "def make(name):\n    with DAG(name) as d:\n        E('a') >> E('b')\n    return d\ndaily = make('daily')\n",
        "from airflow.sdk import DAG as D\nwith D('daily'):\n    E('a') >> E('b')\n",
    ],
)
def test_ways_to_make_a_dag(text: str) -> None:
    """Context managers, ``dag=``, the decorator, functions of the file: one DAG, two tasks, one edge."""
    said = Said(text)
    assert list(said.dags()) == ["daily"]
    assert said.dag.complete, said.dag.reason
    assert set(said.steps()) == {"a", "b"}
    assert said.edges() == {"a>b"}
    assert said.dag.identity == f"airflow:{PATH}#daily"
    assert said.steps()["a"].pipeline == said.dag.identity


def test_a_decorated_dag_that_is_not_called_is_none() -> None:
    """``@dag`` makes a DAG only where the function is called; ``__main__`` does not run in Airflow."""
    assert not Said("@dag\ndef daily():\n    E('a')\nif __name__ == '__main__':\n    daily()\n").dags()


def test_several_dags_of_one_function() -> None:
    """A loop over a literal calls a factory for each."""
    said = Said("for n in ('x', 'y'):\n    with DAG(f'load_{n}') as d:\n        E('a')\n    globals()[n] = d\n")
    assert sorted(said.dags()) == ["load_x", "load_y"]
    assert all(dag.complete for dag in said.dags().values())


def test_what_starts_a_dag_and_its_settings() -> None:
    """The schedule under its three names; default_args by key, through names of the module; imports stay names."""
    said = Said(
        "from datetime import datetime\nfrom settings import TAGS\nARGS = {'retries': 2, **{'owner': 'ml'}}\n"
        "DAG('d', schedule_interval='@daily', start_date=datetime(2024, 1, 1), catchup=False,"
        " default_args=ARGS, tags=TAGS)"
    )
    dag = said.dag
    assert dag.when == Literal("@daily")
    told = {s.name: s.value for s in dag.settings}
    assert told["start_date"] == Made("datetime.datetime", (Literal(2024), Literal(1), Literal(1)))
    assert told["catchup"] == Literal(False)
    assert (told["default_args.retries"], told["default_args.owner"]) == (Literal(2), Literal("ml"))
    assert told["tags"] == Name(PATH, "TAGS")
    assert Said("DAG('d')").dag.when is None
    assert Said("DAG('d', schedule=None)").dag.when == Literal(None)


def test_default_args_of_another_module_stay_a_name() -> None:
    """What is imported is link's to resolve; what is unpacked from there is said to be missing."""
    assert Said("from c import ARGS\nDAG('d', default_args=ARGS)").dag.setting("default_args") is not None
    partial = Said("from c import ARGS\nDAG('d', default_args={**ARGS, 'retries': 1})").dag
    assert partial.setting("default_args.retries") is not None
    assert partial.setting("default_args.**") is not None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("E('a') >> [E('b'), E('c')] >> E('d')", {"a>b", "a>c", "b>d", "c>d"}),
        ("E('a') << E('b')", {"b>a"}),
        ("a = E('a')\na.set_upstream([E('b'), E('c')])", {"b>a", "c>a"}),
        ("chain(E('a'), [E('b'), E('c')], [E('d'), E('e')], E('f'))", {"a>b", "a>c", "b>d", "c>e", "d>f", "e>f"}),
        ("chain_linear([E('a'), E('b')], [E('c'), E('d')])", {"a>c", "a>d", "b>c", "b>d"}),
        ("cross_downstream([E('a'), E('b')], [E('c')])", {"a>c", "b>c"}),
        ("E('a') >> Label('ok') >> E('b')", {"a>b"}),
        ("ts = [E(f't{i}') for i in range(3)]\nchain(*ts)", {"t0>t1", "t1>t2"}),
        (
            "p = None\nfor n in ['a', 'b', 'c']:\n    t = E(n)\n    if p is not None:\n        p >> t\n    p = t",
            {"a>b", "b>c"},
        ),
        ("d2 = {}\nfor k, v in {'a': 1, 'b': 2}.items():\n    d2[k] = E(f'{k}{v}')\nd2['a'] >> d2['b']", {"a1>b2"}),
    ],
)
def test_edges(body: str, expected: set[str]) -> None:
    """Operators, methods and functions that order tasks; loops over what the file tells are unrolled."""
    assert edges(body) == expected


def test_groups() -> None:
    """Ids carry the groups around them; an edge to a group goes to its first tasks, one from it starts at its last."""
    said = Said(
        "with DAG('d'):\n    with TaskGroup('g') as g:\n        E('a') >> E('b')\n"
        "        with TaskGroup(group_id='h'):\n"
        "            E('c')\n    with TaskGroup('p', prefix_group_id=False):\n        E('x')\n"
        "    E('s') >> g >> E('t')\n"
    )
    assert set(said.steps()) == {"g.a", "g.b", "g.h.c", "x", "s", "t"}
    assert said.edges() == {"g.a>g.b", "s>g.a", "s>g.h.c", "g.b>t", "g.h.c>t"}
    assert said.steps()["g.h.c"].group == "g.h"


def test_taskflow() -> None:
    """Calls make tasks, what is passed on makes edges, a second call gets a number, override renames."""
    said = Said(
        "@dag\ndef daily():\n    @task(retries=3)\n    def load(n):\n        return n\n    @task.docker(image='ml:1')\n"
        "    def train(x): ...\n    a = load(1)\n    b = load(a['rows'])\n"
        "    train.override(task_id='fit')([a, {'k': b}])\ndaily()\n"
    )
    steps = said.steps()
    assert set(steps) == {"load", "load__1", "fit"}
    assert said.edges() == {"load>load__1", "load>fit", "load__1>fit"}
    assert steps["load"].callee == Callee(path=PATH, name="daily.load")
    assert steps["load"].operator == "airflow.decorators.task"
    retries = steps["load"].setting("retries")
    assert retries is not None
    assert retries.value == Literal(3)
    given = steps["load"].setting("op_kwargs")
    assert given is not None
    assert given.value == Entries((("n", Literal(1)),))
    assert steps["fit"].image == Literal("ml:1")
    assert steps["fit"].operator.endswith("task.docker")


def test_mapped_tasks() -> None:
    """``expand`` of a decorated function, of an operator and of a group maps its tasks, over outputs with an edge."""
    said = Said(
        "with DAG('d'):\n    @task\n    def names(): ...\n    @task\n    def load(n, k): ...\n"
        "    @task_group\n    def g(n):\n"
        "        load.override(task_id='in')(n, 1)\n    ns = names()\n    load.partial(k=1).expand(n=ns)\n"
        "    BashOperator.partial(task_id='b').expand(bash_command=ns)\n    g.expand(n=ns)\n"
    )
    assert {name for name, step in said.steps().items() if step.mapped} == {"load", "b", "g.in"}
    assert said.edges() == {"names>load", "names>b", "names>g.in"}


def test_setup_and_teardown() -> None:
    """A setup runs before the tasks in its ``with``, a teardown after them."""
    body = "s = E('s')\nt = E('t').as_teardown(setups=s)\nwith t:\n    E('w')"
    assert edges(body) == {"s>t", "s>w", "w>t"}


def test_what_steps_run() -> None:
    """Commands, callables through partial, images, arguments and variables; a lambda is no callable to follow."""
    said = Said(
        "from functools import partial\nimport lib.train as tr\n"
        "from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator\n"
        "IMAGE = os.environ.get('IMAGE')\ndef own(): ...\nwith DAG('d'):\n"
        "    BashOperator(task_id='bash', bash_command='run {{ ds }}', cwd='/opt',"
        " env={'A': 'b', 'DB_PASSWORD': 'x'})\n"
        "    PythonOperator(task_id='own', python_callable=own)\n"
        "    PythonOperator(task_id='imported', python_callable=partial(tr.main, 1))\n"
        "    PythonOperator(task_id='lambda', python_callable=lambda: 1)\n"
        "    KubernetesPodOperator(task_id='pod', image=IMAGE, cmds=['python'],"
        " arguments=['-m', 'x'], env_vars={'T': '1'})\n"
    )
    steps = said.steps()
    assert said.dag.complete
    (command,) = steps["bash"].commands
    assert (command.shell, command.workdir) == (Literal("run {{ ds }}"), Literal("/opt"))
    assert {v.name: v.value for v in steps["bash"].variables} == {
        "A": Literal("b"),
        "DB_PASSWORD": SecretKey(PATH, "DB_PASSWORD"),
    }
    assert steps["own"].callee == Callee(path=PATH, name="own")
    assert steps["imported"].callee == Callee(path=PATH, name="tr.main")
    assert steps["lambda"].callee is None
    assert steps["pod"].image == EnvVar("IMAGE")
    assert steps["pod"].commands[0].argv == (Literal("python"), Literal("-m"), Literal("x"))
    assert [(v.name, v.value) for v in steps["pod"].variables] == [("T", Literal("1"))]


def test_secrets_never_enter_a_fact() -> None:
    """Neither through a name, nor put together, nor as the password of a URL."""
    said = Said(
        "DB_PASSWORD = 'hunter2'\nwith DAG('d'):\n"
        "    BashOperator(task_id='a', bash_command=f'x {DB_PASSWORD}', env={'URL': f'pg://u:{DB_PASSWORD}@h/d'})\n"
        "    word = 'hunter2'\n    BashOperator(task_id='b', bash_command=f'pg://u:{word}@h/d', token='hunter2')\n"
    )
    assert set(said.steps()) == {"a", "b"}
    assert "hunter2" not in repr(said.facts)


def test_trigger_rules() -> None:
    """As text, as a member of TriggerRule, and from default_args; always in lower case."""
    said = Said(
        "with DAG('d', default_args={'trigger_rule': 'all_done'}):\n    E('a', trigger_rule=TriggerRule.ONE_FAILED)\n"
        "    E('b', trigger_rule='NONE_FAILED')\n    E('c')\n"
    )
    assert {n: s.trigger_rule for n, s in said.steps().items()} == {
        "a": "one_failed",
        "b": "none_failed",
        "c": "all_done",
    }


def test_waits_and_triggers() -> None:
    """A sensor waits for a DAG, or for each of its tasks; a marker waits for nothing."""
    said = Said(
        "with DAG('d'):\n"
        "    ExternalTaskSensor(task_id='w', external_dag_id='up', external_task_id='load', timeout=60)\n"
        "    ExternalTaskSensor(task_id='v', external_dag_id='up', external_task_ids=['x', 'y'])\n"
        "    ExternalTaskSensor(task_id='u', external_dag_id='up')\n"
        "    ExternalTaskMarker(task_id='m', external_dag_id='down', external_task_id='w')\n"
        "    TriggerDagRunOperator(task_id='t', trigger_dag_id='down', wait_for_completion=True)\n"
    )
    targets = [(w.step.rpartition("/")[2], w.target_step) for w in said.waits()]
    assert targets == [("w", Literal("load")), ("v", Literal("x")), ("v", Literal("y")), ("u", None)]
    assert {w.target_pipeline for w in said.waits()} == {Literal("up")}
    assert any(s.name == "timeout" for s in said.waits()[0].settings)
    (trigger,) = [f for f in said.facts if isinstance(f, Trigger)]
    assert (trigger.target_pipeline, trigger.waits) == (Literal("down"), True)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("for x in get():\n        E(f'load_{x}')", "loop over what is not known"),
        ("if os.path.exists('x'):\n        E('a')", "condition that is not known"),
        ("from lib import add\n    add()", "add, which is not in this file"),
        ("from lib import add\n    add(d)", "add, which is not in this file"),
        ("E('a') >> other", "edge to something that can't be told"),
        ("E(os.environ['X'])", "id of a task is computed"),
        ("while go():\n        E('a')", "while loop"),
        ("from cosmos import DbtTaskGroup\n    DbtTaskGroup('g')", "which adds tasks"),
    ],
)
def test_what_only_a_run_can_tell_is_said(body: str, why: str) -> None:
    """The DAG is incomplete, and the reason says why."""
    assert why in reason(f"with DAG('d') as d:\n    {body}\n")


def test_a_callback_of_another_module_adds_no_task() -> None:
    """A function that gives a callback or another plain setting is not suspected."""
    assert Said("from lib import notify\nwith DAG('d'):\n    E('a', on_failure_callback=notify('x'))\n").dag.complete


def test_patterns_of_ids() -> None:
    """``{*}`` stands for what can't be told; two tasks of one pattern stay two, and are not taken for one."""
    said = Said(
        "with DAG('d'):\n    x = os.getenv('X')\n    a, b = E(f'l_{x}'), E(f'l_{x}')\n    E('s') >> a\n"
        "    b >> E('t')\n"
    )
    assert set(said.steps()) == {"l_{*}", "l_{*}#2", "s", "t"}
    assert said.edges() == {"s>l_{*}", "l_{*}#2>t"}
    assert list(Said("DAG(f\"d_{os.environ['X']}\")").dags()) == ["d_{*}"]


def test_a_factory_that_another_file_calls() -> None:
    """Its DAG is told as far as it goes, and is incomplete."""
    said = Said("def make(name):\n    with DAG(f'load_{name}') as d:\n        E('a')\n    return d\n")
    assert list(said.dags()) == ["load_{*}"]
    assert set(said.steps()) == {"a"}
    assert "another file may call" in said.dag.reason


def test_own_operators_and_functions_with_a_task_id() -> None:
    """A class of the file, and whatever takes a task_id, is a step."""
    said = Said(
        "from lib import bq_query\nfrom airflow.models import BaseOperator\nclass Score(BaseOperator): ...\n"
        "with DAG('d'):\n    Score(task_id='a') >> bq_query(task_id='b', table='t')\n"
    )
    assert {n: s.operator for n, s in said.steps().items()} == {"a": "Score", "b": "lib.bq_query"}
    assert said.edges() == {"a>b"}


def test_settings_of_steps_are_expressions() -> None:
    """Lists, choices and what is computed are told as such; what names the task itself is not among them."""
    said = Said(
        "with DAG('d'):\n"
        "    E('a', pool='p', email=['x', 'y'], retries=2 if os.path.exists('z') else 3, note=f\"n{os.getenv('N')}\")\n"
    )
    told = {s.name: s.value for s in said.steps()["a"].settings}
    assert told["email"] == Items((Literal("x"), Literal("y")))
    assert told["retries"] == Choice((Literal(2), Literal(3)))
    assert told["note"] == Concat((Literal("n"), EnvVar("N")))
    assert "task_id" not in told


def test_asset_decorator() -> None:
    """``@asset`` of Airflow 3 makes a DAG with one task, both of the function's name."""
    said = Said("from airflow.sdk import asset\n@asset(schedule='@daily')\ndef scores(): ...\n")
    assert list(said.dags()) == list(said.steps()) == ["scores"]
    assert said.dag.when == Literal("@daily")


@pytest.mark.parametrize(
    "text",
    [
        "l = [1]\nfor i in range(300):\n    l = l + l\nwith DAG('d'):\n    E('a', x=l) >> l\n",
        "l = []\nfor i in range(300):\n    l = [l, l]\nwith DAG('d'):\n    E('a', x=l) >> l\n",
        "l = []\nl.append(l)\nwith DAG('d'):\n    E('a', x=l) >> l\n",
        "s = 'ab'\nfor i in range(300):\n    s = s + s\nwith DAG(s):\n    E(s)\n",
        "with DAG('d'):\n    a = [E(f'a{i}') for i in range(300)]\n    for i in a:\n        cross_downstream(a, a)\n",
        "def f(): f(); g(); g()\ndef g(): f(); f(); g()\nwith DAG('d'):\n    f()\n    E('a') >> x\n",
    ],
)
def test_what_is_too_much_to_follow_ends(text: str) -> None:
    """Growing lists and texts, circles and floods cost a doubt, not the run."""
    assert not Said(text).dag.complete


def test_odd_code_is_no_error() -> None:
    """Whatever parses is followed without raising."""
    said = Said(
        "with DAG(*x, **y) as (a, b):\n    a >> b\n    BashOperator(*a, **{1: 2}) >> None >> 3\n"
        "    [][0] >> {}\n    {**1}\n"
        "    f'{1:>99999999}'\n    '{9}'.format()\n    range(0, 5, 0)\n    'a'.split('')\n    (lambda: 1)()\n"
        "    for q in 5: pass\n    sorted([1, 'a'])\n    1 % 0\n    DAG.foo.bar()()\n    del a\n    u.v[1:2:3]\n"
    )
    assert isinstance(said.dag.when, Unknown | None)


def test_a_branching_task_tells_what_its_function_returns() -> None:
    """Each return once, in the order of the file; those of an inner function are not its own."""
    text = dedent(
        """
        from airflow import DAG
        from airflow.operators.python import BranchPythonOperator

        def choose():
            def inner():
                return "other"
            if inner():
                return ["a", "b"]
            return "c"

        with DAG("d"):
            BranchPythonOperator(task_id="choose", python_callable=choose)
        """
    )
    file = PYTHON.parse(Source("dags/d.py", text.encode()))
    step = next(f for f in READER.read(file, Wanted()) if isinstance(f, Step))
    assert set(step.returns) == {Items((Literal("a"), Literal("b"))), Literal("c")}


@pytest.mark.parametrize(
    ("body", "prints"),
    [
        ('"""Placeholder."""\n    print("fine", TABLE)\n    return True', True),
        ('logger.info("fine")', True),
        ("pass", False),
        ('print(context["ti"])', False),
        ("print(load())", False),
        ('print("fine")\n    raise ValueError("not fine")', False),
        ('print("fine")\n    client.send("fine")', False),
    ],
)
def test_a_function_that_only_prints(body: str, prints: bool) -> None:
    """Printing what may be missing can fail, and so does more than to print."""
    said = Said(f"""
def check(**context):
    {body}
with DAG("daily"):
    PythonOperator(task_id="check", python_callable=check)
""")
    assert said.steps()["check"].prints is prints
