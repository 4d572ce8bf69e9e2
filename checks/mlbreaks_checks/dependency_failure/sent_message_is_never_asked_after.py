"""A server gives messages to Kafka, and nothing learns whether they arrived.

``send()`` of kafka-python only puts a message into a buffer: what becomes of it is told by the future that it returns.
``flush()`` waits for all of them, and raises none of their errors.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks import _serving
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, Verdict, aside, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")


def _is_dropped(send: facts.UnaskedSend, pipeline: Pipeline) -> bool:
    return not aside(send.path) and not send.path.endswith(".ipynb")


@check.over(facts.UnaskedSend, where=_is_dropped)
def find(send: facts.UnaskedSend, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at messages that a server sends by kafka-python; one finding for those of a file."""
    server = _serving.server_of(send.path, send.scope, pipeline)
    if server is None:
        yield Unjudged(send.place, "no server is seen to send it")
        return
    only = pipeline.resolve(send.topic).only
    topic = f"for {only.value} " if only is not None and isinstance(only.value, str) else ""
    yield Finding(
        at=send.place,
        message=f"The message {topic}is given to the producer, and its future is dropped: where the broker does not "
        "take it, the request is answered as if it had, nothing sends it again, and who reads the topic misses it.",
        because=(server,),
        group=send.path,
        note="so is this one",
    )
