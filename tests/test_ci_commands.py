"""What the commands of a CI job are taken for by the built-in checks."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlbreaks_checks import _ci

from pytest_mlbreaks import engine
from pytest_mlbreaks.api import Pipeline, facts
from pytest_mlbreaks.testing import installed
from pytest_mlbreaks.tree import MemoryTree


def _job(run: str) -> tuple[facts.WorkflowJob, Pipeline]:
    lines = "".join(f"          {line}\n" for line in run.split("\n"))
    text = f"on: push\njobs:\n  one:\n    steps:\n      - run: |\n{lines}"
    tree = MemoryTree({".github/workflows/one.yml": text})
    pipeline = engine.build(tree, engine.read(tree, installed(), lambda stage, done, total: None))
    return pipeline.all(facts.WorkflowJob)[0], pipeline


@pytest.mark.parametrize(
    "run",
    [
        "pytest",
        "python -m pytest tests -q",
        "python3 -m unittest discover",
        "poetry run pytest",
        "uv run --with pytest-cov pytest tests",
        "uv run -m pytest",
        "uvx tox",
        "pipenv run pytest tests/",
        "coverage run -m pytest",
        "conda run -n churn pytest",
        "hatch run pytest",
        "PYTHONPATH=src pytest",
        "cd serving && ../.venv/bin/pytest",
        "set -e\npip install tox\ntox",
        "timeout 600 pytest \\\n  tests/unit",
    ],
)
def test_a_test_runner_is_seen_behind_what_starts_it(run: str) -> None:
    """Wrappers, variables, folders and continued lines do not hide it."""
    job, pipeline = _job(run)
    assert _ci.job_runs_tests(job, pipeline) is not None


@pytest.mark.parametrize(
    "run", ["pip install pytest", "poetry add --group dev pytest", "echo done", "pytest --collect-only", "# pytest"]
)
def test_naming_a_test_runner_is_not_running_it(run: str) -> None:
    """Installing it, asking what it would do, and comments run no test."""
    job, pipeline = _job(run)
    assert _ci.job_runs_tests(job, pipeline) is None


@pytest.mark.parametrize(
    "run",
    [
        "make test",
        "./ci.sh",
        "bash scripts/ci.sh",
        "docker run churn pytest",
        "docker compose run app",
        "tox -e lint",
        "python tests/run.py",
        "$RUN",
        "pre-commit run --all-files",
        "poetry run poe check",
    ],
)
def test_what_leads_out_of_what_is_read_may_run_tests(run: str) -> None:
    """It is opaque, and neither a test nor none."""
    job, pipeline = _job(run)
    assert _ci.job_runs_tests(job, pipeline) is None
    assert list(_ci.opaque(job, pipeline))


@pytest.mark.parametrize(
    "run", ["source .venv/bin/activate", ". ./.env", "make docs", "mise run lint", "npm run build"]
)
def test_what_is_known_to_run_no_tests_is_not_opaque(run: str) -> None:
    """Setting a shell up, and targets named after something else."""
    job, pipeline = _job(run)
    assert not list(_ci.opaque(job, pipeline))


@pytest.mark.parametrize(
    "run",
    [
        "kubectl apply -f k8s/",
        "kubectl -n prod apply -f k8s/",
        "helm upgrade --install churn ./chart",
        "gcloud run deploy churn --image x",
        "aws s3 sync dags s3://bucket/dags --delete",
        "databricks bundle deploy -t prod",
    ],
)
def test_deployments_are_seen(run: str) -> None:
    """Commands that bring code to where it runs."""
    job, pipeline = _job(run)
    assert _ci.deploys(job, pipeline)


@pytest.mark.parametrize(
    "run",
    [
        "kubectl apply --dry-run=client -f k8s/",
        "kubectl get pods",
        "kind create cluster\nkubectl apply -f k8s/",
        "minikube start\nhelm upgrade churn ./chart",
        "helm template ./chart",
    ],
)
def test_dry_runs_and_clusters_of_the_job_itself_are_no_deployments(run: str) -> None:
    """They are tests of what would be deployed."""
    job, pipeline = _job(run)
    assert not _ci.deploys(job, pipeline)


def test_a_failure_that_counts_for_nothing_is_marked() -> None:
    """``|| true`` at the end of a line; not a second way to do the same."""
    job, _ = _job("pytest || true\npytest || pytest --last-failed\npytest && echo fine")
    marks = [c.swallowed for step in job.steps for c in _ci.commands(step) if _ci.runs_tests(c)]
    assert marks == [True, False, False, False]


@pytest.mark.parametrize(
    ("run", "swallowed"),
    [
        ("pytest || exit 0", True),
        ("pytest || exit 1", False),
        ("pytest || exit", False),
        ("pytest; echo done; exit 0", False),
        ('pytest || echo "failed=1" >> $GITHUB_OUTPUT', False),
    ],
)
def test_only_an_exit_behind_an_alternative_hides_a_failure(run: str, swallowed: bool) -> None:
    """The shell of a step stops at what fails (``bash -e``), and a note for later steps may still stop these."""
    job, _ = _job(run)
    marks = [c.swallowed for step in job.steps for c in _ci.commands(step) if _ci.runs_tests(c)]
    assert marks == [swallowed]


@pytest.mark.parametrize(
    "run",
    [
        "ansible-playbook site.yml --syntax-check",
        "ansible-playbook -i hosts site.yml -C",
        "ansible-playbook site.yml --list-hosts",
        "helm diff upgrade churn ./chart",
        "helm template churn ./chart",
        "kubectl diff -f k8s/",
        "kubectl apply -f k8s/ --dry-run=server",
        "aws s3 sync dags s3://bucket/dags --dryrun",
    ],
)
def test_trying_is_not_deploying(run: str) -> None:
    """Commands that only say what they would do bring nothing out."""
    job, pipeline = _job(run)
    assert not _ci.deploys(job, pipeline)


@pytest.mark.parametrize(
    "run", ["gh run watch 1 --exit-status", "gh api repos/acme/churn/commits/main/check-runs", "gh pr checks --watch"]
)
def test_a_job_may_wait_for_checks(run: str) -> None:
    """By the commands of GitHub's own client."""
    job, _ = _job(run)
    assert _ci.waits_for_checks(job)


