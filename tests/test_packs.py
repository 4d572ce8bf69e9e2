"""Packs: what is told of a broken one (packs/test_third_party_pack.py runs whole ones), and how they add up."""

from __future__ import annotations

import importlib
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from pytest_mlbreaks import packs, taxonomy
from pytest_mlbreaks.packs import PackError

Make = Callable[..., ModuleType]

CHECK = '''
"""A title."""
from pytest_mlbreaks.api import Check, Confidence, Severity, facts
check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="1"{more})
@check.over(facts.Container)
def find(subject, pipeline):
    yield from ()
'''
HOOKS = """
import sys
from pytest_mlbreaks.api import hookimpl
@hookimpl
def mlbreaks_checks():
    return (sys.modules[__name__],)
"""
READER = """
from pytest_mlbreaks.api import TEXT, Fact, Reader, hookimpl
class {fact}(Fact, frozen=True, kw_only=True):
    pass
@hookimpl
def mlbreaks_readers():
    return [Reader("{reader}", 1, TEXT, ({fact},), lambda path: False, lambda file, wanted: iter(()))]
"""
REPORTER = """
from pytest_mlbreaks.api import Reporter, hookimpl
@hookimpl
def mlbreaks_reporters():
    return [Reporter("{name}", lambda report, shown: "")]
"""


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Writes a package from files by path and imports it."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(name: str, **files: str) -> ModuleType:
        for path, text in files.items():
            target = tmp_path / name / f"{path.replace('__in__', '/')}.py"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(textwrap.dedent(text).lstrip("\n"))
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield write
    for name in set(sys.modules) - before:
        if name.startswith("made_"):
            del sys.modules[name]


def check_pack(
    make: Make, name: str, check: str = "some_check", more: str = "", folder: str = "push_order"
) -> ModuleType:
    """A pack of one check."""
    files = {"__init__": HOOKS, f"{folder}__in____init__": "", f"{folder}__in__{check}": CHECK.format(more=more)}
    return make(name, **files)


def test_checks_are_found_by_where_they_stand(make: Make) -> None:
    """A file in a folder is a check of that category; names with an underscore first are helpers."""
    pack = check_pack(make, "made_one")
    make("made_one", push_order__in___helper="HELP = 1\n")
    (check,) = packs.find_checks(pack)
    assert (check.id, check.category, check.title) == ("some-check", "push-order", "A title")


def test_checks_come_in_the_taxonomys_order(make: Make) -> None:
    """Whatever the order of packs and folders."""
    first = check_pack(make, "made_first", "made_check_a", folder="resource_provisioning")
    second = check_pack(make, "made_second", "made_check_b", folder="process_orchestration")
    loaded = packs.load([("first", first), ("second", second)])
    order = list(taxonomy.categories())
    places = [(order.index(check.category), check.id) for check in loaded.checks]
    assert places == sorted(places)
    assert {"made-check-a", "made-check-b"} <= {check.id for check in loaded.checks}


def test_a_former_id_is_an_id(make: Make) -> None:
    """A renamed check is found by its old id, which nobody else may take."""
    renamed = check_pack(make, "made_new", "new_name", more=', formerly=("old-name",)')
    loaded = packs.load([("new", renamed)])
    found = loaded.check("old-name")
    assert found is not None
    assert found.id == "new-name"
    assert loaded.check("no-such") is None
    taken = check_pack(make, "made_old", "old_name")
    with pytest.raises(PackError, match="two packs bring a check called 'old-name'"):
        packs.load([("new", renamed), ("old", taken)])


def test_a_folder_without_init_is_told(make: Make) -> None:
    """Its checks would be left out in silence."""
    pack = make("made_loose", __init__=HOOKS, push_order__in__some_check=CHECK.format(more=""))
    with pytest.raises(PackError, match="folder 'push_order' holds checks but no __init__"):
        packs.load([("loose", pack)])


