"""Pipelines of GitLab CI as link makes them of their files."""

from __future__ import annotations

from textwrap import dedent

from hypothesis import given
from hypothesis import strategies as st

from pytest_mlbreaks.model import Pipeline, Process
from pytest_mlbreaks.model.expr import Concat, EnvVar, Literal, SecretKey
from pytest_mlbreaks.model.facts import Edge, GitlabFile, ImageBuild, Schedule, Step, Trigger
from pytest_mlbreaks.testing import linked


def made(text: str, **more: str) -> Pipeline:
    """The pipeline of a repository with this ``.gitlab-ci.yml`` and *more* files (``a__b_yml``)."""
    files = {
        path.replace("__", "/").replace("_yml", ".yml").replace("_py", ".py"): dedent(body)
        for path, body in more.items()
    }
    return linked({".gitlab-ci.yml": dedent(text), **files})


def edges(pipeline: Pipeline) -> set[tuple[str, str]]:
    """The edges by the jobs' names."""
    return {(e.before.rpartition("/")[2], e.after.rpartition("/")[2]) for e in pipeline.all(Edge)}


def only(pipeline: Pipeline, name: str) -> Step:
    """The step *name*."""
    (found,) = (step for step in pipeline.all(Step) if step.name == name)
    return found


def schedule(pipeline: Pipeline) -> Schedule:
    """The only schedule."""
    (found,) = pipeline.all(Schedule)
    return found


STAGES = """
    stages: [build, train, ship]
    image:build:
      stage: build
      script: docker build -t registry.example.com/churn:latest .
    lint:
      stage: build
      needs: []
      script: [ruff check]
    fit:
      stage: train
      script: [python train.py]
    ship:
      stage: ship
      script: [./deploy.sh]
    early:
      stage: ship
      needs: [fit]
      script: [echo]
"""


def test_a_stage_comes_after_all_earlier_ones() -> None:
    """Without ``needs`` a job waits for every job of the stages before; with it for those alone."""
    pipeline = made(STAGES)
    assert edges(pipeline) == {
        ("image:build", "fit"),
        ("lint", "fit"),
        ("image:build", "ship"),
        ("lint", "ship"),
        ("fit", "ship"),
        ("fit", "early"),
    }
    assert schedule(pipeline).complete
    (build,) = pipeline.all(ImageBuild)
    assert build.owner == only(pipeline, "image:build").identity


def test_a_manual_job_that_may_fail_holds_up_nothing() -> None:
    """``when: manual`` of a job lets later stages start, unless it may not fail; in a rule it does not."""
    text = """
        a: {stage: build, when: manual, script: [x]}
        b: {stage: build, when: manual, allow_failure: false, script: [x]}
        c: {stage: build, rules: [{when: manual}], script: [x]}
        d: {stage: build, rules: [{when: manual, allow_failure: true}], script: [x]}
        t: {script: [x]}
    """
    assert edges(made(text)) == {("b", "t"), ("c", "t")}


def test_pre_and_post_are_first_and_last() -> None:
    """``.pre`` and ``.post`` need not be named."""
    text = "z: {stage: .post, script: [x]}\na: {stage: .pre, script: [x]}\nb: {script: [x]}\n"
    assert edges(made(text)) == {("a", "b"), ("a", "z"), ("b", "z")}


def test_extends_merges_mappings_and_replaces_lists() -> None:
    """Parents of other files count, the last one most, the job's own keys before all."""
    pipeline = made(
        """
        include: [/ci/base.yml]
        variables: {A: "0", API_TOKEN: abc}
        fit:
          extends: [.base, .gpu]
          variables: {C: "$A-3"}
          script: [python train.py]
        """,
        ci__base_yml="""
        .base: {image: "python:3.11", variables: {A: "1", B: "1"}, script: [a, b]}
        .gpu: {image: {name: "cuda:$B"}, variables: {B: "2"}, stage: build}
        """,
    )
    fit = only(pipeline, "fit")
    assert fit.image == Concat((Literal("cuda:"), EnvVar("B")))
    assert {v.name: v.value for v in fit.variables} == {
        "A": Literal("1"),
        "B": Literal("2"),
        "C": Concat((EnvVar("A"), Literal("-3"))),
        "API_TOKEN": SecretKey(".gitlab-ci.yml", "API_TOKEN"),
    }
    assert [command.shell for command in fit.commands] == [Literal("python train.py")]
    stage = fit.setting("stage")
    assert stage is not None
    assert stage.value == Literal("build")
    assert schedule(pipeline).complete


