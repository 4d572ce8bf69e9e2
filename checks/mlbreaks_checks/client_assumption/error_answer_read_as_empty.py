"""The JSON of an answer is read with an empty list for what is missing, and nothing looks at the status.

An answer of 4xx or 5xx has another body: it is read as if there were nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _answers, _serving
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, Verdict, facts

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.LOW, since="0.1")

_SAYS_ERROR = re.compile(r"err|message|msg|detail|^ok$|success|status|code", re.IGNORECASE)
"""Keys by which code tells a failure from the body."""


def _reads(call: facts.RemoteCall, pipeline: Pipeline) -> bool:
    use = _answers.use_of(call, pipeline)
    return use is not None and any(key.empty for key in use.keys)


@check.over(facts.RemoteCall, where=_reads)
def find(call: facts.RemoteCall, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each HTTP request whose answer is read with ``.get(key, [])``."""
    use = _answers.use_of(call, pipeline)
    if use is None or use.status in ("read", "shown"):
        return
    if use.status == "unknown" or use.hooked:
        yield Unjudged(
            call.place, "the answer is handed on" if use.status == "unknown" else "the session may look at it"
        )
        return
    empty = [key for key in use.keys if key.empty]
    # a key that is asked for without a default, before or behind it, fails where the body is another one
    if any(_SAYS_ERROR.search(key.name) or not (key.default or key.tested) for key in use.keys):
        return
    first = empty[0]
    yield Finding(
        at=first.place,
        message=(
            f"{first.name!r} is read with [] for what is missing, and nothing looks at the status of"
            f" {_serving.short(call.api)}: an answer of 4xx or 5xx is taken for an empty one."
        ),
        because=((call.place, "raises nothing for a status of 4xx or 5xx"),),
        about=(first.name,),
        group=f"{call.path}",
        note="is read like that, too",
    )
