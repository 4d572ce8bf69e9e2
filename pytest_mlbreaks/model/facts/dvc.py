"""Pipelines of DVC."""

from __future__ import annotations

from typing import ClassVar

from pytest_mlbreaks.model.expr import Expr
from pytest_mlbreaks.model.facts.base import Fact, Part
from pytest_mlbreaks.model.facts.images import Command
from pytest_mlbreaks.model.place import Place


class DvcPath(Part, frozen=True, kw_only=True):
    """A file or folder that a stage of DVC names, seen from the root of the tree; a URL as it is."""

    path: Expr
    place: Place


class DvcParameter(Part, frozen=True, kw_only=True):
    """A parameter that a stage of DVC depends on: *key*, dotted, of *file*; the whole file where it is "". In a loop, a
    key may have ``${item}`` in it."""

    file: Expr
    key: str = ""
    place: Place


class DvcStage(Fact, frozen=True, kw_only=True):
    """A stage of a ``dvc.yaml``, in the tool's own terms. The `Step` of the identity *step* is its common face.

    DVC runs a stage again only where one of its *inputs*, *parameters*, *outputs* or its command has changed. *loop* is
    the name under which a stage is written once for several items (``foreach``, ``matrix``), "" for all others.
    """

    called: ClassVar[str] = "stage of a DVC pipeline"

    step: str
    name: str
    inputs: tuple[DvcPath, ...] = ()
    outputs: tuple[DvcPath, ...] = ()  # metrics and plots included
    parameters: tuple[DvcParameter, ...] = ()
    frozen: bool = False
    always_changed: bool = False
    loop: str = ""

    @property
    def identity(self) -> str:
        return f"stage:{self.step}"


class DvcLoop(Fact, frozen=True, kw_only=True):
    """A stage of a ``dvc.yaml`` that is written once for several items: what is written, from which link makes a `Step`
    and a `DvcStage` for each.

    *items* is the list or mapping of ``foreach``; for a ``matrix``, a mapping of lists. What they, or a part of them,
    are elsewhere is a `ConfigKey`. ``${item}``, ``${item.x}`` and ``${key}`` are keys of the store ``loop``.
    """

    pipeline: str
    name: str
    items: Expr
    matrix: bool = False
    commands: tuple[Command, ...] = ()
    inputs: tuple[DvcPath, ...] = ()
    outputs: tuple[DvcPath, ...] = ()
    parameters: tuple[DvcParameter, ...] = ()
    frozen: bool = False
    always_changed: bool = False

    @property
    def identity(self) -> str:
        return f"loop:{self.pipeline}/{self.name}"


class DvcRecorded(Part, frozen=True, kw_only=True):
    """A file or folder as DVC recorded it: *path* as written, *digest* its hash with the name of the algorithm
    (``md5:6950...``), "" where none is kept."""

    path: str
    digest: str = ""
    place: Place


class DvcRecordedValue(Part, frozen=True, kw_only=True):
    """A scalar of the parameters that a stage ran with: *key*, dotted, of *file* as written, and *of*, the key that the
    stage depends on, which may be of a list or mapping around it."""

    file: str
    of: str
    key: str
    value: Expr
    place: Place


class DvcRecord(Fact, frozen=True, kw_only=True):
    """The last run of a stage that a ``dvc.lock`` keeps: its commands with all values put in, what went in and came out
    and the values of its parameters. Paths are as the stage writes them, relative to its folder."""

    called: ClassVar[str] = "recorded run of a DVC stage"

    pipeline: str
    name: str
    commands: tuple[str, ...] = ()
    inputs: tuple[DvcRecorded, ...] = ()
    outputs: tuple[DvcRecorded, ...] = ()
    values: tuple[DvcRecordedValue, ...] = ()

    @property
    def identity(self) -> str:
        return f"record:{self.pipeline}/{self.name}"


class DvcData(Fact, frozen=True, kw_only=True):
    """Data that a ``*.dvc`` file tracks: the path *data*, seen from the root of the tree, in the version *digest*.
    *source* is the URL or path that it was imported from, at *revision*; "" where there is none."""

    called: ClassVar[str] = "data tracked by DVC"

    data: str
    digest: str = ""
    source: str = ""
    revision: str = ""

    @property
    def identity(self) -> str:
        return f"dvc-data:{self.data}"
