"""A file of DAGs asks Airflow's database for a variable each time that it is parsed.

Airflow parses the files of DAGs over and over, every half minute where nothing else is said, and before each task. What
stands outside of the tasks runs each time.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks import _variables
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, Verdict, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.HIGH, since="0.1")

_CACHED = "AIRFLOW__SECRETS__USE_CACHE"
_MOST = 4
"""Further variables of a file that are shown."""


def _is_first(variable: facts.ParsedVariable, pipeline: Pipeline) -> bool:
    return pipeline.index(facts.ParsedVariable, "path")[variable.path][0] is variable


@check.over(facts.ParsedVariable, where=_is_first)
def find(variable: facts.ParsedVariable, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at the files of DAGs that get a variable outside of their tasks; one finding for all of them."""
    found = [
        one for one in pipeline.index(facts.ParsedVariable, "path")[variable.path] if not _is_environment(one, pipeline)
    ]
    if not found:
        return
    if _CACHED in pipeline.index(facts.Container, _variables.of_a_container, each=True):
        yield Unjudged(variable.place, "the configuration may keep variables for a while")
        return
    bare = [one for one in found if not one.default]
    what = "a variable" if len(found) == 1 else f"{len(found)} variables"
    gone = (
        "; while the database does not answer, or one without a default is not set, its DAGs are gone" if bare else ""
    )
    yield Finding(
        at=found[0].place,
        message=f"{what[:1].upper()}{what[1:]} of Airflow {'is' if len(found) == 1 else 'are'} read when this file is "
        f"parsed, not when a task runs: the database is asked every half minute and before each task{gone}.",
        because=tuple((one.place, "so is this one") for one in found[1 : 1 + _MOST]),
        severity=None if bare else Severity.LOW,
        lowered="" if bare else "each has a default: only the load is left",
        group="parsed",
        note="so are those of this file",
    )


def _is_environment(variable: facts.ParsedVariable, pipeline: Pipeline) -> bool:
    """Whether a container of the tree sets it in its environment, where Airflow looks first."""
    only = pipeline.resolve(variable.key).only
    name = f"AIRFLOW_VAR_{only.value}".upper() if only is not None else ""
    return name in pipeline.index(facts.Container, _variables.of_a_container, each=True)
