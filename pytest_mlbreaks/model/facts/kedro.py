"""Nodes and pipelines of Kedro."""

from __future__ import annotations

from typing import ClassVar

from pytest_mlbreaks.model.facts.base import Fact, Part
from pytest_mlbreaks.model.facts.steps import Callee
from pytest_mlbreaks.model.place import Place


class KedroNode(Part, frozen=True, kw_only=True):
    """A node of Kedro: the function that it runs, and the datasets that go in and come out, ``{*}`` for one that can't
    be told. *name* is "" where it is given none."""

    name: str = ""
    callee: Callee | None = None
    function: str = ""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    place: Place


class KedroWrap(Part, frozen=True, kw_only=True):
    """What ``pipeline(..., namespace=, inputs=, outputs=)`` does to the names of what it is given: *renamed* are pairs
    of dataset names, those that stay as they are included; all others get the *namespace*."""

    namespace: str = ""
    renamed: tuple[tuple[str, str], ...] = ()


class KedroPart(Part, frozen=True, kw_only=True):
    """A part of a pipeline: *nodes* that stand there, or what the *reference* makes (a qualified name of the code, or
    ``*`` for all that Kedro finds by itself). *wraps* apply to it, the innermost first."""

    nodes: tuple[KedroNode, ...] = ()
    reference: str = ""
    wraps: tuple[KedroWrap, ...] = ()
    place: Place


class KedroPipeline(Fact, frozen=True, kw_only=True):
    """A function that makes a pipeline of Kedro (``create_pipeline``), or all of them (``register_pipelines``). *doubt*
    says why not all of it could be told."""

    called: ClassVar[str] = "pipeline of Kedro"

    function: str
    parts: tuple[KedroPart, ...] = ()
    doubt: str = ""

    @property
    def identity(self) -> str:
        return f"kedro-pipeline:{self.path}#{self.function}"
