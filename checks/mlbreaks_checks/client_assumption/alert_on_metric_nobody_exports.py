"""An alert asks for a metric that nothing exports

Prometheus takes a name that it has never seen for an empty result: the rule is valid, has no data, and never fires.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase

from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Place,
    Severity,
    Unjudged,
    Verdict,
    aside,
    facts,
)

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")

_SERIES = {
    "Counter": ("_total", "_created"),
    "Gauge": ("",),
    "Histogram": ("_bucket", "_sum", "_count", "_created"),
    "Summary": ("_sum", "_count", "_created"),
    "Info": ("_info",),
    "Enum": ("",),
}
"""What stands behind the name of a metric in what is exported: https://prometheus.github.io/client_python/instrumenting/"""

_ANY = ("", "_total", "_created", "_bucket", "_sum", "_count", "_info")

_OTHER_MAKERS = re.compile(
    r"(statsd|datadog|aiostatsd|aioprometheus|opencensus|opentelemetry\.(sdk\.)?metrics|ray\.util\.metrics"
    r"|bentoml\.metrics|prometheus_async)(\.|$)"
)
"""Modules whose users name metrics, too."""
_INSTRUMENTS = re.compile(
    r"(prometheus_fastapi_instrumentator|prometheus_flask_exporter|starlette_exporter|starlette_prometheus"
    r"|django_prometheus)(\.|$)"
)
"""Modules that export metrics of HTTP by themselves."""
_OTHER_CODE = re.compile(r"\.(go|java|kt|scala|rs|cs|cpp|cc|rb|php|ex)$")
_SCRIPT = re.compile(r"\.(js|mjs|ts)$")
_OF_A_PAGE = re.compile(
    r"(^|/)[^/]*(front|web|ui|client|dashboard|static|public|site|docs?|assets|extension|e2e|tests?)[^/]*/|\.config\.",
    re.IGNORECASE,
)

_OF_MODELS = frozenset(
    {"model", "models", "prediction", "predictions", "inference", "training", "retraining", "drift", "feature"}
)
"""First words of metrics that applications export, and no exporter that is known."""
_OF_OTHERS = re.compile(r"model_infer_|training_operator_|feature_server_|feast_")
_EXPORTERS = frozenset(
    {
        *("process", "python", "node", "kube", "container", "machine", "up", "kafka", "redis", "pg", "postgres"),
        *("postgresql", "mysql", "mongodb", "nginx", "envoy", "istio", "jvm", "go", "prometheus", "alertmanager"),
        *("grafana", "airflow", "spark", "flink", "ray", "vllm", "tgi", "nv", "gpu", "dcgm", "seldon", "kserve"),
        *("knative", "mlflow", "minio", "qdrant", "milvus", "elasticsearch", "rabbitmq", "celery", "gunicorn", "grpc"),
        *("uvicorn", "http", "https", "flask", "fastapi", "starlette", "django", "probe", "traefik", "haproxy", "etcd"),
        *("kubelet", "argocd", "argo", "keda", "karpenter", "loki", "tempo", "otelcol", "aws", "gcp", "azure", "cpu"),
        *("stackdriver", "triton", "bentoml", "dagster", "prefect", "evidently", "tensorflow", "litellm", "scrape"),
        *("clickhouse", "cassandra", "trino", "nvidia", "system", "memory", "disk", "network", "host", "database"),
        *("db", "cache", "queue", "job", "kueue", "pushgateway", "push", "cadvisor", "server", "service", "request"),
        *("requests", "windows", "rest", "apiserver", "workqueue", "coredns", "cert", "certmanager", "cilium"),
    }
)
"""First words that exporters, or servers as they come, use as well."""
_ADDED = frozenset(
    {
        *("job", "instance", "le", "quantile", "namespace", "pod", "container", "service", "node", "cluster", "app"),
        *("env", "environment", "region", "zone", "endpoint", "exported_job", "exported_instance", "host", "monitor"),
    }
)
"""Labels that scraping adds."""
_MOST = 6
"""Further alerts of a file that are shown."""


