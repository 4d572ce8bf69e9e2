"""Code that trains and serves: options of its command line, loaded models, hashes, folders, validations and asserts.

Each part looks only at the calls that it knows, which the index of the file has, and at what stands around them; of
files without such calls nothing is walked. What is not written there is not told:

- options are followed within their file alone (see `options`);
- a hash that is only compared, or kept in a set, is ``other`` (see `hashes`);
- of a failed load it is told what the handler does, and not what the rest of the code makes of it (see `loads`);
- of work whose failure is only reported, no function that other code of the file takes an answer of (see `endings`);
- of a function that keeps its results, only a handler that ends in a constant (see `kept`);
- parts of a service, and what it answers, by what stands in one function (see `parts`, `replies`).
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.formats.python import PYTHON, PythonFile
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.facts import (
    Assertions,
    BuiltinHash,
    CommandOption,
    EndsWell,
    FolderCreation,
    GuardedLoad,
    KeptFailure,
    Refusal,
    Reply,
    ReplyUse,
    SavedResponse,
    ToleratedFailure,
    ValidationRun,
)
from pytest_mlbreaks.readers.python import claims
from pytest_mlbreaks.readers.training.endings import endings
from pytest_mlbreaks.readers.training.folders import folders
from pytest_mlbreaks.readers.training.hashes import hashes
from pytest_mlbreaks.readers.training.kept import kept_failures
from pytest_mlbreaks.readers.training.loads import guarded_loads
from pytest_mlbreaks.readers.training.options import options
from pytest_mlbreaks.readers.training.parts import refusals, tolerated
from pytest_mlbreaks.readers.training.replies import replies, reply_uses
from pytest_mlbreaks.readers.training.responses import saved_responses
from pytest_mlbreaks.readers.training.verdicts import assertions, validations
from pytest_mlbreaks.reading import Reader, Wanted


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """What one module says. What does not parse is the Python reader's to report."""
    if file.tree is None:
        return
    yield from options(file)
    yield from hashes(file)
    yield from guarded_loads(file)
    yield from kept_failures(file)
    yield from endings(file)
    yield from folders(file)
    yield from validations(file)
    yield from assertions(file)
    yield from saved_responses(file)
    yield from tolerated(file)
    yield from refusals(file)
    yield from replies(file)
    yield from reply_uses(file)


READER: Reader[PythonFile] = Reader(
    name="training",
    version=7,
    format=PYTHON,
    facts=(
        Assertions,
        BuiltinHash,
        CommandOption,
        EndsWell,
        FolderCreation,
        GuardedLoad,
        KeptFailure,
        Refusal,
        Reply,
        ReplyUse,
        SavedResponse,
        ToleratedFailure,
        ValidationRun,
    ),
    claims=claims,
    read=read,
)
