"""A cache's key lacks a parameter, so that the answer to one request is given to another.

The second caller asks with another value, finds the first one's answer, and nothing tells that it is not its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_checks import _serving
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Place, Severity, Unjudged, Verdict, facts

check = Check(
    __name__,
    severity=Severity.HIGH,
    confidence=Confidence.MEDIUM,
    since="0.1",
    evidence="cross-artifact",
    also=("client-assumption",),
)


def _has_gaps(cache: facts.OwnCache, pipeline: Pipeline) -> bool:
    return bool(cache.gaps)


@check.over(facts.OwnCache, where=_has_gaps)
def find(cache: facts.OwnCache, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each cache whose values depend on parameters that its key does not depend on."""
    asked = [(gap, why) for gap in cache.gaps if (why := _asked_for(cache, gap, pipeline)) is not None]
    passed = (
        [] if asked else [(gap, why) for gap in cache.gaps if (why := _handed_on(cache, gap, pipeline)) is not None]
    )
    if not asked and not passed:
        yield Unjudged(cache.place, "no caller is seen that asks with another value")
        return
    server = _serving.server_of(cache.path, cache.scope, pipeline)
    if server is None:
        yield Unjudged(cache.place, "no server is seen to use the cache")
        return
    varied = asked or passed
    names = " and ".join(gap.name for gap, _ in varied)
    first, because = varied[0]
    other = "another value" if len(varied) == 1 else "other values"
    lives = f" until it expires ({cache.expires})" if cache.expires else ""
    yield Finding(
        at=cache.place,
        message=(
            f"What is stored under {cache.key} in {cache.cache} depends on {names}, and the key does not: who asks "
            f"with {other} gets what was made for somebody else{lives}."
        ),
        because=(
            (first.place, f"{first.name} goes into what is stored"),
            (cache.lookup, f"it is looked up by {cache.key} alone"),
            because,
            *((server,) if server[0] != because[0] else ()),
        ),
        about=tuple(gap.name for gap, _ in varied),
        confidence=None if asked else Confidence.LOW,
        lowered="" if asked else "no request is seen to bring another value",
        fix=f"Put {names} into the key.",
    )


def _asked_for(cache: facts.OwnCache, gap: facts.KeyGap, pipeline: Pipeline) -> tuple[Place, str] | None:
    """A handler, or a field of its requests, that brings a value for a parameter; or what tells a version."""
    if gap.made:
        return gap.place, f"{gap.made} tells {gap.name} before the cache is looked into"
    handlers = pipeline.index(facts.Handler, _handled)
    own = handlers.get((cache.path, cache.scope), ())
    if own:
        return own[0].place, f"requests bring {gap.name}"
    for caller in _callers(cache, pipeline):
        if (caller.path, caller.name) not in handlers:
            continue
        if any(parameter.name == gap.name for parameter in caller.parameters):
            return caller.place, f"{caller.name} answers requests by {_short(cache)}, and they bring {gap.name}"
        for model in pipeline.index(facts.RequestModel, "path").get(caller.path, ()):
            for field in model.fields:
                if field.name == gap.name:
                    return field.place, f"requests that {caller.name} answers by {_short(cache)} bring {gap.name}"
    return None


def _handed_on(cache: facts.OwnCache, gap: facts.KeyGap, pipeline: Pipeline) -> tuple[Place, str] | None:
    """Something that calls the function with more than one value, or is asked for one itself."""
    if len(gap.passed) > 1:
        return cache.place, f"calls in this file give {' and '.join(gap.passed[:3])} for {gap.name}"
    for caller in _callers(cache, pipeline):
        if any(parameter.name == gap.name for parameter in caller.parameters):
            return caller.place, f"{caller.name} calls {_short(cache)} and is itself asked for {gap.name}"
    return None


def _callers(cache: facts.OwnCache, pipeline: Pipeline) -> Iterator[facts.Function]:
    """The functions that call the one with the cache."""
    for caller in pipeline.index(facts.Function, _callees, each=True).get(_short(cache), ()):
        if (caller.path, caller.name) != (cache.path, cache.scope) and _knows(caller.path, cache, pipeline):
            yield caller


def _short(cache: facts.OwnCache) -> str:
    return cache.scope.rpartition(".")[2]


def _knows(path: str, cache: facts.OwnCache, pipeline: Pipeline) -> bool:
    """Whether a file can mean the function of the cache by its name: it is the same one, or imports it."""
    if path == cache.path:
        return True
    stem = cache.path.rpartition("/")[2].removesuffix(".py")
    names = {stem, *cache.scope.split(".")}
    return any(
        one.name in names or one.target.rpartition(".")[2] == stem
        for module in pipeline.index(facts.PythonModule, "path").get(path, ())
        for one in module.imports
    )


def _callees(function: facts.Function) -> frozenset[str]:
    """The last parts of what a function calls; a method that it calls of its base is another one."""
    calls = (*function.calls, *function.sometimes)
    return frozenset(call.rpartition(".")[2] for call in calls if "super()" not in call)


def _handled(handler: facts.Handler) -> tuple[str, str]:
    return handler.path, handler.function