@dataclasses.dataclass(frozen=True)
class _Metric:
    """A metric of the code. *name*: without what is exported behind it; *labels*: None where they can't be told."""

    name: str
    kind: str
    labels: tuple[str, ...] | None
    place: Place

    @property
    def series(self) -> tuple[str, ...]:
        return tuple(self.name + ending for ending in _SERIES.get(self.kind, _ANY))


@dataclasses.dataclass(frozen=True)
class _Exports:
    """What the code of the tree exports: by series, by name, and one for each first word of names.

    *patterns* are of names of which a part can't be told, *closed* is false where all of one can't be; *serves*: the
    tree has request handlers of its own.
    """

    series: Mapping[str, tuple[_Metric, ...]]
    bases: Mapping[str, _Metric]
    words: Mapping[str, _Metric]
    patterns: tuple[str, ...]
    closed: bool
    serves: bool


@dataclasses.dataclass(frozen=True)
class _Problem:
    rule: facts.MetricRule
    what: str
    because: tuple[tuple[Place, str], ...]
    generic: bool


def _exports_metrics(subject: Pipeline, pipeline: Pipeline) -> bool:
    return bool(_made(pipeline)) and any(rule.kind == "alert" for rule in _rules(pipeline))


def _rules(pipeline: Pipeline) -> list[facts.MetricRule]:
    return [rule for rule in pipeline.all(facts.MetricRule) if not aside(rule.path)]


def _made(pipeline: Pipeline) -> list[facts.MetricMade]:
    return [made for made in pipeline.all(facts.MetricMade) if not aside(made.path)]


