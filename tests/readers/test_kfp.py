"""Kubeflow Pipelines: what pipeline functions, component files and compiled pipelines make of steps and edges."""

from __future__ import annotations

import textwrap

import pytest

from pytest_mlbreaks.model import Pipeline, Process
from pytest_mlbreaks.model.expr import Literal
from pytest_mlbreaks.model.facts import Edge, KfpComponent, Schedule, Step
from pytest_mlbreaks.testing import linked

HEAD = """
from kfp import dsl, components

@dsl.component(base_image="ml:1", packages_to_install=["pandas==2.0"])
def make(n: int = 1) -> str:
    return "x"

@dsl.component
def use(x: str = "", y: str = "") -> str:
    return x
"""


def link(**files: str) -> Pipeline:
    """The linked facts of files; ``a__b_py`` is ``a/b.py``."""
    named = {name.replace("__", "/").replace("_py", ".py").replace("_yaml", ".yaml"): t for name, t in files.items()}
    return linked({name: textwrap.dedent(text) for name, text in named.items()})


def pipeline(body: str, head: str = HEAD, **more: str) -> Pipeline:
    """The linked facts of one pipeline function with *body*."""
    code = f"{head}\n@dsl.pipeline(name='Train it')\ndef flow(p: str = 'a', many: list = []):\n"
    return link(ml__flow_py=code + textwrap.indent(textwrap.dedent(body), "    "), **more)


def schedule(found: Pipeline) -> Schedule:
    """The one pipeline."""
    (one,) = (s for s in found.all(Schedule) if s.orchestrator == "kfp")
    return one


def steps(found: Pipeline) -> dict[str, Step]:
    """Its steps by name."""
    return {step.name: step for step in found.all(Step) if step.pipeline == schedule(found).identity}


def edges(found: Pipeline) -> set[tuple[str, str]]:
    """Its edges by the names of their steps."""
    head = f"{schedule(found).identity}/"
    return {(e.before.removeprefix(head), e.after.removeprefix(head)) for e in found.all(Edge)}


def test_data_and_after_make_edges() -> None:
    """Outputs, also within texts and lists, and ``after``; a second task of a component gets a number."""
    found = pipeline("""
        a = make(n=1)
        b = use(x=a.output)
        c = use(x=f"gs://{b.outputs['Output']}/y", y=p).after(a)
        d = make().after(b, c)
    """)
    assert schedule(found).name == "train-it"
    assert schedule(found).complete
    assert set(steps(found)) == {"make", "use", "use-2", "make-2"}
    assert edges(found) == {
        ("make", "use"),
        ("use", "use-2"),
        ("make", "use-2"),
        ("use", "make-2"),
        ("use-2", "make-2"),
    }


def test_a_step_knows_its_function_image_variables_and_settings() -> None:
    """What a component declares, and what is set on the task."""
    found = pipeline("""
        a = make(n=3)
        a.set_env_variable("MODE", "fast").set_memory_limit("4G")
        a.set_env_variable(name="API_KEY", value="abcdef123")
        a.set_display_name("Make it")
    """)
    step = steps(found)["make"]
    assert step.callee is not None
    assert step.callee.name == "make"
    assert step.image == Literal("ml:1")
    assert [v.name for v in step.variables] == ["MODE", "API_KEY"]
    assert "abcdef123" not in repr(step)
    memory = step.setting("memory_limit")
    assert memory is not None
    assert memory.value == Literal("4G")
    (component,) = (c for c in found.all(KfpComponent) if c.name == "make")
    assert [package.value for package in component.packages] == [Literal("pandas==2.0")]
    (process,) = (p for p in found.all(Process) if p.name == "make")
    assert [entry.path for entry in process.entries] == ["ml/flow.py"]


def test_conditions_loops_and_exit_handlers_are_groups() -> None:
    """What is in a group comes after what its condition or its items come from, and is named by it."""
    found = pipeline("""
        last = use(x="done")
        with dsl.ExitHandler(last):
            a = make()
            with dsl.If(a.output == "x"):
                b = use(x=a.output)
            with dsl.ParallelFor(items=["1", "2"]) as item:
                c = make(n=item)
    """)
    assert set(steps(found)) == {
        "use",
        "exit-handler-1/make",
        "exit-handler-1/condition-2/use-2",
        "exit-handler-1/for-loop-4/make-2",
    }
    assert edges(found) == {
        ("exit-handler-1/make", "exit-handler-1/condition-2/use-2"),
        ("exit-handler-1/condition-2/use-2", "use"),
        ("exit-handler-1/for-loop-4/make-2", "use"),
    }
    assert steps(found)["use"].trigger_rule == "all_done"
    assert steps(found)["exit-handler-1/for-loop-4/make-2"].mapped


