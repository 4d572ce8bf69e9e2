"""Installs: which Python packages the build of an image installs, from which files, and what fixes their versions."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator

from pytest_mlbreaks.link.commands import HOLE, PipInstall, pip_installs
from pytest_mlbreaks.link.filesystem import FileSystem, Images
from pytest_mlbreaks.link.values import Values
from pytest_mlbreaks.model import Image, Install, Pipeline, Place
from pytest_mlbreaks.model.facts import Dockerfile, LockFile, Requirement, RequirementFile, Stage
from pytest_mlbreaks.pep508 import parse

# What of another stage brings the packages installed there along (docs.docker.com/build/building/multi-stage).
_HOLDS_PACKAGES = re.compile(
    r"(site|dist)-packages|venv|\.local(/|$)|conda|wheel|^/usr(/local)?(/lib)?/?$|^/opt(/|$)|^/install|^/$|lib/python"
)
# Base images that hold an interpreter, and no library that a requirement could already find there.
_NO_LIBRARIES = re.compile(
    r"(^|/)(python|debian|ubuntu|alpine|fedora|amazonlinux|slim|uv|cuda|centos|rockylinux|almalinux|ubi\d(-minimal)?|"
    r"miniconda3?|miniforge3?|mambaforge|micromamba|python-?\d[\d.]*|ubi\d/python-\d+)(-[\w.-]+)?$"
)
_LOCKS = {"uv": "uv", "poetry": "poetry", "pipenv": "pipenv", "pdm": "pdm"}
_CONSTRAINED_BY = ("PIP_CONSTRAINT", "UV_CONSTRAINT")


def installs(pipeline: Pipeline, values: Values) -> Iterator[Install]:
    """Every installation that reaches an image which the tree builds, once for all images that it reaches."""
    reached: dict[tuple[str, int, str], list[Image]] = {}
    for image in pipeline.all(Image):
        for stage in _contributing(image, values):
            reached.setdefault((image.dockerfile.path, stage.index, image.context), []).append(image)
    maker = _Maker(pipeline, values)
    for (_, index, context), images in reached.items():
        dockerfile = images[0].dockerfile
        yield from maker.of_stage(dockerfile, dockerfile.stages[index], context, tuple(images))


def _contributing(image: Image, values: Values) -> Iterator[Stage]:
    """The stages whose installed packages are in *image*: those it is built on, and those it copies packages from."""
    stages = image.dockerfile.stages
    waiting, seen = [image.stage], set[int]()
    while waiting:
        stage = waiting.pop()
        if stage.index in seen:
            continue
        seen.add(stage.index)
        yield stage
        if stage.base_stage is not None:
            waiting.append(stages[stage.base_stage])
        for copy in stage.copies:
            if copy.origin and any(_HOLDS_PACKAGES.search(values.pattern(source)) for source in copy.sources):
                waiting += [s for s in stages if copy.origin.lower() in (s.name.lower(), str(s.index))]


class _Maker:
    """Makes the installs of stages."""

    def __init__(self, pipeline: Pipeline, values: Values) -> None:
        self._pipeline = pipeline
        self._values = values
        self._images = Images(pipeline, values)
        self._files = {f.path: f for f in pipeline.all(RequirementFile)}
        self._locks = list(pipeline.all(LockFile))

    def of_stage(
        self, dockerfile: Dockerfile, stage: Stage, context: str, images: tuple[Image, ...]
    ) -> Iterator[Install]:
        """The installations of one stage's own RUN commands."""
        files: FileSystem | None = None
        ordinal = 0
        for run in stage.runs:
            text = (
                self._values.pattern(run.shell)
                if run.shell is not None
                else shlex.join(self._values.pattern(argument) for argument in run.argv or ())
            )
            for found in pip_installs(text):
                if files is None:
                    files = FileSystem(
                        self._pipeline, self._images.layers(dockerfile, stage, context), plain=True, commands=()
                    )
                place = run.place
                if found.place_offset_line and place.line is not None:
                    place = Place(place.path, place.line + found.place_offset_line)
                workdir = self._values.resolve(run.workdir).text if run.workdir is not None else "/"
                identity = f"install:{dockerfile.path}#{stage.name or stage.index}:{ordinal}@{context}"
                ordinal += 1
                yield self._install(identity, found, place, workdir, files, context, images, stage)

    def _install(
        self,
        identity: str,
        found: PipInstall,
        place: Place,
        workdir: str | None,
        files: FileSystem,
        context: str,
        images: tuple[Image, ...],
        stage: Stage,
    ) -> Install:
        here = _joined(workdir, found.workdir)
        listed = _Listed(self._files, self._pipeline)
        fixed = self._fixed(found, stage, images[0].dockerfile, here, files, context)
        if found.tool == "conda":
            listed.unknown = "what conda installs is not read"
        for name in found.requirement_files:
            listed.add(self._located(name, here, files))
        for name in found.local if not fixed else ():
            self._add_project(name, here, files, listed)
        for text in found.packages:
            listed.add_given(text, place)
        if not (listed.files or listed.requirements or listed.unknown or fixed):
            listed.unknown = "what it installs can't be told"
        bottom = self._images.bottom(images[0].dockerfile, stage)
        if not _NO_LIBRARIES.search(bottom):
            listed.unknown = listed.unknown or "the base image may hold some of the packages"
        return Install(
            identity=identity,
            images=images,
            tool=found.tool,
            place=place,
            files=tuple(listed.files),
            requirements=tuple(listed.requirements),
            fixed=fixed or listed.fixed,
            unknown=listed.unknown,
        )

    def _fixed(
        self, found: PipInstall, stage: Stage, dockerfile: Dockerfile, here: str | None, files: FileSystem, context: str
    ) -> str:
        """What fixes the versions of one command's packages; "" for nothing that the command names."""
        if found.constraint_files:
            return found.constraint_files[0]
        for part in self._images.chain(dockerfile, stage):
            for variable in part.variables:
                if variable.name in _CONSTRAINED_BY:
                    return variable.name
        if found.tool not in _LOCKS or found.requirement_files or found.packages:
            return "hashes or a lock file" if found.locked else ""
        if found.tool == "uv" and not found.locked:
            return ""  # uv pip install reads no lock file
        project = self._located("pyproject.toml", here, files) or posixpath.join(context, "pyproject.toml")
        lock = self._lock_for(_LOCKS[found.tool], posixpath.dirname(project))
        return lock.path if lock is not None else ""

    def _lock_for(self, tool: str, folder: str) -> LockFile | None:
        """The lock file of *tool* in *folder* or the nearest folder above it."""
        around = [
            lock
            for lock in self._locks
            if lock.tool == tool and f"{folder}/".startswith(f"{posixpath.dirname(lock.path)}/".lstrip("/"))
        ]
        return max(around, key=lambda lock: len(lock.path), default=None)

    def _located(self, name: str, here: str | None, files: FileSystem) -> str | None:
        if HOLE in name or here is None:
            return None
        located = files.locate(posixpath.normpath(posixpath.join("/", here, name)))
        return located.path if located.state == "found" else None

    def _add_project(self, name: str, here: str | None, files: FileSystem, listed: _Listed) -> None:
        """What an installation of a folder takes: its pyproject's main list, and the extras that are asked for."""
        folder, _, extras = name.partition("[")
        path = self._located(posixpath.join(folder, "pyproject.toml"), here, files)
        if path is None or path not in self._files:
            listed.unknown = listed.unknown or "it installs a folder or an archive whose pyproject.toml can't be told"
            return
        groups = ("", *(extra.strip() for extra in extras.rstrip("]").split(",") if extra.strip()))
        before = len(listed.requirements)
        listed.add(path, groups)
        if len(listed.requirements) == before:
            listed.unknown = listed.unknown or "its pyproject.toml lists no dependencies"
        lock = next((x for x in self._locks if posixpath.dirname(x.path) == posixpath.dirname(path)), None)
        if lock is not None:
            listed.unknown = listed.unknown or "a lock file lies beside it that the command does not read"


