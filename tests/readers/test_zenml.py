"""ZenML: what its reader says of pipelines, and what link makes of it."""

from __future__ import annotations

from textwrap import indent

import pytest

from pytest_mlbreaks.model import Pipeline
from pytest_mlbreaks.model.expr import Literal
from pytest_mlbreaks.model.facts import Callee, Edge, FlowDeployment, Schedule, Step
from pytest_mlbreaks.testing import linked

STEPS = """\
from zenml import pipeline, step
from zenml.config.schedule import Schedule

@step
def load():
    return 1

@step(enable_cache=False, name="clean_data")
def clean(data):
    return data

@step(settings={"docker": 1})
def train(data, other=None):
    return data
"""


def pipeline(body: str, head: str = "@pipeline\ndef training(data=None):\n", **files: str) -> Pipeline:
    """A repository with one pipeline of that body, and other files."""
    return linked({"pipelines/training.py": STEPS + head + indent(body, "    ") + "\n", **files})


def edges(found: Pipeline) -> set[str]:
    """The edges between the steps, by their names."""
    return {
        f"{edge.before.rpartition('/')[2]}>{edge.after.rpartition('/')[2]}"
        for edge in found.all(Edge)
        if edge.before.startswith("zenml:")
    }


def schedule(found: Pipeline) -> Schedule:
    (one,) = (s for s in found.all(Schedule) if s.orchestrator == "zenml")
    return one


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("data = load()\ndata = clean(data)\ntrain(data=data)", {"load>clean_data", "clean_data>train"}),
        ("load()\ntrain(1)", set()),
        ("train(clean(load()), after=load())", {"load>clean_data", "clean_data>train", "load_2>train"}),
        (
            "load(id='first')\nclean(1, after=['first'])\ntrain(2, after='clean_data')",
            {"first>clean_data", "clean_data>train"},
        ),
        ("a = load()\nb = load()\ntrain(a, other=b)", {"load>train", "load_2>train"}),
        ("fit = train.with_options(parameters={'x': 1})\nfit(load())", {"load>train"}),
        ("train.with_options(step_operator='k8s')(load())", {"load>train"}),
        ("x, y = load()\ntrain(x)\nclean(y)", {"load>train", "load>clean_data"}),
    ],
)
def test_steps_and_order(body: str, expected: set[str]) -> None:
    """A call is a step; it waits for what it is given, and for what ``after`` names. Later calls have a number."""
    found = pipeline(body)
    assert edges(found) == expected
    assert schedule(found).complete


@pytest.mark.parametrize(
    ("body", "head", "reason"),
    [
        ("if data:\n    load()\ntrain(1)", None, "load is run in some cases only"),
        ("train(data())", None, "data, a parameter, may be a step"),
        ("names = ['load']\nload()\ntrain(1, after=names)", None, "what a step waits for is put together"),
        (
            "load()",
            "@pipeline(dynamic=True)\ndef training():\n",
            "what a dynamic pipeline calls is decided when it runs",
        ),
        (
            "other()",
            "@pipeline\ndef other():\n    load()\n\n@pipeline\ndef training():\n",
            "the steps of the pipeline other",
        ),
    ],
)
def test_what_keeps_a_pipeline_open(body: str, head: str | None, reason: str) -> None:
    """It counts as incomplete, with the reason."""
    found = pipeline(body, *([head] if head else []))
    (one,) = (s for s in found.all(Schedule) if s.name == "training")
    assert not one.complete
    assert reason in one.reason


def test_a_step_runs_its_function() -> None:
    """Of whatever file it is; operator and settings are those of its decorator."""
    found = linked(
        {
            "steps/__init__.py": "from steps.fit import fit\n",
            "steps/fit.py": "from zenml import step\n\n@step(experiment_tracker='mlflow')\ndef fit(data):\n    pass\n",
            "run.py": (
                "from steps import fit\nfrom zenml import pipeline\n\n"
                "@pipeline(name='nightly', enable_cache=False)\ndef training():\n    fit(1)\n"
            ),
        }
    )
    (step,) = found.all(Step)
    assert (step.name, step.operator, step.callee) == ("fit", "zenml.step", Callee(path="steps/fit.py", name="fit"))
    assert [(s.name, s.value) for s in step.settings] == [("experiment_tracker", Literal("mlflow"))]
    assert schedule(found).name == "nightly"


def test_a_step_of_zenml_itself() -> None:
    """What is called like one, and comes from a package of its own."""
    head = "from zenml.integrations.evidently.steps import evidently_report_step\n\n@pipeline\ndef training():\n"
    found = pipeline("report = evidently_report_step.with_options(parameters=1)\nreport(load())", head)
    assert edges(found) == {"load>evidently_report_step"}


@pytest.mark.parametrize(
    "run",
    [
        "training.with_options(schedule=Schedule(cron_expression='0 3 * * *', name='nightly'))()",
        "s = Schedule(cron_expression='0 3 * * *', name='nightly')\np = training.with_options(schedule=s)\np()",
    ],
)
def test_schedules(run: str) -> None:
    """A pipeline is scheduled where it is given a schedule, in whatever file."""
    files = {"run.py": f"from pipelines.training import training\nfrom zenml.config.schedule import Schedule\n{run}\n"}
    found = pipeline("load()", **files)
    (deployment,) = found.all(FlowDeployment)
    assert deployment.name == "nightly"
    assert schedule(found).when == Literal("0 3 * * *")


def test_other_code_is_none_of_it() -> None:
    """Decorators of that name of other libraries, and files that do not import ZenML."""
    found = linked(
        {"a.py": "from other import step, pipeline\n\n@step\ndef a():\n    pass\n\n@pipeline\ndef p():\n    a()\n"}
    )
    assert not found.all(Schedule)
