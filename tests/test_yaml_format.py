"""YAML with positions: what is read, and what hostile or broken files cost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlbreaks.formats.yaml import YAML, YamlFile, YamlNode
from pytest_mlbreaks.model.expr import Scalar
from pytest_mlbreaks.reading import Source, Unreadable


def parse(content: str | bytes) -> YamlFile:
    """The file with this content."""
    return YAML.parse(Source("a.yaml", content.encode() if isinstance(content, str) else content))


def only(content: str | bytes) -> YamlNode:
    """The one document of a file with nothing wrong in it."""
    file = parse(content)
    assert file.diagnostics == []
    assert len(file.documents) == 1
    return file.documents[0]


def value(content: str | bytes, *keys: str) -> YamlNode:
    """The node under the keys of the one document."""
    node = only(content).get(*keys)
    assert node is not None
    return node


def said(content: str | bytes) -> list[tuple[str, int | None, str]]:
    """Level, line and message of what is wrong with a file."""
    return [(d.level, d.place.line, d.message) for d in parse(content).diagnostics]


@pytest.mark.parametrize(
    ("text", "scalar"),
    [
        ("1", 1),
        ("-1_000", -1000),
        ("+1", 1),
        ("0x1F", 31),
        ("0b11", 3),
        ("0644", 420),
        ("08", "08"),
        ("1.5", 1.5),
        ("1e-4", "1e-4"),
        ("1:30", "1:30"),
        (".inf", ".inf"),
        ("9223372036854775807", 9223372036854775807),
        ("9223372036854775808", "9223372036854775808"),
        ("9" * 5000, "9" * 5000),
        ("yes", True),
        ("Off", False),
        ("~", None),
        ("", None),
        ("'1'", "1"),
        ('"yes"', "yes"),
        ("2024-01-01", "2024-01-01"),
        ("a\\tb", "a\\tb"),
    ],
)
def test_scalars_by_yaml_1_1(text: str, scalar: Scalar) -> None:
    """A scalar is what YAML 1.1 makes of it; a number that can't be held stays the text it is."""
    node = value(f"a: {text}\n", "a")
    assert node.scalar == scalar
    assert type(node.scalar) is type(scalar)


def test_places_are_one_based_and_count_code_points() -> None:
    """Line and column start at 1, and a character outside ASCII is one column."""
    node = value("é: {x: 1,\n  ключ: b}\n", "é", "ключ")
    assert (node.place.line, node.place.column, node.place.end_column) == (2, 9, 10)


def test_text_place_of_a_block_is_the_line_after_its_indicator() -> None:
    """The text of a block scalar starts on the next line."""
    node = value("a: |\n  one\n  two\nb: 1\n", "a")
    assert node.block
    assert node.text == "one\ntwo\n"
    assert node.text_place.line == 2


def test_merge_keys_apply_and_own_keys_win() -> None:
    """``<<`` brings in a base, the first of several wins, and a key of the mapping's own wins over all."""
    text = "x: &x {a: 1, b: 1, c: 1}\ny: &y {b: 2, d: 2}\nz:\n  c: 3\n  <<: [*x, *y]\n"
    node = value(text, "z")
    found = {key: leaf.scalar for key, _, leaf in node.items()}
    assert found == {"a": 1, "b": 1, "c": 3, "d": 2}


def test_repeated_keys_are_told_and_the_last_counts() -> None:
    """A key given twice is a warning at its second place."""
    file = parse("a: 1\nb: 2\na: 3\n")
    assert [d.place.line for d in file.diagnostics] == [3]
    assert file.diagnostics[0].message == "key 'a' is repeated (first on line 1); the last one counts"
    node = file.documents[0].get("a")
    assert node is not None
    assert node.scalar == 3


def test_a_merge_key_given_twice_is_no_repeated_key() -> None:
    """Several ``<<`` in one mapping are how people merge several bases."""
    assert said("x: &x {a: 1}\ny: &y {b: 1}\nz:\n  <<: *x\n  <<: *y\n") == []


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("!Ref Bucket", "!Ref"),
        ("!ENV ${X}", "!ENV"),
        ("!!python/name:os.system", "tag:yaml.org,2002:python/name:os.system"),
        ("!!str 1", ""),
        ("! 1", ""),
        ("plain", ""),
        ("1", ""),
        ("[x]", ""),
    ],
)
def test_tags_of_an_application_are_told(text: str, tag: str) -> None:
    """A tag that is not YAML's own says that the text is not the value; nothing acts on it."""
    assert value(f"a: {text}\n", "a").tag == tag


def test_tags_on_collections_are_never_constructed() -> None:
    """A document that asks for a Python object is a document of plain nodes."""
    node = value("a: !!python/object/apply:os.system ['false']\n", "a")
    assert node.is_sequence


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("\ufeffa: é\n".encode(), "é"),
        ("a: é\n".encode("utf-16"), "é"),
        ("\ufeffa: é\n".encode("utf-16-be"), "é"),
        ("a: é\n".encode("utf-32"), "é"),
        ("a: é\r\nb: 1\r\n".encode(), "é"),
        ("a:\té\n".encode(), "é"),
    ],
)
def test_encodings_and_line_ends(content: bytes, text: str) -> None:
    """A byte order mark says the encoding and is no part of the text; CRLF ends a line."""
    assert value(content, "a").text == text


