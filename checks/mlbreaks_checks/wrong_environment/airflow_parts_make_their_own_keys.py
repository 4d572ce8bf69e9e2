"""Parts of one Airflow are given no common key: each makes one of its own.

What one of them encrypts, the others cannot read; and the key goes with the container.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _installs, _manifests, _shells, _stores
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Place,
    Process,
    Severity,
    Unjudged,
    Verdict,
    aside,
    deployment,
    facts,
    references,
)

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    also=("process-orchestration",),
)

_PART = re.compile(
    r"^(?:\S*/)?(?:exec\s+)?(?:airflow\s+)?(webserver|api-server|scheduler|dag-processor|triggerer|celery\s+worker)\b"
)
_AIRFLOW = re.compile(r"(^|/)apache/airflow$")
_KEYS = frozenset(
    f"AIRFLOW__CORE__FERNET_KEY{how}"
    for how in ("", "_CMD", "_SECRET")  # as each option of Airflow can be given
)
_GIVEN_OTHERWISE = re.compile(r"AIRFLOW_CONFIG|AIRFLOW__SECRETS__BACKEND|AIRFLOW_(CONN|VAR)_.+")
"""Variables that name a settings file, or give connections in another way than the database."""
_HOME = "/opt/airflow"
_STORED = re.compile(r"airflow\.(hooks\.(base|base_hook)|providers\.(?!(standard|cncf|docker|common|celery|fab)\b)\w+)")
_STORED_NAMES = frozenset({"Variable", "Connection", "BaseHook"})


def _is_part(process: Process, pipeline: Pipeline) -> bool:
    """Containers that run a part of Airflow."""
    return bool(_part(process, pipeline))


@check.over(Process, where=_is_part)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at the parts that run side by side, once: those of a compose file, or of a namespace."""
    parts = [other for other in pipeline.index(Process, _group).get(_group(process), ()) if _part(other, pipeline)]
    lacking = [part for part in parts if part.variables.keys().isdisjoint(_KEYS)]
    if len(parts) < 2 or not lacking or lacking[0] is not process:
        return
    if any(_brings_settings(part, pipeline) for part in parts):
        return
    stored = _stored(pipeline)
    if stored is None:
        return
    doubt = next(filter(None, (_doubt(part, pipeline) for part in lacking)), "")
    if doubt:
        yield Unjudged(process.place, doubt)
        return
    others = [part for part in parts if part is not process]
    one = "each makes" if len(lacking) > 1 else "it makes"
    yield Finding(
        at=process.place,
        message=(
            f"{_installs.listed([part.name for part in lacking])} {'are' if len(lacking) > 1 else 'is'} given no "
            f"AIRFLOW__CORE__FERNET_KEY, and {one} a key of its own: a connection or variable that one part of Airflow "
            "has stored cannot be decrypted by the others, nor by itself once its container is made anew."
        ),
        because=(
            *((part.place, f"{_part(part, pipeline)} of the same Airflow") for part in others[:3]),
            (stored, "what is stored so is asked for here"),
        ),
        about=("fernet-key",),
    )


def _part(process: Process, pipeline: Pipeline) -> str:
    """Which part of Airflow a container runs, as its command names it; "" where it is none."""
    container = process.fact
    if not isinstance(container, facts.Container) or container.init or not _has_airflow(process, pipeline):
        return ""
    for started in _shells.of_process(process, pipeline):
        for command in started.commands:
            found = _PART.match(command)
            if found is not None:
                return " ".join(found[1].split())
    return ""


def _has_airflow(process: Process, pipeline: Pipeline) -> bool:
    """Whether the container's image is Airflow's, or begins with it."""
    container = process.fact
    written = container.image if isinstance(container, facts.Container) else None
    if process.dockerfile is not None and process.stage is not None:
        stage = process.stage
        while stage.base_stage is not None:
            stage = process.dockerfile.stages[stage.base_stage]
        written = stage.base
    return written is not None and bool(
        _AIRFLOW.search(references.split_reference(pipeline.pattern(written, process)).repository)
    )


def _group(process: Process) -> tuple[str, str, str]:
    """What runs side by side with a container: a key of an index."""
    container, workload = process.fact, process.workload
    if not isinstance(container, facts.Container) or workload is None or container.tool == "compose":
        return ("compose", process.place.path, "")
    return ("kubernetes", deployment(workload.scope), workload.namespace)


def _brings_settings(process: Process, pipeline: Pipeline) -> bool:
    """Whether the part may have a key, or connections, in another way than by the variable."""
    if any(_GIVEN_OTHERWISE.fullmatch(name) for name in process.variables):
        return True
    container = process.fact
    mounts = container.mounts if isinstance(container, facts.Container) else ()
    targets = [pipeline.pattern(mount.target, process).rstrip("/") for mount in mounts]
    if any(target == _HOME or target.endswith(".cfg") for target in targets):
        return True
    copies = process.stage.copies if process.stage is not None else ()
    return any(
        "airflow.cfg" in pipeline.pattern(path, process) for copy in copies for path in (*copy.sources, copy.target)
    )


def _stored(pipeline: Pipeline) -> Place | None:
    """Where code asks Airflow for a connection or a variable; None where none is seen to."""
    for module in pipeline.all(facts.PythonModule):
        if aside(module.path):
            continue
        for one in module.imports:
            from_airflow = one.target == "airflow" or one.target.startswith("airflow.")
            if from_airflow and (_STORED.match(one.target) or one.name in _STORED_NAMES):
                return Place(module.path, line=one.line)
    return None


def _doubt(process: Process, pipeline: Pipeline) -> str:
    """Why the key may be given all the same; "" where it is not."""
    if not process.closed:
        return process.open_reason
    container = process.fact
    if not isinstance(container, facts.Container):
        return ""
    if container.tool == "compose":
        if _stores.said_elsewhere(container, pipeline):
            return _stores.SAID_ELSEWHERE
        return "a service that another file completes" if container.extends else ""
    workload = process.workload
    if workload is None or _manifests.may_be_patched(container.path, pipeline, of=workload):
        return _manifests.PATCHED
    return _manifests.TEMPLATED if _manifests.is_templated(container, pipeline, "env", "envFrom") else ""
