"""What a reader is, and the formats that several readers share.

A *format* turns a file's bytes into a document, once, however many readers look at it. A *reader* states what one
document says, as facts. Both are values: a pack brings its own through the hook ``mlbreaks_readers``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from pytest_mlbreaks.model import Diagnostic, Fact, Place

Document = TypeVar("Document")


@dataclasses.dataclass(frozen=True)
class Source:
    """One file: its path relative to the root, and its bytes."""

    path: str
    data: bytes

    def text(self) -> str:
        """The content as text: UTF-8, or UTF-16/32 where a byte order mark says so; line ends as they are.

        Raises Unreadable for other encodings and for binary content.
        """
        marked = next((encoding for mark, encoding in _MARKS if self.data.startswith(mark)), None)
        if marked is None and b"\0" in self.data:
            raise Unreadable(Place(self.path), "contains null bytes: not text")
        encoding = marked or "utf-8"
        try:
            text = self.data.decode(encoding)
        except UnicodeDecodeError as error:
            line = self.data.count(b"\n", 0, error.start) + 1
            raise Unreadable(Place(self.path, line), f"is not {encoding.upper()} text") from error
        return text.removeprefix("\ufeff")


_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)


class Unreadable(Exception):
    """A file that a format can't parse: where, and why, in a sentence for people."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(f"{place}: {message}")
        self.place = place
        self.message = message


@dataclasses.dataclass(frozen=True)
class Format(Generic[Document]):
    """How a kind of file is parsed. *parse* raises Unreadable; a document may hold diagnostics of its own.

    *kind* is the name under which files are counted in reports (``python``, ``yaml``). *release*, where a document's
    parts know each other in circles, is called when all readers are done: without it they would stay in memory, since
    no garbage is collected while files are read.
    """

    kind: str
    parse: Callable[[Source], Document]
    release: Callable[[Document], None] | None = None


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What the enabled checks and readers ask to be told of, beyond what is always stated.

    *calls*: qualified callee names (``mlflow.log_model``), or ``*.name`` for a method of whatever object.
    """

    calls: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True)
class Reader(Generic[Document]):
    """States what a document says.

    *claims* decides by path alone; *facts* are the types that *read* may yield; *version* rises with every change
    of what it says, so that a cache knows. *read* never raises on bad input: it yields a Diagnostic. *templates*: it
    reads the templates of Helm charts, which no other reader is given. *tests*: it reads code that is there for
    pytest alone (`pytest_mlbreaks.formats.python_tests`), which no other reader is given.
    """

    name: str
    version: int
    format: Format[Document]
    facts: tuple[type[Fact], ...]
    claims: Callable[[str], bool]
    read: Callable[[Document, Wanted], Iterator[Fact | Diagnostic]]
    templates: bool = False
    tests: bool = False
