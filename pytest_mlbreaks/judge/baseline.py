"""The baseline: findings that were there when somebody began, by fingerprint; only others fail a run.

The file is JSON, one finding to a line and sorted by path, so that two branches that accept different findings merge.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence

import msgspec

from pytest_mlbreaks.report import Accepted, ReportedFinding

NAME = "mlbreaks-baseline.json"
VERSION = 1


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    findings: tuple[Accepted, ...]
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Baseline:
    """The accepted findings of the file *name*."""

    name: str
    entries: tuple[Accepted, ...]


class BaselineError(ValueError):
    """A baseline that can't be used; the text says why, without the file's name."""


def parse(name: str, data: bytes) -> Baseline:
    """The baseline that *data*, the content of the file *name*, holds. Raises BaselineError."""
    try:
        file = msgspec.json.decode(data, type=_File)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BaselineError(f"is no baseline: {error}") from error
    if file.version != VERSION:
        raise BaselineError(f"has version {file.version}, and this is read: {VERSION}")
    return Baseline(name, file.findings)


def render(findings: Iterable[ReportedFinding], kept: Sequence[Accepted] = ()) -> str:
    """The text of a baseline of *findings*, and of the *kept* entries of an earlier one."""
    entries = {entry.fingerprint: entry for entry in kept}
    for found in findings:
        path = found.place.path
        entries[found.fingerprint] = Accepted(
            fingerprint=found.fingerprint, check=found.check, path=path, message=found.message
        )
    ordered = sorted(entries.values(), key=lambda entry: (entry.path, entry.check, entry.fingerprint))
    lines = [json.dumps(msgspec.to_builtins(entry)) for entry in ordered]
    note = "Findings that were accepted. `mlbreaks baseline` writes this file; a line may be taken out by hand."
    body = ",\n".join(f"    {line}" for line in lines)
    listed = f"[\n{body}\n  ]" if lines else "[]"
    return f'{{\n  "version": {VERSION},\n  "note": {json.dumps(note)},\n  "findings": {listed}\n}}\n'
