"""The readers of Strimzi's objects and of connectors."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.formats.helm import HELM
from pytest_mlbreaks.formats.yaml import YAML
from pytest_mlbreaks.model.facts import BrokerStorage, Connector, KafkaTopic
from pytest_mlbreaks.readers import kafka
from pytest_mlbreaks.reading import Source, Wanted

CONNECTOR = """\
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaConnector
metadata:
  name: {name}
spec:
  class: io.aiven.connect.jdbc.JdbcSinkConnector
  config:
    connection.url: jdbc:postgresql://db/x
    connection.password: hidden
    insert.mode: {mode}
"""


def test_no_secret_of_a_connector_is_told() -> None:
    """Its class and configuration are, but for what may hold a password."""
    document = YAML.parse(Source("k.yaml", CONNECTOR.format(name="sink", mode="insert").encode()))
    (one,) = kafka.READER.read(document, Wanted())
    assert isinstance(one, Connector)
    assert (one.name, one.kind, [(s.key, s.value) for s in one.settings]) == (
        "sink",
        "io.aiven.connect.jdbc.JdbcSinkConnector",
        [("insert.mode", "insert")],
    )


def test_what_a_template_fills_in_is_empty() -> None:
    """In an object that is rendered in a loop, what is written there stands, and a value of the chart does not."""
    text = "{{- range .Values.sinks }}\n---\n" + CONNECTOR.format(name="{{ .name }}", mode="insert") + "{{- end }}\n"
    (one,) = kafka.TEMPLATES.read(HELM.parse(Source("c/templates/k.yaml", text.encode())), Wanted())
    assert isinstance(one, Connector)
    assert (one.name, one.settings[0].value) == ("", "insert")
    text = CONNECTOR.format(name="sink", mode="{{ .Values.mode }}")
    (one,) = kafka.TEMPLATES.read(HELM.parse(Source("c/templates/k.yaml", text.encode())), Wanted())
    assert isinstance(one, Connector)
    assert one.settings[0].value == ""


@pytest.mark.parametrize(
    ("kind", "spec", "found"),
    [
        ("Kafka", "{kafka: {storage: {type: ephemeral}}}", True),
        ("KafkaNodePool", "{storage: {type: jbod, volumes: [{id: 0, type: ephemeral}]}}", True),
        ("KafkaNodePool", "{storage: {type: persistent-claim, size: 10Gi}}", False),
        ("KafkaNodePool", "{replicas: 3}", False),
    ],
)
def test_storage(kind: str, spec: str, found: bool) -> None:
    """That of a cluster and of a pool, by itself or among several volumes."""
    text = f"apiVersion: kafka.strimzi.io/v1beta2\nkind: {kind}\nmetadata: {{name: a}}\nspec: {spec}\n"
    facts = list(kafka.READER.read(YAML.parse(Source("k.yaml", text.encode())), Wanted()))
    assert [isinstance(one, BrokerStorage) for one in facts] == [True] * found


def test_replicas_of_a_topic() -> None:
    """A number is told, anything else is not."""
    text = "apiVersion: kafka.strimzi.io/v1\nkind: KafkaTopic\nmetadata: {name: a}\nspec: {replicas: %s}\n"
    told = []
    for written in ("3", "many"):
        (one,) = kafka.READER.read(YAML.parse(Source("k.yaml", (text % written).encode())), Wanted())
        assert isinstance(one, KafkaTopic)
        told.append(one.replicas)
    assert told == [3, None]


@pytest.mark.parametrize(
    ("path", "claimed"),
    [
        ("connect/orders.json", True),
        ("kafka-connect/a.json", True),
        ("conf/orders-sink.json", True),
        ("connector.json", True),
        ("web/ConnectButton/text.json", False),
        ("web/connection.json", False),
        ("data/sinks.json", False),
    ],
)
def test_which_json_is_read(path: str, claimed: bool) -> None:
    """What is called a connector or a sink, or lies in a folder of connectors."""
    assert kafka.CONNECTORS.claims(path) is claimed
