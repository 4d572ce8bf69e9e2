"""A command-line option is declared and parsed, and no code asks for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Place, Severity, Unjudged, Verdict, expr, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1", also=("untested-change",))

_TUNES = re.compile(
    r"(^|_)(lr|rate|alpha|beta|gamma|lambda|eta|eps|epsilon|seed|epochs?|batch|steps?|rounds?|depth|dropout|momentum|"
    r"decay|warmup|patience|threshold|estimators|max|min|img|image|width|height|size|sample|samples|subsample|"
    r"colsample|ratio|fraction|split|temperature|topk|layers?|hidden|units|dim|weights?|optimizer|loss|metric|"
    r"horizon|window|folds?|stopping|tolerance|tol|penalty|c|k|n)(_|$)",
    re.IGNORECASE,
)
"""Words of names that say that something is trained, split or judged by it."""

_GIVEN_BY_LAUNCHERS = frozenset(
    {
        *("local_rank", "job_dir", "model_dir", "output_data_dir", "hosts", "current_host", "num_gpus", "sm_model_dir"),
        *("job_name", "executor_input", "function_to_execute", "output_dir", "train", "test", "validation"),
    }
)
"""Options that torch.distributed.launch, SageMaker and Vertex AI pass, so that a script has to take them."""


def _matters(option: facts.CommandOption, pipeline: Pipeline) -> bool:
    """Options of a process that are named like a hyperparameter, or that a command line of the tree passes; not those
    that are there to please a launcher."""
    if not option.flags[0].startswith("-") or option.destination in _GIVEN_BY_LAUNCHERS:
        return False
    return _TUNES.search(option.destination) is not None or any(True for _ in _passing(option, pipeline))


@check.over(facts.CommandOption, where=_matters)
def find(option: facts.CommandOption, pipeline: Pipeline) -> Iterator[Verdict]:
    """Options of scripts; those of one file that nothing reads are told at once."""
    if option.read == "unknown":
        yield Unjudged(option.place, "the parsed options go where their use cannot be seen")
        return
    if not _ignored(option):
        return
    if _names_the_default(option, pipeline):
        yield Unjudged(option.place, "it may name what happens without the flag beside it")
        return
    together = [
        o
        for o in pipeline.index(facts.CommandOption, "path")[option.path]
        if _ignored(o) and _matters(o, pipeline) and not _names_the_default(o, pipeline)
    ]
    if option is not together[0]:
        return
    flags = [max(o.flags, key=len) for o in together]
    shown = " and ".join([", ".join(flags[:-1]), flags[-1]] if len(flags) > 1 else flags)
    passed = [(place, f"passes {max(o.flags, key=len)}") for o in together for place in _passing(o, pipeline)]
    because = (*passed[:3], *((o.place, "is not read, either") for o in together[1:4]))
    verb, it = ("is", "it") if len(flags) == 1 else ("are", "them")
    message = f"{shown} {verb} parsed, but nothing reads {it}: what is passed has no effect."
    yield Finding(at=option.place, message=message, because=because)


def _ignored(option: facts.CommandOption) -> bool:
    return option.read == "no" and not option.disowned and not _from_environment(option)


def _names_the_default(option: facts.CommandOption, pipeline: Pipeline) -> bool:
    """Whether it is one of two flags side by side of which the other one is read: ``--sample``, where only ``--full``
    changes anything."""
    if option.action != "store_true":
        return False
    beside = pipeline.index(facts.CommandOption, "path")[option.path]
    at = beside.index(option)
    near = (*beside[max(0, at - 1) : at], *beside[at + 1 : at + 2])
    return any(o.action == "store_true" and o.read == "yes" and o.scope == option.scope for o in near)


def _from_environment(option: facts.CommandOption) -> bool:
    """Whether its default is a variable that a platform sets (``SM_OUTPUT_DATA_DIR``)."""
    return isinstance(option.default, expr.EnvVar) and option.default.key.startswith(("SM_", "AIP_", "AZUREML_"))


def _passing(option: facts.CommandOption, pipeline: Pipeline) -> Iterator[Place]:
    for process in pipeline.processes_of(option.path):
        for entry in process.entries:
            if entry.path == option.path and any(a.partition("=")[0] in option.flags for a in entry.arguments):
                yield entry.place
