"""Flows that are Python code: what the readers of Metaflow, Prefect and Flyte say, and what link makes of it."""

from __future__ import annotations

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlbreaks.codec import FactCodec
from pytest_mlbreaks.formats.python import PYTHON
from pytest_mlbreaks.formats.yaml import YAML
from pytest_mlbreaks.model import FACTS, Diagnostic, Fact, Pipeline
from pytest_mlbreaks.model.expr import Choice, Concat, Entries, EnvVar, Expr, Items, Literal, Made, SecretKey, Unknown
from pytest_mlbreaks.model.facts import (
    Callee,
    DatasetAccess,
    Edge,
    FlowCode,
    FlowDeployment,
    ImageBuild,
    Schedule,
    Step,
    Trigger,
    Wait,
)
from pytest_mlbreaks.readers.flows import PREFECT_YAML, READER
from pytest_mlbreaks.reading import Source, Unreadable, Wanted
from pytest_mlbreaks.testing import linked


def read(text: str, path: str = "flows/job.py") -> list[Fact | Diagnostic]:
    """What the reader says of a file; its facts survive being written and read back."""
    found = list(READER.read(PYTHON.parse(Source(path, dedent(text).encode())), Wanted()))
    facts = [fact for fact in found if isinstance(fact, Fact)]
    assert {type(fact) for fact in facts} <= set(READER.facts)
    codec = FactCodec(FACTS)
    assert list(codec.decode(codec.encode(facts))) == facts
    return found


class Linked:
    """The flows of a repository."""

    def __init__(self, files: dict[str, str] | str) -> None:
        given = {"job.py": files} if isinstance(files, str) else files
        self.pipeline: Pipeline = linked({path: dedent(text) for path, text in given.items()})

    def schedule(self, name: str = "") -> Schedule:
        """The schedule called *name*, or the only one."""
        (found,) = (s for s in self.pipeline.all(Schedule) if name in ("", s.name))
        return found

    def steps(self, name: str = "") -> dict[str, Step]:
        """The steps of a flow by name."""
        schedule = self.schedule(name)
        return {s.name: s for s in self.pipeline.all(Step) if s.pipeline == schedule.identity}

    def edges(self, name: str = "") -> set[str]:
        """The edges of a flow: ``a>b``."""
        head = f"{self.schedule(name).identity}/"
        return {
            f"{e.before.removeprefix(head)}>{e.after.removeprefix(head)}"
            for e in self.pipeline.all(Edge)
            if e.before.startswith(head)
        }


@pytest.mark.parametrize(("path", "claimed"), [("a/flow.py", True), ("flow.ipynb", False), ("flow.yaml", False)])
def test_claims(path: str, claimed: bool) -> None:
    """Flows are Python source."""
    assert READER.claims(path) is claimed


@pytest.mark.parametrize(
    "text",
    [
        "from prefect import flow\ndef broken(:",
        "# prefect, metaflow and flytekit\nx = 1",
        "from .metaflow import FlowSpec\nclass A(FlowSpec): pass",
        "",
    ],
)
def test_files_of_nothing_of_the_kind_say_nothing(text: str) -> None:
    """Broken files, mentions without an import, and modules of one's own that are called like a tool."""
    assert read(text) == []


# ------------------------------------------------------------------------------------------------------ Metaflow

METAFLOW = """
from metaflow import FlowSpec, Parameter, batch, environment, kubernetes, project, retry, schedule, step
import os

@project(name="ranking")
@schedule(cron="0 3 * * *")
class TrainFlow(FlowSpec):
    alpha = Parameter("alpha", default=0.1)

    @step
    def start(self):
        self.next(self.left, self.right)

    @retry(times=2)
    @kubernetes(image="registry/train:1", memory=8000)
    @environment(vars={"TOKEN": "abc", "MODE": os.getenv("MODE")})
    @step
    def left(self):
        self.parts = [1, 2]
        self.next(self.each, foreach="parts")

    @step
    def each(self):
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.next(self.join)

    @step
    def right(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass

    def helper(self):
        return 1
"""


