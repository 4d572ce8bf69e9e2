"""Packages are installed beside Airflow, and nothing holds Airflow's own.

Airflow leaves its dependencies open on purpose: an installation without its constraints, or one that does not name
Airflow's own version, may move it or what it runs on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _installs
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Install,
    Packages,
    Pipeline,
    Process,
    Severity,
    Unjudged,
    Verdict,
    facts,
    references,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")

_AIRFLOW = frozenset({"apache-airflow", "apache-airflow-core"})
_BASE = re.compile(r"(^|/)(apache/airflow|bitnami(?:legacy)?/airflow(?:-scheduler|-worker)?)$")
"""Images that hold Airflow, with what it runs on, in fixed versions."""
_EXACT = re.compile(r"===?[^*,]+$")
# Bounded above, or at all: somebody has said which releases go with Airflow.
_HELD = re.compile(r"<|~=|==")
# Packages that run on what Airflow runs on (Flask, SQLAlchemy, alembic, pydantic, protobuf, pendulum ...) and bound it
# themselves, or that are those: a new release of them asks for others. Read off their metadata.
_SHARES = re.compile(
    r"^(apache-airflow-providers-.*|mlflow|great-expectations|dbt-.*|feast|evidently|zenml|kfp|prefect|dagster.*|"
    r"astronomer-.*|snowflake-.*|apache-beam|sqlalchemy|flask(-.*)?|alembic|pendulum|google-cloud-aiplatform|dvc)$"
)

_ITS_OWN = re.compile(r"sqlalchemy|flask|alembic|pendulum")
"""What Airflow itself runs on: where its image holds it, pip leaves it alone unless another release is asked for."""


def _with_airflow(packages: Packages, pipeline: Pipeline) -> bool:
    """Whether the image is run or pushed, holds Airflow, and has other packages installed into it."""
    if not any(_installs.deployed(install, pipeline) for install in packages.installs):
        return False
    return _base(packages, pipeline) is not None or not _AIRFLOW.isdisjoint(packages.installed)


@check.over(Packages, where=_with_airflow)
def find(packages: Packages, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each image with Airflow that is run or pushed."""
    base = _base(packages, pipeline)
    for install in packages.installs:
        if install.fixed or install.closed or install.passed_over is not None:
            continue  # what passes a lock over is told by another check
        own = [r for r in install.requirements if r.name in _AIRFLOW]
        if base is None and not own:
            continue
        if install.unknown and not install.requirements:
            yield Unjudged(install.place, install.unknown)
            continue
        if own and base is not None and all(_EXACT.match(r.specifier) for r in own):
            continue  # names the version that is there: pip can't move it
        moving = [r for r in install.requirements if _SHARES.match(r.name) and not _HELD.search(r.specifier)]
        if base is not None:
            moving = [r for r in moving if r.specifier or not _ITS_OWN.fullmatch(r.name)]
        if base is not None and not own and not moving:
            continue
        yield _finding(install, own, moving, base, packages.image.processes, pipeline)


def _finding(
    install: Install,
    own: list[facts.Requirement],
    moving: list[facts.Requirement],
    base: facts.Stage | None,
    processes: tuple[Process, ...],
    pipeline: Pipeline,
) -> Finding:
    if base is not None:
        names = _installs.listed([r.name for r in moving or own])
        message = (
            f"{names} {'goes' if len(moving or own) == 1 else 'go'} into the Airflow image with no upper bound, and "
            "without Airflow's constraints or its own version beside it: pip may move Airflow, or what it runs on, "
            "with the next build."
        )
        severity: Severity | None = Severity.MEDIUM
        lowered = "pip leaves alone what is there as long as it will do"
        because = [(base.place, "the image that Airflow comes with")]
    else:
        message = (
            f"{own[0].name}{own[0].specifier} is installed without its constraints file: its dependencies are open on "
            "purpose, and each build takes the newest ones, which nobody has tried with it."
        )
        severity, lowered, because = None, "", [(own[0].place, "asked for here")]
    return Finding(
        at=install.place,
        message=message,
        because=(*because, *_installs.run_by(processes, pipeline)),
        about=("airflow",),
        severity=severity,
        lowered=lowered,
        group=install.place.path,
        note=f"so may {_installs.listed([r.name for r in moving or own])}",
    )


def _base(packages: Packages, pipeline: Pipeline) -> facts.Stage | None:
    """The stage of the image that begins with Airflow's own image."""
    dockerfile, stage = packages.image.dockerfile, packages.image.stage
    while stage.base_stage is not None:
        stage = dockerfile.stages[stage.base_stage]
    name = references.split_reference(pipeline.pattern(stage.base)).repository
    return stage if _BASE.search(name) else None
