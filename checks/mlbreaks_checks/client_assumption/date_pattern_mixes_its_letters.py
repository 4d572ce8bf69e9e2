"""A pattern for dates uses a letter of Java that means something else.

In Java, and so in Spark and Kafka Connect, ``YYYY`` is the year of the week, ``DD`` the day of the year, ``mm`` the
minute and ``hh`` the hour of half a day.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Place, Severity, Unjudged, Verdict, aside, facts

_FUNCTIONS = ("date_format", "to_date", "to_timestamp", "unix_timestamp", "from_unixtime")
_CALLS = tuple(f"pyspark.sql.functions.{name}" for name in _FUNCTIONS)

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    also=("data-join",),
    calls=_CALLS,
)

_QUOTED = re.compile(r"'[^']*'")
_MINUTES = re.compile(r"[yYu]{4}([-/. ]?)mm\1[dD]{2}|[dD]{2}([-/. ]?)mm\2[yYu]{2,4}")
_MONTHS = re.compile(r"[Hhk]{1,2}:?MM")


def _is_given_a_pattern(call: facts.Call, pipeline: Pipeline) -> bool:
    return call.callee in _CALLS and not aside(call.path) and call.argument("format", 1) is not None


@check.over(facts.Call, where=_is_given_a_pattern)
def find_in_spark(call: facts.Call, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at the patterns that Spark's functions for dates are given."""
    given = call.argument("format", 1)
    only = pipeline.resolve(given.value).only if given is not None else None
    if given is None or only is None or not isinstance(only.value, str):
        yield Unjudged(call.place, "the pattern can't be told")
        return
    wrong = _wrong(only.value)
    if wrong:
        yield _finding(given.place, only.value, wrong, "Spark 3 refuses the pattern, or the date is another one.")


def _converts(connector: facts.Connector, pipeline: Pipeline) -> bool:
    return any(_is_pattern(one, connector) for one in connector.settings) and not aside(connector.path)


@check.over(facts.Connector, where=_converts)
def find_in_connectors(connector: facts.Connector, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at the patterns of ``TimestampConverter`` in connectors of Kafka Connect."""
    for setting in connector.settings:
        if _is_pattern(setting, connector):
            wrong = _wrong(setting.value)
            if wrong:
                yield _finding(setting.place, setting.value, wrong, "the time that arrives is not the one sent.")


def _finding(place: Place, pattern: str, wrong: list[str], then: str) -> Finding:
    means = wrong[0] if len(wrong) == 1 else f"{', '.join(wrong[:-1])} and {wrong[-1]}"
    return Finding(at=place, message=f"In the pattern {pattern!r} {means}: {then}", about=(pattern,))


def _is_pattern(setting: facts.Label, connector: facts.Connector) -> bool:
    """Whether it is the pattern of a transformation that converts times."""
    head, _, last = setting.key.rpartition(".")
    kind = connector.setting(f"{head}.type")
    return last == "format" and kind is not None and "TimestampConverter" in kind.value and bool(setting.value)


def _wrong(pattern: str) -> list[str]:
    """What letters of a pattern mean that stand where something else is meant; none where nothing is wrong."""
    letters = _QUOTED.sub("", pattern)
    found = []
    if "Y" in letters and "w" not in letters and ("M" in letters or "d" in letters.lower()):
        found.append(f"{'Y' * letters.count('Y')} is the year of the week")
    if re.search(r"(?<!D)DD?(?!D)", letters) and ("M" in letters or "mm" in letters):
        found.append(f"{'D' * letters.count('D')} is the day of the year")
    if _MINUTES.search(letters):
        found.append("mm, between year and day, is the minute")
    if _MONTHS.search(letters):
        found.append("MM, behind the hour, is the month")
    if "hh" in letters and "H" not in letters and not re.search(r"[aB]", letters):
        found.append("hh is the hour of half a day")
    return found