def test_a_metaflow_class_is_a_pipeline() -> None:
    """Steps, order, what runs once for each element, and what runs each step: as Metaflow's own graph has it."""
    flow = Linked(METAFLOW)
    schedule = flow.schedule()
    assert (schedule.identity, schedule.when) == ("metaflow:job.py#TrainFlow", Literal("0 3 * * *"))
    assert schedule.complete
    assert schedule.setting("parameter.alpha") is not None
    assert schedule.setting("project.name") is not None
    assert flow.edges() == {
        *("start>left", "start>right", "left>each", "each>gather", "gather>join", "right>join", "join>end"),
    }
    steps = flow.steps()
    assert [name for name, step in steps.items() if step.mapped] == ["each"]
    left = steps["left"]
    assert left.operator == "metaflow.kubernetes"
    assert left.callee == Callee(path="job.py", name="TrainFlow.left")
    assert left.image == Literal("registry/train:1")
    assert [(s.name, s.value) for s in left.settings] == [
        ("retry.times", Literal(2)),
        ("kubernetes.image", Literal("registry/train:1")),
        ("kubernetes.memory", Literal(8000)),
    ]
    mode = EnvVar("MODE")
    assert [(v.name, v.value) for v in left.variables] == [("TOKEN", SecretKey("job.py", "TOKEN")), ("MODE", mode)]


@pytest.mark.parametrize(
    ("decorator", "when"),
    [
        ("@schedule(hourly=True)", Literal("@hourly")),
        ("@schedule(weekly=True)", Literal("@weekly")),
        ("@schedule", Literal("@daily")),
        ("@schedule(cron='0 1 * * *')", Literal("0 1 * * *")),
        ("@project(name='x')", None),
    ],
)
def test_metaflow_runs_daily_unless_its_schedule_says_otherwise(decorator: str, when: Expr | None) -> None:
    """https://docs.metaflow.org/api/flow-decorators/schedule"""
    text = f"""
from metaflow import *
from metaflow import FlowSpec, step, schedule, project
{decorator}
class F(FlowSpec):
    @step
    def start(self):
        self.next(self.end)
    @step
    def end(self):
        pass
"""
    assert Linked(text).schedule().when == when


def test_a_switch_goes_one_way() -> None:
    """Of the steps that a switch names one runs; the step behind them waits for that one, and joins nothing."""
    flow = Linked("""
        from metaflow import FlowSpec, step
        class F(FlowSpec):
            @step
            def start(self):
                self.next({"a": self.one, "b": self.two}, condition="kind")
            @step
            def one(self):
                self.next(self.end)
            @step
            def two(self):
                self.next(self.end)
            @step
            def end(self):
                pass
        """)
    assert flow.edges() == {"start>one", "start>two", "one>end", "two>end"}
    assert flow.steps()["end"].trigger_rule == "one_success"
    assert flow.schedule().complete


def test_steps_are_inherited_over_files() -> None:
    """A flow has the steps of its bases; a base that cannot run alone is no flow; what it overrides is its own."""
    flow = Linked(
        {
            "flows/base.py": """
                from metaflow import FlowSpec, step
                class Base(FlowSpec):
                    @step
                    def start(self):
                        self.next(self.train)
                    @step
                    def end(self):
                        pass
                """,
            "flows/mixin.py": "class Helpers:\n    def load(self): ...\n",
            "flows/train.py": """
                from metaflow import step
                from .base import Base
                from .mixin import Helpers
                class Train(Base, Helpers):
                    @step
                    def train(self):
                        self.next(self.end)
                """,
        }
    )
    train = flow.schedule("Train")
    assert train.complete
    assert flow.edges("Train") == {"start>train", "train>end"}
    assert flow.steps("Train")["start"].callee == Callee(path="flows/base.py", name="Base.start")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "class F(FlowSpec, Base):\n @step\n def start(self): self.next(self.end)\n @step\n def end(self): pass",
            "Base",
        ),
        (
            "class F(FlowSpec):\n @step\n def start(self):\n  if 1: self.next(self.end)\n @step\n def end(self): pass",
            "next",
        ),
        ("class F(FlowSpec):\n @step\n def start(self): self.next(self.go)\n @step\n def go(self): pass", "last"),
    ],
)
def test_what_of_a_metaflow_cannot_be_told_is_said(text: str, reason: str) -> None:
    """A base from elsewhere may bring steps; a step that Metaflow could not read has no successor."""
    schedule = Linked(f"from metaflow import FlowSpec, step\nfrom company import Base\n{text}\n").schedule()
    assert not schedule.complete
    assert reason in schedule.reason


