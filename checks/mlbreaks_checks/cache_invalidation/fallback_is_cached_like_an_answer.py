"""What a failed call leaves behind is stored in a cache like an answer, and given out until it expires.

The fallback was meant for one request. The cache makes it the answer for everybody who asks the same.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks import _serving
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged, Verdict, facts

check = Check(
    __name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1", also=("dependency-failure",)
)


def _keeps_failures(cache: facts.OwnCache, pipeline: Pipeline) -> bool:
    return bool(cache.bare)


@check.over(facts.OwnCache, where=_keeps_failures)
def find(cache: facts.OwnCache, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each cache in which a constant is stored that stands for a failure."""
    server = _serving.server_of(cache.path, cache.scope, pipeline)
    if server is None:
        yield Unjudged(cache.place, "no server is seen to use the cache")
        return
    lives = f"until it expires ({cache.expires})" if cache.expires else "for as long as the cache keeps it"
    yield Finding(
        at=cache.place,
        message=(
            f"{cache.scope} stores {cache.bare} in {cache.cache} {cache.because}: the failure of one call is the "
            f"answer to all that ask for {cache.key}, {lives}."
        ),
        because=(
            *(((cache.failed, f"{cache.bare}, {cache.because}"),) if cache.failed is not None else ()),
            (cache.lookup, "what is stored is found here"),
            server,
        ),
        about=(cache.bare,),
    )
