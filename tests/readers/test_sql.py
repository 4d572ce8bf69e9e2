"""The SQL reader, of files and of strings."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.codec import FactCodec
from pytest_mlbreaks.formats.python import PYTHON
from pytest_mlbreaks.formats.sql import SQL
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.expr import Concat, Literal, Name, Unknown
from pytest_mlbreaks.model.facts import FACTS, DatasetAccess, SqlColumn, SqlFilter, SqlQuery, SqlSelect
from pytest_mlbreaks.readers.sql import READER, STRINGS
from pytest_mlbreaks.reading import Source, Wanted


def said(text: str) -> list[Fact | Diagnostic]:
    facts = list(READER.read(SQL.parse(Source("a.sql", text.encode())), Wanted()))
    codec = FactCodec(FACTS)
    assert list(codec.decode(codec.encode([f for f in facts if isinstance(f, Fact)]))) == facts
    return facts


def python(text: str) -> list[Fact | Diagnostic]:
    return list(STRINGS.read(PYTHON.parse(Source("a.py", text.encode())), Wanted()))


def queries(text: str) -> list[SqlQuery]:
    return [f for f in said(text) if isinstance(f, SqlQuery)]


def selects(text: str) -> dict[str, SqlSelect]:
    return {f.name: f for f in said(text) if isinstance(f, SqlSelect)}


def final(text: str) -> SqlSelect:
    return selects(text)["final"]


@pytest.mark.parametrize(
    ("text", "kind", "reads", "writes"),
    [
        ("select a from s.t join u using (b)", "select", ("s.t", "u"), ()),
        ("with c as (select 1 from x) select * from c, c.d", "select", ("c.d", "x"), ()),
        ("insert into s.t (a) select a from u", "insert", ("u",), ("s.t",)),
        ("create table s.t as select * from u", "create", ("u",), ("s.t",)),
        ("create or replace view v as select * from u union all select * from w", "create", ("u", "w"), ("v",)),
        ("merge into t using u on t.a = u.a when matched then delete", "merge", ("u",), ("t",)),
        ("update t set a = 1 from u where t.b = u.b", "update", ("u",), ("t",)),
        ("select * from `p-x.d.t`", "select", ("p-x.d.t",), ()),
        ("select * from unnest([1, 2]) as x", "select", (), ()),
    ],
)
def test_tables_read_and_written(text: str, kind: str, reads: tuple[str, ...], writes: tuple[str, ...]) -> None:
    """Qualified names, without CTEs, functions and the target."""
    [query] = queries(text)
    assert (query.kind, set(query.reads), query.writes) == (kind, set(reads), writes)


@pytest.mark.parametrize("text", ["create function f() returns int as 'x'", "grant select on t to u", "drop table t"])
def test_other_statements_are_nobodys_data(text: str) -> None:
    """Functions, rights and drops state nothing."""
    assert not said(text)


def test_tables_are_datasets_with_holes_for_templates() -> None:
    """What a template puts in is left open; names that dbt resolves are not told here."""
    facts = said("insert into s.{{ t }} select * from raw.events join {{ ref('x') }} using (a)")
    accesses = [(f.mode, f.target) for f in facts if isinstance(f, DatasetAccess)]
    assert accesses == [
        ("read", Literal("raw.events")),
        ("append", Concat((Literal("s."), Unknown("put in by a template")))),
    ]


@pytest.mark.parametrize(
    ("join", "kind", "optional"),
    [
        ("left join b on a.x = b.x", "left", ("b",)),
        ("right join b on a.x = b.x", "right", ("a",)),
        ("full outer join b using (x)", "full", ("a", "b")),
        ("join b on a.x = b.x", "inner", ()),
        ("cross join b", "cross", ()),
        (", b", "cross", ()),
        ("left semi join b on a.x = b.x", "semi", ()),
    ],
)
def test_joins_say_whose_columns_may_be_null(join: str, kind: str, optional: tuple[str, ...]) -> None:
    """Kind, and the aliases that may have no partner."""
    [found] = final(f"select a.x from a {join}").joins
    assert (found.kind, found.optional) == (kind, optional)


def test_conditions_of_a_join() -> None:
    """Columns that are set equal, their casts, and what else is asked."""
    [join] = final("select 1 from a left join b on cast(a.x as int) = b.y and b.z > 3 and lower(a.p) = b.q").joins
    first, second, third = join.conditions
    assert (first.left, first.right) == (SqlColumn(name="x", source="a"), SqlColumn(name="y", source="b"))
    assert (first.left_cast, first.right_cast) == ("int", "")
    assert (second.left, second.sources, third.left) == (None, ("b",), None)


WHERE = [
    ("b.y = 1", True),
    ("NOT b.y = 1", True),
    ("b.y IN (1, 2)", True),
    ("b.y NOT IN (1, 2)", True),
    ("b.y BETWEEN 1 AND 2", True),
    ("b.y LIKE 'x%'", True),
    ("b.flag", True),
    ("NOT b.flag", True),
    ("b.y + 1 > 2", True),
    ("CAST(b.y AS DATE) = a.d", True),
    ("LOWER(b.y) = 'x'", True),
    ("b.y IS NOT NULL", True),
    ("b.flag IS TRUE", True),
    ("b.y = 1 OR b.y = 2", True),
    ("(b.y = 1 AND a.z = 2)", True),
    ("COALESCE(b.y, b.z) = 1", True),
    ("b.y IS NULL", False),
    ("b.y = 1 OR b.y IS NULL", False),
    ("b.y = 1 OR a.z = 2", False),
    ("COALESCE(b.y, 1) = 1", False),
    ("IFNULL(b.y, 1) = 1", False),
    ("b.flag IS NOT TRUE", False),
    ("b.y IS NOT DISTINCT FROM a.y", False),
    ("CASE WHEN b.y IS NULL THEN TRUE END", False),
    ("my_function(b.y) = 1", False),
    ("EXISTS (SELECT 1 FROM c WHERE c.y = b.y)", False),
    ("a.z = 1", False),
    ("y = 1", False),
    ("a.b.y = 1", False),
    ("(b.y = 1) IS NULL", False),
]


@pytest.mark.parametrize(("condition", "rejects"), WHERE)
def test_conditions_that_rows_without_a_partner_never_meet(condition: str, rejects: bool) -> None:
    """By SQL's three values, where all columns of the optional side are NULL; what is not known may be true."""
    filters = final(f"select a.x from a left join b on a.x = b.x where {condition}").filters
    assert any("b" in f.rejects for f in filters) is rejects


