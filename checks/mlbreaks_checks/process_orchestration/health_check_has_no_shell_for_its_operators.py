"""A health check is written as a list and needs a shell.

A command that is a list is started as it stands: ``|``, ``||`` and ``exit 1`` are arguments of the first program.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, Verdict, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1")

_OPERATORS = frozenset({"|", "||", "&&", ";", ">", ">>", "2>&1", "2>/dev/null", ">/dev/null"})
_ALWAYS_PASS = frozenset({"echo", "true", ":", "printf"})


def _lists(container: facts.Container) -> list[facts.Command]:
    """The commands of its probes that are written as lists."""
    return [p.command for p in container.probes if p.command is not None and p.command.argv is not None]


def _is_probed(container: facts.Container, pipeline: Pipeline) -> bool:
    return bool(_lists(container))


@check.over(facts.Container, where=_is_probed)
def find(container: facts.Container, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each health check that is written as a list."""
    for command in _lists(container):
        words = [pipeline.resolve(word).text for word in command.argv or ()]
        if not words or words[0] is None:
            yield Unjudged(command.place, "the program of the health check can't be told")
            continue
        at = next((index for index, word in enumerate(words) if word in _OPERATORS), 0)
        if not at:
            continue
        program = words[0].rpartition("/")[2]
        then = "always passes" if program in _ALWAYS_PASS else "fails, or asks for something else"
        rest = " ".join(word or "..." for word in words[at:])
        yield Finding(
            at=command.place,
            message=(
                f"The health check of {container.name} is a list, which no shell reads: {program} is given "
                f"{rest!r} as arguments, and {then}."
            ),
            about=(command.place.path, container.name),
        )
