"""The reader of training code: options, hashes, guarded loads, folders, validations, asserts, saved responses."""

from __future__ import annotations

from typing import TypeVar

import pytest

from pytest_mlbreaks.codec import FactCodec
from pytest_mlbreaks.formats.python import PYTHON
from pytest_mlbreaks.model import Fact
from pytest_mlbreaks.model.expr import Literal
from pytest_mlbreaks.model.facts import (
    FACTS,
    Assertions,
    BuiltinHash,
    CommandOption,
    FolderCreation,
    GuardedLoad,
    KeptFailure,
    SavedResponse,
    ValidationRun,
)
from pytest_mlbreaks.readers.training import READER
from pytest_mlbreaks.reading import Source, Wanted

F = TypeVar("F", bound=Fact)


def read(text: str, kind: type[F], path: str = "train.py") -> list[F]:
    facts = list(READER.read(PYTHON.parse(Source(path, text.encode())), Wanted()))
    codec = FactCodec(FACTS)
    assert list(codec.decode(codec.encode([f for f in facts if isinstance(f, Fact)]))) == facts
    return [f for f in facts if isinstance(f, kind)]


PARSER = "import argparse\nparser = argparse.ArgumentParser()\n"


def asked(text: str) -> dict[str, str]:
    return {option.destination: option.read for option in read(text, CommandOption)}


def test_an_option_is_told_with_its_flags_type_action_and_default() -> None:
    """The destination is that of argparse: of the first long flag, or of ``dest``."""
    text = PARSER + (
        "parser.add_argument('-b', '--batch-size', type=int, default=8)\n"
        "parser.add_argument('--on', dest='enabled', action='store_true')\n"
        "parser.add_argument('--tune', action=argparse.BooleanOptionalAction, type=bool)\n"
        "parser.add_argument('in-file')\n"
        "parser.add_argument('--deep', type=bool, required=True)\n"
    )
    options = {o.destination: o for o in read(text, CommandOption)}
    assert set(options) == {"batch_size", "enabled", "tune", "in-file", "deep"}
    assert [o.destination for o in options.values() if o.required] == ["deep"]
    assert options["batch_size"].flags == ("-b", "--batch-size")
    assert options["batch_size"].kind == "builtins.int"
    assert options["batch_size"].default == Literal(8)
    assert options["enabled"].action == "store_true"
    assert (options["tune"].kind, options["tune"].action) == ("builtins.bool", "argparse.BooleanOptionalAction")


def test_what_is_no_option_is_not_told() -> None:
    """Help and version, computed names, and ``add_argument`` of what is no parser."""
    text = PARSER + (
        "parser.add_argument('--version', action='version', version='1')\n"
        "parser.add_argument(*names)\n"
        "parser.add_argument('--a', **more)\n"
        "parser.add_argument('--b', dest=where)\n"
    )
    assert read(text, CommandOption) == []
    assert read("import selenium\nselenium.Options().add_argument('--headless')\n", CommandOption) == []


def test_secrets_are_not_kept() -> None:
    """The default of an option whose name tells a secret is one by name alone."""
    text = PARSER + "parser.add_argument('--api-key', default='sk-live-1234567890')\nargs = parser.parse_args()\n"
    (option,) = read(text, CommandOption)
    assert "1234567890" not in repr(option)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("args = parser.parse_args()\nprint(args.lr)", "yes"),
        ("args, rest = parser.parse_known_args()\nprint(args.lr)", "yes"),
        ("args = parser.parse_args()\nprint(args)", "no"),
        ("args = parser.parse_args()\nlogger.info(f'{args}')", "no"),
        ("args = parser.parse_args()\ngetattr(args, 'lr')", "yes"),
        ("options = args = parser.parse_args()\nprint(options.lr)", "yes"),
        ("def f(a):\n    return a.lr\nf(parser.parse_args())", "yes"),
        ("def f(a):\n    return a.epochs\nf(parser.parse_args())", "no"),
        ("def f(*, a):\n    return 1\nargs = parser.parse_args()\nf(a=args)", "no"),
        ("args = parser.parse_args()\nrun(args)", "unknown"),
        ("args = parser.parse_args()\nrun(**vars(args))", "unknown"),
        ("args = parser.parse_args()\nself.args = args", "unknown"),
        ("class A:\n    def __init__(self):\n        self.args = parser.parse_args()", "unknown"),
        ("args = parser.parse_args()\nprint(args.__dict__)", "unknown"),
        ("def parse():\n    return parser.parse_args()", "unknown"),
        ("pass", "unknown"),
    ],
)
def test_whether_an_option_is_asked_for(code: str, expected: str) -> None:
    """Uses are followed within the file; where the options leave it, nothing is said."""
    assert asked(f"{PARSER}parser.add_argument('--lr')\n{code}\n") == {"lr": expected}


