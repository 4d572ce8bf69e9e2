"""Several containers of a compose service want the same port of the host.

``docker compose`` publishes a port for each container of a service; a port of a machine goes to one of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, Verdict, facts

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    also=("work-assignment",),
)


def _is_multiplied(container: facts.Container, pipeline: Pipeline) -> bool:
    workload = pipeline.one(facts.Workload, container.workload)
    return (
        container.tool == "compose"
        and workload is not None
        and workload.replicas is not None
        and any(port.published is not None for port in container.ports)
    )


@check.over(facts.Container, where=_is_multiplied)
def find(container: facts.Container, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each compose service that says how many containers it has, and publishes a port."""
    workload = pipeline.one(facts.Workload, container.workload)
    replicas = pipeline.resolve(workload.replicas).only if workload is not None and workload.replicas else None
    if replicas is None or not str(replicas.value).isdigit():
        yield Unjudged(container.place, "how many replicas there are cannot be told")
        return
    copies = int(str(replicas.value))
    fixed = [(port, text) for port in container.ports if (text := _host_port(port, pipeline))]
    if copies < 2 or not fixed:
        return
    if container.image is not None:
        yield Unjudged(container.place, "a swarm may run it, where all replicas share a published port")
        return
    port, text = fixed[0]
    yield Finding(
        at=port.place,
        message=(
            f"{container.name} has {copies} replicas, and each of them wants port {text} of the host: the first takes "
            "it, the others fail with 'port is already allocated', and docker compose up with them."
        ),
        because=((workload.place if workload is not None else container.place, f"deploy.replicas is {copies}"),),
        about=(container.name, text),
        fix=f"Publish no fixed port, put a proxy before the replicas, or publish a range of {copies} ports.",
    )


def _host_port(port: facts.Port, pipeline: Pipeline) -> str:
    """The one port of the host that is written; "" where there is none, or a range, or that can't be told."""
    only = pipeline.resolve(port.published).only if port.published is not None else None
    text = str(only.value).rpartition(":")[2] if only is not None else ""
    return text if text.isdigit() and text != "0" else ""
