"""What a container finds in its file system: where its files come from in the tree, and what can't be told."""

from __future__ import annotations

import dataclasses
import fnmatch
import posixpath
import re
from collections.abc import Iterable, Sequence
from typing import Literal

from pytest_mlbreaks.dockerignore import is_dockerignored
from pytest_mlbreaks.link.values import Values
from pytest_mlbreaks.model import Pipeline, Place, Process
from pytest_mlbreaks.model.expr import Expr
from pytest_mlbreaks.model.facts import Copy, Dockerfile, IgnoreFile, Mount, Stage
from pytest_mlbreaks.references import split_reference

# Images that hold an operating system or a language and nobody's application: what is not copied in is not there.
_PLAIN_BASES = frozenset(
    {
        *("python", "debian", "ubuntu", "alpine", "busybox", "fedora", "amazonlinux", "node", "slim", "distroless"),
        *("continuumio/miniconda3", "continuumio/anaconda3", "condaforge/miniforge3", "condaforge/mambaforge"),
        *("mambaorg/micromamba", "nvidia/cuda", "pytorch/pytorch", "tensorflow/tensorflow", "rocm/pytorch", "jupyter"),
        *("ghcr.io/astral-sh/uv", "astral-sh/uv", "openjdk", "eclipse-temurin", "golang", "redhat/ubi8", "redhat/ubi9"),
        *("centos", "rockylinux", "almalinux", "scratch"),
    }
)
# Where images start, when it is not "/"; those of no known folder are only asked for where nothing else tells.
_WORKDIRS = {
    "golang": "/go",
    "apache/airflow": "/opt/airflow",
    "pytorch/pytorch": "/workspace",
    "mambaorg/micromamba": "/tmp",
    "tiangolo/uvicorn-gunicorn-fastapi": "/app",
    "tiangolo/uvicorn-gunicorn": "/app",
    "jupyter": None,
    "rocm/pytorch": None,
}
OUTSIDE = "lies outside what the tree copies or mounts"
"""Why it is not known whether a file is there that no COPY or mount could have brought."""
MOST_LAYERS = 1000
"""Layers of one image that are followed; stages that copy one another could double them without end."""
BRINGS_FILES = re.compile(
    r"\b(git\s+clone|wget|curl|tar|unzip|rsync|mv|cp|ln|gsutil|aws\s+s3|az\s+storage|dvc|gcloud|npm|yarn|pnpm|make|cmake|"
    r"cargo|mvn|gradle|hf|huggingface-cli|jupyter|invoke|patch|sed\s+-n|base64|printf|tee)\b"
)
"""Commands that can bring files of any name."""
RUNS_CODE = re.compile(r"\b(?:python[\d.]*|(?:ba|da|z)?sh|node|Rscript)\s+[^-\s]|(?<!\S)\./|^\{\*\}$")
"""Commands that run a script, which can write files, too."""


@dataclasses.dataclass(frozen=True)
class Layer:
    """Something that puts files at *target*: from *source* in the tree (a folder, or a file if *file*), or, with
    *source* None, from where we can't see. A *mount* hides what lay there before."""

    target: str
    source: str | None
    place: Place
    note: str
    file: bool = False
    mount: bool = False
    context: str = ""
    ignored: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Located:
    """Where a path of a container comes from. *state*: ``found`` (*path* is the file of the tree), ``absent`` (all that
    could hold it is known, and nothing does), ``unknown`` (*reason*). *looked*: the places that decided it."""

    state: Literal["found", "absent", "unknown"]
    path: str = ""
    reason: str = ""
    looked: tuple[tuple[Place, str], ...] = ()