def test_a_function_that_returns_the_options_is_followed_in_a_script() -> None:
    """What has a main guard is no module that others import its options from."""
    text = (
        f"{PARSER}parser.add_argument('--lr')\nparser.add_argument('--seed')\n"
        "def parse():\n    return parser.parse_args()\n"
        "if __name__ == '__main__':\n    args = parse()\n    print(args.lr)\n"
    )
    assert asked(text) == {"lr": "yes", "seed": "no"}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("@click.option('--lr')\ndef f(lr):\n    print(lr)", {"lr": "yes"}),
        ("@click.option('-s', '--my-seed', type=int)\ndef f(my_seed):\n    print(1)", {"my_seed": "no"}),
        ("@click.option('--lr', 'rate')\ndef f(rate):\n    print(rate)", {"rate": "yes"}),
        ("@click.option('--lr')\ndef f(**kwargs):\n    g(kwargs)", {"lr": "unknown"}),
        ("@click.option('--lr')\ndef f(lr):\n    g(locals())", {"lr": "unknown"}),
        ("@click.option('--lr', callback=g)\ndef f(lr):\n    print(1)", {"lr": "unknown"}),
        ("@click.option('--lr')\ndef f(lr):\n    pass", {"lr": "unknown"}),
        ("@click.argument('lr')\ndef f(lr):\n    print(1)", {}),
        (
            "def f(lr: float = typer.Option(0.1), *, n: int = typer.Option(1, '--num')):\n    print(n)",
            {"lr": "no", "n": "yes"},
        ),
    ],
)
def test_options_of_click_and_typer(code: str, expected: dict[str, str]) -> None:
    """They are parameters of the function of the command, and asked for where its body uses them."""
    assert asked(f"import click, typer\n{code}\n") == expected


@pytest.mark.parametrize("said", ["'deprecated'", "'ignored, kept for compatibility'", "argparse.SUPPRESS"])
def test_an_option_whose_help_disowns_it(said: str) -> None:
    """It says that it does nothing, or is hidden."""
    (option,) = read(f"{PARSER}parser.add_argument('--x', help={said})\n", CommandOption)
    assert option.disowned


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def f(x: str, n):\n    return hash(x) % n", ("text", "modulo", "n")),
        ("def f(x: int, n):\n    return abs(hash(x)) % n", ("number", "modulo", "n")),
        ("def f(x):\n    return hash(x) % 8", ("unknown", "modulo", "8")),
        ("def f(x):\n    return f'k:{hash(x.lower())}'", ("text", "name", "return")),
        ("def f(x, c):\n    k = 'k' + str(hash(repr(x)))\n    c.get(k)", ("text", "name", "*.get")),
        ("def f(x, c):\n    k = f'{hash(x)}'\n    return c[k]", ("unknown", "name", "")),
        ("def f(x: str):\n    return f'T-{hash(x) % 10000:04d}'", ("text", "name", "return")),
        ("def f(x: str):\n    return f'bucket-{hash(x) % 8}'", ("text", "modulo", "8")),
        ("import random\nrandom.seed(hash('a'))", ("text", "seed", "random.seed")),
        ("def f(x, seen):\n    return hash(x) in seen", ("unknown", "other", "")),
        ("def f(x, y):\n    return hash((x, str(y))) % 2", ("text", "modulo", "2")),
    ],
)
def test_what_a_hash_is_for(code: str, expected: tuple[str, str, str]) -> None:
    """What is hashed, what the hash is used for, and where that goes."""
    (found,) = read(code + "\n", BuiltinHash)
    assert (found.of, found.use, found.into) == expected


def test_a_hash_that_is_an_index_is_told_with_what_it_is_an_index_into() -> None:
    """Through a name, too."""
    (call,) = read("def f(self, x, n):\n    i = hash(x) % n\n    self.writers[i].write(x)\n", BuiltinHash)
    assert call.about == ("f", "i", "self.writers")


def test_hashes_that_are_not_told() -> None:
    """Another ``hash``, and those of ``__hash__``."""
    assert read("from x import hash\nhash('a') % 2\n", BuiltinHash) == []
    assert read("class A:\n    def __hash__(self):\n        return hash(self.a) % 2\n", BuiltinHash) == []


LOAD = "import joblib, sys, numpy as np\ndef f(p):\n    try:\n        m = joblib.load(p)\n    except Exception as e:\n"