def only(condition: str) -> SqlFilter:
    [found] = final(f"select a.x from a left join b on a.x = b.x where {condition}").filters
    return found


def test_what_else_a_condition_says() -> None:
    """Whether it asks for a partner, provides for none, or pins a column to something that is none."""
    assert only("b.x is not null").asks
    assert only("b.x is null or b.y > 1").handles == ("b",)
    assert only("b.day = '2024-01-01'").pins == SqlColumn(name="day", source="b")
    assert only("b.day = a.day").pins is None
    assert only("day = 1").unowned


def test_outputs_say_what_they_provide_for() -> None:
    """Defaults, plain columns, and NULL that is asked for."""
    select = final(
        "select a.k as key, coalesce(b.n, 0) as n, case when b.k is null then 1 else 0 end as new, b.m + 1 as m\n"
        "from a left join b on a.k = b.k"
    )
    key, n, new, m = select.outputs
    assert (key.name, key.plain, key.handles) == ("key", True, ())
    assert (n.handles, n.default) == (("b",), "0")
    assert (new.handles, new.default) == (("b",), "1")
    assert (m.plain, m.handles, m.columns) == (False, (), (SqlColumn(name="m", source="b"),))


@pytest.mark.parametrize(
    ("output", "where", "handles"),
    [
        ("coalesce(b.y > 1 and b.z = 2, false)", "b.y > 1", ()),
        ("coalesce((b.Y > 1), false)", "(B.y > 1) and a.x = 3", ()),
        ("case when b.y = 1 and b.x is not null then 1 else 0 end", "b.y in (1)", ()),
        ("coalesce((b.y > 1 and c.z = 2) or b.y > 5, false)", "((b.y > 1 and c.z = 2) or b.y > 5)", ("c",)),
        ("coalesce(b.y > 1, false)", "b.y > 2", ("b",)),
        ("coalesce(b.y > 1, c.y > 1, false)", "b.y > 1", ("c",)),
        ("coalesce(b.y, 0)", "b.y > 1", ("b",)),
        ("b.x is null", "b.x is null", ("b",)),
    ],
)
def test_what_where_requires_is_not_provided_for(output: str, where: str, handles: tuple[str, ...]) -> None:
    """An output that asks again what WHERE requires is a flag of that, and stands for no missing partner."""
    joins = "from a left join b on a.x = b.x left join c on a.x = c.x"
    [found] = final(f"select {output} as flag {joins} where {where}").outputs
    assert found.handles == handles