def test_branches_share_a_group() -> None:
    """``If``, ``Elif`` and ``Else`` are one group, which what takes ``OneOf`` of them comes after."""
    found = pipeline("""
        a = make()
        with dsl.If(a.output == "x"):
            b = use(x="1")
        with dsl.Elif(a.output == "y"):
            c = use(x="2")
        with dsl.Else():
            d = use(x="3")
        e = make(n=dsl.OneOf(b.output, c.output, d.output))
    """)
    inside = [f"condition-branches-1/condition-{n}/use{'' if n == 2 else f'-{n - 1}'}" for n in (2, 3, 4)]
    assert set(steps(found)) == {"make", "make-2", *inside}
    assert edges(found) == {("make", one) for one in inside} | {(one, "make-2") for one in inside}


def test_a_whole_group_is_waited_for() -> None:
    """What comes after a task in a loop comes after the loop."""
    found = pipeline("""
        with dsl.ParallelFor(many) as item:
            a = make(n=item)
            b = use(x=a.output)
        use(x=dsl.Collected(a.output))
    """)
    assert edges(found) == {("for-loop-1/make", "for-loop-1/use"), ("for-loop-1/use", "use-2")}


def test_pipelines_in_pipelines_are_laid_open() -> None:
    """A pipeline that is a task of another is told with that one alone, also from another module."""
    inner = HEAD + "\n@dsl.pipeline\ndef inner() -> str:\n    t = use(x=make().output)\n    return t.output\n"
    found = link(
        ml__inner_py=inner,
        ml__flow_py=HEAD
        + "\nfrom ml.inner import inner\n\n@dsl.pipeline(name='outer')\ndef outer():\n    use(x=inner().output)\n",
    )
    assert schedule(found).name == "outer"
    assert edges(found) == {("inner/make", "inner/use"), ("inner/use", "use")}


def test_components_of_other_modules_are_found() -> None:
    """A name that is imported is a component of the tree, or a plain function, which makes no task."""
    found = link(
        ml__parts_py=HEAD,
        ml__paths_py="def bucket(name):\n    return 'gs://' + name\n",
        ml__flow_py="""
            from kfp import dsl
            from ml.parts import make, use
            from ml.paths import bucket

            @dsl.pipeline(name="train")
            def flow(p: str):
                where = bucket(p)
                use(x=make().output, y=where)
        """,
    )
    assert set(steps(found)) == {"make", "use"}
    assert edges(found) == {("make", "use")}
    assert schedule(found).complete
    assert steps(found)["make"].image == Literal("ml:1")


def test_component_files_name_what_runs() -> None:
    """A component file by its path; one outside of the tree leaves a doubt."""
    found = link(
        ml__flow_py="""
            from kfp import dsl, components
            train_op = components.load_component_from_file("components/train/component.yaml")
            other_op = components.load_component_from_url("https://example.com/component.yaml")

            @dsl.pipeline(name="train")
            def flow(path: str):
                a = train_op(path)
                other_op(a.output)
        """,
        ml__components__train__component_yaml="""
            name: Train a model
            implementation:
              container:
                image: registry/train:1
                command: [python, src/train.py, --data, {inputPath: data}]
        """,
        ml__components__train__Dockerfile="FROM python:3.11\nWORKDIR /app\nCOPY src src\n",
        ml__components__train__src__train_py="print('x')\n",
    )
    assert set(steps(found)) == {"train-a-model", "other"}
    assert schedule(found).reason == "a component is described outside of the tree"
    (process,) = (p for p in found.all(Process) if p.name == "train-a-model")
    assert process.dockerfile is not None
    assert [entry.path for entry in process.entries] == ["ml/components/train/src/train.py"]


def test_components_that_another_module_holds_in_names_are_found() -> None:
    """``create_component_from_func`` and a component file, under the names that the pipeline's module imports."""
    found = link(
        ml__ops_py="""
            from kfp import components

            def load(path: str) -> str:
                return path

            load_op = components.create_component_from_func(load, base_image="ml:3")
            train_op = components.load_component_from_file("train.yaml")
        """,
        ml__train_yaml="name: Train\nimplementation:\n  container: {image: 'train:1', command: [train]}\n",
        ml__flow_py="""
            from kfp import dsl
            from ml.ops import load_op, train_op

            @dsl.pipeline(name="train")
            def flow(path: str):
                train_op(load_op(path).output)
        """,
    )
    assert edges(found) == {("load", "train")}
    assert steps(found)["load"].image == Literal("ml:3")
    assert steps(found)["train"].image == Literal("train:1")
    assert schedule(found).complete


def test_a_client_tells_when_the_pipeline_runs() -> None:
    """The cron of a recurring run, where the file has one pipeline."""
    found = link(
        flow_py=f"""{HEAD.replace(chr(10), chr(10) + " " * 12)}
            @dsl.pipeline
            def flow():
                make()

            import kfp
            kfp.Client().create_recurring_run("x", "nightly", cron_expression="0 0 3 * * *")
        """
    )
    assert schedule(found).when == Literal("0 0 3 * * *")