def test_the_end_of_one_flow_starts_another() -> None:
    """``@trigger_on_finish`` names flows by their class, be it with project and branch before it."""
    flow = Linked("""
        from metaflow import FlowSpec, step, trigger_on_finish
        @trigger_on_finish(flows=["Load", "shop.prod.Clean", {"name": "Check"}])
        class F(FlowSpec):
            @step
            def start(self):
                self.next(self.end)
            @step
            def end(self):
                pass
        """)
    waits = flow.pipeline.all(Wait)
    assert {w.step for w in waits} == {"metaflow:job.py#F/start"}
    assert [w.target_pipeline for w in waits] == [Literal("Load"), Literal("Clean"), Literal("Check")]


def test_what_a_run_leaves_is_a_dataset_that_other_code_reads() -> None:
    """The artifacts of a flow are written by its last step, and read by whoever asks for a run of it."""
    files = {
        "job.py": METAFLOW,
        "serve.py": """
            from metaflow import Flow, Run
            def load(name):
                found = Flow("TrainFlow").latest_successful_run.data.model
                return found, Run(f"TrainFlow/{name}"), Flow(name), Run(name)
            """,
    }
    accesses = [a for a in Linked(files).pipeline.all(DatasetAccess) if a.api.startswith("metaflow.")]
    told = {(a.path, a.mode, a.target) for a in accesses if isinstance(a.target, Literal)}
    target = Literal("metaflow://TrainFlow")
    assert told == {("job.py", "write", target), ("serve.py", "read", target)}
    assert sum(isinstance(a.target, Concat) for a in accesses) == 1


def test_a_flow_that_reads_its_own_runs() -> None:
    """``Flow(current.flow_name)`` is the flow that it stands in."""
    found = read("""
        from metaflow import FlowSpec, Flow, current, step
        class Train(FlowSpec):
            @step
            def start(self):
                self.old = Flow(current.flow_name).latest_run
                self.next(self.end)
        """)
    (access,) = (f for f in found if isinstance(f, DatasetAccess))
    assert access.target == Literal("metaflow://Train")


# ------------------------------------------------------------------------------------------------------- Prefect

PREFECT = """
import asyncio
from prefect import flow, task, unmapped
from prefect.deployments import run_deployment
from prefect.futures import wait

@task(retries=2)
def load(x=None): ...
@task(name="clean it")
def clean(x=None): ...
@task
def train(x=None, y=None): ...
@task
async def fetch(x=None): ...
"""


def prefect(body: str, head: str = "@flow") -> Linked:
    """A flow of *body*."""
    indented = "\n".join(f"    {line}" for line in dedent(body).strip().splitlines())
    define = "async def" if "await" in body else "def"
    return Linked(f"{PREFECT}\n{head}\n{define} my_flow():\n{indented}\n")


