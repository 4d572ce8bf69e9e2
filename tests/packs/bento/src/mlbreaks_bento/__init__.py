"""A pack that reads BentoML's ``bentofile.yaml`` and judges it."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from mlbreaks_bento import checks
from mlbreaks_bento.reader import READER
from pytest_mlbreaks.api import Reader, Report, Reporter, Shown, hookimpl


@hookimpl
def mlbreaks_readers() -> Sequence[Reader[Any]]:
    """The reader of bento files."""
    return (READER,)


@hookimpl
def mlbreaks_checks() -> Sequence[ModuleType]:
    """The package of the checks."""
    return (checks,)


@hookimpl
def mlbreaks_reporters() -> Sequence[Reporter]:
    """A format that only counts."""
    return (Reporter("count", _count),)


def _count(report: Report, shown: Shown) -> str:
    return f"{len(report.findings)} findings\n"
