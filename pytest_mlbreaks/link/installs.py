"""Installs: which Python packages the build of an image installs, from which files, and what fixes their versions."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence

from pytest_mlbreaks.link.commands import HOLE, PipInstall, pip_installs
from pytest_mlbreaks.link.filesystem import OUTSIDE, FileSystem, Images, Layer
from pytest_mlbreaks.link.locks import Locked, Wish
from pytest_mlbreaks.link.values import Values
from pytest_mlbreaks.model import Image, Install, Installed, Pipeline, Place
from pytest_mlbreaks.model.facts import Command, Dockerfile, LockFile, Requirement, RequirementFile, Stage
from pytest_mlbreaks.pep508 import is_vcs, parse

# What of another stage brings the packages installed there along (docs.docker.com/build/building/multi-stage).
_HOLDS_PACKAGES = re.compile(
    r"(site|dist)-packages|venv|\.local(/|$)|conda|wheel|^/usr(/local)?(/lib)?/?$|^/opt(/|$)|^/install|^/$|lib/python"
)
# Base images that hold an interpreter, and no library that a requirement could already find there.
_NO_LIBRARIES = re.compile(
    r"(^|/)(python|debian|ubuntu|alpine|fedora|amazonlinux|slim|uv|cuda|centos|rockylinux|almalinux|ubi\d(-minimal)?|"
    r"miniconda3?|miniforge3?|mambaforge|micromamba|python-?\d[\d.]*|ubi\d/python-\d+)(-[\w.-]+)?$"
)
_LOCKS = {"uv": "uv.lock", "poetry": "poetry.lock", "pipenv": "Pipfile.lock", "pdm": "pdm.lock"}
_MAKES_VENV = re.compile(r"\b(uv\s+(sync|venv)|poetry\s+install|python[\d.]*\s+-m\s+venv|pdm\s+(sync|install))\b")
_PROJECTS = frozenset({"pyproject", "poetry", "setup.py", "setup.cfg", "pipfile"})
_EXACT = re.compile(r"===?([^*,]+)")
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
            for origin in [s for s in stages if copy.origin and copy.origin.lower() in (s.name.lower(), str(s.index))]:
                sources = [values.pattern(source) for source in copy.sources]
                if any(_HOLDS_PACKAGES.search(source) or _holds_venv(origin, source, values) for source in sources):
                    waiting.append(origin)


def _holds_venv(stage: Stage, folder: str, values: Values) -> bool:
    """Whether *folder* of a stage is one, or holds one, in which a command made a virtual environment."""
    for run in stage.runs:
        at = values.resolve(run.workdir).text if run.workdir is not None else "/"
        text = values.pattern(run.shell) if run.shell is not None else ""
        if at is not None and _MAKES_VENV.search(text) and f"{at.rstrip('/')}/".startswith(f"{folder.rstrip('/')}/"):
            return True
    return False


class _Maker:
    """Makes the installs of stages."""

    def __init__(self, pipeline: Pipeline, values: Values) -> None:
        self._pipeline = pipeline
        self._values = values
        self._images = Images(pipeline, values)
        self._files = {f.path: f for f in pipeline.all(RequirementFile)}
        self._locks: dict[str, list[LockFile]] = {}
        for lock in pipeline.all(LockFile):
            self._locks.setdefault(posixpath.dirname(lock.path), []).append(lock)

    def of_stage(
        self, dockerfile: Dockerfile, stage: Stage, context: str, images: tuple[Image, ...]
    ) -> Iterator[Install]:
        """The installations of one stage's own RUN commands."""
        layers: list[Layer] | None = None
        ordinal = 0
        for run in stage.runs:
            text = (
                self._values.pattern(run.shell)
                if run.shell is not None
                else shlex.join(self._values.pattern(argument) for argument in run.argv or ())
            )
            for found in pip_installs(text):
                if layers is None:
                    layers = self._images.layers(dockerfile, stage, context)
                workdir = (
                    self._values.resolve(run.workdir).text
                    if run.workdir is not None
                    else self._images.base_workdir(dockerfile, stage) or "/"
                )
                files = FileSystem(self._pipeline, self._before(run, layers, context, workdir), plain=True, commands=())
                place = run.place
                if found.place_offset_line and place.line is not None:
                    place = Place(place.path, place.line + found.place_offset_line)
                identity = f"install:{dockerfile.path}#{stage.name or stage.index}:{ordinal}@{context}"
                ordinal += 1
                yield self._install(identity, found, place, workdir, files, images, stage)

    def _before(self, run: Command, layers: Sequence[Layer], context: str, workdir: str | None) -> list[Layer]:
        """What is there when *run* runs: what was copied above it, and what it mounts."""
        line = run.place.line or 0
        there = [x for x in layers if x.place.path != run.place.path or (x.place.line or 0) < line]
        for mount in run.mounts:
            target, source = (self._values.resolve(expr).text for expr in (mount.target, mount.source))
            if target is None or source is None or workdir is None:
                continue
            at = posixpath.normpath(posixpath.join(workdir, target))
            path = posixpath.normpath(posixpath.join(context, source.lstrip("/")))
            path = "" if path == "." else path
            is_file = path in self._pipeline.paths
            there.append(Layer(at, path, mount.place, f"{source} is mounted at {at}", file=is_file, mount=True))
        return there

    def _install(
        self,
        identity: str,
        found: PipInstall,
        place: Place,
        workdir: str | None,
        files: FileSystem,
        images: tuple[Image, ...],
        stage: Stage,
    ) -> Install:
        here = _joined(_joined(workdir, found.workdir), found.project or None)
        dockerfile = images[0].dockerfile
        listed = _Listed(self._files, self._pipeline)
        lock, missing = self._lock(found, here, files)
        fixed = self._fixed(found, stage, dockerfile) or (lock.path if lock is not None else "")
        if found.tool == "conda" and not found.requirement_files:
            listed.unknown = "what conda installs is not read"
        for name in found.requirement_files:
            listed.add(self._located(name, here, files))
        for name in found.local:
            self._add_project(name, here, files, listed, found)
        if found.tool == "pipenv":
            listed.add(self._located("Pipfile", here, files), _groups(found, ()))
        if fixed and (found.local or found.tool == "pipenv"):
            listed.unknown = ""
        if found.computed:
            listed.unknown = listed.unknown or "which of the project's lists it installs is worked out by the shell"
        for text in found.packages:
            listed.add_given(text, place)
        if not (listed.files or listed.requirements or listed.unknown or fixed or listed.own):
            listed.unknown = "what it installs can't be told"
        passed_over, why = self._passed_over(found, lock, missing, listed)
        if passed_over is not None and not fixed and found.tool in ("pip", "uv") and found.local:
            listed.unknown = listed.unknown or "a lock file lies beside it that the command does not read"
        bottom = self._images.bottom(dockerfile, stage)
        held = ""
        if not _NO_LIBRARIES.search(bottom):
            held = "the base image may hold some of the packages"
        packages, closed = self._packages(found, lock, listed)
        return Install(
            identity=identity,
            images=images,
            tool=found.tool,
            place=place,
            files=tuple(listed.files),
            requirements=tuple(listed.requirements),
            fixed=fixed or listed.fixed,
            unknown=listed.unknown or held,
            lock=lock,
            passed_over=passed_over,
            passed_why=why,
            packages=tuple(packages),
            closed=closed,
            stage=stage,
        )

    # ------------------------------------------------------------------------------------------------------ locks

    def _fixed(self, found: PipInstall, stage: Stage, dockerfile: Dockerfile) -> str:
        """What fixes the versions of one command's packages, beside the lock of its tool; "" for nothing."""
        if found.constraint_files:
            return found.constraint_files[0]
        for part in self._images.chain(dockerfile, stage):
            for variable in part.variables:
                if variable.name in _CONSTRAINED_BY:
                    return variable.name
        if found.tool == "pip" or (found.tool == "uv" and not found.local) or found.requirement_files or found.packages:
            return "hashes or a lock file" if found.locked else ""
        if found.tool in _LOCKS and found.strict:
            return "a lock file"  # without one it fails
        return ""

    def _lock(self, found: PipInstall, here: str | None, files: FileSystem) -> tuple[LockFile | None, str]:
        """The lock that a tool's own command reads, or why it surely reads none; (None, "") where neither is told."""
        tool = found.tool
        if tool not in _LOCKS or here is None or (tool == "uv" and not found.locked) or found.requirement_files:
            return None, ""
        if tool == "pipenv" and not found.locked:
            return None, ""
        folder = posixpath.normpath(posixpath.join("/", here))
        project = files.locate(posixpath.join(folder, "Pipfile" if tool == "pipenv" else "pyproject.toml"))
        while True:
            located = files.locate(posixpath.join(folder, _LOCKS[tool]))
            if located.state == "found":
                return self._read(located.path), ""
            if located.state == "unknown" and located.reason != OUTSIDE:
                return None, ""
            if folder == "/":
                break
            folder = posixpath.dirname(folder)
        missing = project.state == "found" and not found.strict
        return None, f"{_LOCKS[tool]} does not reach the image before the command that reads it" if missing else ""

    def _read(self, path: str) -> LockFile | None:
        return next((x for x in self._locks.get(posixpath.dirname(path), ()) if x.path == path), None)

    def _passed_over(
        self, found: PipInstall, lock: LockFile | None, missing: str, listed: _Listed
    ) -> tuple[LockFile | None, str]:
        """A lock file that lies beside what is installed and is not read, and why."""
        if lock is not None or found.exported or found.no_deps:
            return None, ""
        projects = [file for file in listed.files if file.format in _PROJECTS]
        for file in projects if found.tool in ("pip", "uv", "poetry", "pdm", "pipenv") else ():
            beside = self._beside(file.path, found.tool if missing else "")
            if beside is None:
                continue
            if missing:
                return beside, missing
            if found.tool == "pip" or (found.tool == "uv" and not found.locked):
                return beside, f"{'uv pip' if found.tool == 'uv' else 'pip'} reads no lock file"
            if found.tool == "pipenv" and not found.locked:
                return beside, "without --deploy or --ignore-pipfile it locks anew"
        return None, ""

    def _beside(self, path: str, tool: str) -> LockFile | None:
        """The lock in the folder of a project, or in the nearest one above it that holds the project as a member of its
        workspace; of *tool*, where one is named."""
        own = posixpath.dirname(path)
        folder = own
        while True:
            found = [x for x in self._locks.get(folder, ()) if x.tool == (tool or x.tool) and x.tool in _LOCKS]
            if found:
                its = len(found) == 1 and found[0].packages and (folder == own or _holds(found[0], own))
                return found[0] if its else None
            if not folder:
                return None
            folder = posixpath.dirname(folder)

    def _packages(self, found: PipInstall, lock: LockFile | None, listed: _Listed) -> tuple[list[Installed], bool]:
        """What one command installs, and whether that is all that comes along, too."""
        own = [_asked(requirement) for requirement in listed.requirements if requirement.name]
        if lock is None or not lock.read:
            whole = bool(listed.files) and all(file.resolved for file in listed.files) and not found.packages
            return own, not listed.unknown and (found.no_deps or whole or "hashes" in listed.fixed)
        project = next((file for file in listed.files if file.format in _PROJECTS), None)
        locked = Locked(lock)
        direct = {requirement.name: requirement for requirement in listed.requirements}
        names, known = locked.wanted(project, direct.values(), _wish(found, project))
        packages = []
        for package in locked.of(names):
            asked = direct.get(package.name)
            packages.append(
                Installed(
                    name=package.name,
                    place=asked.place if asked is not None else Place(lock.path, package.line),
                    version=package.version,
                    specifier=asked.specifier if asked is not None else "",
                    source=package.source,
                    direct=asked is not None,
                )
            )
        return packages, known

    # --------------------------------------------------------------------------------------------------- projects

    def _located(self, name: str, here: str | None, files: FileSystem) -> str | None:
        if HOLE in name or here is None:
            return None
        located = files.locate(posixpath.normpath(posixpath.join("/", here, name)))
        return located.path if located.state == "found" else None

    def _add_project(
        self, name: str, here: str | None, files: FileSystem, listed: _Listed, command: PipInstall
    ) -> None:
        """What an installation of a folder takes: the main list of its pyproject.toml, setup.cfg or setup.py, and the
        extras and groups that are asked for."""
        folder, _, extras = name.partition("[")
        at = [
            path
            for file in ("pyproject.toml", "setup.cfg", "setup.py")
            if (path := self._located(posixpath.join(folder, file), here, files)) in self._files
        ]
        if not at:
            listed.unknown = listed.unknown or "it installs a folder or an archive whose pyproject.toml can't be told"
            return
        if command.no_deps:
            listed.own = True
            return
        asked = tuple(extra.strip() for extra in extras.rstrip("]").split(",") if extra.strip())
        before = len(listed.requirements)
        for path in at:
            file = self._files[str(path)]
            listed.add(path, _groups(command, asked, file))
        if len(listed.requirements) == before and command.main:
            listed.unknown = listed.unknown or "its project file lists no dependencies"