@pytest.mark.parametrize(
    ("body", "edges"),
    [
        ("load()\nclean()\ntrain()", {"load>clean it", "clean it>train"}),
        ("a = load.submit()\nb = clean.submit()\ntrain(a, b)", {"load>train", "clean it>train"}),
        ("a = load.submit()\nclean.submit(wait_for=[a])", {"load>clean it"}),
        ("a = load.submit()\nclean.submit()", set()),
        ("a = load.submit()\na.result()\nclean.submit()", {"load>clean it"}),
        ("a = [load.submit()]\nwait(a)\nclean.submit()", {"load>clean it"}),
        ("a = load()\nclean.submit()\ntrain.submit(a)", {"load>clean it", "load>train"}),
        ("a, b = load.submit(), clean.submit()\ntrain.submit(b)", {"clean it>train"}),
        ("fs = []\nfs.append(load.submit())\ntrain.submit(fs)", {"load>train"}),
        ("fs = {}\nfs['x'] = load.submit()\ntrain.submit(fs)", {"load>train"}),
        ("await asyncio.gather(fetch(), fetch())\nclean()", {"fetch>clean it", "fetch-1>clean it"}),
        ("await fetch()\nawait fetch()", {"fetch>fetch-1"}),
        ("f = await load.submit()\nclean.submit()", set()),
        ("x = load.with_options(name='slow')()\nclean(x)", {"slow>clean it"}),
        ("mine = load\nmine()\nclean()", {"load>clean it"}),
    ],
)
def test_what_a_prefect_flow_waits_for(body: str, edges: set[str]) -> None:
    """A task that is called is waited for; one that is submitted only where its future is asked for, or handed on."""
    flow = prefect(body)
    assert flow.edges() == edges
    assert flow.schedule().complete


def test_steps_of_a_prefect_flow() -> None:
    """A step is a call of a task, under the name that Prefect shows; a second call is numbered."""
    flow = prefect("load(1)\nload(2)\nclean.map([1, 2])", '@flow(name="nightly", retries=1)')
    schedule = flow.schedule()
    assert (schedule.identity, [s.name for s in schedule.settings]) == ("prefect:job.py#nightly", ["retries"])
    steps = flow.steps()
    assert list(steps) == ["load", "load-1", "clean it"]
    assert steps["load"].callee == Callee(path="job.py", name="load")
    assert [(s.name, s.value) for s in steps["load"].settings] == [("retries", Literal(2))]
    assert steps["clean it"].mapped


def test_what_stands_in_a_loop_is_mapped() -> None:
    """However often a loop runs, its task is one step."""
    flow = prefect("for x in items():\n    a = load(x)\n    clean(a)\ntrain()")
    assert {n for n, s in flow.steps().items() if s.mapped} == {"load", "clean it"}
    assert flow.edges() == {"load>clean it", "clean it>train"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("if load():\n    clean()", "clean it is run in some cases only"),
        ("if x:\n    return\nclean()", "clean it is run in some cases only"),
        ("try:\n    load()\nexcept ValueError:\n    clean()", "clean it is run in some cases only"),
        ("for t in [load, clean]:\n    t()", "load is passed on"),
    ],
)
def test_what_of_a_prefect_flow_only_a_run_tells(body: str, reason: str) -> None:
    """What some runs leave out, and tasks that the flow hands to others."""
    schedule = prefect(body).schedule()
    assert not schedule.complete
    assert reason in schedule.reason


def test_branches_meet_again() -> None:
    """What follows a condition comes after whichever branch ran."""
    assert prefect("load()\nif x:\n    clean()\ntrain()").edges() == {"load>clean it", "load>train", "clean it>train"}


def test_functions_of_the_file_are_entered() -> None:
    """A plain function that calls tasks is a part of the flow; what it returns comes from them."""
    flow = Linked(
        PREFECT
        + dedent("""
            def prepare(x):
                return clean.submit(load.submit(x))
            @flow
            def my_flow():
                train.submit(prepare(1))
            """)
    )
    assert flow.edges() == {"load>clean it", "clean it>train"}


def test_tasks_of_other_files_are_found_and_other_functions_left_out() -> None:
    """Order goes through calls that are no tasks; a function of another file that calls tasks is a doubt."""
    files = {
        "jobs/tasks.py": "from prefect import task\n@task\ndef load(): ...\n@task\ndef save(x): ...\n",
        "jobs/plain.py": "from .tasks import load\ndef shape(x): return x\ndef more(): load()\n",
        "jobs/flow.py": """
            from prefect import flow
            from jobs import tasks
            from jobs.plain import shape
            from jobs.tasks import load
            import pandas as pd
            @flow
            def nightly():
                data = shape(load.submit())
                tasks.save.submit(pd.DataFrame(data))
            """,
    }
    flow = Linked(files)
    assert flow.edges() == {"load>save"}
    assert flow.schedule().complete
    assert flow.steps()["save"].callee == Callee(path="jobs/tasks.py", name="save")
    files["jobs/flow.py"] = (
        files["jobs/flow.py"]
        .replace("import shape", "import more, shape")
        .replace("data = shape", "more()\n                data = shape")
    )
    assert "more, of another file, calls tasks" in Linked(files).schedule().reason