def test_crlf_keeps_lines() -> None:
    """A CRLF is one line end."""
    assert value(b"a: 1\r\n\r\nb: 2\r\n", "b").place.line == 3


@pytest.mark.parametrize("content", [b"a: \xff\n", b"a: \x00\n", b"\xff\xfea\x00:\x00 \x00\x00\x00"])
def test_what_is_no_text_is_unreadable(content: bytes) -> None:
    """Other encodings and binary content are refused as a whole."""
    with pytest.raises(Unreadable):
        parse(content)


def test_tabs_for_indentation() -> None:
    """A tab that indents is an error with its place."""
    (level, line, message), *others = said("a:\n\tb: 1\n")
    assert (level, line, others) == ("error", 2, [])
    assert message.startswith("YAML can't be parsed: ")


def test_control_characters() -> None:
    """A character that YAML doesn't allow costs the file and says so."""
    assert [level for level, _, _ in said("a: \x07\n")] == ["error"]


@pytest.mark.parametrize("text", ["a: &x [*x]\n", "a: &x\n  b: *x\n", "a: &x {b: {c: [*x]}}\n"])
def test_cyclic_aliases(text: str) -> None:
    """A document that contains itself is not read."""
    file = parse(text)
    assert file.documents == ()
    assert [d.message for d in file.diagnostics] == ["YAML alias contains itself; not read"]


def test_alias_bombs() -> None:
    """Aliases that multiply are counted, not expanded."""
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 40)]
    file = parse("\n".join(lines))
    assert file.documents == ()
    assert [d.message for d in file.diagnostics] == [
        "YAML expands to over a million million nodes through aliases; not read"
    ]


def test_chains_of_merge_keys() -> None:
    """A long chain of merges is read, or refused for its size; it never overflows the stack."""
    lines = ["a0: &a0 {x: 1}", *(f"a{i}: &a{i} {{<<: *a{i - 1}}}" for i in range(1, 300))]
    node = only("\n".join(lines)).get("a299", "x")
    assert node is not None
    assert node.scalar == 1
    lines += [f"a{i}: &a{i} {{<<: *a{i - 1}}}" for i in range(300, 3000)]
    file = parse("\n".join(lines))
    assert file.documents == ()


def test_nesting_of_200() -> None:
    """200 levels are read, and the innermost keeps its place."""
    node = only("".join(f"{' ' * i}a:\n" for i in range(200)) + f"{' ' * 200}b: 1\n")
    leaf = node.get(*["a"] * 200, "b")
    assert leaf is not None
    assert leaf.place.line == 201


@pytest.mark.parametrize("depth", [20_000, 200_000])
def test_nesting_without_bound(depth: int) -> None:
    """Nesting that no one writes costs a diagnostic and no stack."""
    assert [level for level, _, _ in said("[" * depth + "]" * depth)] == ["error"]


def test_one_broken_document_of_several() -> None:
    """The documents beside a broken one are read, with their places in the file."""
    file = parse("a: 1\n---\nb: [\n---\nc: 3\n")
    places = [document.place.line for document in file.documents]
    assert places == [1, 5]
    assert [d.level for d in file.diagnostics] == ["error"]
    leaf = file.documents[1].get("c")
    assert leaf is not None
    assert leaf.place.line == 5


def test_a_document_start_in_a_block_is_text() -> None:
    """An indented ``---`` in a block scalar starts no document."""
    file = parse("x: |\n  ---\n  y\na: 1\n---\nb: [\n")
    assert len(file.documents) == 1
    assert file.documents[0].get("a") is not None


@pytest.mark.parametrize(
    "text", ["{{- if .Values.on }}\na: 1\n{{- end }}\n", "a: {{ .x }}b\n", "{% if x %}\na: 1\n{% endif %}\n"]
)
def test_templates_are_no_errors(text: str) -> None:
    """What only a template engine makes YAML of is a warning, not a broken file."""
    assert [level for level, _, _ in said(text)] == ["warning"]


def test_a_placeholder_without_quotes() -> None:
    """``{{ x }}`` is YAML, a mapping with a mapping for a key, and known for what it is."""
    node = value("a: {{ x }}\n", "a")
    assert node.is_template
    assert not value("a: {x: 1}\n", "a").is_template
    assert not value("a: '{{ x }}'\n", "a").is_template


@pytest.mark.parametrize("text", ["", "# nothing\n", "\n\n"])
def test_empty_files(text: str) -> None:
    """A file without a document has none, and nothing is wrong with it."""
    file = parse(text)
    assert (file.documents, file.diagnostics) == ((), [])


def test_keys_that_are_no_text_are_left_out() -> None:
    """A mapping's keys are scalars; others are not looked up."""
    assert [key for key, _, _ in only("? [x]\n: 1\nb: 2\n").items()] == ["b"]


@given(st.text(alphabet="ab:-[]{}#&*!|>'\"%@`,? \t\n~<\u2028\x85é{}", max_size=60))
def test_no_text_raises(text: str) -> None:
    """Whatever the text, parsing ends with documents and diagnostics, and every node can be asked."""
    pending = list(parse(text).documents)
    while pending:
        node = pending.pop()
        assert node.scalar is None or node.is_scalar
        assert isinstance(node.tag, str)
        pending += [value for _, _, value in node.items()]
        pending += node.elements()
