"""The Python format and reader."""

from __future__ import annotations

import ast
import warnings
from textwrap import dedent
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_mlbreaks.codec import FactCodec
from pytest_mlbreaks.formats.python import PYTHON, PythonFile
from pytest_mlbreaks.model import Fact
from pytest_mlbreaks.model.expr import Choice, Concat, EnvVar, Expr, Literal, Name, PathJoin, SecretKey, Unknown
from pytest_mlbreaks.model.facts import FACTS, Address, Call, Constant, EnvRead, Function, PythonModule
from pytest_mlbreaks.readers import datasets
from pytest_mlbreaks.readers.python import READER, claims
from pytest_mlbreaks.reading import Source, Wanted

F = TypeVar("F", bound=Fact)
PATH = "src/app/job.py"


def parse(text: str | bytes, path: str = PATH) -> PythonFile:
    return PYTHON.parse(Source(path, text.encode() if isinstance(text, str) else text))


def facts(kind: type[F], text: str, *calls: str) -> list[F]:
    return [f for f in READER.read(parse(text), Wanted(frozenset(calls))) if isinstance(f, kind)]


def value(text: str) -> Expr:
    """What the module-level name ``x`` of the text says."""
    file = parse(text)
    assignment = next(a for a in file.module.assignments if a.name == "x")
    return file.expr(assignment.value, file.module)


def local(text: str) -> Expr:
    """What the argument of the one call of ``use`` says."""
    file = parse(text)
    site = next(s for s in file.calls if isinstance(s.node.func, ast.Name) and s.node.func.id == "use")
    return file.expr(site.node.args[0], site.scope)


def callees(text: str) -> set[str]:
    return {site.callee for site in parse(text).calls}


@pytest.mark.parametrize(
    ("code", "callee"),
    [
        ("import pandas as pd\npd.read_csv('a')", "pandas.read_csv"),
        ("from airflow import DAG as D\nD('x')", "airflow.DAG"),
        ("import a.b.c\na.b.c.f()", "a.b.c.f"),
        ("from .settings import load\nload()", ".settings.load"),
        ("from . import util\nutil.go()", ".util.go"),
        ("def load(): ...\nload()", "load"),
        ("open('x')", "builtins.open"),
        ("def open(x): ...\nopen('x')", "open"),
        ("def f(df):\n    df.to_csv('x')", "*.to_csv"),
        ("df.to_csv('x')", "*.to_csv"),
        ("nowhere()", "nowhere"),
        ("import boto3\nc = boto3.client('s3')\nc.put_object()", "boto3.client().put_object"),
        ("import pandas as pd\ndef f(df: pd.DataFrame):\n    df.merge(1)", "pandas.DataFrame().merge"),
        ("from m import T\nwith T() as t:\n    t.go()", "m.T().go"),
        ("class A:\n    def f(self): self.g()\n    def g(self): ...", "A.g"),
        ("from m import C\nclass A:\n    def __init__(self): self.c = C()\n    def f(self): self.c.go()", "m.C().go"),
        ("import m\nx = m.a() if y else m.b()\nx.go()", "*.go"),
        ("from lib import *\ntrain()", "lib.train"),
        ("try:\n    import fast as j\nexcept ImportError:\n    j = None\nj.loads('')", "fast.loads"),
    ],
)
def test_callees_are_qualified(code: str, callee: str) -> None:
    """A callee is named by what its first name is bound to; a method of what is not known is ``*.name``."""
    assert callee in callees(code)


def test_a_value_that_is_not_known_has_no_name_when_called() -> None:
    """A parameter that is called can be anything."""
    assert callees("def f(g): g()") == {""}


def test_calls_know_scope_loops_contexts_and_result() -> None:
    """A call site tells where it stands and what its result is bound to."""
    file = parse("def f():\n  for a in b:\n    with c() as d:\n      e = [g(i) for i in h()]\n      k = await m()\n")
    by_name = {s.node.func.id: s for s in file.calls if isinstance(s.node.func, ast.Name)}
    assert (by_name["g"].scope.qualname, len(by_name["g"].loops), len(by_name["g"].contexts)) == ("f", 2, 1)
    assert len(by_name["h"].loops) == 1
    assert (by_name["c"].result, by_name["m"].result, by_name["g"].result) == ("d", "k", "")


