"""A command-line option is declared and parsed, and no code asks for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Place, Severity, Unjudged, Verdict, expr, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.HIGH, since="0.1", also=("untested-change",))

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


def _is_option(option: facts.CommandOption, pipeline: Pipeline) -> bool:
    """Options of a process that somebody can set, and that are not there to please a launcher."""
    return option.flags[0].startswith("-") and option.destination not in _GIVEN_BY_LAUNCHERS


@check.over(facts.CommandOption, where=_is_option)
def find(option: facts.CommandOption, pipeline: Pipeline) -> Iterator[Verdict]:
    if option.read == "unknown":
        yield Unjudged(option.place, "the parsed options go where their use cannot be seen")
        return
    if option.read == "yes" or option.disowned or _from_environment(option):
        return
    flag = max(option.flags, key=len)
    passed = [(place, f"passes {flag}") for place in _passing(option, pipeline)]
    message = f"{flag} is parsed, but nothing reads it: what is passed has no effect."
    if passed or _TUNES.search(option.destination):
        yield Finding(at=option.place, message=message, because=tuple(passed[:3]))
    else:
        lowered = "no command line of the tree passes it, and its name is none of a hyperparameter"
        yield Finding(at=option.place, message=message, severity=Severity.LOW, lowered=lowered)


def _from_environment(option: facts.CommandOption) -> bool:
    """Whether its default is a variable that a platform sets (``SM_OUTPUT_DATA_DIR``)."""
    return isinstance(option.default, expr.EnvVar) and option.default.key.startswith(("SM_", "AIP_", "AZUREML_"))


def _passing(option: facts.CommandOption, pipeline: Pipeline) -> Iterator[Place]:
    for process in pipeline.processes_of(option.path):
        for entry in process.entries:
            if entry.path == option.path and any(a.partition("=")[0] in option.flags for a in entry.arguments):
                yield entry.place
