"""Data is loaded by worker processes in a container with the default 64 MB of shared memory.

PyTorch hands batches from its workers to the trainer through ``/dev/shm``, of which a container has 64 MB unless told
otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks import _manifests
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Process, Severity, Unjudged, Verdict, facts

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    also=("work-assignment",),
    calls=(
        "torch.utils.data.DataLoader",
        "torch.utils.data.dataloader.DataLoader",
        "transformers.TrainingArguments",
        "transformers.Seq2SeqTrainingArguments",
    ),
)

_SHARED = "/dev/shm"
_OF_LOADER = "num_workers"
_OF_TRAINER = "dataloader_num_workers"


def _loads_by_workers(process: Process, pipeline: Pipeline) -> bool:
    container = process.fact
    if not isinstance(container, facts.Container) or container.init:
        return False
    if not any(entry.path and entry.kind in ("script", "module") for entry in process.entries):
        return False  # a server may import the code that trains, and never run it
    return any(True for _ in _loaders(process, pipeline))


def _loaders(process: Process, pipeline: Pipeline) -> Iterator[facts.Argument]:
    """What the calls of the container's code that ask for worker processes say how many there are."""
    calls = pipeline.index(facts.Call, "path")
    for path in process.modules:
        for call in calls.get(path, ()):
            name = call.callee.rpartition(".")[2]
            if name == "DataLoader" or name.endswith("TrainingArguments"):
                argument = call.argument(_OF_LOADER if name == "DataLoader" else _OF_TRAINER)
                if argument is not None:
                    yield argument


@check.over(Process, where=_loads_by_workers)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each container whose code loads data by worker processes of PyTorch."""
    container = process.fact
    if not isinstance(container, facts.Container) or _has_shared_memory(container, process, pipeline):
        return
    for argument in _loaders(process, pipeline):
        value = pipeline.resolve(argument.value, process)
        if value.only is None or not isinstance(value.only.value, int):
            yield Unjudged(argument.place, "how many workers there are can't be told")
            continue
        if value.only.value < 1:
            continue
        if container.tool == "kubernetes" and _manifests.may_be_patched(container.path, pipeline, of=process.workload):
            yield Unjudged(container.place, _manifests.PATCHED)
            return
        if _manifests.is_templated(container, pipeline, "volumeMounts", "volumes", "hostIPC"):
            yield Unjudged(container.place, _manifests.TEMPLATED)
            return
        yield Finding(
            at=container.place,
            message=(
                f"{process.name} loads data by {value.only.value} worker processes, which hand over batches in "
                f"{_SHARED}, and has the default of 64 MB there: a batch that does not fit ends it with a bus error."
            ),
            because=((argument.place, f"{argument.name or 'workers'} is {value.only.value}"),),
        )
        return


def _has_shared_memory(container: facts.Container, process: Process, pipeline: Pipeline) -> bool:
    """Whether the container is given another ``/dev/shm``, by its size, a mount, or by sharing that of the machine."""
    if container.shared_memory is not None or container.ipc:
        return True
    targets = (pipeline.pattern(mount.target, process).rstrip("/") for mount in container.mounts)
    return any(target in (_SHARED, "/dev", "{*}") for target in targets)
