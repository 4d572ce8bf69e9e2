"""The built-in pack of checks: one folder per category, two files per check. See ``checks/README.md``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType

from pytest_mlbreaks.api import hookimpl


@hookimpl
def mlbreaks_checks() -> Sequence[ModuleType]:
    """This package."""
    return (sys.modules[__name__],)
