"""A Dockerfile copies what .dockerignore leaves out of the build context, so that the build fails at that line."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from mlbreaks_checks import _applied, _dockerfiles
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Image,
    Pipeline,
    Severity,
    Unjudged,
    Verdict,
    facts,
    is_dockerignored,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="0.1", evidence="cross-artifact")

_NO_PATH = re.compile(r"[*?\[]|://|^git@|^[./]*$")


def _copies_with_patterns(image: Image, pipeline: Pipeline) -> bool:
    return _ignore_file(image, pipeline) is not None and any(True for _ in _copied(image, pipeline))


@check.over(Image, where=_copies_with_patterns)
def find(image: Image, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each path without wildcards that an image copies out of a build context with a .dockerignore."""
    ignore = _ignore_file(image, pipeline)
    if ignore is None:
        return
    for copy, text, path in _copied(image, pipeline):
        if not is_dockerignored(path, image.context, ignore.patterns) or _taken_back(path, image, ignore, pipeline):
            continue
        if _changed(pipeline):
            yield Unjudged(copy.place, "a command of the repository may change the .dockerignore")
            return
        builds = tuple((build.place, "builds it") for build in image.builds[:1])
        yield Finding(
            at=copy.place,
            message=f"{ignore.path} leaves {text} out of what the build is given, so that it fails here: not found.",
            because=((ignore.place, f"its pattern {_pattern(path, image, ignore)!r} is the last that fits"), *builds),
            about=(path,),
            fix=f"Take {text} back behind that pattern, with a line !{path.removeprefix(image.context).lstrip('/')}.",
            group=f"{ignore.path}:{path}",
            note="copies it, too",
        )


def _ignore_file(image: Image, pipeline: Pipeline) -> facts.IgnoreFile | None:
    """The one that holds: that of the Dockerfile, else that of the build context."""
    files = pipeline.index(facts.IgnoreFile, "path")
    for path in (f"{image.dockerfile.path}.dockerignore", posixpath.join(image.context, ".dockerignore")):
        for found in files.get(path, ()):
            return found
    return None


def _copied(image: Image, pipeline: Pipeline) -> Iterator[tuple[facts.Copy, str, str]]:
    """The paths that are copied: the COPY, the path as written, and where in the tree that is."""
    for copy in _dockerfiles.copied_from_context(image):
        for source in copy.sources:
            text = pipeline.resolve(source).text
            if text and not _NO_PATH.search(text):
                inside = posixpath.normpath(f"/{text}").lstrip("/")
                yield copy, text, posixpath.normpath(posixpath.join(image.context, inside))


def _taken_back(path: str, image: Image, ignore: facts.IgnoreFile, pipeline: Pipeline) -> bool:
    """Whether a later pattern may bring back something in what is left out, if that is a folder: it is then copied."""
    if path in pipeline.paths:
        return False
    inside = path.removeprefix(image.context).lstrip("/")
    for pattern in ignore.patterns:
        back = posixpath.normpath(pattern[1:].strip()).lstrip("/") if pattern.startswith("!") else ""
        if back.startswith(f"{inside}/") or (back and re.search(r"[*?\[]", back)):
            return True
    return False


def _pattern(path: str, image: Image, ignore: facts.IgnoreFile) -> str:
    """The pattern that decides."""
    found = [one for one in ignore.patterns if is_dockerignored(path, image.context, (one.removeprefix("!"),))]
    return found[-1]


def _changed(pipeline: Pipeline) -> bool:
    """Whether a script, a file of tasks or a job of CI speaks of such a file."""
    return any(True in pipeline.index(kind, _speaks_of_one) for kind in _applied.SOURCES)


def _speaks_of_one(source: _applied.Source) -> bool:
    return any(".dockerignore" in text for text in _applied.texts(source))
