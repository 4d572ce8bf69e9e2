"""Shell scripts: their text, for whoever follows what a container or a job starts through one, or asks what is set up
by one (releases of Helm, users of a database, a .dockerignore), or what one publishes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.formats.text import TEXT, TextFile
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.facts import Script
from pytest_mlbreaks.reading import Reader, Wanted
from pytest_mlbreaks.secrets import redact_url, secret_key

MOST = 100_000
"""Characters. A longer script is an installer with something packed into it."""

_STARTS = re.compile(
    r"\$[@*]|\.(?:py|sh|ipynb)\b|\b(?:python|uvicorn|gunicorn|celery|flask|streamlit|torchrun|exec)|requirements[\w.-]*\.(?:txt|in)\b"
    r"|\bhelm\s|\bkubectl\s+(?:apply|create|expose)\b|\bcreate(?:db|user)\b|(?i:\bcreate\s+(?:database|user|role)\b)|\brabbitmqctl\s"
    r"|\b(?:publish|push|upload|upgrade|deploy)\b|\.dockerignore\b"
)
_GIVEN = re.compile(r"\b([A-Za-z_]\w*)=(\"[^\"\n]*\"|'[^'\n]*'|[^\s;&|\"'`$()]+)")


def _claims(path: str) -> bool:
    return path.endswith((".sh", ".bash"))


def _read(file: TextFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    if len(file.text) > MOST or not _STARTS.search(file.text):
        return
    lines = (redact_url(_GIVEN.sub(_without_secret, line)) for line in file.lines)
    yield Script(place=Place(file.path, 1), text="\n".join(lines))


def _without_secret(match: re.Match[str]) -> str:
    return f'{match[1]}=""' if secret_key(match[1]) else match[0]


READER: Reader[TextFile] = Reader("shell-scripts", 5, TEXT, (Script,), _claims, _read)
