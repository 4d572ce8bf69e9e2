"""Reporters: how a report is said, one module a format."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_mlbreaks.report import Report, Reporter, Shown

SEPARATOR = " · "
"""What parts short facts on one line."""


class ReporterError(Exception):
    """A reporter failed; the text is one line that names it, and the type of its error."""


def rendered(reporter: Reporter, report: Report, shown: Shown) -> str:
    """What *reporter* makes of *report*. Raises ReporterError for whatever goes wrong in it."""
    try:
        text: object = reporter.write(report, shown)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        told = f"{type(error).__name__} (line {where.lineno} of {where.name})"
        raise ReporterError(f"reporter {reporter.name!r} failed: {told}") from error
    if not isinstance(text, str):
        raise ReporterError(f"reporter {reporter.name!r} failed: it gave a {type(text).__name__}, not text")
    return text


def fitting(text: str, encoding: str | None) -> str:
    """*text* with commas for `SEPARATOR` where *encoding* (None: not known) lacks it: ``\\xb7`` reads badly."""
    try:
        SEPARATOR.encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return text.replace(SEPARATOR, ", ")
    return text
