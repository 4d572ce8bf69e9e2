"""What manifests and configuration say of Kafka."""

from __future__ import annotations

from typing import ClassVar

from pytest_mlbreaks.model.expr import Expr, render
from pytest_mlbreaks.model.facts.base import Fact
from pytest_mlbreaks.model.facts.containers import Label


class BrokerStorage(Fact, frozen=True, kw_only=True):
    """Brokers of Strimzi (*kind*: ``Kafka``, ``KafkaNodePool``) that keep their data in their pods alone."""

    called: ClassVar[str] = "storage of Kafka brokers"

    kind: str
    name: str

    @property
    def identity(self) -> str:
        return f"broker-storage:{self.path}#{self.kind}/{self.name}"


class KafkaTopic(Fact, frozen=True, kw_only=True):
    """A topic of Strimzi; *replicas* is None where it is not told."""

    called: ClassVar[str] = "topic of Kafka"

    name: str
    replicas: int | None = None

    @property
    def identity(self) -> str:
        return f"kafka-topic:{self.path}#{self.name}"


class Connector(Fact, frozen=True, kw_only=True):
    """A connector of Kafka Connect: *kind* is its class, *settings* its configuration without what may be secret; a
    value that a template fills in is ""."""

    called: ClassVar[str] = "connector of Kafka Connect"

    name: str
    kind: str
    settings: tuple[Label, ...] = ()

    @property
    def identity(self) -> str:
        return f"connector:{self.path}#{self.name}:{self.kind}"

    def setting(self, key: str) -> Label | None:
        """The entry given under *key*, or None."""
        return next((one for one in self.settings if one.key == key), None)


class UnaskedSend(Fact, frozen=True, kw_only=True):
    """A message that code gives to a producer of kafka-python, and whose future it drops: nothing in the file asks
    whether one has arrived."""

    called: ClassVar[str] = "message to Kafka that is not asked after"

    topic: Expr
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"unasked-send:{self.path}#{self.scope}:{render(self.topic)}"
