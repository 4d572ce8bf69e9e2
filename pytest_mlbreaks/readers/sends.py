"""Messages to Kafka whose delivery nobody asks after."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.formats.python import PYTHON, PythonFile
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.facts import UnaskedSend
from pytest_mlbreaks.readers.python import claims
from pytest_mlbreaks.reading import Reader, Wanted

_ASKS = re.compile(rb"add_errback|add_callback|add_both")
_PRODUCERS = ("kafka.KafkaProducer().send", "kafka.producer.KafkaProducer().send")


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """Each ``send`` of a producer of kafka-python whose future nobody takes, in a file that asks after none."""
    if file.tree is None or not file.mentions(b"KafkaProducer") or file.has(_ASKS):
        return
    for callee in _PRODUCERS:
        for site in file.calls_by_name.get(callee, ()):
            if site.dropped:
                topic = site.node.args[0] if site.node.args else None
                yield UnaskedSend(
                    place=file.place(site.node), topic=file.expr(topic, site.scope), scope=site.scope.function
                )


READER: Reader[PythonFile] = Reader("sends", 1, PYTHON, (UnaskedSend,), claims, read)
