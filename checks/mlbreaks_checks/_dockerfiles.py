"""What checks of Dockerfiles share: whether anybody builds one, and what it copies."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.api import Image, Pipeline, facts

UNUSED = "nothing that is read builds this variant, and others are built"


def is_unused(dockerfile: facts.Dockerfile, pipeline: Pipeline) -> bool:
    """Whether it is a variant (``Dockerfile.old``) that nothing of the tree builds or runs, beside others that are, or
    beside the ``Dockerfile`` that is built where none is named. A
    plain ``Dockerfile`` is built by scripts and services that are not read, too: it is left behind where the compose
    file beside its folder runs, as the service of that folder's name, somebody else's image."""
    folder, _, name = dockerfile.path.rpartition("/")
    if name.lower() in ("dockerfile", "containerfile"):
        return folder in pipeline.index(facts.Container, _replaced) and not any(
            map(_is_used, pipeline.index(Image, _file).get(dockerfile.path, ()))
        )
    if any(map(_is_used, pipeline.index(Image, _file).get(dockerfile.path, ()))):
        return False
    plain = f"{folder}/Dockerfile".lstrip("/")
    return plain in pipeline.index(facts.Dockerfile, "path") or any(map(_is_used, pipeline.all(Image)))


def _replaced(container: facts.Container) -> str | None:
    """The folder whose name a compose service has that builds nothing."""
    if container.tool != "compose" or container.image is None or container.build:
        return None
    return f"{container.path.rpartition('/')[0]}/{container.name}".lstrip("/")


def _file(image: Image) -> str:
    return image.dockerfile.path


def _is_used(image: Image) -> bool:
    return bool(image.builds or image.processes)


def copied_from_context(image: Image) -> Iterator[facts.Copy]:
    """What the stages of an image, those that it copies out of among them, take from the build context."""
    stages = image.dockerfile.stages
    waiting, seen = [image.stage.index], set[int]()
    while waiting:
        index = waiting.pop()
        if index in seen:
            continue
        seen.add(index)
        stage = stages[index]
        if stage.base_stage is not None:
            waiting.append(stage.base_stage)
        for copy in stage.copies:
            if copy.origin:
                waiting += [s.index for s in stages if copy.origin.lower() in (s.name.lower(), str(s.index))]
            elif not copy.inline:
                yield copy
