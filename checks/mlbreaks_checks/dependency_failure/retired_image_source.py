"""An image comes from a registry, a catalogue or a release that was shut down.

What runs goes on running; the next node, scale-up or build asks for it again, and does not get it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from mlbreaks_checks import _manifests
from mlbreaks_checks._dockerfiles import UNUSED, is_unused
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Place,
    Severity,
    Unjudged,
    Verdict,
    facts,
    references,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1")

_HUB = re.compile(r"^(?:(?:docker\.io|index\.docker\.io|registry-1\.docker\.io)/)?(?:library/)?")
# Debian releases whose packages were taken off the mirrors: buster in July 2025, the others before.
_OLD_DEBIAN = re.compile(r"(^|[-_.])(buster|stretch|jessie|wheezy)([-_.]|$)")
_DEBIAN_NUMBER = re.compile(r"([6-9]|10)([.-]|$)")
# python:X.Y.Z that were superseded before the image moved to bullseye (August 2021), so that they stayed on buster
# or an older release: https://github.com/docker-library/python/commits/master
_PYTHON_ON_OLD_DEBIAN = re.compile(
    r"(3\.9\.[0-5]|3\.8\.([0-9]|10)|3\.7\.([0-9]|10)|3\.6\.([0-9]|1[0-3])|3\.5\.\d+|2\.7(\.\d+)?)(-slim)?$"
)
_APT = re.compile(r"\bapt(-get)?\s+(-\S+\s+)*update\b")
_YUM = re.compile(r"\b(yum|dnf)\s+(-\S+\s+)*(install|update|makecache|groupinstall)\b")
_MIRRORED = re.compile(r"archive\.debian\.org|vault\.centos\.org|snapshot\.debian\.org|sources\.list")


@dataclasses.dataclass(frozen=True)
class _Gone:
    """What is wrong with an image reference: *what* happened to where it comes from, and what happens then."""

    what: str
    then: str
    severity: Severity | None = None


def _names_an_image(container: facts.Container, pipeline: Pipeline) -> bool:
    return container.image is not None and not container.build


def _first_of_its_image(container: facts.Container, pipeline: Pipeline) -> tuple[facts.Container, ...]:
    """The containers of the file that run the same image, where *container* is the first of them."""
    image = pipeline.pattern(container.image)
    same = [
        other
        for other in pipeline.index(facts.Container, "path").get(container.path, ())
        if other.image is not None and not other.build and pipeline.pattern(other.image) == image
    ]
    return tuple(same) if same[:1] == [container] else ()


@check.over(facts.Container, where=_names_an_image)
def find_in_manifests(container: facts.Container, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each container that a compose file or a manifest runs."""
    image = pipeline.pattern(container.image)
    gone = _gone(image)
    if gone is None:
        if image.startswith("{*}"):
            yield Unjudged(container.place, "the registry of the image can't be told")
        return
    doubt = _manifests.image_may_change(container.path, pipeline, container) if container.tool == "kubernetes" else ""
    if doubt:
        yield Unjudged(container.place, doubt)
        return
    same = _first_of_its_image(container, pipeline)
    if not same:
        return
    yield Finding(
        at=container.place,
        message=f"{container.name} runs {image}: {gone.what}. {gone.then}",
        because=tuple((other.place, f"{other.name} runs it, too") for other in same[1:]),
        about=(image,),
        severity=gone.severity,
        lowered="it is still served, by a redirect" if gone.severity is not None else "",
    )


@check.over(facts.Dockerfile)
def find_in_dockerfiles(dockerfile: facts.Dockerfile, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at the base images of each Dockerfile, and at what is installed upon them."""
    unused = is_unused(dockerfile, pipeline)
    for stage in dockerfile.stages:
        if stage.base_stage is not None:
            continue
        if unused:
            yield Unjudged(stage.place, UNUSED)
            continue
        image = pipeline.pattern(stage.base)
        gone = _gone(image)
        if gone is not None:
            yield Finding(
                at=stage.place,
                message=f"The image is built on {image}: {gone.what}. {gone.then}",
                about=(image,),
                severity=gone.severity,
                lowered="it is still served, by a redirect" if gone.severity is not None else "",
            )
            continue
        yield from _archived(dockerfile, stage, image, pipeline)


def _gone(image: str) -> _Gone | None:
    """What happened to where *image* comes from; None where nothing is known to have."""
    reference = references.split_reference(image)
    name = reference.repository
    plain = _HUB.sub("", name)
    if plain.startswith("bitnami/") and reference.tag not in ("", "latest") and "{*}" not in reference.tag:
        if reference.digest:
            return None
        return _Gone(
            "Bitnami took the versioned tags of its public images off Docker Hub in September 2025",
            "The next pull, on a new node or host, fails.",
        )
    if plain.startswith("gcr.io/kubebuilder/"):
        return _Gone("gcr.io/kubebuilder was shut down in March 2025", "The next pull, on a new node, fails.")
    if plain.startswith(("k8s.gcr.io/", "gcr.io/google-containers/", "gcr.io/google_containers/")):
        return _Gone(
            "that registry was frozen in April 2023, and is to be phased out",
            "Nothing newer than that will ever be there; registry.k8s.io is where Kubernetes publishes.",
            Severity.MEDIUM,
        )
    return None


def _archived(dockerfile: facts.Dockerfile, stage: facts.Stage, image: str, pipeline: Pipeline) -> Iterator[Finding]:
    """Packages that are asked of a release whose mirrors are empty."""
    release = _release(image)
    if not release:
        return
    wanted = _YUM if release.startswith("CentOS") else _APT
    for own in _built_on(stage, dockerfile):
        for run in own.runs:
            text = pipeline.pattern(run.shell) if run.shell is not None else ""
            if _MIRRORED.search(text):
                return
            match = wanted.search(text)
            if match is None:
                continue
            line = (run.place.line or 1) + text.count("\n", 0, match.start())
            yield Finding(
                at=stage.place,
                message=(
                    f"{image} is {release}, whose packages are no longer on the mirrors that it asks: "
                    f"`{match[0]}` fails, and with it each build that does not find that layer in a cache."
                ),
                because=((Place(run.place.path, line), f"`{match[0]}` asks those mirrors"),),
                about=(image,),
            )
            return


def _release(image: str) -> str:
    """The archived release that *image* is known to hold; "" where it holds none."""
    reference = references.split_reference(image)
    name = _HUB.sub("", reference.repository).rpartition("/")[2]
    match = _OLD_DEBIAN.search(reference.tag)
    if match is not None:
        return f"Debian {match[2]}"
    if name == "debian" and _DEBIAN_NUMBER.match(reference.tag):
        return f"Debian {reference.tag.partition('-')[0]}"
    if name == "python" and _PYTHON_ON_OLD_DEBIAN.match(reference.tag):
        return "Debian buster or older"
    if name == "centos" and re.match(r"(centos)?[678]([.-]|$)", reference.tag):
        return f"CentOS {reference.tag.removeprefix('centos')[0]}"
    return ""


def _built_on(stage: facts.Stage, dockerfile: facts.Dockerfile) -> Iterator[facts.Stage]:
    """*stage*, and the stages that are built on it, one after the other."""
    below = {stage.index}
    yield stage
    for other in dockerfile.stages:
        if other.base_stage in below:
            below.add(other.index)
            yield other