class FileSystem:
    """The file system of one process, as far as the tree tells; *workdir* is the image's own working directory."""

    def __init__(
        self,
        pipeline: Pipeline,
        layers: Sequence[Layer],
        *,
        plain: bool,
        commands: Sequence[str],
        workdir: str | None = None,
    ) -> None:
        self._workdir = workdir or "/"
        self._pipeline = pipeline
        self._layers = tuple(layers)
        self._plain = plain
        self._commands = tuple(commands)

    def locate(self, path: str) -> Located:
        """Where the absolute *path* comes from."""
        covering: list[Layer] = []
        for layer in reversed(self._layers):
            if not _below(path, layer.target):
                continue
            if layer.source is None:
                return Located("unknown", reason=layer.note)
            found = self._in_layer(layer, path)
            if found is not None:
                return Located("found", found, looked=((layer.place, layer.note),))
            if not layer.file:
                covering.append(layer)
            if layer.mount and not layer.file:
                return Located("absent", looked=tuple((c.place, c.note) for c in covering))
        covering = covering or self._beside(path)
        if not covering:
            return Located("unknown", reason=OUTSIDE)
        if not self._plain:
            return Located("unknown", reason="the base image may hold it")
        name = posixpath.basename(path)
        for command in self._commands:
            if name in command or BRINGS_FILES.search(command) or RUNS_CODE.search(command):
                return Located("unknown", reason="a RUN command may make it")
        return Located("absent", looked=tuple((c.place, c.note) for c in covering))

    def _beside(self, path: str) -> list[Layer]:
        """What is copied into the working directory, where *path* lies there too and the build context holds a file of
        that path: it was left behind."""
        if self._workdir == "/" or not _below(path, self._workdir):
            return []
        left = _rebase(path, self._workdir, "")
        copied = [x for x in self._layers if x.source is not None and not x.mount and _below(x.target, self._workdir)]
        contexts = {layer.context for layer in copied}
        return copied[:3] if any(posixpath.join(c, left) in self._pipeline.paths for c in contexts) else []

    def folder(self, path: str) -> str | None:
        """The folder of the tree that is at *path*; None where there is none or more than one."""
        for layer in reversed(self._layers):
            if layer.source is None or layer.file or not _below(path, layer.target):
                continue
            candidate = _rebase(path, layer.target, layer.source)
            if self._pipeline.has_folder(candidate):
                return candidate
        return None

    def holds_below(self, path: str) -> bool:
        """Whether something of the tree is known to be at or below *path*."""
        return any(layer.source is not None and _below(layer.target, path) for layer in self._layers)

    def _in_layer(self, layer: Layer, path: str) -> str | None:
        if layer.source is None:
            return None
        if layer.file:
            return layer.source if path == layer.target and layer.source in self._pipeline.paths else None
        candidate = _rebase(path, layer.target, layer.source)
        if candidate not in self._pipeline.paths or is_dockerignored(candidate, layer.context, layer.ignored):
            return None
        return candidate


