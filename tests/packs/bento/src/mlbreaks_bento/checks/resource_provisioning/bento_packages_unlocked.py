"""A bento resolves its packages anew at each build.

The service that is rebuilt tomorrow is not the one that was tested today.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlbreaks_bento.reader import Bento
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Unjudged

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="1.0")


@check.over(Bento)
def find(bento: Bento, pipeline: Pipeline, *, trusted: tuple[str, ...] = ()) -> Iterator[Finding | Unjudged]:
    """Options: ``trusted``, packages that may float."""
    if bento.lock_packages:
        return
    for package, place in bento.packages:
        if package.startswith(("git+", "-r")):
            yield Unjudged(place, "not a package from an index")
        elif "==" not in package and package not in trusted:
            yield Finding(
                at=place,
                message=f"{package} is not pinned, and lock_packages is false.",
                because=((bento.place, f"the service {bento.service} is built with it"),),
                about=(package,),
            )
