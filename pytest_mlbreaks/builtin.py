"""The built-in pack of readers and reporters; it comes in through the entry point, like anybody's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_mlbreaks.hookspecs import hookimpl
from pytest_mlbreaks.readers import (
    airflow,
    argo,
    call_shapes,
    chart_guards,
    clients,
    code_owners,
    compose,
    conda,
    config_files,
    dagster,
    datasets,
    dbt,
    deploy_scripts,
    dockerfile,
    dropped,
    dvc,
    dvc_locks,
    env_files,
    flows,
    frames,
    github_actions,
    gitlab_ci,
    gradients,
    growth,
    kedro,
    kfp,
    kubernetes,
    listings,
    loaded_configs,
    lock_files,
    ml_code,
    ml_files,
    notebooks,
    overwritten,
    own_caches,
    pipfile,
    prometheus,
    pyproject,
    python,
    python_tests,
    requirements,
    serving,
    setup_files,
    shell_scripts,
    spark,
    sql,
    task_files,
    text_numbers,
    torch,
    training,
    triton,
)
from pytest_mlbreaks.reading import Reader
from pytest_mlbreaks.report import Reporter


@hookimpl
def mlbreaks_readers() -> Sequence[Reader[Any]]:
    """One reader per tool."""
    return (
        python.READER,
        python_tests.READER,
        airflow.READER,
        dagster.READER,
        kedro.READER,
        flows.READER,
        flows.PREFECT_YAML,
        datasets.READER,
        notebooks.READER,
        frames.READER,
        growth.READER,
        dropped.READER,
        gradients.READER,
        overwritten.READER,
        call_shapes.READER,
        listings.READER,
        text_numbers.READER,
        spark.READER,
        torch.READER,
        serving.READER,
        clients.READER,
        compose.READER,
        kubernetes.READER,
        kubernetes.TEMPLATES,
        chart_guards.READER,
        github_actions.READER,
        gitlab_ci.READER,
        dvc.READER,
        dvc_locks.READER,
        argo.READER,
        kfp.READER,
        kfp.COMPILED,
        config_files.READER,
        loaded_configs.READER,
        config_files.CHARTS,
        env_files.READER,
        dockerfile.READER,
        requirements.READER,
        pyproject.READER,
        setup_files.SETUP_PY,
        setup_files.SETUP_CFG,
        pipfile.READER,
        conda.READER,
        lock_files.READER,
        deploy_scripts.READER,
        shell_scripts.READER,
        code_owners.READER,
        task_files.READER,
        sql.READER,
        dbt.READER,
        dbt.FILES,
        dbt.PYTHON_MODELS,
        sql.STRINGS,
        training.READER,
        own_caches.READER,
        ml_code.READER,
        ml_files.READER,
        triton.READER,
        prometheus.RULES,
        prometheus.METRICS,
    )


@hookimpl
def mlbreaks_reporters() -> Sequence[Reporter]:
    """One reporter per format."""
    from pytest_mlbreaks.reporters import github, json, markdown, sarif, terminal

    return (terminal.REPORTER, json.REPORTER, sarif.REPORTER, github.REPORTER, markdown.REPORTER)