@pytest.mark.parametrize(
    ("handler", "then", "replaced"),
    [
        ("        print(e)\n    use(m)\n", "reports", ()),
        ("        m = None\n    use(m)\n", "reports", ("m",)),
        ("        m = np.zeros(3)\n    use(m)\n", "reports", ("m",)),
        ("        print(e)\n", "other", ()),
        ("        raise RuntimeError from e\n    use(m)\n", "stops", ()),
        ("        sys.exit(1)\n    use(m)\n", "stops", ()),
        ("        return None\n    use(m)\n", "returns", ()),
        ("        m = train()\n    use(m)\n", "other", ()),
        ("        fetch(p)\n    use(m)\n", "other", ()),
        ("        if p:\n            print(e)\n    use(m)\n", "other", ()),
    ],
)
def test_what_a_handler_does_about_a_failed_load(handler: str, then: str, replaced: tuple[str, ...]) -> None:
    """It stops, returns, does something else, or only reports it and code follows."""
    (found,) = read(LOAD + handler, GuardedLoad)
    assert (found.api, found.catches, found.then, found.replaced) == ("joblib.load", "Exception", then, replaced)


@pytest.mark.parametrize(
    ("body", "then"),
    [
        ("keep.append(p)", "other"),
        ("keep.append(m)", "reports"),
        ("keep[p] = m", "reports"),
        ("part = m.part\n            n.load_state_dict(part)", "reports"),
        ("pipe = Pipe(m)\n            log(pipe)", "other"),
    ],
)
def test_what_was_loaded_and_only_looked_into(body: str, then: str) -> None:
    """It is nothing that the code behind the try could go on without."""
    head = "import joblib\ndef f(ps):\n    for p in ps:\n        try:\n            m = joblib.load(p)\n"
    text = f"{head}            {body}\n"
    (found,) = [
        r
        for r in read(f"{text}        except Exception:\n            pass\n    go()\n", GuardedLoad)
        if r.api == "joblib.load"
    ]
    assert found.then == then


@pytest.mark.parametrize(
    ("error", "asked"),
    [("ValueError('m')", True), ("HTTPException(500)", False), ("fastapi.HTTPException(500)", False)],
)
def test_code_that_raises_where_what_was_loaded_is_none(error: str, asked: bool) -> None:
    """An answer to a request is no such code."""
    text = f"{LOAD}        print(e)\n    use(m)\ndef g(self):\n    if self.m is None:\n        raise {error}\n"
    (found,) = read(text, GuardedLoad)
    assert found.asked_for is asked


def test_loads_without_a_handler_for_any_error() -> None:
    """One for a missing file alone, one in the handler, and none at all."""
    assert read("import torch\ntry:\n    torch.load(p)\nexcept FileNotFoundError:\n    pass\nx()\n", GuardedLoad) == []
    assert read("import torch\ntry:\n    a()\nexcept Exception:\n    torch.load(p)\nx()\n", GuardedLoad) == []
    assert read("import torch\ntorch.load(p)\n", GuardedLoad) == []


RANKS = "import os\nfrom pathlib import Path\nimport torch.distributed as dist\ndist.init_process_group('nccl')\n"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("if not os.path.exists('o'):\n    os.makedirs('o')", (True, False, False)),
        ("if not Path('o').exists():\n    Path('o').mkdir()", (True, False, False)),
        ("os.makedirs('o', exist_ok=True)", (False, True, False)),
        ("os.makedirs('o', exist_ok=False)", (False, False, False)),
        ("try:\n    os.mkdir('o')\nexcept OSError:\n    pass", (False, True, False)),
        ("if rank == 0 and not os.path.isdir('o'):\n    os.makedirs('o')", (True, False, True)),
        ("def f():\n    os.makedirs('o')\nif dist.get_rank() == 0:\n    f()", (False, False, True)),
        ("def f():\n    os.makedirs('o')\nif dist.get_rank() == 0:\n    f()\nf()", (False, False, False)),
    ],
)
def test_folders_of_distributed_code(code: str, expected: tuple[bool, bool, bool]) -> None:
    """Whether it is tested for before, may be there, and is made by one rank."""
    (found,) = read(f"{RANKS}{code}\n", FolderCreation)
    assert (found.checked, found.tolerant, found.one_rank) == expected
    assert found.ranks == "torch.distributed.init_process_group"


def test_folders_of_a_launcher_are_not_told() -> None:
    """It runs once per node; that a docstring speaks of the launcher makes no launcher."""
    text = "import os\nimport torch.distributed as d\nd.init_process_group()\nos.mkdir('a')\n"
    assert read(f"{text}command = ['torchrun', '--nproc-per-node=8']\n", FolderCreation) == []
    assert len(read(f"'Start it with torchrun.'\n{text}", FolderCreation)) == 1


