"""A cached step of Kubeflow Pipelines fetches data that its inputs do not name.

A task is not run again where one with the same component and the same inputs has run before; caching is on unless it is
turned off. What a component fetches by itself is no input.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Process,
    Severity,
    Unjudged,
    Verdict,
    expr,
    facts,
)

_STARTS = (
    "*.create_run_from_pipeline_func",
    "*.create_run_from_pipeline_package",
    "*.create_recurring_run",
    "*.run_pipeline",
    "*.PipelineJob",
)

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    calls=("*.set_caching_options", *_STARTS),
)

_FETCHES = re.compile(
    r"^(?:urllib\.request\.(?:urlretrieve|urlopen)|(?:requests|httpx)\.(?:get|post|request)"
    r"|pandas\.read_(?:sql\w*|gbq)|wget\.download|minio\.Minio|boto3\.(?:client|resource|Session|session\.Session)"
    r"|google\.cloud\.(?:bigquery|storage)\.Client|psycopg2?\.connect|sqlalchemy\.create_engine|feast\.FeatureStore"
    r"|mlflow\.(?:\w+\.load_model|MlflowClient|tracking\.MlflowClient))$"
)
_OFF_BY_VARIABLE = "KFP_DISABLE_EXECUTION_CACHING_BY_DEFAULT"


def _component(step: facts.Step, pipeline: Pipeline) -> facts.Function | None:
    """The function of the tree that the task runs."""
    if step.callee is None:
        return None
    named = pipeline.index(facts.Function, "name").get(step.callee.name, ())
    found = [function for function in named if function.path == step.callee.path]
    return found[0] if len(found) == 1 else None


def _runs_function(step: facts.Step, pipeline: Pipeline) -> bool:
    return step.orchestrator == "kfp" and _component(step, pipeline) is not None


@check.over(facts.Step, where=_runs_function)
def find(step: facts.Step, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each task of a pipeline whose component is a function of the tree."""
    function = _component(step, pipeline)
    fetch = next((call for call in function.calls if _FETCHES.match(call)), "") if function is not None else ""
    if function is None or not fetch:
        return
    arguments = step.setting("arguments")
    if arguments is not None and not _is_constant(arguments.value, pipeline):
        yield Unjudged(step.place, "its inputs may name what it fetches")
        return
    off = _turned_off(step, pipeline)
    if off:
        yield Unjudged(step.place, off)
        return
    given = "no input" if arguments is None else "the same inputs in every run"
    yield Finding(
        at=step.place,
        message=(
            f"Task {step.name} has {given}, and its component calls {fetch}: once it has run, each later run takes "
            f"what it fetched then out of the cache."
        ),
        because=((function.place, f"{function.name}, which fetches by itself"),),
        about=(function.identity,),
    )


def _is_constant(arguments: expr.Expr, pipeline: Pipeline) -> bool:
    """Whether all arguments are written out."""
    if not isinstance(arguments, expr.Entries) or arguments.partial:
        return False
    return all(pipeline.resolve(value).only is not None for _, value in arguments.entries)


def _turned_off(step: facts.Step, pipeline: Pipeline) -> str:
    """Why the task may not be cached, or ""."""
    for call in pipeline.index(facts.Call, "path").get(step.path, ()):
        if call.callee.endswith(".set_caching_options"):
            return "its pipeline says of some task whether it is cached"
    for call in pipeline.all(facts.Call):
        if any(one.name == "enable_caching" for one in call.arguments):
            return "who starts a pipeline says whether it is cached"
    if _OFF_BY_VARIABLE in pipeline.index(Process, _variables, each=True):
        return "a variable turns caching off"
    return ""


def _variables(process: Process) -> tuple[str, ...]:
    return tuple(process.variables)