def test_operator_statements_are_indexed() -> None:
    """``a >> b`` as a statement is kept, with its surroundings, for readers of orchestrators."""
    file = parse("with DAG() as d:\n    a >> b\n'''text'''\n")
    assert [(type(s.node).__name__, len(s.contexts)) for s in file.expressions] == [("BinOp", 1)]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x = 'a' 'b'", Literal("ab")),
        ("x = -1", Literal(-1)),
        ("x = 60 * 60", Literal(3600)),
        ("x = f's3://{B}/a'", Concat((Literal("s3://"), Name(PATH, "B"), Literal("/a")))),
        ("x = 's3://' + B + '/a'", Concat((Literal("s3://"), Name(PATH, "B"), Literal("/a")))),
        ("x = 'a/%s/%d' % (B, 3)", Concat((Literal("a/"), Name(PATH, "B"), Literal("/3")))),
        ("x = '{}-{k}'.format(B, k='v')", Concat((Name(PATH, "B"), Literal("-v")))),
        ("x = '/'.join(['a', B])", Concat((Literal("a/"), Name(PATH, "B")))),
        ("import os\nx = os.path.join(B, 'a')", PathJoin((Name(PATH, "B"), Literal("a")))),
        ("from pathlib import Path\nx = Path(B) / 'a'", PathJoin((Name(PATH, "B"), Literal("a")))),
        ("from pathlib import Path\nx = Path('a') / 'b'", Literal("a/b")),
        ("import os\nx = os.environ['K']", EnvVar("K")),
        ("import os\nx = os.getenv('K', 'd')", EnvVar("K", Literal("d"))),
        ("import os\nx = os.environ.get('K') or 'd'", EnvVar("K", Literal("d"), empty_counts=True)),
        ("from os import environ as e\nx = int(e.get('K', '5'))", EnvVar("K", Literal("5"))),
        ("x = 'a' if B else 'b'", Choice((Literal("a"), Literal("b")))),
        ("x = cfg['a']['b']", Name(PATH, "cfg.a.b")),
        ("x = cfg.a.b", Name(PATH, "cfg.a.b")),
        ("from pathlib import Path\nx = Path(__file__).parent / 'data' / 'a.csv'", Literal("src/app/data/a.csv")),
        ("from pathlib import Path\nx = Path(__file__).resolve().parents[2] / 'a'", Literal("a")),
        ("import os\nx = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'a')", Literal("src/app/a")),
        ("x = 1e999", Unknown("an infinite number")),
        ("x = '\\ud800'", Unknown("text that is not Unicode")),
        ("import os\nx = os.path.join(os.getcwd(), 'a')", Literal("./a")),
        ("import os\nx = int(os.getenv('P', '8')) + 1", Unknown("a calculation")),
        ("x = a + b", Unknown("a calculation")),
        ("x = 'postgres://u:hunter2@h/db'", Literal("postgres://u:***@h/db")),
    ],
)
def test_expressions(code: str, expected: Expr) -> None:
    """What is written becomes an expression; what is computed elsewhere stays open."""
    assert value(code) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def f(p):\n    use(p)", Name(PATH, "p", "f")),
        ("def f(p):\n    q = f'{p}/x'\n    use(q)", Concat((Name(PATH, "p", "f"), Literal("/x")))),
        ("def f():\n    q = 'a'\n    if z: q = 'b'\n    use(q)", Choice((Literal("a"), Literal("b")))),
        ("def f(q=None):\n    q = q or 'd'\n    use(q)", Choice((Name(PATH, "q", "f"), Literal("d")))),
        ("def f():\n    for q in z:\n        use(q)", Unknown("q varies in a loop")),
        ("def f():\n    q = q + 'a'\n    use(q)", Concat((Unknown("q depends on itself"), Literal("a")))),
        ("class A:\n    B = 'x'\n    def f(self): use(self.B)", Name(PATH, "A.B")),
        (
            "class A:\n    def __init__(self, b): self.b = b\n    def f(self): use(self.b)",
            Name(PATH, "b", "A.__init__"),
        ),
        ("K = 1\ndef f():\n    global K\n    K = 2\n    use(K)", Name(PATH, "K")),
    ],
)
def test_names_of_a_function(code: str, expected: Expr) -> None:
    """A local name is what it is bound to; a parameter keeps its name and function."""
    assert local(code) == expected


def test_local_names_can_not_grow_without_bound() -> None:
    """Names that double each other end in an unknown, not in a long wait."""
    lines = ["    a0 = 'x'", *(f"    a{i} = a{i - 1} + a{i - 1}" for i in range(1, 60)), "    use(a59)"]
    assert isinstance(local("def f():\n" + "\n".join(lines)), Concat | Unknown)


