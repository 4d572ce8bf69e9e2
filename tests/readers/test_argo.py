"""Argo Workflows: what their templates make of steps and edges."""

from __future__ import annotations

import textwrap

from pytest_mlbreaks.formats.yaml import YAML
from pytest_mlbreaks.model.expr import Items, Literal
from pytest_mlbreaks.model.facts import Edge, Schedule, Step, Trigger
from pytest_mlbreaks.readers.argo import READER
from pytest_mlbreaks.reading import Source, Wanted

LEAF = """
  - name: run
    container: {image: "ml:1", command: [python, train.py]}
"""


def read(text: str, path: str = "argo/train.yaml") -> list[object]:
    """The facts of one file."""
    return list(READER.read(YAML.parse(Source(path, text.encode())), Wanted()))


def workflow(spec: str, kind: str = "Workflow") -> list[object]:
    """The facts of one workflow with the templates in *spec*, and one called ``run``."""
    head = f"apiVersion: argoproj.io/v1alpha1\nkind: {kind}\nmetadata: {{name: train}}\nspec:\n"
    return read(head + textwrap.indent(textwrap.dedent(spec), "  ") + LEAF)


def steps(facts: list[object]) -> dict[str, Step]:
    """The steps by name."""
    return {fact.name: fact for fact in facts if isinstance(fact, Step)}


def edges(facts: list[object]) -> set[tuple[str, str]]:
    """The edges by the names of their steps."""
    head = "argo:argo/train.yaml#train/"
    found = [fact for fact in facts if isinstance(fact, Edge)]
    return {(edge.before.removeprefix(head), edge.after.removeprefix(head)) for edge in found}


def schedule(facts: list[object]) -> Schedule:
    """The one schedule."""
    (found,) = (fact for fact in facts if isinstance(fact, Schedule))
    return found


def test_a_graph_runs_by_its_dependencies() -> None:
    """``dependencies`` and the names in ``depends`` come before; what depends asks for beyond success is the rule."""
    facts = workflow("""
        entrypoint: main
        templates:
        - name: main
          dag:
            tasks:
            - {name: load, template: run}
            - {name: train, template: run, dependencies: [load]}
            - {name: alarm, template: run, depends: "train.Failed || load.Errored"}
            - {name: push, template: run, depends: "train.Succeeded && load"}
    """)
    assert edges(facts) == {
        ("load", "train"),
        ("train", "alarm"),
        ("load", "alarm"),
        ("train", "push"),
        ("load", "push"),
    }
    assert steps(facts)["alarm"].trigger_rule == "train.Failed || load.Errored"
    assert steps(facts)["push"].trigger_rule == ""
    assert steps(facts)["train"].image == Literal("ml:1")
    assert schedule(facts).complete


def test_lists_of_steps_run_one_after_the_other() -> None:
    """Everything in one list comes before everything in the next, and items make one step for all of them."""
    facts = workflow("""
        entrypoint: main
        templates:
        - name: main
          steps:
          - - {name: a, template: run}
            - {name: b, template: run, withItems: [1, 2]}
          - - {name: c, template: run}
    """)
    assert edges(facts) == {("a", "c"), ("b", "c")}
    assert steps(facts)["b"].mapped
    assert not steps(facts)["a"].mapped


def test_a_graph_in_a_graph_comes_after_the_whole_of_what_is_before_it() -> None:
    """Steps of nested templates are named by the path to them."""
    facts = workflow("""
        entrypoint: main
        templates:
        - name: main
          steps:
          - - {name: prepare, template: two}
          - - {name: train, template: run}
        - name: two
          dag:
            tasks:
            - {name: one, template: run}
            - {name: other, template: run, depends: one}
    """)
    assert edges(facts) == {("prepare/one", "prepare/other"), ("prepare/other", "train")}
    assert steps(facts)["prepare/one"].group == "prepare"