def test_folders_of_other_code_are_not_told() -> None:
    """Where nothing makes several processes."""
    assert read("import os\nif not os.path.exists('o'):\n    os.makedirs('o')\n", FolderCreation) == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import great_expectations as gx\ndef f(checkpoint):\n    checkpoint.run()", "unread"),
        ("import great_expectations as gx\ndef f(checkpoint):\n    r = checkpoint.run()\n    return r", "returned"),
        ("import great_expectations as gx\ndef f(checkpoint):\n    r = checkpoint.run()\n    assert r.success", "read"),
        ("import tensorflow_data_validation as tfdv\ndef f(s, x):\n    a = tfdv.validate_statistics(s, x)", "unread"),
        ("import tensorflow_data_validation as t\ndef f(s, x):\n    return t.validate_statistics(s, x)", "returned"),
    ],
)
def test_whether_the_verdict_of_a_validation_is_read(code: str, expected: str) -> None:
    """Asked for in the file, handed on, or neither."""
    assert [v.verdict for v in read(code + "\n", ValidationRun)] == [expected]


def test_runs_of_other_things_are_no_validations() -> None:
    """Other objects have a ``run`` and a ``validate``, too."""
    assert read("import great_expectations\ndef f(flow):\n    flow.run()\n    flow.validate()\n", ValidationRun) == []
    assert read("def f(checkpoint):\n    checkpoint.run()\n", ValidationRun) == []


def test_asserts_are_told_with_their_shape_and_what_they_do() -> None:
    """Of modules that are no tests; what looks like an assert in a text is none."""
    text = (
        '"""\nassert nothing\n"""\n'
        "assert (a, b)\nassert all(x for x in y)\nassert (x for x in y)\nassert df.isna().all\n"
        "assert queue.put(a) is None\nassert a is not None\nassert isinstance(a, int)\nassert 'text'\n"
        "if a:\n    assert a > 1\n"
    )
    (found,) = read(text, Assertions)
    assert [a.shape for a in found.asserts] == ["tuple", "", "generator", "method", "", "", "", "text", ""]
    assert [a.acts for a in found.asserts if a.acts] == ["queue.put(a)"]
    assert [a.narrows for a in found.asserts].count(True) == 2
    assert read("assert a\n", Assertions, path="tests/test_a.py") == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("r = requests.get(u)\n    f.write(r.content)", [False]),
        ("r = requests.get(u)\n    r.raise_for_status()\n    f.write(r.content)", [True]),
        ("r = requests.get(u)\n    check(r)\n    f.write(r.content)", [True]),
        ("with requests.get(u) as r:\n        for c in r.iter_content(1):\n            f.write(c)", [False]),
        ("r = requests.get(u)\n    p.write_bytes(r.content)", [False]),
        ("r = requests.get(u)\n    f.write(dumps(r.json()))", []),
        ("r = requests.get(u)\n    return r.content", []),
    ],
)
def test_responses_that_are_saved(code: str, expected: list[bool]) -> None:
    """Whether the function that writes the body looks at the status."""
    text = f"import requests\ndef fetch(u, f, p):\n    {code}\n"
    assert [r.checked for r in read(text, SavedResponse)] == expected


@pytest.mark.parametrize(
    ("code", "opened"), [("with ZipFile(p) as z: pass", True), ("Image.open(p)", True), ("open(p)", False)]
)
def test_a_saved_response_that_is_opened(code: str, opened: bool) -> None:
    """As something that no page is."""
    text = f"import requests\ndef fetch(u, f, p):\n    r = requests.get(u)\n    f.write(r.content)\n    {code}\n"
    assert [r.opened for r in read(text, SavedResponse)] == [opened]


def test_what_does_not_parse_says_nothing() -> None:
    """The Python reader reports it."""
    assert read("def f(:\n", Fact) == []


@pytest.mark.parametrize(
    ("decorator", "error", "answer", "expected"),
    [
        ("lru_cache", "requests.RequestException", "[]", ["[]"]),
        ("lru_cache(maxsize=1)", "Exception", "None", ["None"]),
        ("lru_cache", "(OSError, ValueError)", "", ["None"]),
        ("lru_cache", "ValueError", "None", []),
        ("lru_cache", "OSError", "other()", []),
        ("cache_data(ttl=60)", "Exception", "None", []),
        ("cache_data", "Exception", "{}", ["{}"]),
        ("property", "Exception", "None", []),
    ],
)
def test_a_cached_function_that_answers_a_passing_error_by_a_constant_is_told(
    decorator: str, error: str, answer: str, expected: list[str]
) -> None:
    """Not one whose cache expires, whose error will come again, or that returns something else."""
    text = (
        "from functools import lru_cache\nimport requests\nfrom streamlit import cache_data\n"
        f"@{decorator}\ndef get():\n    try:\n        return requests.get('https://example.com').json()\n"
        f"    except {error}:\n        return {answer}\n"
    )
    assert [kept.returns for kept in read(text, KeptFailure)] == expected


def test_a_cached_function_whose_error_goes_through_is_not_told() -> None:
    """What is raised is not kept."""
    text = (
        "from functools import cache\n@cache\ndef get():\n    try:\n        return load()\n"
        "    except Exception as error:\n        raise RuntimeError from error\n"
    )
    assert read(text, KeptFailure) == []
