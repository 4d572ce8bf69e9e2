"""What one file says: the unit in which a tree is read, in this process or another, and remembered."""

from __future__ import annotations

import os
import traceback
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Generic, TypeVar, Union

import msgspec

from pytest_mlbreaks.formats.python_tests import is_test_code
from pytest_mlbreaks.judge.inline import MARK
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.reading import Format, Reader, Source, Unreadable, Wanted

F = TypeVar("F")


class FileFacts(msgspec.Struct, Generic[F], frozen=True, array_like=True):
    """What all readers of one file say of it. *kinds* are the names under which it is counted, one for each format that
    parsed it; *marked*: it may hold suppressions."""

    facts: tuple[F, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    kinds: tuple[str, ...] = ()
    marked: bool = False


class FileCodec:
    """Writes `FileFacts` as MessagePack, and reads them back as what they were, for the given types of facts."""

    def __init__(self, types: Iterable[type[Fact]]) -> None:
        union: Any = Union[tuple(types)]  # noqa: UP007 - made at run time
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder: msgspec.msgpack.Decoder[FileFacts[Any]] = msgspec.msgpack.Decoder(FileFacts[union])

    def encode(self, said: FileFacts[Any]) -> bytes | None:
        """The bytes; None where a fact holds what they can't hold (a number of more than 64 bits, half a character)."""
        try:
            return self._encoder.encode(said)
        except (OverflowError, UnicodeError, TypeError):
            return None

    def decode(self, path: str, data: bytes) -> FileFacts[Any] | None:
        """What was encoded for the file *path*; None for anything else."""
        try:
            said = self._decoder.decode(data)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None
        about = (*(fact.place.path for fact in said.facts), *(told.place.path for told in said.diagnostics))
        return said if all(one == path for one in about) else None


def read_file(source: Source, readers: Sequence[Reader[Any]], wanted: Wanted) -> FileFacts[Any]:
    """All that *readers* say of one file. Never raises for anything that it holds."""
    by_format: dict[Format[Any], list[Reader[Any]]] = defaultdict(list)
    tests = is_test_code(source)
    for reader in readers:
        if reader.tests is tests:
            by_format[reader.format].append(reader)
    facts: list[Fact] = []
    diagnostics: list[Diagnostic] = []
    kinds: list[str] = []
    for form, claiming in by_format.items():
        _read(source, form, claiming, wanted, facts, diagnostics, kinds)
    return FileFacts(tuple(facts), tuple(diagnostics), tuple(kinds), may_be_marked(source.data))


def _read(
    source: Source,
    form: Format[Any],
    readers: Sequence[Reader[Any]],
    wanted: Wanted,
    facts: list[Fact],
    diagnostics: list[Diagnostic],
    kinds: list[str],
) -> None:
    """Add what *readers*, all of them of the format *form*, say."""
    try:
        document = form.parse(source)
    except Unreadable as error:
        diagnostics.append(Diagnostic(error.place, "error", error.message))
        return
    except (Exception, SystemExit) as error:  # a format of some pack, on input that nobody thought of
        message = f"{form.kind} can't be parsed: {type(error).__name__}"
        diagnostics.append(Diagnostic(Place(source.path), "error", message))
        return
    kinds.append(getattr(document, "kind", form.kind))
    diagnostics.extend(getattr(document, "diagnostics", ()))
    for reader in readers:
        try:
            # all or nothing: half of what a reader has to say of a file can be a wrong statement about it
            said = list(reader.read(document, wanted))
        except (Exception, SystemExit) as error:
            message = f"reader {reader.name!r} failed: {told_crash(error)}"
            diagnostics.append(Diagnostic(Place(source.path), "error", message))
            continue
        for one in said:
            if isinstance(one, Diagnostic):
                diagnostics.append(one)
            else:
                facts.append(one)
    if form.release is not None:
        form.release(document)


def told_crash(error: BaseException) -> str:
    """What happened, without the error's text: that may hold what the tree holds."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {where.name} ({os.path.basename(where.filename)}, line {where.lineno})"


_MARK = MARK.encode()
_WIDE = (b"\xff\xfe", b"\xfe\xff")
"""How text begins that is not UTF-8: the mark is not found in its bytes."""


def may_be_marked(data: bytes) -> bool:
    """Whether a file of this content may hold suppressions."""
    return _MARK in data or data.startswith(_WIDE)
