"""Tasks of Makefiles and justfiles."""

from __future__ import annotations

from typing import ClassVar
from typing import Literal as L

from pytest_mlbreaks.model.facts.base import Fact, Part
from pytest_mlbreaks.model.place import Place


class TaskVariable(Part, frozen=True, kw_only=True):
    """A variable of a Makefile or justfile, or a parameter of a recipe: its *text* as written, with the tool's own
    references in it. *default*: what is given otherwise goes before it (``?=``, ``name='x'``). *added*: put behind what
    it was (``+=``); of a parameter, that it takes all further arguments. *maybe*: it holds under a condition, or is
    worked out."""

    name: str
    text: str = ""
    default: bool = False
    added: bool = False
    maybe: bool = False
    place: Place


class TaskLine(Part, frozen=True, kw_only=True):
    """A line that a task runs, without the marks before it. *ignored*: its failure counts for nothing (``-``).
    *maybe*: it stands under a condition."""

    text: str
    ignored: bool = False
    maybe: bool = False
    place: Place


class Task(Part, frozen=True, kw_only=True):
    """A target of a Makefile, a recipe of a justfile: *needs* come before it, *after* behind it, by name.

    *whole*: its lines are one script, and not a shell each. *added*: it replaces no other one of its name (``::``).
    """

    name: str
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    lines: tuple[TaskLine, ...] = ()
    variables: tuple[TaskVariable, ...] = ()
    parameters: tuple[TaskVariable, ...] = ()
    whole: bool = False
    added: bool = False
    place: Place


class TaskFile(Fact, frozen=True, kw_only=True):
    """A Makefile, justfile, or a part of one that it includes. *includes* as written."""

    called: ClassVar[str] = "file of tasks"

    tool: L["make", "just"]
    variables: tuple[TaskVariable, ...] = ()
    tasks: tuple[Task, ...] = ()
    includes: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        return f"tasks:{self.path}"
