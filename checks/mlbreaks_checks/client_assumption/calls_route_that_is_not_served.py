"""Code calls a path, or a method of it, that the application behind it does not answer.

Whatever it sends, the answer is 404 or 405.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from mlbreaks_checks import _clients
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Process, Severity, Unjudged, Verdict, facts

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    calls=_clients.STARTS,
)


@check.over(facts.RemoteCall, where=_clients.is_client)
def find(call: facts.RemoteCall, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each HTTP call whose host can be told."""
    aims = tuple(_clients.aims(call, pipeline))
    if not aims:
        yield Unjudged(call.place, "what it calls is no application of the tree that can be told")
    for aim in aims:
        if _clients.swallowed(aim):
            continue
        matching = _clients.answering(aim)
        verbs = {verb for _, endpoint in matching for verb in endpoint.handler.methods or (call.verb,)}
        if matching and (not call.verb or call.verb in verbs or (call.verb == "HEAD" and "GET" in verbs)):
            continue
        if aim.application.reason:
            yield Unjudged(call.place, aim.application.reason)
            continue
        yield _finding(call, aim, sorted(verbs))


def _probes(process: Process) -> list[facts.Probe]:
    container = process.fact
    probes = container.probes if isinstance(container, facts.Container) else ()
    return [probe for probe in probes if probe.path.startswith("/") and not _clients.BUILT_IN.match(probe.path)]


def _is_probed(process: Process, pipeline: Pipeline) -> bool:
    return bool(_probes(process)) and _clients.started(process, pipeline) is not None


@check.over(Process, where=_is_probed)
def find_probe(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each probe of a container that starts an application of the tree."""
    application = _clients.started(process, pipeline)
    if application is None:
        return
    for probe in _probes(process):
        aim = _clients.Aim(application, _clients.plain(probe.path.partition("?")[0]))
        if _clients.swallowed(aim) or _clients.answering(aim):
            continue
        if application.reason:
            yield Unjudged(probe.place, application.reason)
            continue
        yield Finding(
            at=probe.place,
            message=f"The {probe.kind} probe of {process.name} asks for {probe.path}, which {application.place.path}"
            f" does not serve: the answer is 404, and the container {_FAILS.get(probe.kind, 'counts as unhealthy')}.",
            because=((application.place, f"the application's routes: {len(application.routes)} in all"),),
            about=(probe.kind, probe.path),
        )


_FAILS = {
    "liveness": "is restarted again and again",
    "readiness": "gets no requests",
    "startup": "never counts as started",
}


def _finding(call: facts.RemoteCall, aim: _clients.Aim, verbs: list[str]) -> Finding:
    application = aim.application
    shown = aim.path.replace("{*}", "{...}")
    because = [*aim.because, (application.place, f"the application's routes: {len(application.routes)} in all")]
    if verbs:
        there = next(endpoint for _, endpoint in _clients.answering(aim))
        because.append((there.place, f"{shown} answers to {' and '.join(verbs)}"))
        message = f"It sends {call.verb} to {shown}, which answers to {' and '.join(verbs)} only: the answer is 405."
    else:
        near = difflib.get_close_matches(aim.path, [*application.routes], 1, 0.5)
        for endpoint in application.routes[near[0]][:1] if near else ():
            because.append((endpoint.place, f"the nearest route is {near[0].replace('{*}', '{...}')}"))
        message = f"It calls {shown}, a path that {application.place.path} does not serve: the answer is 404."
    return Finding(
        at=call.place,
        message=message,
        because=tuple(because),
        about=(aim.path,),
        lowered=aim.assumed,
    )
