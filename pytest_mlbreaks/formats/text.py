"""Plain text in lines: Dockerfiles, env files, ignore files."""

from __future__ import annotations

from pytest_mlbreaks.model import Place
from pytest_mlbreaks.reading import Format, Source, Unreadable


class TextFile:
    """A text file: *path* relative to the root, *text* as it stands, and its *lines* without their line ends.

    A line ends with LF, CRLF or a lone CR; other characters that Python takes for line ends (form feed, U+2028) do not
    end one, so that ``lines[n - 1]`` is line *n* of an editor. A line end that closes the file opens no further line.
    """

    __slots__ = ("lines", "path", "text")

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        lines = text.split("\n")
        if not lines[-1]:
            lines.pop()
        self.lines: tuple[str, ...] = tuple(lines)


def _parse(source: Source) -> TextFile:
    text = source.text()
    if "\0" in text:
        raise Unreadable(Place(source.path), "contains null bytes: not text")
    return TextFile(source.path, text)


TEXT: Format[TextFile] = Format("text", _parse)