@pytest.mark.parametrize(
    ("output", "default"),
    [
        ("coalesce(b.y, 0)", "0"),
        ("cast(coalesce(b.y, 0) as int)", "0"),
        ("case when b.y is not null then 1 else 0 end", "0"),
        ("case when b.y is null then 'no' else 'yes' end", "'no'"),
        ("if(b.y is not null, 1, 0)", "0"),
        ("b.y is not null", "FALSE"),
        ("b.y is null", "TRUE"),
        ("case when b.y is not null then 1 end", ""),
        ("case when b.y > 1 then 1 when b.y is null then 0 end", ""),
        ("case b.y when 1 then 1 else 0 end", ""),
        ("coalesce(b.y, a.y)", ""),
        ("b.y + 1", ""),
    ],
)
def test_the_constant_that_stands_for_a_missing_partner(output: str, default: str) -> None:
    """By COALESCE, by CASE or IF that asks one thing, and by the question itself."""
    [found] = final(f"select {output} as label from a left join b on a.x = b.x").outputs
    assert found.default == default


def test_selects_have_names_that_outlive_lines() -> None:
    """CTEs, subqueries by alias, branches by number."""
    text = "with c as (select 1 as x from t union all select 2 from u) select * from (select x from c) as s"
    assert set(selects(text)) == {"c", "c 2", "s", "final"}
    assert set(selects("\n\n" + text)) == set(selects(text))


def test_sources_of_a_select() -> None:
    """Tables, queries of the statement, and what is neither."""
    sources = final("with c as (select 1 from t) select 1 from s.u as v, c, unnest(v.xs) as x").sources
    assert [(s.alias, s.kind, s.table, s.query) for s in sources] == [
        ("v", "table", "s.u", ""),
        ("c", "query", "", "c"),
        ("x", "other", "", ""),
    ]


@pytest.mark.parametrize(
    ("text", "gathers"),
    [
        ("select a from t", False),
        ("select a, count(*) over (partition by b) from t", False),
        ("select a, max(b) from t group by a", True),
        ("select distinct a from t", True),
        ("select a, row_number() over (partition by b order by c) as n from t", True),
        ("select max(b) from t", True),
        ("select a from t union select a from u", True),
        ("select a from t union all select a from u", False),
        ("(select a from t) intersect select a from u", True),
    ],
)
def test_selects_that_may_make_fewer_rows(text: str, gathers: bool) -> None:
    """By grouping, aggregates, DISTINCT, row numbers, and a UNION that is not ALL."""
    assert final(text).gathers is gathers


def test_columns_that_are_handed_on() -> None:
    """Of a SELECT without joins, under the names that they then have."""
    assert final("select t.a as b, c, lower(d) as d, * from t").passed == (("b", "a"), ("c", "c"))


def test_lines_of_files() -> None:
    """Facts stand where their first name stands; conditions of templates are known by line."""
    select = final("select\n a.x\nfrom a\nleft join b on a.x = b.x\n{% if v %}\nwhere b.y = 1\n{% endif %}\n")
    assert (select.place.line, select.joins[0].place.line) == (2, 4)
    [condition] = select.filters
    assert (condition.place.line, condition.conditional, condition.incremental) == (6, True, False)


CALLS = [
    "import pandas as pd\npd.read_sql('select a from s.t', c)",
    "import pandas as pd\npd.read_sql_query(sql='select a from s.t', con=c)",
    "cursor.execute('select a from s.t')",
    "def f(spark): return spark.sql('select a from s.t')",
    "from google.cloud import bigquery\nbigquery.Client().query('select a from s.t')",
    "import sqlalchemy\nc.execute(sqlalchemy.text('select a from s.t'))",
    "from textwrap import dedent\nc.execute(dedent('select a from s.t'))",
    "SQL = 'select a from s.t'\nc.execute(SQL)",
    "BigQueryInsertJobOperator(task_id='x', configuration={'query': {'query': 'select a from s.t'}})",
    "SQLExecuteQueryOperator(task_id='x', sql='select a from s.t')",
    "import duckdb\nduckdb.sql('''\n  select a from s.t\n''')",
]


