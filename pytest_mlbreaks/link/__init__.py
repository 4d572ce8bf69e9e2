"""Link: what needs more than one file - values, identities, entry points, images, order, environments.

Link always runs again, also where facts come from a cache; it reads no file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pytest_mlbreaks.link import (
    compose,
    dagster,
    dbt,
    dvc,
    features,
    flows,
    gitlab,
    identity,
    kedro,
    kfp,
    metaflow,
    models,
)
from pytest_mlbreaks.link.environments import Environments
from pytest_mlbreaks.link.installs import installs
from pytest_mlbreaks.link.misfits import file_calls
from pytest_mlbreaks.link.modules import Modules
from pytest_mlbreaks.link.notebooks import idle
from pytest_mlbreaks.link.order import StepOrder
from pytest_mlbreaks.link.owners import Owners
from pytest_mlbreaks.link.packages import packages
from pytest_mlbreaks.link.passed_over import passed_over
from pytest_mlbreaks.link.processes import LOADS_VARIABLES, Processes
from pytest_mlbreaks.link.reach import Reach
from pytest_mlbreaks.link.roles import Roles
from pytest_mlbreaks.link.serving import Serving
from pytest_mlbreaks.link.twins import twins
from pytest_mlbreaks.link.values import Values
from pytest_mlbreaks.link.workflows import job_runs
from pytest_mlbreaks.model import Pipeline, Process, Value
from pytest_mlbreaks.model.facts import DatasetAccess, LocalPurpose, ModelAccess
from pytest_mlbreaks.report import Share

CALLS = LOADS_VARIABLES
"""Callee names that link itself asks the readers for."""


def link(pipeline: Pipeline, environments: Environments | None = None) -> None:
    """Link the facts of *pipeline*: afterwards it answers all that checks ask. *environments* tell which names are of
    production (None: those that everybody uses)."""
    named = environments or Environments()
    compose.extend(pipeline)
    modules = Modules(pipeline)
    values = Values(pipeline, modules, named)
    pipeline.add(dvc.stages(pipeline, values))
    pipeline.add(dvc.edges(pipeline, values))
    pipeline.add(list(kfp.pipelines(pipeline, modules, values)))
    projects = dbt.trees(pipeline)
    pipeline.add(projects)
    pipeline.add(model for project in projects for model in project.models.values())
    pipeline.add(dbt.steps(projects, pipeline))
    pipeline.add(dagster.steps(pipeline, modules))
    pipeline.add(kedro.steps(pipeline, modules))
    pipeline.add(metaflow.flows(pipeline, modules))
    pipeline.add(flows.flows(pipeline, modules, values))
    pipeline.add(gitlab.pipelines(pipeline))
    pipeline.settle(values, StepOrder(pipeline), Owners(pipeline).of)
    processes, images, settings = Processes(pipeline, modules, values).make()
    pipeline.add(processes)
    pipeline.add(images)
    pipeline.add(settings)
    pipeline.add(installs(pipeline, values))
    pipeline.add(packages(pipeline, values))
    pipeline.add(identity.datasets(pipeline, values))
    pipeline.add(identity.hosts(pipeline, values))
    pipeline.add(twins(pipeline, named))
    pipeline.add(job_runs(pipeline))
    serving = Serving(pipeline, modules, values)
    pipeline.add(serving.endpoints)
    pipeline.add(serving.blocking)
    pipeline.add(serving.applications)
    pipeline.add(models.commands(pipeline))
    reach = Reach(pipeline, serving)
    pipeline.follow(reach.of)
    linked_models = models.Models(pipeline, values, reach)
    pipeline.add(linked_models.models)
    pipeline.idle = idle(pipeline, modules)
    pipeline.passed_over = passed_over(pipeline, values)
    pipeline.local = frozenset(one.path for one in pipeline.all(LocalPurpose))
    pipeline.add(features.groups(pipeline, modules, values, reach))
    roles = Roles(pipeline, modules, reach, linked_models)
    pipeline.add(roles.roles)
    pipeline.add(roles.edges)
    pipeline.add(file_calls(pipeline, modules))


def summarise(pipeline: Pipeline) -> tuple[Share, Share]:
    """Of what processes start from the tree, how many entry files are known; of variables, images, datasets and models
    that are named, how many names could be told."""
    entries = [e for p in pipeline.all(Process) for e in p.entries if not e.external]
    values: list[Value] = []
    for process in pipeline.all(Process):
        values.extend(process.variables.values())
        if process.image is not None:
            values.append(process.image)
    # the schema of a model of dbt is its profile's to say, and no name that could have been told
    accesses = [access for access in pipeline.all(DatasetAccess) if access.api != "dbt"]
    values.extend(pipeline.resolve(access.target) for access in accesses)
    values.extend(pipeline.resolve(access.target) for access in pipeline.all(ModelAccess))
    return (
        _share((e.path is not None, e.reason) for e in entries),
        _share((v.complete, v.reason) for v in values),
    )


def _share(told: Iterable[tuple[bool, str]]) -> Share:
    known = 0
    reasons: Counter[str] = Counter()
    for is_known, reason in told:
        if is_known:
            known += 1
        else:
            reasons[reason] += 1
    return Share(known, sum(reasons.values()), tuple(reasons.most_common(10)))
