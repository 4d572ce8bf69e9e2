"""Text in lines."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.formats.text import TEXT
from pytest_mlbreaks.reading import Source, Unreadable


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", ()),
        (b"\n", ("",)),
        (b"a\nb", ("a", "b")),
        (b"a\r\nb\rc\n\n", ("a", "b", "c", "")),
        ("a\x0cb\u2028c\n".encode(), ("a\x0cb\u2028c",)),
        (b"\xef\xbb\xbfa\n", ("a",)),
        ("é\nb\n".encode("utf-16"), ("é", "b")),
    ],
)
def test_lines_are_those_of_an_editor(content: bytes, lines: tuple[str, ...]) -> None:
    """LF, CRLF and CR end a line, and nothing else does."""
    assert TEXT.parse(Source("a", content)).lines == lines


def test_the_text_stays_as_it_is() -> None:
    """Line ends are kept in the text."""
    assert TEXT.parse(Source("a", b"a\r\nb\n")).text == "a\r\nb\n"


@pytest.mark.parametrize("content", [b"a\0b", b"\xff", "a\0".encode("utf-16")])
def test_what_is_no_text_is_unreadable(content: bytes) -> None:
    """Binary content is refused."""
    with pytest.raises(Unreadable):
        TEXT.parse(Source("a", content))