def test_columns_are_code_points() -> None:
    """Columns count characters, whatever the encoding of the file."""
    for data in ("é = 'ü'; f(1)\n".encode(), "# coding: latin-1\né = 'ü'; f(1)\n".encode("latin-1")):
        file = parse(data)
        place = file.place(file.calls[0].node)
        assert (place.column, place.end_column) == (10, 14)
    assert parse(b"\xef\xbb\xbff(1)\r\n").place(parse(b"\xef\xbb\xbff(1)\r\n").calls[0].node).column == 1


def test_module() -> None:
    """Imports with level, alias, scope and guard; package and main."""
    text = (
        "from ..a import b as c\nimport x.y\nif TYPE_CHECKING:\n    import t\n"
        "try:\n    import u\nexcept ImportError: pass\ndef f():\n    import v\nif __name__ == '__main__': f()\n"
    )
    (module,) = facts(PythonModule, text)
    found = [(i.target, i.name, i.alias, i.level, i.scope, i.guarded) for i in module.imports]
    assert found == [
        ("a", "b", "c", 2, "", False),
        ("x.y", None, "x", 0, "", False),
        ("t", None, "t", 0, "", True),
        ("u", None, "u", 0, "", True),
        ("v", None, "v", 0, "f", False),
    ]
    assert (module.main, module.package) == (True, False)


@pytest.mark.parametrize(("body", "main"), [("print('a tool')", False), ("print('a')\n    f()", True), ("f()", True)])
def test_a_main_guard_that_only_prints_runs_nothing(body: str, main: bool) -> None:
    """A module that says what it is when it is run is no script."""
    (module,) = facts(PythonModule, f"def f(): pass\nif __name__ == '__main__':\n    {body}\n")
    assert module.main is main


def test_constants() -> None:
    """Names of modules and classes, dictionaries by dotted key, several bindings as a choice; no secrets."""
    text = (
        "A = 'a'\nB: str = A\nC = {'k': 1, 'd': {'e': 'f'}, 'n': g()}\nD = g()\nclass S:\n    z = 2\n"
        "if q:\n    E = 1\nelse:\n    E = 2\nDB_PASSWORD = 'hunter2'\nF = 1\nF += 1\n"
    )
    found = {c.name: c.value for c in facts(Constant, text)}
    assert found == {
        "A": Literal("a"),
        "B": Name(PATH, "A"),
        "C.k": Literal(1),
        "C.d.e": Literal("f"),
        "S.z": Literal(2),
        "E": Choice((Literal(1), Literal(2))),
        "DB_PASSWORD": SecretKey(PATH, "DB_PASSWORD"),
        "F": Choice((Literal(1), Unknown("bound in other ways as well"))),
    }


@pytest.mark.parametrize("change", ["C['k'] = 2", "C.update(o)", "def f():\n    C['k'] = 2"])
def test_a_dictionary_that_is_changed_is_no_constant(change: str) -> None:
    """What a dictionary held at first says nothing once its entries are assigned."""
    assert facts(Constant, f"C = {{'k': 1}}\n{change}\n") == []


def test_functions() -> None:
    """Parameters with defaults, decorators and calls by qualified name, nested functions on their own."""
    text = (
        "from m import task as t, go\n@t(retries=1)\n@app.get('/x')\nasync def f(a, b=1, *, c='x', token='s'):\n"
        "    go(); go()\n    def g(): print()\n"
    )
    f, g = facts(Function, text)
    assert (f.name, f.asynchronous, f.decorators, f.calls) == ("f", True, ("m.task", "*.get"), ("m.go",))
    assert [(p.name, p.default) for p in f.parameters] == [
        ("a", None),
        ("b", Literal(1)),
        ("c", Literal("x")),
        ("token", SecretKey(PATH, "token")),
    ]
    assert (g.name, g.calls) == ("f.g", ("builtins.print",))


def test_environment_reads() -> None:
    """The usual ways to ask for a variable, with default and whether it must be there."""
    text = (
        "import os\nfrom os import environ\nfrom decouple import config\nfrom environs import Env\nenv = Env()\n"
        "KEY = 'G'\n"
        "def f():\n    os.environ['A']; os.getenv('B', 'b'); environ.get('C') or 'c'\n"
        "    config('D'); config('E', default=1); env.str('F', 'f'); os.getenv(KEY); os.environ['Z'] = 1\n"
    )
    found = {e.key.value: (e.default, e.required, e.scope) for e in facts(EnvRead, text) if isinstance(e.key, Literal)}
    assert found == {
        "A": (None, True, "f"),
        "B": (Literal("b"), False, "f"),
        "C": (Literal("c"), False, "f"),
        "D": (None, True, "f"),
        "E": (Literal(1), False, "f"),
        "F": (Literal("f"), False, "f"),
        "G": (None, False, "f"),
    }


