"""A client sends a JSON body that the request model behind the route rejects, or reads without one of its fields.

pydantic answers 422 where a required field is missing, and by default drops a key that it does not know.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks import _clients, _names
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Endpoint,
    Finding,
    Pipeline,
    Severity,
    Unjudged,
    Verdict,
    facts,
)

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    calls=_clients.STARTS,
)


def _sends_a_body(call: facts.RemoteCall, pipeline: Pipeline) -> bool:
    return call.keys is not None and _clients.is_client(call, pipeline)


@check.over(facts.RemoteCall, where=_sends_a_body)
def find(call: facts.RemoteCall, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each HTTP call with a body whose keys are written out, to an application of the tree."""
    aims = tuple(_clients.aims(call, pipeline))
    if not aims:
        yield Unjudged(call.place, "what it calls is no application of the tree that can be told")
    for aim in aims:
        matching = [e for _, e in _clients.answering(aim) if not call.verb or call.verb in e.handler.methods]
        if len(matching) != 1:
            yield Unjudged(call.place, "the route that answers can't be told")
            continue
        endpoint = matching[0]
        model = endpoint.body
        if model is None or not model.complete:
            yield Unjudged(call.place, "what the route reads from the body can't be told")
            continue
        yield from _compared(call, aim, endpoint, model)


def _compared(
    call: facts.RemoteCall, aim: _clients.Aim, endpoint: Endpoint, model: facts.RequestModel
) -> Iterator[Verdict]:
    sent = set(call.keys or ())
    fields = {field.name: field for field in model.fields}
    missing = [name for name, field in fields.items() if field.required and name not in sent]
    strange = [name for name in call.keys or () if name not in fields]
    slips = [(name, field) for name in strange for field in fields if field not in sent and _names.is_slip(name, field)]
    route = aim.path.replace("{*}", "{...}")
    if missing:
        message = f"The body sent to {route} has no {_listed(missing)}, which {model.name} requires: the answer is 422."
        place = fields[missing[0]].place
        note = f"{model.name} requires {missing[0]}"
    elif strange and model.extra == "forbid":
        message = f"The body sent to {route} has {_listed(strange)}, which {model.name} forbids: the answer is 422."
        place, note = model.place, f"{model.name} takes no other keys than its fields"
    elif slips and model.extra == "ignore":
        name, field = slips[0]
        message = f"The body sent to {route} has {name} where {model.name} reads {field}: what is sent is dropped."
        place, note = fields[field].place, f"{model.name} reads {field}, and uses its default instead"
    else:
        return
    yield Finding(
        at=call.place,
        message=message,
        because=((place, note), (endpoint.place, f"{endpoint.handler.function} answers {route}"), *aim.because),
        about=(route, *missing, *strange),
        confidence=None,
        lowered=aim.assumed,
    )


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