@pytest.mark.parametrize("code", CALLS)
def test_strings_that_calls_are_given(code: str) -> None:
    """Through names, text() and dedent(), each literal once."""
    [query] = [f for f in python(code) if isinstance(f, SqlQuery)]
    assert query.reads == ("s.t",)
    assert query.api


@pytest.mark.parametrize(
    "code",
    [
        "client.query('what is the weather')",
        "app.run('select')",
        "c.execute(statement)",
        "c.execute('select 1')",
        "c.execute(b'select a from t')",
        "c.execute('update the readme')",
        "c.execute('select a from t where b = 1')",
    ],
)
def test_strings_that_are_no_sql(code: str) -> None:
    """Prose, statements without tables that tell anything, bytes, and what another file holds."""
    assert not python(code)


def test_names_in_f_strings_stay_expressions() -> None:
    """A table that a constant names is that constant; places are lines of the module."""
    facts = python('T = "s.t"\nc.execute(f"""\nselect a\nfrom {T}\nleft join u on u.a = {T}.a\n""")')
    [access] = [f for f in facts if isinstance(f, DatasetAccess) and f.target != Literal("u")]
    assert access.target == Name("a.py", "T")
    [select] = [f for f in facts if isinstance(f, SqlSelect)]
    assert select.joins[0].place.line == 5


def test_format_and_templates_in_strings() -> None:
    """``{x}`` and ``{{ ds }}`` leave holes, and the statement is read."""
    facts = python("c.execute('select a from s.{table}'.format(table=t))")
    assert [f.target for f in facts if isinstance(f, DatasetAccess)] == [
        Concat((Literal("s."), Unknown("put in by format()")))
    ]
    assert [
        f.reads
        for f in python("Op(1)\nXOperator(sql=\"select a from s.t where d = '{{ ds }}'\")")
        if isinstance(f, SqlQuery)
    ] == [("s.t",)]


def test_strings_that_do_not_parse_are_notes() -> None:
    """The note names the line of the statement; migrations are not looked at."""
    [note] = python("c.execute('''\nselect a from s.t\nfrom where (''')")
    assert isinstance(note, Diagnostic)
    assert note.level == "note"
    assert not STRINGS.claims("alembic/versions/1_add.py")
    assert STRINGS.claims("features/load.py")


def test_thousands_of_conditions_are_one_chain() -> None:
    """A chain of OR is no deep nesting; what is nested deeply is a note, or nothing, and never an exception."""
    chain = " or ".join(f"b.x = {n}" for n in range(1200))
    [condition] = final(f"select a.x from s.a left join s.b on a.x = b.x where {chain}").filters
    assert condition.rejects == ("b",)
    nested = "lower(" * 15 + "b.x" + ")" * 15
    assert len(said(f"select a.x from s.a left join s.b on a.x = b.x where {nested} = 1")) == 4


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("select a, b as B,\n f(c) as d from {{ ref('t') }}", ("a", "b", "d")),
        ("select * from {{ ref('t') }}", ("*",)),
        ("select x.*, y.z from {{ ref('t') }} x, {{ ref('u') }} y", ("x.*", "z")),
        ("select a from {{ ref('t') }}\n{% if is_incremental() %}\nwhere b\n{% endif %}", ("a",)),
        ("select a, {{ more() }} from {{ ref('t') }}", None),
        ("select a,\n{% if wide %}\nb,\n{% endif %}\nc\nfrom {{ ref('t') }}", None),
        ("select\n{% if not wide %}\n{% endif %}\na\nfrom {{ ref('t') }}", None),
        ("select a.b.* from {{ ref('t') }}", None),
        ("select * except (a) from `p.d`, {{ ref('t') }}", None),
        ("select a, f(b) from {{ ref('t') }}", None),
        ("select * from {{ ref('t') }} pivot (sum(a) for b in ('x', 'y'))", None),
        ("select as struct a from {{ ref('t') }}, unnest([1])", None),
        ("select a from t", None),
    ],
)
def test_all_columns_of_a_select(text: str, columns: tuple[str, ...] | None) -> None:
    """In files with templates, where nothing can bring others: no macro, no condition, no name that is not written."""
    assert final(text).columns == columns


def test_a_word_in_double_quotes_may_be_text() -> None:
    """It is a column in most dialects, and text in BigQuery: it is not told which column is handed on."""
    assert final('select "a" as b, c from t').passed == (("c", "c"),)