def test_tasks_that_a_flow_imports_itself() -> None:
    """An import inside of the flow counts; what is submitted and stands nowhere is a doubt."""
    flow = Linked(
        {
            "jobs/tasks.py": "from prefect import task\n@task\ndef load(): ...\n@task\ndef save(): ...\n",
            "jobs/flow.py": """
                from prefect import flow
                from company import export
                @flow
                def nightly():
                    from jobs.tasks import load, save
                    load()
                    save()
                    export.submit()
                """,
        }
    )
    assert flow.edges() == {"load>save"}
    assert "export, which is submitted" in flow.schedule().reason


def test_a_flow_starts_flows() -> None:
    """A subflow is a step that triggers it; so is a deployment that is run by name, waited for unless told not to."""
    flow = Linked(
        PREFECT
        + dedent("""
            @flow
            def child_flow(): ...
            @flow
            def parent():
                child_flow()
                run_deployment("score/daily", timeout=0)
            """)
    )
    triggers = {t.step.rpartition("/")[0] + "|" + t.step: t for t in flow.pipeline.all(Trigger)}
    found = {(t.target_pipeline, t.waits) for t in triggers.values()}
    assert found == {(Literal("child-flow"), True), (Literal("score"), False)}
    assert flow.edges("parent") == {"child-flow>score/daily"}
    assert list(flow.steps("child-flow")) == ["child-flow"]


def test_deployments_in_code() -> None:
    """``serve``, ``deploy``, ``to_deployment`` and Prefect 2's ``build_from_flow`` give a flow its schedule."""
    text = """
        from datetime import timedelta
        from prefect import flow
        from prefect.deployments import Deployment
        from prefect.server.schemas.schedules import CronSchedule
        @flow
        def a(): ...
        @flow
        def b(): ...
        @flow
        def c(): ...
        a.serve(name="often", interval=timedelta(minutes=5), parameters={"x": 1})
        b.deploy(name="daily", cron="0 1 * * *", work_pool_name="k8s", image="r/i:1", job_variables={"env": {"K": "v"}})
        Deployment.build_from_flow(flow=c, name="old", schedule=CronSchedule(cron="0 2 * * *"))
        flow.from_source(source="https://git/x.git", entrypoint="job.py:c").deploy(name="new", cron="0 4 * * *")
        """
    flows = Linked(text)
    assert flows.schedule("a").when == Made("datetime.timedelta", (), (("minutes", Literal(5)),))
    assert flows.schedule("b").when == Literal("0 1 * * *")
    assert flows.schedule("c").when == Choice((Literal("0 2 * * *"), Literal("0 4 * * *")))
    step = flows.steps("b")["b"]
    assert (step.image, [(v.name, v.value) for v in step.variables]) == (Literal("r/i:1"), [("K", Literal("v"))])
    assert flows.schedule("b").setting("deployment.daily.work_pool_name") is not None


def test_assets_of_prefect_are_datasets() -> None:
    """``@materialize`` names what a task makes, and what that is made of."""
    found = read("""
        from prefect.assets import Asset, materialize
        @materialize("s3://shop/clean.csv", asset_deps=[Asset(key="s3://shop/raw.csv")])
        def clean(): ...
        """)
    accesses = {(f.mode, f.target) for f in found if isinstance(f, DatasetAccess)}
    assert accesses == {("write", Literal("s3://shop/clean.csv")), ("read", Literal("s3://shop/raw.csv"))}


