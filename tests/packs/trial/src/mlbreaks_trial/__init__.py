"""The trial pack."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from mlbreaks_trial import checks
from mlbreaks_trial.reader import READER
from pytest_mlbreaks.api import Reader, hookimpl


@hookimpl
def mlbreaks_readers() -> Sequence[Reader[Any]]:
    """The reader of marks."""
    return (READER,)


@hookimpl
def mlbreaks_checks() -> Sequence[ModuleType]:
    """The package of the checks."""
    return (checks,)
