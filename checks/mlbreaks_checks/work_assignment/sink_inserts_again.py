"""A sink of Kafka Connect inserts a message again that it was given twice.

Kafka Connect delivers at least once: after a restart, or when partitions move, what was not yet committed comes again.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Place, Severity, Unjudged, Verdict, aside, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.HIGH, since="0.1", also=("data-join",))

_KEYS = ("pk.mode", "primary.key.mode")
"""How the Confluent and Aiven sinks, and Debezium's, call it."""


def _is_a_sink(connector: facts.Connector, pipeline: Pipeline) -> bool:
    return connector.kind.endswith(".JdbcSinkConnector") and not aside(connector.path)


@check.over(facts.Connector, where=_is_a_sink)
def find(connector: facts.Connector, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each JDBC sink: whether it knows a row that it has written before."""
    mode = connector.setting("insert.mode")
    if mode is not None and not mode.value:
        yield Unjudged(mode.place, "a template says how it inserts")
        return
    if mode is not None and mode.value.lower() != "insert":
        return
    key = next((found for name in _KEYS if (found := connector.setting(name)) is not None), None)
    if key is not None and not key.value:
        yield Unjudged(key.place, "a template says what the key is")
        return
    keyed = key is not None and key.value.lower() != "none"
    because: list[tuple[Place, str]] = [] if key is None else [(key.place, f"{key.key} is {key.value}")]
    name = f"Connector {connector.name}" if connector.name else "The connector"
    yield Finding(
        at=mode.place if mode is not None else connector.place,
        message=f"{name} inserts each message that it is given, and after a restart it is given again what was not yet "
        "committed: "
        + ("the database refuses it by its key, and the task stops." if keyed else "such rows are there twice."),
        because=tuple(because),
    )