@pytest.mark.parametrize(
    ("run", "scripts"),
    [
        ('ssh -i key -o A=b me@host "cd app && git pull"', [("cd app && git pull", 6, False)]),
        ("sshpass -p x ssh me@host uptime 2>&1", [("uptime", 6, False)]),
        ("echo\nssh me@host <<'EOF'\ncd app\ngit pull\nEOF\necho", [("cd app\ngit pull", 8, False)]),
        ("ssh me@host bash -se <<EOF\ngit pull\nEOF", [("git pull", 7, True)]),
        ("gcloud compute ssh vm --zone=z \\\n  --command='\ngit pull\nuptime'", [("\ngit pull\nuptime", 7, False)]),
        ("gcloud compute ssh vm --command uptime", [("uptime", 6, False)]),
        ("ssh-keyscan host >> known\nssh-add key\nssh me@host", []),
        ('ssh me@host "never closed', []),
    ],
)
def test_scripts_for_other_hosts(run: str, scripts: list[tuple[str, int, bool]]) -> None:
    """Commands and here-documents of ssh are taken for what another host runs, with the line where they begin."""
    job, _ = _job(run)
    found = _ci.elsewhere(job.steps[0])
    assert [(one.script, one.place.line, one.stops) for one in found] == scripts


def test_statements_of_a_script() -> None:
    """A script parts at ends of lines and at semicolons outside quotes; operators at the end of a line join it on."""
    job, _ = _job("ssh me@host <<EOF\ncd app; git pull\nmake &&\nmake up\necho 'a;b'\nEOF")
    statements = _ci.elsewhere(job.steps[0])[0].statements
    assert [(text, place.line) for text, place, _ in statements] == [
        ("cd app", 7),
        ("git pull", 7),
        ("make && make up", 8),
        ("echo 'a;b'", 10),
    ]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("git pull && docker compose -f a.yml up -d", "`docker compose up` over ssh"),
        ("git reset --hard origin/main\nsudo systemctl restart app", "`git reset --hard origin/main` over ssh"),
        ("kubectl -n a apply -f b.yml", "`kubectl -n a apply` over ssh"),
        ("df -h\nsystemctl status app", None),
    ],
)
def test_deployments_over_ssh(script: str, said: str | None) -> None:
    """What starts new code on another host, else what fetches it, is the deployment."""
    job, _ = _job(f"ssh me@host <<EOF\n{script}\nEOF")
    there = _ci.deployed_over_ssh(job.steps[0])
    assert (None if there is None else _ci.said_of(there[1])) == said


@settings(max_examples=300)
@given(st.text("ab \t'\";&|()$=-{}#./\\é\x0b\xa0", max_size=14))
def test_words_are_those_of_the_standard_library(line: str) -> None:
    """What is taken apart without it is taken apart as it does."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|()")
    lexer.whitespace_split = True
    lexer.commenters = ""
    found = _ci._plain_tokens(line)
    if found is not None:
        assert found == list(lexer)