def _holds(lock: LockFile, folder: str) -> bool:
    """Whether the project in *folder* is a member of the workspace that *lock* was made for (uv names each)."""
    above = posixpath.dirname(lock.path)
    return any(
        package.source.startswith("./") and posixpath.normpath(posixpath.join(above, package.source)) == folder
        for package in lock.packages
    )


def _asked(requirement: Requirement) -> Installed:
    specifiers = requirement.specifier
    exact = _EXACT.fullmatch(specifiers)
    return Installed(
        name=requirement.name,
        place=requirement.place,
        version=exact[1] if exact and requirement.source in ("index", "conda") else "",
        specifier=specifiers,
        source=requirement.source,
    )


def _groups(command: PipInstall, extras: tuple[str, ...], file: RequirementFile | None = None) -> tuple[str, ...]:
    """The groups of a project's requirements that *command* installs: "" for the main list."""
    wished = _wish(command, file)
    return (*(("",) if command.main else ()), *extras, *wished.extras, *wished.groups)


def _wish(command: PipInstall, file: RequirementFile | None) -> Wish:
    """What *command* asks of a project. pip knows no groups; uv and Poetry install the default ones unless told."""
    native = command.tool in ("poetry", "pdm") or (command.tool == "uv" and command.locked)
    defaults = file.defaults if file is not None and native and command.defaults else ()
    groups = tuple(g for g in dict.fromkeys((*defaults, *command.groups)) if g not in command.left_out)
    return Wish(main=command.main, extras=command.extras, groups=groups, member=command.member)