class Images:
    """Builds the file systems of images out of Dockerfiles."""

    def __init__(self, pipeline: Pipeline, values: Values) -> None:
        self._pipeline = pipeline
        self._values = values
        self._ignore = {f.path: f.patterns for f in pipeline.all(IgnoreFile)}

    def layers(self, dockerfile: Dockerfile, stage: Stage, context: str, process: Process | None = None) -> list[Layer]:
        """What the stages down to *stage* put where, the oldest first. *context*: a folder of the tree."""
        return self._layers(dockerfile, stage, context, process, ())

    def _layers(
        self, dockerfile: Dockerfile, stage: Stage, context: str, process: Process | None, through: tuple[int, ...]
    ) -> list[Layer]:
        """*through*: the stages that are being copied from; one of them again would be a circle."""
        layers: list[Layer] = []
        for part in self.chain(dockerfile, stage):
            for copy in part.copies:
                folders = {layer.target for layer in layers if not layer.file}
                layers.extend(self._copied(dockerfile, part, copy, context, process, (*through, part.index), folders))
                if len(layers) > MOST_LAYERS:
                    return [*layers, Layer("/", None, copy.place, "more is copied than is followed")]
        return layers

    def is_plain(self, dockerfile: Dockerfile, stage: Stage) -> bool:
        """Whether the image at the bottom holds no application of its own."""
        name = self.bottom(dockerfile, stage)
        return name in _PLAIN_BASES or any(name.startswith(f"{base}-") for base in ("python", "nvidia/cuda"))

    def bottom(self, dockerfile: Dockerfile, stage: Stage) -> str:
        """The repository of the image at the bottom, without the registries that everybody uses."""
        pattern = self._values.pattern(self.chain(dockerfile, stage)[0].base)
        name = split_reference(pattern).repository
        for prefix in ("docker.io/", "library/", "public.ecr.aws/docker/library/", "gcr.io/distroless/"):
            name = name.removeprefix(prefix)
        return name

    def base_workdir(self, dockerfile: Dockerfile, stage: Stage) -> str | None:
        """The folder that the image at the bottom starts in; None where that is not known."""
        name = self.bottom(dockerfile, stage)
        return _WORKDIRS[name] if name in _WORKDIRS else "/" if self.is_plain(dockerfile, stage) else None

    def commands(self, dockerfile: Dockerfile, stage: Stage) -> list[str]:
        """The texts of all RUN commands down to *stage*."""
        found = []
        for part in self.chain(dockerfile, stage):
            for run in part.runs:
                if run.shell is not None:
                    found.append(self._values.pattern(run.shell))
                found.append(" ".join(self._values.pattern(a) for a in run.argv or ()))
        return found

    def workdir(self, dockerfile: Dockerfile, stage: Stage) -> str | None:
        """The working directory of *stage*, its base image's where it sets none; None where it can't be told."""
        for part in reversed(self.chain(dockerfile, stage)):
            if part.workdir is not None:
                return self._absolute(part.workdir, dockerfile, stage)
        return self.base_workdir(dockerfile, stage)

    def _absolute(self, workdir: Expr | None, dockerfile: Dockerfile, stage: Stage) -> str | None:
        """The folder that WORKDIR instructions led to; a relative one begins where the base image starts."""
        text = self._values.resolve(workdir).text if workdir is not None else ""
        if text is None or text.startswith("/"):
            return text and posixpath.normpath(text)
        base = self.base_workdir(dockerfile, stage)
        return posixpath.normpath(posixpath.join(base, text)) if base is not None else None

    def started(self, dockerfile: Dockerfile, stage: Stage) -> tuple[Stage | None, Stage | None]:
        """The stages whose ENTRYPOINT and whose CMD hold in *stage*."""
        entrypoint = command = None
        for part in self.chain(dockerfile, stage):
            if part.entrypoint is not None:
                entrypoint, command = part, None
            if part.command is not None:
                command = part
        return entrypoint, command

    def chain(self, dockerfile: Dockerfile, stage: Stage) -> list[Stage]:
        """The stages that *stage* is built on, the first one first, itself last."""
        chain = [stage]
        while chain[-1].base_stage is not None and len(chain) <= len(dockerfile.stages):
            chain.append(dockerfile.stages[chain[-1].base_stage])
        return chain[::-1]

    def _copied(
        self,
        dockerfile: Dockerfile,
        stage: Stage,
        copy: Copy,
        context: str,
        process: Process | None,
        through: tuple[int, ...],
        folders: set[str],
    ) -> Iterable[Layer]:
        """What one COPY puts where. *folders*: what is known to be a folder before it."""
        target = self._values.resolve(copy.target).text
        if target is None:
            yield Layer("/", None, copy.place, "a COPY whose target can't be told")
            return
        workdir = "/" if target.startswith("/") else self._absolute(copy.workdir, dockerfile, stage)
        if workdir is None:
            yield Layer("/", None, copy.place, "a COPY to a folder that the base image decides")
            return
        at = posixpath.normpath(posixpath.join(workdir, target))
        if copy.inline:
            yield Layer(at, None, copy.place, "made in the Dockerfile")
            return
        ends_open = target.endswith(("/", "/.", "/..")) or target in (".", "..") or len(copy.sources) > 1
        known = self._absolute(copy.workdir, dockerfile, stage) if copy.workdir is not None else None
        into = ends_open or at == "/" or at in folders or (known is not None and _below(known, at))
        origin = self._origin(dockerfile, copy.origin) if copy.origin else None
        for source in copy.sources:
            text = self._values.resolve(source, process).text
            if text is None or "://" in text or text.startswith("git@"):
                yield Layer(at, None, copy.place, "copied from where the tree doesn't tell")
            elif copy.origin:
                yield from self._copied_from_stage(dockerfile, origin, text, at, into, copy, context, process, through)
            else:
                yield from self._copied_from_context(text, at, into, copy, context, dockerfile.path)

    def _origin(self, dockerfile: Dockerfile, name: str) -> Stage | None:
        for stage in dockerfile.stages:
            if stage.name.lower() == name.lower() or str(stage.index) == name:
                return stage
        return None

    def _copied_from_stage(
        self,
        dockerfile: Dockerfile,
        origin: Stage | None,
        source: str,
        at: str,
        folder_target: bool,
        copy: Copy,
        context: str,
        process: Process | None,
        through: tuple[int, ...],
    ) -> Iterable[Layer]:
        inside = posixpath.normpath(posixpath.join("/", source))
        yield Layer(at, None, copy.place, f"copied out of {'a stage' if origin else 'another image'}")
        if origin is None or origin.index in through or any(c in source for c in "*?["):
            return
        for layer in self._layers(dockerfile, origin, context, process, through):
            if layer.source is None:
                continue
            if _below(layer.target, inside):
                yield dataclasses.replace(layer, target=_rebase(layer.target, inside, at))
            elif _below(inside, layer.target) and not layer.file:
                inner = _rebase(inside, layer.target, layer.source)
                if inner in self._pipeline.paths:
                    end = posixpath.join(at, posixpath.basename(inside)) if folder_target else at
                    yield dataclasses.replace(layer, target=end, source=inner, file=True)
                elif self._pipeline.has_folder(inner):
                    yield dataclasses.replace(layer, target=at, source=inner)

    def _copied_from_context(
        self, source: str, at: str, folder_target: bool, copy: Copy, context: str, dockerfile: str
    ) -> Iterable[Layer]:
        ignored = self._ignored(context, dockerfile)
        inside = posixpath.normpath(f"/{source}").lstrip("/")  # `..` never leads out of the context
        path = _normal(posixpath.join(context, inside))
        note = f"COPY {source} puts {path or 'the whole context'} at {at}"
        if any(c in source for c in "*?["):
            matches = self._matching(context, inside)
            if not matches:
                yield Layer(at, None, copy.place, f"COPY {source}: not in the tree")
            for match in matches:
                if match in self._pipeline.paths:
                    yield from self._file(match, at, folder_target or len(matches) > 1, copy, note, context, ignored)
                else:
                    yield Layer(at, match, copy.place, note, False, False, context, ignored)
        elif path in self._pipeline.paths:
            yield from self._file(path, at, folder_target, copy, note, context, ignored)
        elif self._pipeline.has_folder(path):
            yield Layer(at, path, copy.place, note, False, False, context, ignored)
        else:
            yield Layer(at, None, copy.place, f"COPY {source}: not in the tree")

    def _file(
        self, path: str, at: str, into: bool, copy: Copy, note: str, context: str, ignored: tuple[str, ...]
    ) -> Iterable[Layer]:
        """A copied file: at *at* or, where that is a folder, in it. A name without an ending may be either."""
        inside = posixpath.join(at, posixpath.basename(path))
        if not into:
            yield Layer(at, path, copy.place, note, True, False, context, ignored)
        if into or "." not in posixpath.basename(at):
            yield Layer(inside, path, copy.place, note, True, False, context, ignored)
        if copy.add and re.search(r"\.(tar(\.\w+)?|tgz|txz|tbz2?)$", path):
            yield Layer(at, None, copy.place, "unpacked from an archive")

    def _matching(self, context: str, pattern: str) -> list[str]:
        """The files and folders of *context* that a pattern with wildcards means; no wildcard crosses a slash."""
        parts = [re.compile(fnmatch.translate(part.replace("[^", "[!"))) for part in pattern.split("/")]
        prefix = f"{context}/" if context else ""
        found: dict[str, None] = {}
        for path in self._pipeline.paths:
            if path.startswith(prefix):
                names = path[len(prefix) :].split("/")
                if len(names) >= len(parts) and all(p.match(n) for p, n in zip(parts, names, strict=False)):
                    found[prefix + "/".join(names[: len(parts)])] = None
        return sorted(found)

    def _ignored(self, context: str, dockerfile: str) -> tuple[str, ...]:
        own = self._ignore.get(f"{dockerfile}.dockerignore")
        return own if own is not None else self._ignore.get(posixpath.join(context, ".dockerignore"), ())


