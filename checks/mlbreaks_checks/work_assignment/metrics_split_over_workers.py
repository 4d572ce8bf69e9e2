"""Prometheus is shown the metrics of whichever worker answers.

prometheus_client keeps metrics in the memory of one process. Where a web server runs several workers, each counts its
own share, and a scrape gets that of one of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks import _workers
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Process, Severity, Unjudged, Verdict, expr, facts

_OWN = (
    "prometheus_client.generate_latest",
    "prometheus_client.make_asgi_app",
    "prometheus_client.make_wsgi_app",
)
"""Show the registry of the process, whatever variables are set."""
_BY_VARIABLE = (
    "prometheus_fastapi_instrumentator.Instrumentator",
    "prometheus_flask_exporter.PrometheusMetrics",
)
"""Show those of all workers where the variable is set, or have a class of their own for that."""

check = Check(
    __name__,
    severity=Severity.MEDIUM,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    calls=(*_OWN, *_BY_VARIABLE),
)

_VARIABLES = frozenset({"PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"})


def _shows_metrics(process: Process, pipeline: Pipeline) -> bool:
    container = process.fact
    return isinstance(container, facts.Container) and not container.init and bool(_shown(process, pipeline))


def _shown(process: Process, pipeline: Pipeline) -> list[facts.Call]:
    """The calls of the container's code that show metrics, those first that no variable changes."""
    calls = pipeline.index(facts.Call, "path")
    found = [call for module in process.modules for call in calls.get(module, ()) if call.callee in check.calls]
    return sorted(found, key=lambda call: call.callee not in _OWN)


@check.over(Process, where=_shows_metrics)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each container whose web application shows metrics to Prometheus: in how many workers it runs."""
    workers, at, _ = _workers.of(process, pipeline)
    if workers < 2:
        return
    shown = _shown(process, pipeline)[0]
    if pipeline.index(facts.PythonModule, _gathers).get(True) or _asked_for(pipeline):
        yield Unjudged(shown.place, "code of the tree gathers the metrics of several processes")
        return
    if shown.callee in _BY_VARIABLE:
        if not _VARIABLES.isdisjoint(process.variables):
            return
        if not process.closed:
            yield Unjudged(shown.place, process.open_reason)
            return
    yield Finding(
        at=shown.place,
        message=(
            f"{process.name} runs {workers} workers, and each of them counts for itself: a scrape gets the numbers of "
            "whichever worker answers, so counters jump up and down between scrapes, and rates and alerts made of "
            "them are wrong."
        ),
        because=((at, f"starts {workers} workers"),),
        group=shown.path,
        note=f"{process.name} runs it in {workers} workers, too",
    )


def _gathers(module: facts.PythonModule) -> bool:
    """Whether a module uses the mode of prometheus_client in which processes share their metrics."""
    return any(
        name.startswith("prometheus_client.multiprocess") or (target == "prometheus_client" and name == "multiprocess")
        for made in module.imports
        for target, name in ((made.target, made.name or ""), ("", made.target))
    )


def _asked_for(pipeline: Pipeline) -> bool:
    reads = pipeline.all(facts.EnvRead)
    return any(isinstance(read.key, expr.Literal) and read.key.value in _VARIABLES for read in reads)