def test_settings_classes() -> None:
    """Fields of a pydantic settings class: prefix, aliases, defaults; class variables and private names are none."""
    text = (
        "from pydantic import Field\nfrom pydantic_settings import BaseSettings, SettingsConfigDict\n"
        "class S(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix='app_')\n"
        "    host: str\n    port: int = 80\n    url: str = Field(..., validation_alias='MY_URL')\n"
        "    tags: list[str] = Field(default_factory=list)\n    kind: ClassVar[str] = 'x'\n"
        "class T(S):\n    other: str = 'o'\n"
    )
    found = {e.field: (e.key, e.default, e.required) for e in facts(EnvRead, text)}
    assert found == {
        "S.host": (Literal("APP_HOST"), None, True),
        "S.port": (Literal("APP_PORT"), Literal(80), False),
        "S.url": (Literal("MY_URL"), None, True),
        "S.tags": (Literal("APP_TAGS"), Unknown("result of a default_factory"), False),
    }  # the prefix of T is inherited: pydantic merges the configurations, which is not told here


def test_calls_that_are_wanted() -> None:
    """A call is told under the name that was asked for; secrets in its arguments are not."""
    text = "import pandas as pd\nfor i in z:\n    df = pd.read_csv('a', *r, sep=S, password='p', **k).merge(o)\n"
    found = facts(Call, text, "pandas.read_csv", "*.merge", "no.such")
    merge, read_csv = sorted(found, key=lambda call: call.callee)
    assert [(a.name, a.value) for a in read_csv.arguments] == [
        ("", Literal("a")),
        ("*", Name(PATH, "r")),
        ("sep", Name(PATH, "S")),
        ("password", SecretKey(PATH, "password")),
        ("**", Name(PATH, "k")),
    ]
    assert (merge.callee, merge.loops, merge.result, read_csv.result) == ("*.merge", 1, "df", "")


def test_dependencies_of_fastapi_are_calls() -> None:
    """FastAPI calls what ``Depends`` names in defaults, annotations and decorators before the handler."""
    text = (
        "from fastapi import Depends, Security\nfrom typing import Annotated\nfrom app.auth import user\n"
        "def db(): ...\ndef limit(): ...\n"
        "@app.get('/', dependencies=[Depends(limit)])\n"
        "def read(a, b=Depends(db), *, c: Annotated[str, Security(user)], d=Depends(), e=Depends(x[0])): ...\n"
    )
    read = next(function for function in facts(Function, text) if function.name == "read")
    assert set(read.calls) == {"db", "limit", "app.auth.user"}
    assert read.sometimes == ()


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b"x = 1\nprint 'a'\n", 2, "Python 2 code?"),
        (b"try:\n  pass\nexcept E, e:\n  pass\n", 3, "Python 2 code?"),
        (b"x = (\n", 1, "can't be parsed"),
        (b"a\n\0\n", 2, "null bytes"),
        (b"\x7fELF\x02\x01\x00\x00", 1, "null bytes"),
        (b"# coding: no-such\nx = 1\n", 1, "no-such"),
        (b"x = '\xff'\n", 1, "can't be parsed"),
        (b"x = " + b"(" * 5000 + b")" * 5000, 1, "Python"),
        (b"x = " + b"-" * 50000 + b"1", 1, "Python"),
    ],
)
def test_bad_files_are_one_diagnostic(data: bytes, line: int, message: str) -> None:
    """What can't be parsed is said once, with its line, and nothing else."""
    (said,) = parse(data).diagnostics
    assert not list(READER.read(parse(data), Wanted()))
    assert (said.place.path, said.place.line, said.level) == (PATH, line, "error")
    assert message in said.message
    assert not list(datasets.READER.read(parse(data), Wanted()))