def test_a_flow_without_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flow that takes too many steps is a diagnostic, and incomplete."""
    monkeypatch.setattr("pytest_mlbreaks.readers.flows.trace.STEP_LIMIT", 10)
    found = read(PREFECT + "@flow\ndef f():\n" + "    load()\n" * 20)
    assert any(isinstance(one, Diagnostic) for one in found)
    (code,) = (one for one in found if isinstance(one, FlowCode))
    assert code.doubts


# ----------------------------------------------------------------------------------------------------- prefect.yaml

SHEET = """
name: shop
build:
  - prefect_docker.deployments.steps.build_docker_image:
      id: build_image
      image_name: registry/shop
      tag: "7"
      dockerfile: docker/Dockerfile
push:
  - prefect_docker.deployments.steps.push_docker_image:
      image_name: "{{ build_image.image_name }}"
deployments:
  - name: nightly
    entrypoint: flows/train.py:train
    parameters: {days: 3, api_token: abc}
    schedules:
      - cron: 0 3 * * *
      - interval: 3600
        active: false
    work_pool:
      name: k8s
      job_variables:
        image: "{{ build_image.image }}"
        env: {STAGE: prod, DB_PASSWORD: hunter2, HOST: "{{ $DB_HOST }}"}
  - name: broken
"""


def sheet(text: str) -> list[Fact | Diagnostic]:
    """What is said of a ``prefect.yaml``."""
    return list(PREFECT_YAML.read(YAML.parse(Source("ml/prefect.yaml", text.encode())), Wanted()))


def test_prefect_yaml() -> None:
    """Entry, schedule, image and variables of a deployment, with the image that its build step makes; no secrets."""
    found = sheet(SHEET)
    (deployment,) = (f for f in found if isinstance(f, FlowDeployment))
    assert (deployment.entry, deployment.function) == (Literal("ml/flows/train.py"), "train")
    assert deployment.when == Literal("0 3 * * *")
    assert deployment.image == Literal("registry/shop:7")
    values = {v.name: v.value for v in deployment.variables}
    assert values["STAGE"] == Literal("prod")
    assert values["DB_PASSWORD"] == SecretKey("ml/prefect.yaml", "DB_PASSWORD")
    assert values["HOST"] == EnvVar("DB_HOST", scope="host")
    (parameters,) = (s.value for s in deployment.settings if s.name == "parameters")
    assert isinstance(parameters, Entries)
    assert dict(parameters.entries)["api_token"] == SecretKey("ml/prefect.yaml", "api_token")
    (build,) = (f for f in found if isinstance(f, ImageBuild))
    assert (build.images, build.dockerfile) == ((Literal("registry/shop:7"),), Literal("ml/docker/Dockerfile"))
    assert build.pushes


def test_a_deployment_of_prefect_yaml_gives_its_flow_image_and_schedule() -> None:
    """The flow's steps run in the deployment's image."""
    code = "from prefect import flow, task\n@task\ndef fit(): ...\n@flow\ndef train():\n    fit()\n"
    flow = Linked({"ml/prefect.yaml": SHEET, "ml/flows/train.py": code})
    assert flow.schedule("train").when == Literal("0 3 * * *")
    assert flow.steps("train")["fit"].image == Literal("registry/shop:7")


@pytest.mark.parametrize(
    "text", ["", "[]", "deployments: 3", "deployments: [a, {entrypoint: [x]}]", "build: {a: b}", "build: [a, {b: c}]"]
)
def test_odd_sheets_say_nothing(text: str) -> None:
    """What is no list of deployments is none."""
    assert sheet(text) == []


@pytest.mark.parametrize(
    ("path", "claimed"), [("prefect.yaml", True), ("a/prefect.yaml", True), ("myprefect.yaml", False)]
)
def test_claims_of_prefect_yaml(path: str, claimed: bool) -> None:
    """Prefect knows its file by this name."""
    assert PREFECT_YAML.claims(path) is claimed


# --------------------------------------------------------------------------------------------------------- Flyte

FLYTE = """
import functools
from datetime import timedelta
from flytekit import CronSchedule, ImageSpec, LaunchPlan, conditional, create_node, dynamic, map_task, task, workflow

image = ImageSpec(name="train", registry="ghcr.io/shop", packages=["pandas"])

