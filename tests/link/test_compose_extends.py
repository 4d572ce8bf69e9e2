"""Services of compose that extend others."""

from __future__ import annotations

from pytest_mlbreaks.model import Process
from pytest_mlbreaks.model.expr import Literal
from pytest_mlbreaks.model.facts import Container, EnvFile, Workload
from pytest_mlbreaks.testing import linked

BASE = """\
services:
  app:
    build: .
    command: python serve.py
    env_file: app.env
    environment: {A: "1", B: "1"}
    volumes: ["./data:/data", "cache:/cache"]
    ports: ["80:80"]
    deploy: {replicas: 2}
"""

OWN = """\
services:
  scorer:
    extends: {file: base/common.yaml, service: app}
    environment: [B=2]
    volumes: ["./other:/data"]
    ports: ["81:80"]
  worker:
    extends: scorer
    command: python work.py
"""


def test_a_service_has_what_it_extends() -> None:
    """Over files: values replaced, variables by name, volumes by target, ports added; paths of the other file kept."""
    pipeline = linked(
        {
            "base/common.compose.yaml": BASE,
            "compose.yaml": OWN.replace("common.yaml", "common.compose.yaml"),
            "base/Dockerfile": "FROM python:3.11\nWORKDIR /app\nCOPY . .\n",
            "base/serve.py": "",
            "base/work.py": "",
            "base/app.env": "C=3\n",
        }
    )
    assert pipeline.all(EnvFile)
    scorer = next(c for c in pipeline.all(Container) if c.name == "scorer")
    assert {v.name: v.value for v in scorer.variables} == {"A": Literal("1"), "B": Literal("2")}
    assert [(m.source, m.target) for m in scorer.mounts] == [
        (Literal("./other"), Literal("/data")),
        (Literal("cache"), Literal("/cache")),
    ]
    assert [p.published for p in scorer.ports] == [Literal(80), Literal(81)]
    processes = {p.name: p for p in pipeline.all(Process)}
    assert [e.path for e in processes["scorer"].entries] == ["base/serve.py"]
    assert [e.path for e in processes["worker"].entries] == ["base/work.py"]
    assert set(processes["worker"].variables) >= {"A", "B", "C"}
    assert {w.name: w.replicas for w in pipeline.all(Workload)}["worker"] == Literal("2")


def test_what_is_not_there_leaves_the_service_open() -> None:
    """A file that isn't in the tree, a service that isn't, one that extends itself."""
    text = "services:\n  a: {image: x, extends: {file: none.yaml, service: b}}\n  c: {image: x, extends: c}\n"
    pipeline = linked({"compose.yaml": text})
    assert {p.name: (p.closed, p.open_reason) for p in pipeline.all(Process)} == {
        "a": (False, "what it extends is not read"),
        "c": (False, "what it extends is not read"),
    }