@check.over(Pipeline, where=_exports_metrics, given=(facts.MetricRule,))
def find(subject: Pipeline, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at the alerts of each file of rules; one finding for all of them."""
    rules = _rules(pipeline)
    recorded = {rule.name for rule in rules if rule.kind == "record"}
    exports = _exports(pipeline)
    doubt = _doubt(exports, pipeline)
    by_file: dict[str, list[_Problem]] = {}
    for rule in rules:
        if rule.kind == "alert" and not rule.either:
            problem = next(_problems(rule, exports, recorded), None)
            if problem is not None:
                by_file.setdefault(rule.path, []).append(problem)
    for problems in by_file.values():
        first = problems[0]
        reason = doubt or (_instrumented(pipeline) if all(one.generic for one in problems) else "")
        yield Unjudged(first.rule.place, reason) if reason else _finding(problems)


def _finding(problems: list[_Problem]) -> Finding:
    first, others = problems[0], problems[1:]
    because = [*first.because]
    because += [(one.rule.place, f"alert {one.rule.name}: {one.what}") for one in others[:_MOST]]
    more = f" ({len(others)} more of this file are like it)" if others else ""
    return Finding(
        at=first.rule.place,
        message=f"Alert {first.rule.name} never fires: {first.what}, so that its expression has no value{more}.",
        because=tuple(because),
        about=tuple(one.rule.name for one in problems),
    )


# ---------------------------------------------------------------------------------------------- what is exported


def _exports(pipeline: Pipeline) -> _Exports:
    series: dict[str, list[_Metric]] = {}
    bases: dict[str, _Metric] = {}
    words: dict[str, _Metric] = {}
    patterns: list[str] = []
    for made in _made(pipeline):
        name = pipeline.pattern(made.name).strip("_")
        name = name.removesuffix("_total") if made.sort == "Counter" else name
        metric = _Metric(name, made.sort, made.labels, made.place)
        if "{*}" in name:
            patterns += [one.replace("{*}", "*") for one in metric.series]
            continue
        bases.setdefault(name, metric)
        words.setdefault(name.partition("_")[0], metric)
        for one in metric.series:
            series.setdefault(one, []).append(metric)
    known = [pattern for pattern in patterns if len(pattern.replace("*", "").rpartition("_")[0]) > 2]
    whole = {name: tuple(metrics) for name, metrics in series.items()}
    serves = any(not aside(handler.path) for handler in pipeline.all(facts.Handler))
    return _Exports(whole, bases, words, tuple(known), closed=len(known) == len(patterns), serves=serves)


def _doubt(exports: _Exports, pipeline: Pipeline) -> str:
    """Why what is exported can't all be told; "" where it can."""
    if not exports.closed:
        return "the code makes metrics whose names can't be told"
    if any(not aside(text.path) for text in pipeline.all(facts.MetricsText)):
        return "the code writes metrics as text, too"
    if _imports(_OTHER_MAKERS, pipeline):
        return "metrics are made by another library, too"
    others = (path for path in pipeline.paths if not aside(path))
    if any(_OTHER_CODE.search(path) or (_SCRIPT.search(path) and not _OF_A_PAGE.search(path)) for path in others):
        return "code in another language may export metrics"
    return ""


def _instrumented(pipeline: Pipeline) -> str:
    return "a library exports metrics of that name" if _imports(_INSTRUMENTS, pipeline) else ""


def _imports(wanted: re.Pattern[str], pipeline: Pipeline) -> bool:
    modules = (module for module in pipeline.all(facts.PythonModule) if not aside(module.path))
    names = (f"{one.target}.{one.name or ''}" for module in modules for one in module.imports if not one.level)
    return any(wanted.match(name) for name in names)


# ------------------------------------------------------------------------------------------------ what is asked


def _problems(rule: facts.MetricRule, exports: _Exports, recorded: Iterable[str]) -> Iterator[_Problem]:
    """Why an alert has no data."""
    for query in rule.queries:
        if query.metric in recorded or any(fnmatchcase(query.metric, pattern) for pattern in exports.patterns):
            continue
        metrics = exports.series.get(query.metric)
        problem = _without_label(rule, query, metrics) if metrics else _missing(rule, query.metric, exports)
        if problem is not None:
            yield problem


def _without_label(rule: facts.MetricRule, query: facts.MetricQuery, metrics: tuple[_Metric, ...]) -> _Problem | None:
    """A label that the metric does not have, where it has one that was probably meant."""
    if len(metrics) != 1 or metrics[0].labels is None:
        return None
    metric, labels = metrics[0], metrics[0].labels
    for label in query.labels:
        near = [one for one in labels if one.startswith(f"{label}_") or label.startswith(f"{one}_")]
        if label in labels or label in _ADDED or not near:
            continue
        what = f"{query.metric} has no label {label!r}, but {near[0]!r}"
        because = ((metric.place, f"{query.metric} is made here, with the labels {', '.join(labels)}"),)
        return _Problem(rule, what, because, generic=metric.name.partition("_")[0] in _EXPORTERS)
    return None


def _missing(rule: facts.MetricRule, name: str, exports: _Exports) -> _Problem | None:
    """A metric that nothing exports, where it is one of the tree's own."""
    word = name.partition("_")[0]
    base = exports.bases.get(name) or exports.bases.get(name.removesuffix("_bucket"))
    if base is not None and base.kind in _SERIES and word not in _EXPORTERS:
        series = ", ".join(one for one in base.series if not one.endswith("_created"))
        what = f"the {base.kind.lower()} {base.name} is exported as {series}, and not as {name}"
        return _Problem(rule, what, ((base.place, f"{base.name} is made here"),), generic=False)
    own = exports.words.get(word)
    if word in _EXPORTERS or ":" in name or "_" not in name or _OF_OTHERS.match(name):
        return None
    if own is None and not (exports.serves and word in _OF_MODELS):
        return None
    known = own or next(iter(exports.words.values()))
    what = f"nothing in the tree exports {name}"
    return _Problem(
        rule, what, ((known.place, f"{known.series[0]}, which it does export, is made here"),), generic=False
    )
