"""The format of SQL files: templates, dialects, and text that is no SQL."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.formats.sql import DEEPEST, MOST, SQL, SqlFile, TemplateProblem, understand
from pytest_mlbreaks.model.expr import Entries, Items, Literal, Unknown
from pytest_mlbreaks.reading import Source, Unreadable


def parsed(text: str) -> SqlFile:
    return SQL.parse(Source("models/a.sql", text.encode()))


def messages(file: SqlFile) -> list[tuple[int | None, str, str]]:
    return [(d.place.line, d.level, d.message) for d in file.diagnostics]


@pytest.mark.parametrize(
    "text",
    [
        "select 1 from a",
        "SELECT * FROM `p-x.d.t` WHERE SAFE_CAST(a AS INT64) = 1",
        "select a::int, b:c.d from t qualify row_number() over (partition by a order by b) = 1",
        "select x from a; insert into b select * from a",
        "-- only a comment",
        "",
    ],
)
def test_sql_of_several_dialects_parses_without_a_word(text: str) -> None:
    """No diagnostic for BigQuery, Snowflake, Postgres, several statements, and files without any."""
    assert not messages(parsed(text))


def test_lines_stay_where_templates_stood() -> None:
    """Blocks, comments and white space control leave the SQL on its lines."""
    text = (
        "{{ config(\n  materialized='table'\n) }}\n"
        "{%- set columns = ['a',\n 'b'] -%}\n\n"
        "{# a\ncomment #}\n"
        "select\n  {{ columns[0] }}\nfrom {{ ref('orders') }}\n"
    )
    lines = understand(text).text.split("\n")
    assert lines[8] == "select"
    assert lines[10] == "from dbt_ref.orders"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ ref('a') }}", "dbt_ref.a"),
        ("{{ ref('shop', 'a') }}", "dbt_ref.a"),
        ("{{ source('raw', 'a') }}", "dbt_source__raw.a"),
        ("{{ this }}", "dbt_this.this"),
        ("{{ config(materialized='table') }}", ""),
        ("'{{ ds }}'", "'jinja__ds__'"),
        ("{{ var('day') }}", "jinja__var__"),
        ("{% for c in x %}{{ c }}{% if not loop.last %}, {% endif %}{% endfor %}", "jinja__c__"),
        ("{% if target.name == 'dev' %}limit 10{% endif %}", ""),
        ("{% if is_incremental() %}where a{% endif %}", "where a"),
        ("{% if x %}a{% else %}b{% endif %}", "a"),
        ("{% if x %}{% else %}b{% endif %}", "b"),
        ("{% macro m() %}select{% endmacro %}", ""),
        ("{% snapshot s %}select{% endsnapshot %}", "select"),
        ("{% raw %}{{ a }}{% endraw %}", "{{ a }}"),
        ("as ({{ dedup('a') }})", "as ( select * from jinja__dedup__)"),
    ],
)
def test_what_stands_in_for_a_template(template: str, expected: str) -> None:
    """One branch, one round, a name for a value, nothing for what puts nothing in."""
    assert understand(template).text == expected


def test_calls_keep_their_constants_and_where_they_stand() -> None:
    """Arguments that are constants are told; others are unknown. Macros and conditions are told apart."""
    template = understand(
        "{{ config(unique_key=['a', 'b'], tags=x, meta={'k': 1}) }}\n"
        "{% if x %}{{ ref('a') }}{% endif %}\n"
        "{% macro m() %}{{ ref(name) }}{% endmacro %}"
    )
    config, first, second = template.calls
    assert dict(config.keywords) == {
        "unique_key": Items((Literal("a"), Literal("b"))),
        "tags": Unknown("computed by a template"),
        "meta": Entries((("k", Literal(1)),)),
    }
    assert (first.text(0), first.line, first.conditional, first.macro) == ("a", 2, True, "")
    assert (second.text(0), second.macro) == (None, "m")


def test_lines_below_conditions_are_known() -> None:
    """Those of ``is_incremental()`` apart from the others."""
    template = understand("select 1\n{% if is_incremental() %}\nwhere a\n{% endif %}\n{% if x %}\nand b\n{% endif %}\n")
    assert template.incremental == ((2, 4),)
    assert template.conditional == ((5, 7),)


@pytest.mark.parametrize("text", ["{{ unclosed", "{% if x %} no end", "{% unknown_tag %}", "{{ " + "(" * 3000])
def test_a_template_that_jinja_refuses_is_a_note(text: str) -> None:
    """The file stays without statements, and the note names the line."""
    file = parsed(f"select 1 from a\n{text}")
    assert file.statements == ()
    [(line, level, message)] = messages(file)
    assert line in (1, 2)
    assert level == "note"
    assert message.endswith("; not read")
    with pytest.raises(TemplateProblem):
        understand(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("select from where from (\n", "SQL that can't be parsed; not read"),
        ("MERGE UPON select FOO ??? \x01", "SQL that can't be parsed; not read"),
        (
            "select " + "(" * (DEEPEST + 1) + "1" + ")" * (DEEPEST + 1),
            f"SQL is nested more than {DEEPEST} deep; not read",
        ),
        ("select 1 -- " + "x" * MOST, f"SQL of more than {MOST:,} characters; not read"),
    ],
)
def test_text_that_is_no_sql_is_a_note(text: str, message: str) -> None:
    """Nothing is raised, whatever the text is."""
    assert [m for _, _, m in messages(parsed(text))] == [message]


def test_many_operators_do_not_overflow() -> None:
    """Chains of NOT, minus and CASE end in a tree or in a note, never in an exception."""
    for text in (
        "select " + "not " * 5000 + "a from t",
        "select " + "- " * 5000 + "1",
        "select " + "case when a then " * 500,
    ):
        parsed(text)


def test_what_is_not_text_is_not_read() -> None:
    """Null bytes and other encodings are errors of the file."""
    with pytest.raises(Unreadable):
        SQL.parse(Source("a.sql", b"select 1\0"))
    with pytest.raises(Unreadable):
        SQL.parse(Source("a.sql", "select 'é'".encode("latin-1")))


def test_statements_are_let_go() -> None:
    """After its readers a file holds no trees: their nodes know each other in circles."""
    file = parsed("select 1 from a")
    assert file.statements
    assert SQL.release is not None
    SQL.release(file)
    assert file.statements == ()