def test_warnings_of_the_parser_do_not_leak() -> None:
    """Invalid escapes and the like warn whoever runs the code, not whoever reads it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert parse(b"x = '\\d'\ny = 1is 1\nassert (x, 'y')\n").tree is not None


def test_large_and_deep_files() -> None:
    """Long literals, long chains and long elifs are read."""
    text = f"x = {list(range(10_000))}\ny = {'+'.join(['a'] * 300)}\nz = q{'.f()' * 150}\nif a: b()\n"
    text += "".join(f"elif a == {i}: c{i}()\n" for i in range(80))
    file = parse(text)
    assert not file.diagnostics
    assert "c79" in {s.callee for s in file.calls}
    list(READER.read(file, Wanted(frozenset({"*.f"}))))


def test_claims() -> None:
    """Python source, but not what was copied in from others."""
    assert claims("a/b.py")
    assert claims("a/b.ipynb")
    assert not claims("a/vendor/b.py")
    assert not claims("a/b.md")


_PIECES = [
    *("import os", "from x import y", "\n", "\n    ", "def f(a, b=1):", "class A(B):", "x = ", "os.environ['A']"),
    *("f'{x}'", "pd.read_csv(", "(", ")"),
    *("lambda q: ", "for i in ", "with open('x') as f:", ":", "self.", "[", "]", "{", "}", ","),
    *(" if ", " else ", "'\\ud800'", "1e999", "0x" + "f" * 30, "%", "'{}'.format(", "await ", "global x", "match x:"),
    *("case {'a': b}:", "print 'x'", "# coding: latin-1\n", "\0", "é", "\r", "/", ">>", "not ", "*", "**", "...", "x"),
]
_WORDS = st.sampled_from(_PIECES)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace"))))
def test_any_bytes_are_read(data: bytes) -> None:
    """No content of a file raises."""
    _read_all(data)


@settings(max_examples=150, deadline=None)
@given(st.lists(_WORDS, max_size=30))
def test_any_words_are_read(words: list[str]) -> None:
    """Nothing that looks like Python raises, and what is said survives the codec."""
    _read_all("".join(words).encode())


def _read_all(data: bytes) -> None:
    file = parse(data)
    said: list[Fact] = []
    for reader in (READER, datasets.READER):
        said += [f for f in reader.read(file, Wanted(frozenset({"*.f", "builtins.open"}))) if isinstance(f, Fact)]
    codec = FactCodec(FACTS)
    assert list(codec.decode(codec.encode(said))) == said


def test_addresses_are_those_that_are_used_as_they_are() -> None:
    """No default, comparison, message, docstring, own machine, or port that may go on; each host and port once."""
    text = dedent(
        '''
        """Docs: http://doc:8000"""
        URL = "http://model:8001/reload"
        requests.post(f"http://model:8002/{name}", json={"u": "redis://u:p@cache:6379"})
        again = "http://model:8001"
        os.getenv("A", "http://default:1000"), url or "http://default:1001", config.get(KEY, "http://default:1002")
        def f(url="http://default:1003"):
            print("http://said:8000", url == "http://said:8001", "http://localhost:8000")
        part = f"http://part:80{n}"
        '''
    )
    assert [(a.scheme, a.host, a.port) for a in facts(Address, text)] == [
        ("http", "model", 8001),
        ("http", "model", 8002),
        ("redis", "cache", 6379),
    ]


def test_reads_that_are_made_only_in_some_cases() -> None:
    """A read below a condition, behind one that returns, behind ``or`` or in a handler is conditional."""
    text = """
        import os
        A = os.getenv("ALWAYS_1") or os.getenv("SOMETIMES_1")
        B = os.environ["SOMETIMES_2"] if os.getenv("ALWAYS_2") else ""
        if os.getenv("ALWAYS_3"):
            C = os.getenv("SOMETIMES_3")
        elif A:
            C = [os.getenv("SOMETIMES_4") for _ in A]
        try:
            D = os.getenv("ALWAYS_4")
        except KeyError:
            D = os.getenv("SOMETIMES_5")
        def load(path):
            if path:
                return path
            return os.getenv("SOMETIMES_6")
        match A:
            case 1:
                E = os.getenv("SOMETIMES_7")
        if __name__ == "__main__":
            print(os.getenv("ALWAYS_5"))
        F = os.getenv("ALWAYS_6")
    """
    found = {e.key.value: e.conditional for e in facts(EnvRead, dedent(text)) if isinstance(e.key, Literal)}
    assert len(found) == 13
    assert all(conditional is str(key).startswith("SOMETIMES") for key, conditional in found.items())


def test_calls_outside_of_functions() -> None:
    """A module tells what it calls itself, its functions left out."""
    (module,) = facts(PythonModule, "import os\ndef main():\n    os.getcwd()\nmain()\nos.umask(0)")
    assert module.calls == ("main", "os.umask")


@pytest.mark.parametrize(
    "annotation",
    [
        "int",
        "list[str]",
        "dict[str, int | None]",
        "a.b.C | None",
        "'Later'",
        "Literal['a', 1]",
        "tuple[()]",
        "tuple[int,]",
        "int | (str | None)",
        "Annotated[int, Field(gt=0)]",
        "Callable[[int], str]",
    ],
)
def test_an_annotation_is_told_as_python_tells_it(annotation: str) -> None:
    """Whatever its form."""
    (constant,) = facts(Constant, f"x: {annotation} = 1")
    assert constant.annotation == ast.unparse(ast.parse(annotation, mode="eval"))
