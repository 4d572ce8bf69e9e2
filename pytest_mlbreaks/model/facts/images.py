"""Images, and the commands and variables that processes have."""

from __future__ import annotations

from typing import Literal as L

from pytest_mlbreaks.model.expr import Expr
from pytest_mlbreaks.model.facts.base import Fact, Part
from pytest_mlbreaks.model.place import Place


class Command(Part, frozen=True, kw_only=True):
    """A command as written: an argument list (*argv*), or text for a shell (*shell*). *workdir* as given with it.
    *mounts* are the ``--mount=type=bind`` of a Dockerfile's RUN, sources relative to the build context."""

    argv: tuple[Expr, ...] | None = None
    shell: Expr | None = None
    workdir: Expr | None = None
    mounts: tuple[Mount, ...] = ()
    place: Place


class Variable(Part, frozen=True, kw_only=True):
    """An environment variable given to a process. *optional*: the process starts without it where what it is taken from
    is missing."""

    name: str
    value: Expr
    optional: bool = False
    place: Place


class Copy(Part, frozen=True, kw_only=True):
    """``COPY``/``ADD``: *sources* relative to the build context, or in the stage or image *origin*."""

    sources: tuple[Expr, ...]
    target: Expr
    origin: str = ""  # --from=
    add: bool = False
    inline: bool = False  # a here-document: the file is in the Dockerfile
    workdir: Expr | None = None
    place: Place


class Stage(Part, frozen=True, kw_only=True):
    """One stage of a Dockerfile. *base* is the image, or an earlier stage's name or index. *healthcheck* is ``set`` or
    ``none`` where the stage says how its health is asked for, or that it is not."""

    index: int
    name: str = ""
    base: Expr
    base_stage: int | None = None
    copies: tuple[Copy, ...] = ()
    runs: tuple[Command, ...] = ()
    variables: tuple[Variable, ...] = ()
    workdir: Expr | None = None  # the last one
    entrypoint: Command | None = None
    command: Command | None = None
    ports: tuple[Expr, ...] = ()
    volumes: tuple[str, ...] = ()
    healthcheck: L["", "set", "none"] = ""
    place: Place


class Dockerfile(Fact, frozen=True, kw_only=True):
    """A Dockerfile. *arguments* are build arguments with defaults, in order of appearance."""

    stages: tuple[Stage, ...]
    arguments: tuple[Variable, ...] = ()

    @property
    def identity(self) -> str:
        return f"dockerfile:{self.path}"


class IgnoreFile(Fact, frozen=True, kw_only=True):
    """A ``.dockerignore`` (*patterns* in order, as written)."""

    patterns: tuple[str, ...]

    @property
    def identity(self) -> str:
        return f"ignore:{self.path}"


class ImageBuild(Fact, frozen=True, kw_only=True):
    """Something that builds an image: a compose service, a CI step, a command.

    *images* are the references given to it; *context* and *dockerfile* as written (the latter relative to the
    repository for CI, to the context for compose: *dockerfile_in_context* tells). *pushes*: sent to a registry.
    *ordinal* counts the builds of one owner, from 0.
    """

    builder: str  # compose, github-actions, docker
    owner: str  # identity of the step or container that builds
    images: tuple[Expr, ...] = ()
    context: Expr
    dockerfile: Expr | None = None
    dockerfile_in_context: bool = False
    target: str = ""
    arguments: tuple[Variable, ...] = ()
    pushes: bool | None = None  # None: cannot tell
    ordinal: int = 0

    @property
    def identity(self) -> str:
        return f"image-build:{self.owner}#{self.ordinal}" if self.ordinal else f"image-build:{self.owner}"


class Mount(Part, frozen=True, kw_only=True):
    """Something mounted into a container at *target*: a folder of the tree, a volume, a claim, a config object."""

    kind: L["bind", "volume", "claim", "configmap", "secret", "empty", "host", "unknown"]
    source: Expr
    target: Expr
    subpath: str = ""
    read_only: bool = False
    place: Place