class _Listed:
    """What one command installs, gathered from its files and from its own words."""

    def __init__(self, known: dict[str, RequirementFile], pipeline: Pipeline) -> None:
        self._known = known
        self._by_path = pipeline.index(Requirement, "path")
        self.files: list[RequirementFile] = []
        self.requirements: list[Requirement] = []
        self.fixed = ""
        self.unknown = ""
        self.own = False  # the project itself is installed, without what it needs

    def add(self, path: str | None, groups: Iterable[str] = ("",)) -> None:
        """A file and what it includes."""
        file = self._known.get(path) if path is not None else None
        if file is None:
            self.unknown = self.unknown or "a requirements file that is not in the tree"
            return
        if file in self.files:
            return
        wanted = frozenset(groups)
        own = [r for r in self._by_path.get(file.path, ()) if r.group in wanted or "*" in wanted]
        for extra in [e for r in own if r.name == file.package for e in r.extras]:  # all = ["this[one,two]"]
            own += [r for r in self._by_path.get(file.path, ()) if r.group == extra and r not in own]
        self.files.append(file)
        self.requirements += [r for r in own if r.name != file.package or not r.extras]
        if file.unknown and "" in wanted:
            self.unknown = self.unknown or file.unknown
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
        elif requirement.name or is_vcs(requirement.source):
            self.requirements.append(requirement)


def _joined(workdir: str | None, then: str | None) -> str | None:
    if then is not None and HOLE in then:
        return None
    if then is not None and then.startswith("/"):
        return then
    return posixpath.join(workdir, then or "") if workdir is not None else None