class _Listed:
    """What one command installs, gathered from its files and from its own words."""

    def __init__(self, known: dict[str, RequirementFile], pipeline: Pipeline) -> None:
        self._known = known
        self._by_path = pipeline.index(Requirement, "path")
        self.files: list[RequirementFile] = []
        self.requirements: list[Requirement] = []
        self.fixed = ""
        self.unknown = ""

    def add(self, path: str | None, groups: Iterable[str] = ("",)) -> None:
        """A file and what it includes."""
        file = self._known.get(path) if path is not None else None
        if file is None:
            self.unknown = self.unknown or "a requirements file that is not in the tree"
            return
        if file in self.files:
            return
        wanted = frozenset(groups)
        own = [r for r in self._by_path.get(file.path, ()) if r.group in wanted]
        self.files.append(file)
        self.requirements += own
        folder = posixpath.dirname(file.path)
        if file.constraints:
            self.fixed = self.fixed or posixpath.normpath(posixpath.join(folder, file.constraints[0]))
        if any(requirement.hashed for requirement in own):
            self.fixed = self.fixed or "hashes"
        for include in file.includes:
            self.add(posixpath.normpath(posixpath.join(folder, include)))

    def add_given(self, text: str, place: Place) -> None:
        """A package named in the command itself."""
        requirement = parse(text, place) if HOLE not in text else None
        if requirement is None:
            self.unknown = self.unknown or "a package that the command names can't be told"
        elif requirement.name:
            self.requirements.append(requirement)


def _joined(workdir: str | None, then: str | None) -> str | None:
    if then is not None and HOLE in then:
        return None
    if then is not None and then.startswith("/"):
        return then
    return posixpath.join(workdir, then or "") if workdir is not None else None
