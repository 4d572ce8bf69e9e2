"""Metrics and rules of Prometheus."""

from __future__ import annotations

from typing import ClassVar
from typing import Literal as L

from pytest_mlbreaks.model.expr import Expr, render
from pytest_mlbreaks.model.facts.base import Fact, Part


class MetricQuery(Part, frozen=True, kw_only=True):
    """A metric that an expression of Prometheus asks for. *labels* are those that must be there and not be empty."""

    metric: str
    labels: tuple[str, ...] = ()


class MetricRule(Fact, frozen=True, kw_only=True):
    """A rule of Prometheus: an alert, or what it records under a new *name*.

    *either*: its expression may have a value where one of its metrics has none (``or``, ``unless``, ``absent()``), or
    asks for what can't be told.
    """

    called: ClassVar[str] = "rule of Prometheus"

    kind: L["alert", "record"]
    name: str
    queries: tuple[MetricQuery, ...] = ()
    either: bool = False

    @property
    def identity(self) -> str:
        return f"metric-rule:{self.path}#{self.kind}:{self.name}"


class MetricMade(Fact, frozen=True, kw_only=True):
    """A metric that code makes with prometheus_client, or with a class of the same shape.

    *name* is as given, with namespace, subsystem and unit, without what the client puts behind it. *labels* are None
    where they can't be told. *sort* is the class: ``Counter``, ``GaugeMetricFamily``.
    """

    called: ClassVar[str] = "metric of Prometheus"

    sort: str
    name: Expr
    labels: tuple[str, ...] | None = None

    @property
    def identity(self) -> str:
        return f"metric:{self.path}#{render(self.name)}"


class MetricsText(Fact, frozen=True, kw_only=True):
    """A Python file that writes metrics of Prometheus as text, by no library."""

    called: ClassVar[str] = "file that writes metrics as text"

    @property
    def identity(self) -> str:
        return f"metrics-text:{self.path}"
