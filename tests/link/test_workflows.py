"""Jobs as they run: reusable workflows and composite actions followed."""

from __future__ import annotations

from textwrap import dedent

from pytest_mlbreaks import engine, packs
from pytest_mlbreaks.link.workflows import DEEPEST
from pytest_mlbreaks.model import JobRun, Pipeline
from pytest_mlbreaks.model.expr import Choice, Concat, Context, Expr, Literal
from pytest_mlbreaks.tree import MemoryTree


def build(files: dict[str, str]) -> Pipeline:
    tree = MemoryTree({path: dedent(text).encode() for path, text in files.items()})
    return engine.build(tree, engine.read(tree, packs.load(), lambda *_: None))


def runs(files: dict[str, str]) -> list[JobRun]:
    return list(build(files).all(JobRun))


def shell(run: JobRun, index: int = 0) -> Expr | None:
    command = run.steps[index].run
    return command.shell if command is not None else None


CALLED = """
    on:
      workflow_call:
        inputs:
          target: {type: string, required: true}
          size: {type: string, default: small}
          note: {type: string}
        secrets:
          TOKEN: {required: true}
    concurrency: deploy-${{ inputs.target }}
    jobs:
      go:
        if: inputs.target == 'prod'
        environment: ${{ inputs.target }}
        steps:
          - run: ship ${{ inputs.target }} ${{ inputs.size }} "${{ inputs.note }}" ${{ inputs.other }}
"""


def test_a_called_workflow_runs_once_for_each_caller() -> None:
    """Each caller's inputs are filled in; defaults, and nothing at all, stand where it gives none."""
    found = runs(
        {
            ".github/workflows/called.yml": CALLED,
            ".github/workflows/ci.yml": """
                on: push
                jobs:
                  dev:
                    uses: ./.github/workflows/called.yml
                    with: {target: dev}
                  prod:
                    needs: dev
                    if: github.ref == 'refs/heads/main'
                    uses: ./.github/workflows/called.yml
                    with: {TARGET: prod, size: "${{ vars.SIZE }}"}
                    secrets: inherit
            """,
        }
    )
    assert [run.identity for run in found] == [
        "run:.github/workflows/ci.yml:dev/go",
        "run:.github/workflows/ci.yml:prod/go",
    ]
    other = Context("github", "inputs.other")
    assert shell(found[0]) == Concat((Literal('ship dev small "" '), other))
    size = Context("github", "vars.SIZE")
    assert shell(found[1]) == Concat((Literal("ship prod "), size, Literal(' "" '), other))
    assert found[1].conditions == ("github.ref == 'refs/heads/main'", "'prod' == 'prod'")
    assert found[1].environment == Literal("prod")
    assert found[1].groups == ("deploy-${{ inputs.target }}",)
    assert found[1].callers[0].secrets == ("*",)


def test_a_workflow_that_is_started_too_runs_for_itself() -> None:
    """A workflow that may be called and started has its jobs run without inputs as well."""
    (run,) = runs(
        {
            ".github/workflows/a.yml": """
                on: {workflow_call: {inputs: {x: {type: string}}}, workflow_dispatch: {inputs: {x: {type: string}}}}
                jobs:
                  go:
                    steps: [{run: "echo ${{ inputs.x }}"}]
            """
        }
    )
    assert shell(run) == Concat((Literal("echo "), Context("github", "inputs.x")))


def test_composite_actions_are_laid_open() -> None:
    """The steps of an action stand in the place of its call, with its inputs, its condition and its leniency."""
    (run,) = runs(
        {
            ".github/actions/ship/action.yml": """
                name: ship
                inputs:
                  image: {required: true}
                runs:
                  using: composite
                  steps:
                    - run: docker push ${{ inputs.image }}
                      shell: bash
                      if: inputs.image != ''
            """,
            ".github/workflows/ci.yml": """
                on: push
                jobs:
                  go:
                    strategy: {matrix: {name: [api, worker]}}
                    steps:
                      - uses: actions/checkout@v4
                      - uses: ./.github/actions/ship
                        if: github.ref == 'refs/heads/main'
                        continue-on-error: true
                        with: {image: "acme/${{ matrix.name }}"}
                      - uses: ./.github/actions/absent
            """,
        }
    )
    assert [step.uses for step in run.steps] == ["actions/checkout@v4", "", "./.github/actions/absent"]
    names = Choice((Literal("api"), Literal("worker")))
    assert shell(run, 1) == Concat((Literal("docker push acme/"), names))
    assert run.steps[1].continue_on_error
    assert run.steps[1].condition.startswith("(github.ref == 'refs/heads/main') && (")
    assert run.steps[1].place.path == ".github/actions/ship/action.yml"
    assert [reason for _, reason in run.unread] == ["an action of the tree can't be followed"]


def test_calls_in_a_circle_end() -> None:
    """Workflows and actions that call each other are followed as deep as GitHub would."""
    found = runs(
        {
            ".github/workflows/a.yml": """
                on: [push, workflow_call]
                jobs: {again: {uses: ./.github/workflows/a.yml}}
            """,
            ".github/workflows/b.yml": """
                on: push
                jobs: {go: {steps: [{uses: ./}]}}
            """,
            "action.yml": "runs: {using: composite, steps: [{uses: ./}]}",
        }
    )
    assert [len(run.callers) for run in found] == [DEEPEST, 0]
    assert all(run.unread for run in found)


def test_workflows_elsewhere_stay_unknown() -> None:
    """A workflow of another repository is named as what is not read."""
    (run,) = runs({".github/workflows/a.yml": "on: push\njobs: {a: {uses: acme/ci/.github/workflows/x.yml@v1}}"})
    assert [reason for _, reason in run.unread] == ["a workflow of another repository is not read"]
    assert not run.steps