def test_container_operators_of_version_1() -> None:
    """``ContainerOp`` makes component and task in one; a function without a decorator may be compiled."""
    found = link(
        flow_py="""
            import kfp
            from kfp import dsl

            def step(name, image):
                return dsl.ContainerOp(name=name, image=image, command=["python", "x.py"])

            def flow():
                a = step("Load data", "load:1")
                for name in ("fit", "score"):
                    step(name, "ml:2").after(a)

            kfp.compiler.Compiler().compile(pipeline_func=flow, package_path="x.yaml")
        """
    )
    assert set(steps(found)) == {"load-data", "fit", "score"}
    assert edges(found) == {("load-data", "fit"), ("load-data", "score")}
    assert steps(found)["load-data"].image == Literal("load:1")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("if load():\n    make()", "a condition that is not known"),
        ("for x in load():\n    make()", "a loop over what is not known"),
        ("while load():\n    make()", "a while loop"),
        ("make().after(*load())\nself.add(make())", "a call of something that can't be told"),
    ],
)
def test_what_only_a_run_could_tell_is_a_doubt(body: str, reason: str) -> None:
    """The pipeline is then not all told, and says why."""
    found = pipeline(body, head=HEAD + "\ndef load():\n    return open('x').read().split()\n")
    assert not schedule(found).complete
    assert reason in schedule(found).reason


def test_a_compiled_pipeline_is_read() -> None:
    """Tasks, nested graphs, loops, order by dependencies and by data."""
    found = link(
        out__train_yaml="""
            components:
              comp-make: {executorLabel: exec-make}
              comp-loop:
                dag:
                  tasks:
                    use:
                      componentRef: {name: comp-use}
              comp-use: {executorLabel: exec-use}
            deploymentSpec:
              executors:
                exec-make: {container: {image: "ml:1", command: [python, make.py]}}
                exec-use: {container: {image: "ml:2", args: [--function_to_execute, use]}}
            pipelineInfo: {name: train}
            root:
              dag:
                tasks:
                  make:
                    componentRef: {name: comp-make}
                  for-loop-1:
                    componentRef: {name: comp-loop}
                    inputs:
                      parameters:
                        x: {taskOutputParameter: {producerTask: make, outputParameterKey: Output}}
                    parameterIterator: {itemInput: x}
                  clean:
                    componentRef: {name: comp-make}
                    dependentTasks: [for-loop-1]
                    triggerPolicy: {strategy: ALL_UPSTREAM_TASKS_COMPLETED}
        """
    )
    assert schedule(found).name == "train"
    assert edges(found) == {("make", "for-loop-1/use"), ("for-loop-1/use", "clean")}
    assert steps(found)["for-loop-1/use"].mapped
    assert steps(found)["for-loop-1/use"].image == Literal("ml:2")
    assert not steps(found)["for-loop-1/use"].commands
    assert steps(found)["clean"].trigger_rule == "all_done"


def test_a_compiled_pipeline_is_told_by_its_function_where_that_is_in_the_tree() -> None:
    """The same pipeline is not told twice."""
    compiled = """
        deploymentSpec: {executors: {}}
        pipelineInfo: {name: train-it}
        root: {dag: {tasks: {make: {componentRef: {name: comp-make}}}}}
    """
    found = pipeline("make()", out__train_yaml=compiled)
    assert schedule(found).place.path == "ml/flow.py"


def test_lists_in_lists_without_end_cost_little() -> None:
    """A list of lists of lists that is short to write is neither gone through nor stated in full."""
    lines = ["v0 = [1, 2, 3]"] + [f"v{n} = [{', '.join([f'v{n - 1}'] * 40)}]" for n in range(1, 12)]
    found = pipeline("\n".join([*lines, "a = make(n=v11)", "use(x=a.output, y=v11)", "v1.append(v1)", "use(x=v1)"]))
    assert edges(found) == {("make", "use")}
    assert schedule(found).complete
    assert len(repr(steps(found)["make"])) < 200_000


def test_a_file_without_kubeflow_says_nothing() -> None:
    """Its decorators are somebody else's."""
    found = link(flow_py="from airflow import dsl\n\n@dsl.pipeline(name='kfp')\ndef flow():\n    pass\n")
    assert not [s for s in found.all(Schedule) if s.orchestrator == "kfp"]


def test_a_list_that_is_nested_in_a_loop_is_cut_off() -> None:
    """However deep a value becomes, the pipeline is told."""
    found = pipeline("v = 1\nfor i in range(150):\n    for j in range(60):\n        v = [v]\nmake(n=v)")
    assert set(steps(found)) == {"make"}
