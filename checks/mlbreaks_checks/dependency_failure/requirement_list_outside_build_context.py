"""A Dockerfile copies a list of dependencies, or other files, that its build context does not hold.

They lie in another folder than the one that the build is given, so that the build fails at that line.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from mlbreaks_checks import _dockerfiles, _network
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Image,
    Pipeline,
    Severity,
    Unjudged,
    Verdict,
    aside,
    facts,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="0.1", evidence="cross-artifact")

_LIST = re.compile(
    r"(^|/)([\w.-]*requirements[\w.-]*\.(txt|in)|pyproject\.toml|Pipfile(\.lock)?|poetry\.lock|uv\.lock|setup\.(py|cfg)|"
    r"environment\.ya?ml)$"
)
_MAKES = re.compile(r"(export|freeze|compile|>|\bcp|\bmv|--?o(utput)?)\b[^\n;&|]*")


def _copies_lists(image: Image, pipeline: Pipeline) -> bool:
    return any(True for _ in _copied(image, pipeline))


@check.over(Image, where=_copies_lists)
def find(image: Image, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each image that the tree builds: at the lists that it copies out of its build context, and at all else
    that lies beside the Dockerfile."""
    for copy, name, path in _copied(image, pipeline):
        if _is_there(path, pipeline):
            continue
        near = posixpath.normpath(posixpath.join(posixpath.dirname(image.dockerfile.path), posixpath.basename(name)))
        if not _is_there(near, pipeline) or pipeline.unread_near(path):
            yield Unjudged(copy.place, "a file that is not in the tree may be made before the build")
            return
        if _made(posixpath.basename(name), pipeline):
            yield Unjudged(copy.place, "a command of the repository may make the file before the build")
            return
        yield from _finding(image, copy, name, path, near, pipeline)
        return


def _finding(image: Image, copy: facts.Copy, name: str, path: str, near: str, pipeline: Pipeline) -> Iterator[Finding]:
    alike = [
        other
        for other in pipeline.index(Image, "context").get(image.context, ())
        if not aside(other.place.path) and any(p == path for _, _, p in _copied(other, pipeline))
    ]
    if alike[:1] != [image] and not aside(image.place.path):
        return
    context = image.context or "the root of the repository"
    builds = [(build.place, f"builds it with {context} as its context") for build in image.builds[:1]]
    others = [(other.place, "copies it, too, and fails the same way") for other in alike[1:]]
    outside = bool(image.context) and not near.startswith(f"{image.context}/")
    where = "where the build does not look" if outside or not image.context else "and is another path of the context"
    yield Finding(
        at=copy.place,
        message=(
            f"The image is built from {context}, which holds no {name}: the build fails here. "
            f"{near} lies beside the Dockerfile, {where}."
        ),
        because=(*builds, *others),
        about=(path,),
        confidence=None if _LIST.search(name) else Confidence.MEDIUM,
        lowered="" if _LIST.search(name) else "what is no list of dependencies may be put there by hand before a build",
    )


def _copied(image: Image, pipeline: Pipeline) -> Iterator[tuple[facts.Copy, str, str]]:
    """What a COPY takes from the context: lists, and what lies beside the Dockerfile under that name. The COPY, the
    path as written, and where in the tree that is."""
    folder = posixpath.dirname(image.dockerfile.path)
    for copy in _dockerfiles.copied_from_context(image):
        for source in copy.sources:
            text = (pipeline.resolve(source).text or "").replace("package*.json", "package.json")
            if not text or re.search(r"[*?\[]|://|^\.{0,2}/*$", text):
                continue
            inside = posixpath.normpath(f"/{text}").lstrip("/")
            path = posixpath.normpath(posixpath.join(image.context, inside))
            if _LIST.search(text) or _is_there(posixpath.join(folder, posixpath.basename(inside)), pipeline):
                yield copy, text, path


def _is_there(path: str, pipeline: Pipeline) -> bool:
    return path in pipeline.paths or pipeline.has_folder(path)


def _made(name: str, pipeline: Pipeline) -> bool:
    """Whether a script or a job of CI writes, copies or exports a file of that name."""
    scripts = [script.text for script in pipeline.all(facts.Script)]
    jobs = [
        _network.plain(step.run.shell)
        for job in pipeline.all(facts.WorkflowJob)
        for step in job.steps
        if step.run is not None
    ]
    return any(name in match[0] for text in (*scripts, *jobs) for match in _MAKES.finditer(text))
