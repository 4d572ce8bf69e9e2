"""The hooks by which a pack brings readers, checks and reporters. The built-in pack uses them like anybody's.

A pack is a module named by an entry point of the group ``mlbreaks``; its hook functions carry `hookimpl`.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from pytest_mlbreaks.reading import Reader
    from pytest_mlbreaks.report import Reporter

hookspec = pluggy.HookspecMarker("mlbreaks")
hookimpl = pluggy.HookimplMarker("mlbreaks")


@hookspec
def mlbreaks_readers() -> Sequence[Reader[Any]]:
    """Readers of this pack. The fact types that they name become known with them."""
    raise NotImplementedError


@hookspec
def mlbreaks_checks() -> Sequence[ModuleType]:
    """Packages that hold checks: a folder per category, in it two files per check."""
    raise NotImplementedError


@hookspec
def mlbreaks_reporters() -> Sequence[Reporter]:
    """Report formats of this pack."""
    raise NotImplementedError