def test_a_cron_workflow_tells_when_and_how_it_runs() -> None:
    """Its schedule, or schedules, and what it does about runs that take too long."""
    head = "apiVersion: argoproj.io/v1alpha1\nkind: CronWorkflow\nmetadata: {name: train}\nspec:\n"
    body = "  concurrencyPolicy: Forbid\n  workflowSpec:\n    activeDeadlineSeconds: 60\n    entrypoint: run\n"
    templates = "    templates:\n    - name: run\n      container: {image: x}\n"
    one = schedule(read(f'{head}  schedule: "0 3 * * *"\n{body}{templates}'))
    assert one.when == Literal("0 3 * * *")
    told = {setting.name: setting.value for setting in one.settings}
    assert told["concurrencyPolicy"] == Literal("Forbid")
    assert told["activeDeadlineSeconds"] == Literal(60)
    several = schedule(read(f'{head}  schedules: ["0 3 * * *", "0 9 * * *"]\n{body}{templates}'))
    assert several.when == Items((Literal("0 3 * * *"), Literal("0 9 * * *")))


def test_templates_of_other_objects_are_triggered() -> None:
    """``templateRef`` and ``workflowTemplateRef`` name another workflow, which the step waits for."""
    facts = workflow("""
        entrypoint: main
        templates:
        - name: main
          dag:
            tasks:
            - {name: shared, templateRef: {name: tools, template: fetch}}
    """)
    (trigger,) = (fact for fact in facts if isinstance(fact, Trigger))
    assert trigger.target_pipeline == Literal("tools")
    assert trigger.waits
    assert trigger.step == steps(facts)["shared"].identity
    whole = read(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {generateName: nightly-}\n"
        "spec:\n  workflowTemplateRef: {name: train}\n"
    )
    assert schedule(whole).name == "nightly"
    assert [f.target_pipeline for f in whole if isinstance(f, Trigger)] == [Literal("train")]


def test_an_exit_handler_comes_after_everything_whatever_happened() -> None:
    """``onExit`` of the workflow and of one task."""
    facts = workflow("""
        entrypoint: main
        onExit: run
        templates:
        - name: main
          dag:
            tasks:
            - {name: train, template: run, onExit: run}
    """)
    assert edges(facts) == {("train", "train/onExit"), ("train", "onExit")}
    assert steps(facts)["onExit"].trigger_rule == "all_done"


def test_a_template_that_runs_itself_is_not_all_told() -> None:
    """A recursion ends the first time round, and makes the workflow incomplete."""
    facts = workflow("""
        entrypoint: flip
        templates:
        - name: flip
          steps:
          - - {name: toss, template: run}
          - - {name: again, template: flip, when: "{{steps.toss.outputs.result}} == tails"}
    """)
    assert set(steps(facts)) == {"toss", "again"}
    assert schedule(facts).reason == "template flip runs itself"


def test_a_library_is_told_from_what_nothing_else_in_it_runs() -> None:
    """Without an entrypoint each template that no other one runs is a beginning."""
    facts = workflow(
        """
        templates:
        - name: fit
          dag: {tasks: [{name: a, template: run}]}
        - name: score
          dag: {tasks: [{name: a, template: run}]}
    """,
        kind="WorkflowTemplate",
    )
    assert set(steps(facts)) == {"fit/a", "score/a"}


def test_what_is_missing_is_a_doubt() -> None:
    """A template that is not in the file, one whose name is computed, a task that is not in its graph."""
    facts = workflow("""
        entrypoint: main
        templates:
        - name: main
          dag:
            tasks:
            - {name: a, template: nowhere}
            - {name: b, template: "{{inputs.parameters.t}}", depends: gone}
    """)
    assert not schedule(facts).complete
    assert schedule(facts).reason == (
        "template nowhere is not in the file; the name of a template is computed; task gone is not in its graph"
    )


def test_a_sensor_starts_workflows_that_stand_in_it() -> None:
    """The resource of a trigger of Argo Events is a workflow like any other."""
    facts = read(
        textwrap.dedent("""
        apiVersion: argoproj.io/v1alpha1
        kind: Sensor
        metadata: {name: on-data}
        spec:
          triggers:
          - template:
              argoWorkflow:
                source:
                  resource:
                    apiVersion: argoproj.io/v1alpha1
                    kind: Workflow
                    metadata: {generateName: retrain-}
                    spec:
                      entrypoint: go
                      templates: [{name: go, container: {image: x}}]
        """)
    )
    assert schedule(facts).name == "retrain"
    assert set(steps(facts)) == {"go"}


def test_other_objects_of_the_group_and_other_groups_are_left_alone() -> None:
    """An Argo CD application is none of these, nor is somebody else's Workflow."""
    assert not read("apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\nspec: {}\n")
    assert not read("apiVersion: example.com/v1 # argoproj.io/\nkind: Workflow\nspec: {entrypoint: a}\n")
