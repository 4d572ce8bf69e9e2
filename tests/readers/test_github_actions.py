"""What GitHub Actions workflows say."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.expr import (
    Choice,
    Concat,
    Context,
    EnvVar,
    Expr,
    Literal,
    PathJoin,
    SecretKey,
    Unknown,
    literal_text,
)
from pytest_mlbreaks.model.facts import CompositeAction, Edge, ImageBuild, Schedule, Step, Workflow, WorkflowJob
from pytest_mlbreaks.readers.github_actions import READER, expression, template
from pytest_mlbreaks.reading import Source, Wanted

PATH = ".github/workflows/train.yml"


def read(text: str) -> list[Fact | Diagnostic]:
    document = READER.format.parse(Source(PATH, dedent(text).encode()))
    return list(READER.read(document, Wanted()))


def read_job(job: str) -> list[Fact | Diagnostic]:
    """The facts of a workflow with the one job ``j``, whose keys are *job*."""
    return read("on: push\njobs:\n  j:\n" + indent(dedent(job).strip("\n"), "    ") + "\n")


def job_of(text: str) -> WorkflowJob:
    return next(fact for fact in read_job(text) if isinstance(fact, WorkflowJob))


def builds(run: str, extra: str = "") -> list[ImageBuild]:
    """The image builds of a job with one step that runs *run*; *extra* are other keys of the step."""
    step = "- run: |\n" + indent(dedent(run).strip("\n"), "    ") + "\n" + indent(extra, "  ")
    facts = read("on: push\njobs:\n  j:\n    steps:\n" + indent(step, "      ") + "\n")
    return [fact for fact in facts if isinstance(fact, ImageBuild)]


def github(name: str) -> Context:
    return Context("github", name)


@pytest.mark.parametrize(
    ("path", "claimed"),
    [
        (".github/workflows/a.yml", True),
        (".github/workflows/a.yaml", True),
        (".github/workflows/x/a.yml", False),
        ("template/.github/workflows/a.yml", False),
        (".github/actions/a/action.yml", True),
        (".github/actions/a/other.yml", False),
        (".github/workflows/a.md", False),
    ],
)
def test_claims(path: str, claimed: bool) -> None:
    """GitHub runs what is in the one folder at the root; elsewhere are templates."""
    assert READER.claims(path) is claimed


@pytest.mark.parametrize(
    ("text", "expr"),
    [
        ("secrets.TOKEN", SecretKey("github", "TOKEN")),
        ("secrets['TOKEN']", SecretKey("github", "TOKEN")),
        ("env.IMAGE", EnvVar("IMAGE")),
        ("vars.REGION", github("vars.REGION")),
        ("matrix.env", github("matrix.env")),
        ("'it''s'", Literal("it's")),
        ("inputs.env || 'dev'", Choice((github("inputs.env"), Literal("dev")))),
        ("github.ref == 'a' && 'prod' || 'dev'", Choice((Literal("prod"), Literal("dev")))),
        ("github.ref == 'a||b' && 'prod' || 'dev'", Choice((Literal("prod"), Literal("dev")))),
        ("(a || b) && c", github("(a || b) && c")),
        ("a || b && 'c'", github("a || b && 'c'")),
        ("hashFiles('x')", github("hashFiles('x')")),
    ],
)
def test_expressions(text: str, expr: Expr) -> None:
    """Secrets, variables and alternatives are understood; the rest is kept as it is written."""
    assert expression(f" {text} ") == expr


def test_templates() -> None:
    """Text around an expression stays; a ``}}`` in a string does not end one."""
    assert template("a-${{ github.sha }}-b") == Concat((Literal("a-"), github("github.sha"), Literal("-b")))
    assert template("${{ format('{{0}}', x) }}") == github("format('{{0}}', x)")
    assert template("${{ open") == Literal("${{ open")
    assert template("https://u:pw@h ${{ x }}") == Concat((Literal("https://u:***@h "), github("x")))


@given(st.text(alphabet="${}:'|&() secrts.env\n\"\\`-", max_size=60))
def test_reading_never_raises(text: str) -> None:
    """Whatever a step runs, or an expression says, costs nothing but itself."""
    template(text)
    quoted = ("docker build -t x . " + text).replace("'", "''")
    read(f"on: push\njobs:\n  j:\n    environment: '{quoted}'\n    steps:\n      - run: '{quoted}'\n")
    action = f"uses: docker/build-push-action@v6\n        with: {{tags: '{quoted}', outputs: '{quoted}'}}\n"
    read(f"on: push\njobs:\n  j:\n    steps:\n      - {action}")


def test_not_a_workflow() -> None:
    """Without jobs there is nothing that GitHub would run, and it is said."""
    (found,) = read("name: x\n")
    assert isinstance(found, Diagnostic)
    assert found.level == "warning"
    assert read("") == []


@pytest.mark.parametrize(
    ("on", "events"),
    [
        ("push", ["push"]),
        ("[push, pull_request]", ["push", "pull_request"]),
        ("{push: {branches: [main]}, workflow_dispatch: }", ["push", "workflow_dispatch"]),
    ],
)
def test_events(on: str, events: list[str]) -> None:
    """The three forms of ``on``, a key that YAML 1.1 would take for a truth value."""
    workflow = read(f"on: {on}\njobs: {{}}\n")[0]
    assert isinstance(workflow, Workflow)
    assert [event.event for event in workflow.events] == events


def test_event_filters() -> None:
    """Filters are kept as written; a scalar counts as a list of one."""
    workflow = read(
        """
        on:
          push: {branches: main, tags: ['v*'], paths: [src/**], paths-ignore: [docs/**]}
          workflow_run: {workflows: [Build], types: [completed], branches-ignore: [x]}
        jobs: {}
        """
    )[0]
    assert isinstance(workflow, Workflow)
    push, run = workflow.events
    assert (push.branches, push.tags, push.paths, push.paths_ignore) == (("main",), ("v*",), ("src/**",), ("docs/**",))
    assert (run.workflows, run.types, run.branches_ignore) == (("Build",), ("completed",), ("x",))
    assert push.place.line == 3


@pytest.mark.parametrize(
    ("on", "when"),
    [
        ("push", None),
        ("{schedule: [{cron: '0 3 * * *'}]}", Literal("0 3 * * *")),
        (
            "{schedule: [{cron: '0 3 * * *'}, {cron: '0 4 * * *'}]}",
            Choice((Literal("0 3 * * *"), Literal("0 4 * * *"))),
        ),
    ],
)
def test_schedules(on: str, when: Expr | None) -> None:
    """Every workflow is a pipeline; its cron lines say when."""
    schedule = read(f"on: {on}\njobs: {{}}\n")[1]
    assert isinstance(schedule, Schedule)
    assert schedule.when == when
    assert schedule.identity == f"github-actions:{PATH}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("deploy", ("deploy", False)),
        ("{group: 'g-${{ github.ref }}', cancel-in-progress: true}", ("g-${{ github.ref }}", True)),
        ("{group: g}", ("g", False)),
        ("{group: g, cancel-in-progress: '${{ x }}'}", ("g", None)),
    ],
)
def test_concurrency(text: str, told: tuple[str, bool | None]) -> None:
    """Of the workflow and of a job: the group, and whether a new run cancels the one before."""
    facts = read(f"on: push\nconcurrency: {text}\njobs: {{j: {{concurrency: {text}}}}}\n")
    workflow = next(f for f in facts if isinstance(f, Workflow))
    job = next(f for f in facts if isinstance(f, WorkflowJob))
    assert (workflow.concurrency, workflow.cancels) == told
    assert (job.concurrency, job.cancels) == told


@pytest.mark.parametrize(
    ("workflow", "job", "told"),
    [
        ("", "", ""),
        ("read-all", "", "read"),
        ("write-all", "{}", "none"),
        ("{contents: read}", "", "read"),
        ("{contents: read}", "{contents: write}", "write"),
        ("{contents: write}", "{id-token: write}", "none"),
    ],
)
def test_what_the_token_may_do(workflow: str, job: str, told: str) -> None:
    """A job's own permissions replace the workflow's, and what they do not name is none."""
    given = f"permissions: {workflow}\n" if workflow else ""
    own = f"permissions: {job}" if job else ""
    (found,) = (fact for fact in read(f"on: push\n{given}jobs: {{j: {{{own}}}}}\n") if isinstance(fact, WorkflowJob))
    assert found.contents == told


def test_jobs_and_order() -> None:
    """A job is a step of the pipeline; ``needs`` is its order, as one name or a list."""
    facts = read("on: push\njobs:\n  a: {}\n  b: {needs: a}\n  c:\n    needs:\n      - a\n      - b\n")
    steps = [f.identity for f in facts if isinstance(f, Step)]
    pipeline = f"github-actions:{PATH}"
    assert steps == [f"{pipeline}/a", f"{pipeline}/b", f"{pipeline}/c"]
    edges = [f for f in facts if isinstance(f, Edge)]
    assert [(e.before[-1], e.after[-1], e.place.line) for e in edges] == [("a", "b", 4), ("a", "c", 7), ("b", "c", 8)]
    jobs = [f for f in facts if isinstance(f, WorkflowJob)]
    assert [j.needs for j in jobs] == [(), ("a",), ("a", "b")]
    assert [j.step for j in jobs] == steps


def test_commands_and_their_places() -> None:
    """Commands stand where their text starts; the working directory is the innermost that is given."""
    facts = read(
        """\
        on: push
        defaults: {run: {working-directory: w}}
        jobs:
          a:
            steps:
              - run: python a.py
              - name: Train
                run: |
                  python b.py
                  python c.py
                working-directory: s
          b:
            defaults: {run: {working-directory: j, shell: python}}
            steps:
              - run: print(1)
              - run: python d.py ${{ inputs.x }}
                shell: bash
        """
    )
    a, b = (f for f in facts if isinstance(f, Step))
    assert [(literal_text(c.shell), c.workdir, c.place.line) for c in a.commands] == [
        ("python a.py", Literal("w"), 6),
        ("python b.py\npython c.py\n", Literal("s"), 9),
    ]
    assert a.commands[0].place.column == 14
    assert b.commands[0].argv == (Literal("python"), Literal("-c"), Literal("print(1)"))
    assert b.commands[1].shell == Concat((Literal("python d.py "), github("inputs.x")))
    assert b.commands[1].workdir == Literal("j")


def test_variables_of_a_step() -> None:
    """A job has the workflow's variables and its own; its own win, and no literal secret is kept."""
    facts = read(
        """
        on: push
        env: {A: 1, B: 1}
        jobs:
          j: {env: {B: 2, TOKEN: hunter2, KEY: '${{ secrets.K }}', URL: 'http://u:hunter2@h'}}
        """
    )
    step = next(f for f in facts if isinstance(f, Step))
    assert {v.name: v.value for v in step.variables} == {
        "A": Literal("1"),
        "B": Literal("2"),
        "TOKEN": SecretKey(PATH, "TOKEN"),
        "KEY": SecretKey("github", "K"),
        "URL": Literal("http://u:***@h"),
    }


def test_steps_of_a_job() -> None:
    """Actions with inputs, and commands, with what governs them."""
    job = job_of(
        """
        name: Deploy
        if: github.ref == 'refs/heads/main'
        continue-on-error: true
        steps:
          - uses: actions/checkout@v4
            with: {fetch-depth: 0, persist-credentials: false}
          - id: t
            name: Test
            run: pytest || true
            if: always()
            continue-on-error: true
            env: {A: b}
        """
    )
    first, second = job.steps
    assert (job.name, job.condition, job.continue_on_error) == ("Deploy", "github.ref == 'refs/heads/main'", True)
    assert first.uses == "actions/checkout@v4"
    assert [(v.name, v.value) for v in first.inputs] == [
        ("fetch-depth", Literal("0")),
        ("persist-credentials", Literal("false")),
    ]
    assert (second.index, second.id, second.name, second.condition) == (1, "t", "Test", "always()")
    assert second.continue_on_error
    assert second.run is not None
    assert [v.name for v in second.variables] == ["A"]
    assert second.place.line == 10


@pytest.mark.parametrize(
    ("text", "expr"),
    [
        ("production", Literal("production")),
        ("{name: staging, url: 'https://x'}", Literal("staging")),
        ("${{ matrix.env }}", github("matrix.env")),
        ("{name: '${{ inputs.env }}'}", github("inputs.env")),
    ],
)
def test_environments(text: str, expr: Expr) -> None:
    """A name, or a mapping with one; what is computed stays an expression."""
    assert job_of(f"environment: {text}").environment == expr


def test_matrix_and_reusable_workflows() -> None:
    """The names of the dimensions, also those of ``include``; a called workflow with its inputs."""
    text = "strategy: {matrix: {env: [a, b], include: [{env: a, gpu: 1}], exclude: [{env: b}]}}"
    assert job_of(text).matrix == ("env", "gpu")
    job = job_of("uses: ./.github/workflows/deploy.yml\nwith: {env: prod}")
    assert job.uses == "./.github/workflows/deploy.yml"
    assert [(v.name, v.value) for v in job.inputs] == [("env", Literal("prod"))]
    step = next(f for f in read_job(f"{text}\ncontainer: {{image: a:1}}\ntimeout-minutes: 5") if isinstance(f, Step))
    assert step.mapped
    assert step.image == Literal("a:1")
    setting = step.setting("timeout-minutes")
    assert setting is not None
    assert setting.value == Literal(5)


def test_build_push_action() -> None:
    """What the action is given, and its defaults."""
    facts = read_job(
        """
        steps:
          - uses: docker/build-push-action@v6
            with:
              file: serve/Dockerfile
              target: prod
              push: true
              tags: |
                me/serve:latest
                me/serve:${{ github.sha }}
              build-args: |
                V=1
                W=${{ inputs.w }}
                TOKEN=hunter2
          - uses: docker/build-push-action@v6
            with: {context: '{{defaultContext}}:train', tags: 'a:1,b:2'}
          - uses: docker/build-push-action@v6
            with: {outputs: 'type=image,name=me/x,push=true', push: '${{ x }}'}
        """
    )
    first, second, third = (f for f in facts if isinstance(f, ImageBuild))
    assert first.images == (Literal("me/serve:latest"), Concat((Literal("me/serve:"), github("github.sha"))))
    assert (first.context, first.dockerfile, first.target) == (Literal("."), Literal("serve/Dockerfile"), "prod")
    assert [v.value for v in first.arguments] == [Literal("1"), github("inputs.w"), SecretKey(PATH, "TOKEN")]
    assert first.pushes is True
    assert (second.context, second.images, second.pushes) == (Literal("train"), (Literal("a:1"), Literal("b:2")), False)
    assert (third.images, third.pushes) == ((Literal("me/x"),), True)
    assert first.owner == f"github-actions:{PATH}/j"
    assert len({first.identity, second.identity, third.identity}) == 3


def test_metadata_action() -> None:
    """The tags that docker/metadata-action puts out are its images with tags of its own."""
    facts = read_job(
        """
        steps:
          - id: meta
            uses: docker/metadata-action@v5
            with:
              images: ghcr.io/me/serve
              tags: |
                type=sha
                type=raw,value=stable
          - uses: docker/build-push-action@v6
            with: {tags: '${{ steps.meta.outputs.tags }}'}
        """
    )
    build = next(f for f in facts if isinstance(f, ImageBuild))
    assert build.images == (
        Concat((Literal("ghcr.io/me/serve:"), github("steps.meta.outputs.version"))),
        Literal("ghcr.io/me/serve:stable"),
    )


def test_docker_build() -> None:
    """Options in their forms, over continued lines; the place is the command's line."""
    (build,) = builds(
        """
        echo start
        docker build --no-cache -t a:1 --tag=b:2 \\
          -f d/Dockerfile --target prod --build-arg V=1 --build-arg TOKEN=hunter2 ctx 2>&1 | tee log
        """
    )
    assert build.images == (Literal("a:1"), Literal("b:2"))
    assert (build.context, build.dockerfile, build.target) == (Literal("ctx"), Literal("d/Dockerfile"), "prod")
    assert [v.value for v in build.arguments] == [Literal("1"), SecretKey(PATH, "TOKEN")]
    assert (build.builder, build.pushes, build.place.line) == ("docker", None, 7)


def test_docker_push_and_tag() -> None:
    """A push of a build's image, also under a name that it got later, says that it is pushed."""
    first, second, third = builds(
        """
        docker build -t a:1 a && docker push a:1
        docker build -t b:1 b; docker tag b:1 r/b:1; docker push r/b:1
        docker buildx build --push -t c:1 c
        """
    )
    assert (first.pushes, second.pushes, third.pushes) == (True, True, True)
    assert second.images == (Literal("b:1"), Literal("r/b:1"))


def test_variables_in_commands() -> None:
    """What the text or the step sets is put in; what a command would say is not known."""
    (build,) = builds(
        """
        TAG=${{ github.sha }}
        export REPO="$REGISTRY/serve"
        WHEN=$(date +%F)
        docker build -t "$REPO:$TAG" -t x:$WHEN -t y:${OTHER:-z} -t q:${A%b} .
        """,
        "env: {REGISTRY: ghcr.io/me}",
    )
    assert build.images == (
        Concat((Literal("ghcr.io/me/serve:"), github("github.sha"))),
        Concat((Literal("x:"), Unknown("the output of a command"))),
        Concat((Literal("y:"), EnvVar("OTHER", Literal("z"), empty_counts=True))),
        Concat((Literal("q:"), Unknown("${A%b} of a shell"))),
    )


def test_folders_of_commands() -> None:
    """A context is seen from the root: below the working directory and each ``cd``, which a subshell undoes."""
    found = builds(
        """
        (cd a && docker build -t a:1 .)
        docker build -t b:1 -f x/Dockerfile .
        cd c
        docker build -t c:1 ../d
        docker build -t e:1 https://github.com/me/e.git
        """,
        "working-directory: w",
    )
    assert [b.context for b in found] == [
        PathJoin((Literal("w"), Literal("a"))),
        Literal("w"),
        PathJoin((Literal("w"), Literal("c"), Literal("../d"))),
        Literal("https://github.com/me/e.git"),
    ]
    assert found[1].dockerfile == PathJoin((Literal("w"), Literal("x/Dockerfile")))


@pytest.mark.parametrize(
    "run",
    [
        "echo docker build -t a .",
        "# docker build -t a .",
        "docker compose build",
        "docker run x docker build",
        "docker build -t 'a .",
        "cat <<EOF\ndocker build -t a .\nEOF",
        "docker build -t a",
        "gcloud builds submit --config cloudbuild.yaml .",
    ],
)
def test_what_is_no_build(run: str) -> None:
    """Text that only speaks of a build, or that can't be understood, is none."""
    assert builds(run) == []


def test_wrapped_commands() -> None:
    """Privileges, variables and retries before a command do not hide it."""
    found = builds(
        "sudo docker build -t a:1 .\nDOCKER_BUILDKIT=1 docker build -t b:1 .\nretry 3 env X=1 docker build -t c:1 ."
    )
    assert [b.images for b in found] == [(Literal("a:1"),), (Literal("b:1"),), (Literal("c:1"),)]


def test_cloud_builds() -> None:
    """Builds that run in a cloud push what they build."""
    azure, google = builds("az acr build -r $R -t a:1 -f D ctx\ngcloud builds submit --tag gcr.io/p/x:1")
    assert azure.images == (Concat((EnvVar("R"), Literal(".azurecr.io/a:1"))),)
    assert (azure.builder, azure.context, azure.dockerfile, azure.pushes) == ("az", Literal("ctx"), Literal("D"), True)
    assert azure.dockerfile_in_context
    assert (google.builder, google.context, google.images) == ("gcloud", Literal("."), (Literal("gcr.io/p/x:1"),))


def test_reads_of_other_jobs_and_steps_are_told_with_their_line() -> None:
    """Expressions in conditions, scripts and matrices; not comments of a script, nor what stands in a string."""
    facts = read_job(
        """
        runs-on: ${{ needs.start.outputs.label }}
        if: needs['build'].result == 'success' && github.ref != 'needs.none.result'
        steps:
          - id: one
            run: |
              # ${{ needs.gone.outputs.x }}
              echo ${{ steps.zero.outputs.y }} needs.word.x
        """
    )
    job = next(f for f in facts if isinstance(f, WorkflowJob))
    assert [(r.of, r.name, r.field, r.key, r.step, r.place.line) for r in job.reads] == [
        ("needs", "start", "outputs.label", "runs-on", None, 4),
        ("needs", "build", "result", "if", None, 5),
        ("steps", "zero", "outputs.y", "steps", 0, 10),
    ]


def test_a_reusable_workflow_says_what_it_takes() -> None:
    """Declared inputs with their defaults, declared secrets, outputs of jobs, and secrets that a call passes on."""
    facts = read(
        """
        on:
          workflow_call:
            inputs:
              tag: {type: string, required: true}
              size: {type: string, default: small}
            secrets: {TOKEN: {required: true}}
          push: {tags-ignore: [x]}
        env: {A: b}
        jobs:
          j:
            outputs: {tag: "${{ steps.t.outputs.tag }}"}
            strategy: {matrix: {name: [a, b], include: [{name: c, size: 1}]}}
            steps: [{run: x}]
          k:
            uses: ./.github/workflows/k.yml
            secrets: {TOKEN: "${{ secrets.T }}"}
        """
    )
    workflow = next(fact for fact in facts if isinstance(fact, Workflow))
    assert [(i.name, i.default, i.required) for i in workflow.inputs] == [
        ("tag", None, True),
        ("size", Literal("small"), False),
    ]
    assert workflow.secrets == ("TOKEN",)
    assert workflow.events[1].tags_ignore == ("x",)
    job, call = (fact for fact in facts if isinstance(fact, WorkflowJob))
    assert [(o.name, o.value) for o in job.outputs] == [("tag", github("steps.t.outputs.tag"))]
    assert [(v.name, literal_text(v.value)) for v in job.values] == [
        ("name", "a"),
        ("name", "b"),
        ("name", "c"),
        ("size", "1"),
    ]
    assert call.secrets == ("TOKEN",)


def test_a_composite_action_is_its_steps() -> None:
    """An action made of steps says what it takes in and runs; one of JavaScript says nothing."""
    text = """
        inputs: {path: {default: .}}
        outputs: {n: {value: "1"}}
        runs:
          using: composite
          steps: [{run: "pytest ${{ inputs.path }}", shell: bash}, {uses: actions/cache@v4}]
    """
    action = _read_at(".github/actions/t/action.yml", text)[0]
    assert isinstance(action, CompositeAction)
    assert [step.uses for step in action.steps] == ["", "actions/cache@v4"]
    assert [(i.name, i.default) for i in action.inputs] == [("path", Literal("."))]
    assert action.outputs == ("n",)
    assert not _read_at("action.yml", "runs: {using: node20, main: x.js}")
    assert not _read_at("action.yaml", "- not an action")


def _read_at(path: str, text: str) -> list[Fact | Diagnostic]:
    return list(READER.read(READER.format.parse(Source(path, dedent(text).encode())), Wanted()))


def test_script_for_another_host() -> None:
    """What an action runs on another host is a command of its own, with the line where it begins."""
    job = job_of(
        """
        steps:
          - uses: appleboy/ssh-action@v1.2.0
            with:
              host: scorer.example.com
              script: |
                cd /srv/scorer
                git pull
          - uses: Google-GitHub-Actions/ssh-compute@v1
            with: {command: uptime}
          - uses: appleboy/scp-action@v1
            with: {script: uptime}
        """
    )
    first, second, third = job.steps
    assert first.remote is not None
    assert second.remote is not None
    assert (first.remote.shell, first.remote.place.line) == (Literal("cd /srv/scorer\ngit pull\n"), 9)
    assert second.remote.shell == Literal("uptime")
    assert third.remote is None


def test_what_is_read_otherwise_than_written() -> None:
    """Versions that YAML takes for numbers, and expressions that begin with an unknown name; nothing else."""
    text = """\
on: push
jobs:
  a:
    strategy: {matrix: {python-version: [3.9, 3.10, "3.20"], threshold: [0.50]}}
    env:
      TOKEN: ${{ secret.TOKEN }}
      NAME: ${{ inputs.name || 'latest' }}
    steps:
      - uses: actions/setup-go@v5
        with: {go-version: 1.20}
        if: ${{ hashFiles('go.sum') != '' }}
      - run: |
          # ${{ nothing.here }}
          echo ${{ matrix.python-version }} ${{ tag }}
"""
    job = next(one for one in read(text) if isinstance(one, WorkflowJob))
    told = [(one.kind, one.name, one.text, one.place.line) for one in job.misread]
    assert told == [
        ("number", "python-version", "3.10", 4),
        ("name", "secret", "secret.TOKEN", 6),
        ("number", "go-version", "1.20", 10),
        ("name", "tag", "tag", 14),
    ]


def test_a_context_that_a_condition_does_not_have_is_told() -> None:
    """No condition has the secrets; that of a job has no environment and no matrix. Texts and properties hold."""
    text = """on: push
jobs:
  first:
    if: env.STAGE == 'x' && matrix.part
    runs-on: ubuntu-latest
    steps:
      - if: ${{ Secrets.TOKEN != '' }}
        run: echo
      - if: env.STAGE && matrix.part && inputs.secrets != 'secrets.TOKEN'
        run: echo
      - if: |
          failure() &&
          secrets.TOKEN
        run: echo
      - uses: some/action@v1
        with:
          if: secrets.TOKEN
"""
    job = next(one for one in read(text) if isinstance(one, WorkflowJob))
    assert [(one.kind, one.name, one.text, one.place.line) for one in job.misread] == [
        ("place", "env", "env.STAGE == 'x' && matrix.part", 4),
        ("place", "secrets", "Secrets.TOKEN != ''", 7),
        ("place", "secrets", "failure() &&\nsecrets.TOKEN", 12),
    ]