def test_a_check_without_a_title_is_told(make: Make) -> None:
    """The docstring is what lists show."""
    text = CHECK.format(more="").replace('"""A title."""', "")
    pack = make("made_bare", __init__=HOOKS, push_order__in____init__="", push_order__in__some_check=text)
    with pytest.raises(PackError, match="no docstring"):
        packs.load([("bare", pack)])


def test_a_check_without_a_rule_is_told(make: Make) -> None:
    """It could never say anything."""
    text = CHECK.format(more="").partition("@check")[0]
    pack = make("made_idle", __init__=HOOKS, push_order__in____init__="", push_order__in__some_check=text)
    with pytest.raises(PackError, match="has no `check = Check"):
        packs.load([("idle", pack)])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("raise SystemExit(3)", "SystemExit"),
        ("import no_such_module_at_all", "No module named"),
        (CHECK.format(more=', also=("gremlins",)'), "no category 'gremlins'"),
        (CHECK.format(more="").replace("yield from ()", "return []"), "must be a generator"),
        (CHECK.format(more="").replace("pipeline)", "pipeline, *, option)"), "option=default"),
    ],
)
def test_a_check_that_cannot_be_imported_is_told_by_name(make: Make, text: str, told: str) -> None:
    """Also one that would end the program."""
    pack = make("made_broken", __init__=HOOKS, push_order__in____init__="", push_order__in__some_check=text)
    with pytest.raises(PackError, match=told) as raised:
        packs.load([("broken", pack)])
    assert "made_broken.push_order.some_check" in str(raised.value)


def test_two_things_of_one_name_are_told(make: Make) -> None:
    """Readers, fact types and reporters, also against the built-in ones."""
    named = make("made_reader", __init__=READER.format(fact="MadeFact", reader="python"))
    with pytest.raises(PackError, match="two packs bring a reader called 'python'"):
        packs.load([("one", named)])
    fact = make("made_fact", __init__=READER.format(fact="Container", reader="made"))
    with pytest.raises(PackError, match="two fact types are called 'Container'"):
        packs.load([("one", fact)])
    reporter = make("made_reporter", __init__=REPORTER.format(name="json"))
    with pytest.raises(PackError, match="two packs bring a reporter called 'json'"):
        packs.load([("one", reporter)])


@pytest.mark.parametrize(
    ("text", "hook"),
    [
        (HOOKS.replace("(sys.modules[__name__],)", "('text',)"), "mlbreaks_checks"),
        (HOOKS.replace("(sys.modules[__name__],)", "(sys,)"), "mlbreaks_checks"),
        (HOOKS.replace("(sys.modules[__name__],)", "3"), "mlbreaks_checks"),
        (REPORTER.format(name="x").replace("return [", "return ['x', "), "mlbreaks_reporters"),
        (READER.format(fact="F", reader="x").replace("return [", "return [None, "), "mlbreaks_readers"),
    ],
)
def test_a_hook_that_gives_the_wrong_thing_is_told(make: Make, text: str, hook: str) -> None:
    """By the name of the hook."""
    name = f"made_wrong{abs(hash(text))}"
    with pytest.raises(PackError, match=f"a pack failed in {hook}: "):
        packs.load([("wrong", make(name, __init__=text))])


def test_the_same_pack_twice_is_told(make: Make) -> None:
    """Two entry points of one name, or one module under two."""
    pack = check_pack(make, "made_twice")
    with pytest.raises(PackError):
        packs.load([("twice", pack), ("twice", pack)])
    with pytest.raises(PackError):
        packs.load([("once", pack), ("again", pack)])


def test_what_checks_ask_for_is_asked_of_readers(make: Make) -> None:
    """Callee names of all checks, and those that link needs."""
    pack = check_pack(make, "made_calls", "made_calls_check", more=', calls=("*.to_sql",)')
    wanted = packs.load([("calls", pack)]).wanted()
    assert {"*.to_sql", "load_dotenv"} <= wanted.calls
