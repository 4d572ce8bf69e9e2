"""Rules of Prometheus with the metrics that they ask for, and the metrics that code makes."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.model.facts import MetricMade, MetricRule, MetricsText
from pytest_mlbreaks.testing import linked


def asked(expression: str) -> tuple[list[tuple[str, tuple[str, ...]]], bool]:
    """The metrics, with the labels that they need, of an alert with this expression, and whether it may do without."""
    text = f"groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: |\n          {expression}\n"
    (rule,) = linked({"rules.yml": text}).all(MetricRule)
    return [(query.metric, query.labels) for query in rule.queries], rule.either


@pytest.mark.parametrize(
    ("expression", "metrics"),
    [
        ("up == 0", [("up", ())]),
        ("rate(a_total[5m]) / rate(b_total[1h] offset 1d) > 5e3", [("a_total", ()), ("b_total", ())]),
        ("histogram_quantile(0.95, sum(rate(a_bucket[5m])) by (le, job)) > 0.5", [("a_bucket", ())]),
        ("sum by (route) (a) * on(job) group_left(version) b", [("a", ()), ("b", ())]),
        ("(time() - loaded) / 3600 > 48 # hours", [("loaded", ())]),
        ('a{x="1", y!="2", z=~"5..", w=~".*", v="", u!=""}', [("a", ("x", "z", "u"))]),
        ('a{x="}"} > bool 1 and b', [("a", ("x",)), ("b", ())]),
        ("job:a:rate5m > 1", [("job:a:rate5m", ())]),
        ("max_over_time(rate(a[5m])[1h:5m]) > 1", [("a", ())]),
    ],
)
def test_what_an_expression_asks_for(expression: str, metrics: list[tuple[str, tuple[str, ...]]]) -> None:
    """Metrics by name, with the labels that a series must have; functions, groupings and durations are none."""
    assert asked(expression) == (metrics, False)


@pytest.mark.parametrize(
    "expression", ["a or b", "a unless b", "absent(a)", "a or vector(0)", '{job="a"} == 0', "a{{ .Values.more }} > 1"]
)
def test_an_expression_that_may_do_without(expression: str) -> None:
    """One that has a value where a metric has none, or asks for what can't be told, says so."""
    assert asked(expression)[1] is True


def test_unfinished_expressions() -> None:
    """Broken text ends somewhere, with what could be told."""
    for text in ('a{x="1"', "rate(a[5m", "sum by (", "a{", "by", "'"):
        assert asked(text)[0] in ([], [("a", ())], [("a", ("x",))])


RULES = "groups:\n  - name: g\n    rules:\n      - record: r\n        expr: a\n      - alert: A\n        expr: r > 1\n"


def test_where_rules_stand() -> None:
    """A file of rules, a PrometheusRule, values of a chart, text in a ConfigMap; each at its line."""
    inner = "".join(f"    {line}\n" for line in RULES.splitlines())
    files = {
        "rules.yml": RULES,
        "rule.yaml": f"apiVersion: v1\nkind: PrometheusRule\nspec:\n{inner}",
        "values.yaml": f"serverFiles:\n  alerts:\n{inner}",
        "map.yaml": f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m}}\ndata:\n  a.yml: |\n{inner}",
    }
    found = {(rule.path, rule.kind, rule.name): rule.place.line for rule in linked(files).all(MetricRule)}
    assert found == {
        ("rules.yml", "record", "r"): 5,
        ("rules.yml", "alert", "A"): 7,
        ("rule.yaml", "record", "r"): 8,
        ("rule.yaml", "alert", "A"): 10,
        ("values.yaml", "record", "r"): 7,
        ("values.yaml", "alert", "A"): 9,
        ("map.yaml", "record", "r"): 10,
        ("map.yaml", "alert", "A"): 12,
    }


def test_what_is_no_rule() -> None:
    """Anything else with an expression, and rules without one, are left alone."""
    text = "alert: x\nexpr: y\ngroups: [{name: g, rules: [{alert: A}, 3, {expr: a}]}, 4]\n"
    assert not linked({"a.yml": text}).all(MetricRule)


def made(code: str) -> list[tuple[str, str, tuple[str, ...] | None]]:
    """Class, name and labels of each metric of a module."""
    pipeline = linked({"m.py": code})
    return [(one.sort, pipeline.pattern(one.name), one.labels) for one in pipeline.all(MetricMade)]


def test_metrics() -> None:
    """Their names have what is put before them, and constants; labels where they stand there."""
    code = (
        "import prometheus_client as prom\nfrom prometheus_client import Counter as C, Gauge, Summary\n"
        'P = "shop"\nA = C(f"{P}_a", "A", ["x", "y"], namespace="acme", subsystem="s")\n'
        'B = Gauge(name="b", documentation="B", labelnames=("x",), unit="seconds")\n'
        'D = prom.Histogram("d_seconds", "D", unit="seconds")\nE = Summary(read(), "E", labels())\n'
    )
    assert made(code) == [
        ("Counter", "acme_s_shop_a", ("x", "y")),
        ("Gauge", "b_seconds", ("x",)),
        ("Histogram", "d_seconds", ()),
        ("Summary", "{*}", None),
    ]


def test_metrics_by_other_ways() -> None:
    """A class of one's own of that shape, and a function that is given the class; a counter of words is none."""
    assert made('from .metrics import Counter\nA = Counter("a", "A")\n') == [("Counter", "a", ())]
    assert made('from prometheus_client import Gauge\nA = once(Gauge, "a", "A")\n') == [("Gauge", "a", None)]
    assert made("from prometheus_client import Gauge\nA = once(Gauge, name)\n") == [("Gauge", "{*}", None)]
    assert not made('from collections import Counter\nA = Counter("abc")\nB = Counter(words, 3)\n')


def test_metrics_as_text() -> None:
    """A module that writes the format itself is told."""
    assert linked({"m.py": 'print("# TYPE a gauge")\n'}).all(MetricsText)
    assert not linked({"m.py": "x = 1  # TYPES\n"}).all(MetricsText)
