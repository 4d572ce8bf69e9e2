"""What asks the service after a deployment whether it works can't fail the job.

``|| echo`` or ``continue-on-error`` stands at the only requests that go to the new version: the release is green
whatever they were answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _ci, _runs
from pytest_mlbreaks.api import Check, Confidence, Finding, JobRun, Pipeline, Place, Severity, Unjudged, Verdict, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1", also=("untested-change",))

_ASKS_SERVICE = re.compile(
    r"\bcurl\b.*(?:\s-\w*f|--fail)|\bcurl\b.*/(?:health\w*|ready\w*|live\w*|ping|predict\w*|invocations|status)\b|"
    r"^helm\s+test\b|^(?:python\d?|pytest|bash|sh|\./)\S*.*smoke|"
    r"^(?:(?:python\d?|bash|sh)\s+)?\S*(?:validat|verif|health_?-?check|post_?-?deploy)[\w-]*\.(?:sh|py)\b",
    re.IGNORECASE,
)
_ASKS_ITSELF = re.compile(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0)\b")
_LOOP = re.compile(r"^(?:for|while|until)\b")


def _deploys(run: JobRun, pipeline: Pipeline) -> bool:
    return bool(_asking(run, pipeline))


def _asking(run: JobRun, pipeline: Pipeline) -> list[tuple[_runs.Brought, _ci.SimpleCommand, bool, str]]:
    """What asks the service after the run's last deployment: whether its failure is lost, and how."""
    brings = [one for one in _runs.brings(run, pipeline) if one.kind == "deploy"]
    if not brings:
        return []
    last, found, after = brings[-1], [], False
    for step in run.steps:
        own = list(_ci.commands(step))
        loops = any(_LOOP.match(line.strip()) for line in _script(step).split("\n"))
        for command in own:
            if after and _ASKS_SERVICE.search(command.text) and not _ASKS_ITSELF.search(command.text):
                how = "what follows `||` makes its failure a success" if command.swallowed else ""
                if step.continue_on_error:
                    how = "its step has `continue-on-error: true`"
                found.append((last, command, loops and not how, how))
            after = after or command.place == last.place
        after = after or step.place == last.place or (last.remote and step == last.step)
    return found


def _script(step: facts.JobStep) -> str:
    return _ci.text_of(step.run.shell) if step.run is not None else ""


@check.over(JobRun, where=_deploys)
def find(run: JobRun, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each job that deploys and then asks the service."""
    asking = _asking(run, pipeline)
    if any(not how and not loops for _, _, loops, how in asking):
        return
    after = [job for job in _ci.siblings(run.job, pipeline) if run.job.id in job.needs]
    if any(_ci.job_runs_tests(job, pipeline) is not None for job in after):
        return
    if any(loops for _, _, loops, _ in asking):
        yield Unjudged(run.place, "a loop decides what a failure of the request comes to")
        return
    if run.job.continue_on_error or any("steps.*" in step.condition for step in run.steps):
        yield Unjudged(run.place, "something asks how the steps ended")
        return
    brought, command, _, how = asking[0]
    because: list[tuple[Place, str]] = [(brought.place, f"deployed with {brought.what}")]
    because.extend((other.place, "and this one can't either") for _, other, _, _ in asking[1:3])
    more = "" if len(asking) == 1 else f" (and {len(asking) - 1} more)"
    shown = re.search(r"(?<![\w/-])curl\s.*|\bhelm test\b.*|\S*smoke\S*|\S+\.(?:sh|py)\b", command.text)
    asks = (shown[0] if shown else command.text).replace("{*}", "...")[:60]
    yield Finding(
        at=command.place,
        message=(
            f"Job {run.job.id!r} deploys, and then asks with `{asks}`{more} whether the service works, which can't "
            f"fail the job: {how}."
        ),
        because=tuple(because),
        about=(command.words[0],),
    )