@task(container_image=image, environment={"MODE": "x"}, retries=1)
def load(x: int = 1) -> int: ...
@task
def clean(x: int = 1) -> int: ...
@task
def train(x: int = 1, y: int = 1) -> int: ...
"""


def flyte(body: str) -> Linked:
    """A workflow of *body*."""
    indented = "\n".join(f"    {line}" for line in dedent(body).strip().splitlines())
    return Linked(f"{FLYTE}\n@workflow\ndef wf():\n{indented}\n")


@pytest.mark.parametrize(
    ("body", "edges"),
    [
        ("load()\nclean()", set()),
        ("a = load()\nb = clean(x=a)\ntrain(x=a, y=b)", {"load>clean", "load>train", "clean>train"}),
        ("a = load()\nb = clean()\nb >> a", {"clean>load"}),
        (
            "a = create_node(load)\nb = create_node(clean)\nc = create_node(train)\na >> b >> c",
            {"load>clean", "clean>train"},
        ),
        ("a = load()\nmap_task(clean)(x=a)", {"load>clean"}),
        ("a = load()\np = functools.partial(train, x=a)\nmap_task(p)(y=[1])", {"load>train"}),
        ("a = load().with_overrides(retries=3)\nclean(x=a)", {"load>clean"}),
        (
            "a = load()\nb = conditional('c').if_(a == 1).then(clean(x=1)).else_().then(clean(x=2))\ntrain(x=b)",
            {"load>clean", "load>clean-1", "clean>train", "clean-1>train"},
        ),
    ],
)
def test_what_a_flyte_node_waits_for(body: str, edges: set[str]) -> None:
    """What it is given, ``>>``, and the condition that it stands under; the order of the code is none."""
    flow = flyte(body)
    assert flow.edges() == edges
    assert flow.schedule().complete


def test_steps_of_a_workflow() -> None:
    """Image, variables and packages of a task go with it."""
    step = flyte("load()").steps()["load"]
    assert (step.operator, step.callee) == ("flytekit.task", Callee(path="job.py", name="load"))
    tag = Unknown("a tag that is made of the image's contents")
    assert step.image == Concat((Literal("ghcr.io/shop/train:"), tag))
    assert [(v.name, v.value) for v in step.variables] == [("MODE", Literal("x"))]
    packages = step.setting("image.packages")
    assert packages is not None
    assert packages.value == Items((Literal("pandas"),))


def test_launch_plans_and_dynamic_workflows() -> None:
    """A launch plan gives a schedule; what a dynamic workflow calls is decided when it runs."""
    flows = Linked(
        FLYTE
        + dedent("""
            @dynamic
            def fan(n: int):
                for i in range(n):
                    load(x=i)
            @workflow
            def wf():
                fan(n=3)
            plan = LaunchPlan.get_or_create(workflow=wf, name="daily", schedule=CronSchedule(schedule="0 1 * * *"))
            @workflow
            def outer():
                plan()
            """)
    )
    assert flows.schedule("wf").when == Literal("0 1 * * *")
    assert flows.schedule("wf").complete
    assert "dynamic" in flows.schedule("fan").reason
    assert flows.steps("fan")["load"].mapped
    assert [t.target_pipeline for t in flows.pipeline.all(Trigger)] == [Literal("wf")]


@given(
    st.lists(
        st.sampled_from(
            [
                *("@flow", "@task", "@workflow", "def f(x):", "    f()", "    y = f.submit(x)", "class A(FlowSpec):"),
                *("    @step", "    def start(self):", "        self.next(self.end)", "    for i in f(): f(i)"),
                *("    return await f()", "    if f(): f.map(f)", "f = task(f)", "f >> f", "    [f(i) for i in f]"),
                "    conditional(f).if_(f()).then(f()).else_().fail('x')",
            ]
        ),
        max_size=12,
    )
)
def test_no_order_of_lines_breaks_the_reader(lines: list[str]) -> None:
    """Whatever parses is read."""
    heads = "from prefect import flow, task\nfrom metaflow import FlowSpec, step\nfrom flytekit import conditional\n"
    try:
        document = PYTHON.parse(Source("a.py", (heads + "\n".join(lines)).encode()))
    except Unreadable:
        return
    list(READER.read(document, Wanted()))