def mounted(mounts: Iterable[Mount], base: str, values: Values, process: Process | None) -> Iterable[Layer]:
    """The layers of a container's mounts; *base* is the folder that relative sources are relative to."""
    told = [(values.resolve(mount.target, process).text, mount) for mount in mounts]
    # the deeper one is mounted later, whatever the order they are written in
    for target, mount in sorted(told, key=lambda t: (t[0] or "").rstrip("/").count("/")):
        if target is None:
            yield Layer("/", None, mount.place, "a mount whose target can't be told", mount=True)
            continue
        at = posixpath.normpath(target)
        source = values.resolve(mount.source, process).text if mount.kind == "bind" else None
        if source is None or source.startswith(("/", "~", "$")):
            yield Layer(at, None, mount.place, f"a {mount.kind} is mounted at {at}", mount=True)
            continue
        path = _normal(posixpath.join(base, source))
        yield Layer(at, path, mount.place, f"{source} is mounted at {at}", mount=True)


def _below(path: str, folder: str) -> bool:
    return folder == "/" or path == folder or path.startswith(f"{folder}/")


def _rebase(path: str, old: str, new: str) -> str:
    rest = path[len(old) :].lstrip("/") if old != "/" else path.lstrip("/")
    return (
        _normal(posixpath.join(new, rest) if rest else new)
        if not new.startswith("/")
        else (posixpath.normpath(posixpath.join(new, rest)))
    )


def _normal(path: str) -> str:
    normal = posixpath.normpath(path) if path else ""
    return "" if normal == "." else normal
