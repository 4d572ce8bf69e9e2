"""What compose files and Dockerfiles say of themselves in their first comment."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.model.facts import LocalPurpose
from pytest_mlbreaks.testing import judge_files, linked

COMPOSE = "services:\n  store:\n    image: redis:7\n    mem_limit: 1g\n"
AIRFLOW = "# WARNING: This configuration is for local development. Do not use it in a production deployment.\n"


@pytest.mark.parametrize(
    "comment",
    [
        "# Compose file for local development\n",
        "# Model platform\n#\n# NOTE: this is not for production, see deploy/\n",
        "# Use this for quick demos and evaluation.\n",
        "# Local-only observability stack, as in the cloud\n",
        "# Para demo local del proyecto\n",
        "# ====\n# Purpose\n# - Run Apache Airflow locally for orchestration development.\n",
        "# Development Docker Compose configuration\n",
    ],
)
def test_a_compose_file_that_says_that_it_is_for_local_use_is_no_subject(comment: str) -> None:
    """It is read, and told in the report; no check looks at what stands there."""
    assert linked({"docker-compose.yml": comment + COMPOSE}).local == {"docker-compose.yml"}
    result = judge_files({"docker-compose.yml": comment + COMPOSE}, "redis-has-no-memory-bound")
    assert not result.findings
    assert "for local use" in result.reason


@pytest.mark.parametrize(
    "text",
    [
        COMPOSE,
        AIRFLOW + COMPOSE,
        "# Copies local files into the image of the service\n" + COMPOSE,
        "# Redis, Postgres and the API in one stack\n" + COMPOSE,
        COMPOSE + "# for local development: ports are published\n",
        "services:  # for local development\n  store:\n    image: redis:7\n",
    ],
)
def test_other_comments_say_nothing_of_the_whole_file(text: str) -> None:
    """Only what comes before all else speaks of the file; and Airflow's own is run in production all the same."""
    assert not linked({"docker-compose.yml": text}).all(LocalPurpose)


def test_a_dockerfile_says_it_as_well() -> None:
    """In the comment above its first instruction, parser directives included."""
    text = "# syntax=docker/dockerfile:1\n# This Dockerfile is for local development only!\nFROM python:3.12\n"
    assert linked({"api/Dockerfile": text}).local == {"api/Dockerfile"}
    assert not linked({"api/Dockerfile": "FROM python:3.12\n# for local development\nRUN true\n"}).local