def test_defaults_hold_unless_the_job_says_otherwise() -> None:
    """``default`` and the keys at the top; ``inherit`` shuts them out."""
    text = """
        default: {image: "python:3.12"}
        a: {script: [x]}
        b: {image: "alpine", script: [x]}
        c: {inherit: {default: false}, script: [x]}
    """
    pipeline = made(text)
    assert [only(pipeline, name).image for name in "abc"] == [Literal("python:3.12"), Literal("alpine"), None]


def test_scripts_are_followed_through_references_and_folders() -> None:
    """A ``cd`` of ``before_script`` holds for ``script``; references are spliced."""
    pipeline = made(
        """
        .shared: {setup: [cd ml, python prepare.py]}
        fit:
          before_script:
            - !reference [.shared, setup]
          script:
            - python train.py
            - |
              echo
              python $CI_PROJECT_DIR/report.py
            - cd $CI_PROJECT_DIR/ml && python last.py
          after_script:
            - python report.py
        """,
        ml__prepare_py="",
        ml__train_py="",
        ml__last_py="",
        report_py="",
    )
    (process,) = pipeline.all(Process)
    found = [(entry.path, entry.place.line) for entry in process.entries if entry.path]
    assert found == [
        ("ml/prepare.py", 2),
        ("ml/train.py", 7),
        ("report.py", 10),
        ("ml/last.py", 11),
        ("report.py", 13),
    ]


def test_what_is_not_in_the_tree_leaves_the_pipeline_open() -> None:
    """Remote, project, template and component includes; files and parents that are not there; jobs that are not."""
    job = "a: {script: [x]}\n"
    for text, reason in (
        ("include: https://example.com/a.yml\n", "an included file lies behind a URL"),
        ("include: [{remote: 'https://example.com/a.yml'}]\n", "an included file lies behind a URL"),
        ("include: [{project: x/y, file: a.yml}]\n", "an included project is not read"),
        ("include: [{template: A.yml}]\n", "an included template is not read"),
        ("include: [{component: h/x@1}]\n", "an included component is not read"),
        ("include: /ci/none.yml\n", "an included file is not in the tree"),
        ("b: {extends: .none}\n", "a job extends what is not in the tree"),
        ("b: {needs: [none], script: [x]}\n", "a job needs one that is not in the tree"),
        ("b: {stage: none, script: [x]}\n", "a job is of a stage that is not in the tree"),
        ("b: {script: [!reference [.none, script]]}\n", "a !reference leads to what is not in the tree"),
    ):
        found = schedule(linked({".gitlab-ci.yml": text + job}))
        assert (found.complete, found.reason) == (False, reason), text


def test_a_child_pipeline_is_one_of_its_own() -> None:
    """``trigger: include`` of a file of the tree."""
    pipeline = made(
        "start: {trigger: {include: ci/child.yml, strategy: depend}}\n",
        ci__child_yml="fit: {script: [python train.py]}\n",
    )
    (trigger,) = pipeline.all(Trigger)
    assert (trigger.target_pipeline, trigger.waits) == (Literal("ci/child.yml"), True)
    assert [one.name for one in pipeline.all(Schedule)] == [".gitlab-ci.yml", "ci/child.yml"]
    assert only(pipeline, "fit").pipeline == "gitlab-ci:ci/child.yml"


def test_a_file_that_includes_itself_ends() -> None:
    """Circles are told, and end."""
    text = "include: /.gitlab-ci.yml\na: {extends: b, script: [x]}\nb: {extends: a}\n"
    text += "c: {script: [!reference [c, script]]}\n"
    assert not schedule(linked({".gitlab-ci.yml": text})).complete


def test_files_of_others_are_no_configuration() -> None:
    """A manifest below ``ci/`` is none of GitLab's."""
    manifest = "apiVersion: v1\nkind: Pod\nscript: x\n"
    assert not linked({"ci/pod.yml": manifest, "ci/w.yml": "jobs: {}\nstages: []\n"}).all(GitlabFile)


@given(st.text(alphabet="abc:[]{}-\n !&*.<", max_size=200))
def test_no_text_makes_it_fail(text: str) -> None:
    """Whatever stands there."""
    linked({".gitlab-ci.yml": f"stages: [a]\n{text}"})
