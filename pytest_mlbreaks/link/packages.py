"""Packages: what Python packages an image holds in the end, from all installations that reach it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.link.filesystem import Images
from pytest_mlbreaks.link.values import Values
from pytest_mlbreaks.model import Image, Install, Installed, Packages, Pipeline, Place
from pytest_mlbreaks.references import split_reference

_TAGGED = re.compile(r"(?:^|[-_.])(?:python|py)-?(3\.\d+)(?![\d])")
_MINOR = re.compile(r"(3\.\d+)(?![\d])")
_IN_NAME = re.compile(r"(^|/)python-3(\d{1,2})$")


def packages(pipeline: Pipeline, values: Values) -> Iterator[Packages]:
    """One for each image that the tree builds."""
    images = Images(pipeline, values)
    reaching: dict[Image, list[Install]] = {}
    for install in pipeline.all(Install):
        for image in install.images:
            reaching.setdefault(image, []).append(install)
    for image in pipeline.all(Image):
        yield _of(image, reaching.get(image, []), images, values)


def _of(image: Image, installs: list[Install], images: Images, values: Values) -> Packages:
    ordered = sorted(installs, key=lambda install: install.place.line or 0)
    installed: dict[str, list[Installed]] = {}
    for install in ordered:
        for package in install.packages:
            installed.setdefault(package.name, []).append(package)
    unknown = next((install.unknown for install in ordered if install.unknown), "")
    if not ordered:
        unknown = "no command that installs Python packages is known"
    python, place = _python(image, images, values)
    return Packages(
        image=image,
        installs=tuple(ordered),
        installed={name: tuple(found) for name, found in installed.items()},
        unknown=unknown,
        closed=bool(ordered) and all(install.closed for install in ordered),
        python=python,
        python_place=place,
    )


def _python(image: Image, images: Images, values: Values) -> tuple[str, Place | None]:
    """The minor version of Python that the base image's name or tag states, and where."""
    bottom = images.chain(image.dockerfile, image.stage)[0]
    reference = split_reference(values.pattern(bottom.base))
    name = reference.repository.rpartition("/")[2]
    found = _MINOR.match(reference.tag) if name in ("python", "python3") else _TAGGED.search(reference.tag)
    if found is not None:
        return found[1], bottom.place
    inside = _IN_NAME.search(reference.repository)  # ubi9/python-311
    return (f"3.{inside[2]}", bottom.place) if inside is not None else ("", None)
