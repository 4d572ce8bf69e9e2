"""What kind of file a path is."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.recognised import aside, is_test_data, is_test_file, other_ci


@pytest.mark.parametrize(
    ("path", "yes"),
    [
        ("tests/test_features.py", True),
        ("churn/features_test.py", True),
        ("tests/conftest.py", False),
        ("tests/data/test_set.csv", False),
        ("docs/test_snippets.py", False),
        ("examples/churn/tests/test_model.py", False),
        ("third_party/lib/test_lib.py", False),
        ("{{ project }}/tests/test_model.py", False),
    ],
)
def test_test_files_are_those_that_pytest_collects_of_own_code(path: str, yes: bool) -> None:
    """pytest's default names, outside examples, documentation and vendored code."""
    assert is_test_file(path) is yes


@pytest.mark.parametrize(
    ("path", "yes"),
    [
        ("05-monitoring/homework/compose.yaml", True),
        ("cohorts/2024/homework_solution/Dockerfile", True),
        ("exercises/compose.yaml", True),
        ("services/home/compose.yaml", False),
        ("day2/lab2-1_serving/app/main.py", True),
        ("week-3/train.py", True),
        ("labs/train.py", False),
        ("dags/daily/train.py", False),
    ],
)
def test_homework_and_exercises_are_set_aside(path: str, yes: bool) -> None:
    """What a course asks its students to do is nobody's production."""
    assert aside(path) is yes


@pytest.mark.parametrize(
    ("path", "yes"),
    [
        ("src/network/example.py", True),
        ("feature_repo/example_repo.py", False),
        ("dags/example_astronauts.py", True),
        ("dags/examples_of_fraud.py", False),
        ("churn/client_example.py", True),
        ("churn/counterexamples.py", False),
        (".github/workflows/example-team-deploy.yml", True),
        (".github/workflows/deploy_example.yaml", True),
        (".github/workflows/examples.yml", False),
        ("churn/demo.py", False),
    ],
)
def test_a_file_that_calls_itself_an_example_is_set_aside(path: str, yes: bool) -> None:
    """A module called an example shows how the others are used."""
    assert aside(path) is yes


@pytest.mark.parametrize(
    ("path", "yes"),
    [
        (".archived/docker/Dockerfile", True),
        ("deploy/deprecated/server.yaml", True),
        (".claude/skills/deploy/check.py", True),
        ("agents/skills/data-engineer/assets/dag.py", True),
        ("agents/skills/data-engineer/scripts/run.py", True),
        ("src/skills/ranking/model.py", False),
        ("scratch/try.py", True),
        ("playground/app.py", True),
        ("src/playground/app.py", False),
        ("services/_archive/app.py", True),
        ("archive/dags/day.py", True),
        ("dags/archive/to_bucket.py", False),
        ("docker-compose.test.yml", True),
        ("compose.health-test.yaml", True),
        ("compose.latest.yaml", False),
    ],
)
def test_what_was_put_away_and_what_only_tests_run_is_set_aside(path: str, yes: bool) -> None:
    """An archive is run by nobody; a step that archives data is. A compose file for tests serves nobody."""
    assert aside(path) is yes


@pytest.mark.parametrize(
    ("path", "yes"),
    [
        ("k8s/base/stub-services.yaml", True),
        ("deploy/mock.yml", True),
        ("src/dags/dummy/dummy.py", True),
        ("services/mocks/server.py", True),
        ("models/staging/stg_dummy.sql", False),
        ("k8s/mockingbird.yaml", False),
        ("api/fake_news.py", False),
    ],
)
def test_stand_ins_are_set_aside(path: str, yes: bool) -> None:
    """Folders and manifests of stubs, mocks and dummies."""
    assert aside(path) is yes


@pytest.mark.parametrize(
    ("path", "yes"),
    [
        ("infra/local/docker-compose.yml", True),
        ("docker-compose.local.yml", True),
        ("deploy/app-compose.dev.local.yaml", True),
        ("docker/docker-compose.localhost.yml", True),
        (".devcontainer/Dockerfile", True),
        ("infra/local/notebooks/Dockerfile", False),
        ("docker-compose.local-llm.yml", False),
        ("src/local/compose.py", False),
        ("k8s/overlays/local/deployment.yaml", False),
    ],
)
def test_compose_files_for_a_developers_machine_are_set_aside(path: str, yes: bool) -> None:
    """By the folder or by the name; what they build may be run elsewhere, too."""
    assert aside(path) is yes


def test_ci_systems_that_are_not_read_are_named_with_their_first_file() -> None:
    """One entry a system, and nothing for GitHub workflows."""
    paths = (".github/workflows/ci.yml", ".circleci/config.yml", ".circleci/extra.yml", "Jenkinsfile")
    assert other_ci(paths) == {"CircleCI": ".circleci/config.yml", "Jenkins": "Jenkinsfile"}


@pytest.mark.parametrize(
    ("path", "yes"),
    [
        ("testdata/pipeline.yaml", True),
        ("compiler/Test-Data/valid/pipeline.py", True),
        ("data/testdata.py", False),
        ("latest_data/load.py", False),
    ],
)
def test_data_of_tests_is_told_by_its_folder(path: str, yes: bool) -> None:
    """Whatever the case; such a file is nobody's production, either."""
    assert is_test_data(path) is yes
    assert aside(path) is yes
