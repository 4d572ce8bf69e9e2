"""The configuration: where it is found, what it may say, what several files say together, and how mistakes are told."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlbreaks import testing
from pytest_mlbreaks.config import schema, show
from pytest_mlbreaks.config.files import RootFiles, TreeFiles, package_folder
from pytest_mlbreaks.config.load import Settings, load
from pytest_mlbreaks.config.nodes import ConfigError
from pytest_mlbreaks.link.environments import Names
from pytest_mlbreaks.tree import MemoryTree


def settings_of(start: str = "", **files: str) -> Settings:
    """The settings of a tree of *files* (``__`` in a name stands for ``/``, ``_`` for a dot), from *start* on."""
    return settings_with(None, start, files)


def settings_with(given: Path | None, start: str = "", files: Mapping[str, str] | None = None) -> Settings:
    """The same, with a file *given* on the command line."""
    files = files or {}
    named = {name.replace("__", "/").replace("_", "."): text for name, text in files.items()}
    return load(testing.installed(), TreeFiles(MemoryTree(named)), Path("/nowhere"), start=start, given=given)


def problem(start: str = "", **files: str) -> str:
    """What is wrong with the configuration of these files."""
    with pytest.raises(ConfigError) as caught:
        settings_of(start, **files)
    return str(caught.value)


# ---------------------------------------------------------------------------------------------------- where it is


def test_without_a_configuration_all_is_as_by_default() -> None:
    """A pyproject.toml that says nothing of mlbreaks, or can't be parsed and does not speak of it, is none."""
    assert settings_of() == Settings()
    assert settings_of(pyproject_toml="[tool.other]\nx = 1\n") == Settings()
    assert settings_of(pyproject_toml="[tool.other\n") == Settings()


def test_both_kinds_say_the_same() -> None:
    """mlbreaks.yaml and [tool.mlbreaks] have one schema."""
    one = settings_of(mlbreaks_yaml="fail-on: medium\nexclude: [old/]\nchecks-as-of: 0.10\n")
    two = settings_of(pyproject_toml='[tool.mlbreaks]\nfail-on = "medium"\nexclude = ["old/"]\nchecks-as-of = "0.10"\n')
    for settings in (one, two):
        assert (settings.fail_on, settings.exclude, settings.checks_as_of) == ("medium", ("old/",), "0.10")
    assert settings_of(mlbreaks_yaml="").layers[0].shown == "mlbreaks.yaml"
    assert settings_of(mlbreaks_yaml="# nothing\n").fail_on is None


def test_both_at_once_is_a_mistake() -> None:
    """Nobody should have to know which of the two counts."""
    told = problem(mlbreaks_yaml="fail-on: low\n", pyproject_toml="[tool.x]\n[tool.mlbreaks]\nfail-on = 'low'\n")
    assert told == "pyproject.toml:2: [tool.mlbreaks] is here and mlbreaks.yaml, too: one of the two has to go"


def test_the_nearest_counts() -> None:
    """From the folder where the run starts upwards, up to the root; one that says nothing of mlbreaks is passed by."""
    files = {
        "mlbreaks_yaml": "fail-on: low\n",
        "a__pyproject_toml": "[tool.mlbreaks]\nfail-on = 'never'\n",
        "a__b__pyproject_toml": "[tool.other]\n",
    }
    assert settings_with(None, files=files).fail_on == "low"
    assert settings_with(None, "a/b/c", files).fail_on == "never"
    assert settings_with(None, "other", files).fail_on == "low"


def test_the_command_names_another(tmp_path: Path) -> None:
    """--config takes any file of the machine; /dev/null is none at all."""
    given = tmp_path / "strict.yaml"
    given.write_text("fail-on: low\n", encoding="utf-8")
    assert settings_with(given, files={"mlbreaks_yaml": "fail-on: never\n"}).fail_on == "low"
    assert settings_with(Path(os.devnull), files={"mlbreaks_yaml": "fail-on: never\n"}).fail_on is None
    with pytest.raises(ConfigError, match=r"none\.yaml: no such file"):
        settings_with(tmp_path / "none.yaml")
    toml = tmp_path / "x.toml"
    toml.write_text("[tool.other]\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"has no table \[tool.mlbreaks\]"):
        settings_with(toml)


# ------------------------------------------------------------------------------------------------------- mistakes

MISTAKES = [
    ("fail-on: low\nslect: []\n", "mlbreaks.yaml:2: no key 'slect' in the settings; did you mean 'select'?"),
    ("fail-on: hihg\n", "mlbreaks.yaml:1: 'fail-on': no 'hihg'; did you mean 'high'?"),
    ("fail-on: x\n", "mlbreaks.yaml:1: 'fail-on': no 'x' (there are high, medium, low, never)"),
    ("select: abc\n", "mlbreaks.yaml:1: 'select': a list is wanted, and this is a text"),
    ("select:\n  - [a]\n", "mlbreaks.yaml:2: 'select': a text is wanted, and this is a list"),
    ("- a\n", "mlbreaks.yaml:1: the settings: a table of keys is wanted, and this is a list"),
    ("checks-as-of: new\n", "mlbreaks.yaml:1: 'checks-as-of': a version as 0.3 is wanted, and this is 'new'"),
    ("environments:\n  prod: {}\n", "mlbreaks.yaml:2: no key 'prod' in 'environments'; did you mean 'production'?"),
    (
        "environments:\n  production:\n    host: [a]\n",
        "mlbreaks.yaml:3: no key 'host' in 'production'; did you mean 'hosts'?",
    ),
    ("ignores:\n- checks: [a]\n  paths: [b]\n", "mlbreaks.yaml:2: 'ignores': the key 'reason' is missing"),
    (
        "ignores:\n- checks: [deploy-beside-tests]\n  reason: x\n",
        "mlbreaks.yaml:2: an entry of 'ignores' has 'paths' or 'resources' ('ignore' switches a check off)",
    ),
    (
        "ignores:\n- checks: [deploy-beside-tests]\n  paths: [a]\n  reason: ''\n",
        "mlbreaks.yaml:4: 'reason': a text that is not empty is wanted, and this is ''",
    ),
    ("ignores:\n- checks: []\n  paths: [a]\n  reason: x\n", "mlbreaks.yaml:2: 'checks': at least one is wanted"),
    ("a: 1\na: 2\n", "mlbreaks.yaml:2: "),
    ("a: [\n", "mlbreaks.yaml:2: "),
    ("fail-on: low\n---\nfail-on: high\n", "mlbreaks.yaml:3: a second document: settings are one"),
    ("fail-on: !x low\n", "mlbreaks.yaml:1: the tag !x means nothing here"),
    (
        "pipelines:\n- {name: a, root: a}\n- {name: a, root: b}\n",
        "mlbreaks.yaml:3: 'pipelines': two are called 'a'",
    ),
    ("pipelines:\n- {name: a, root: ../b}\n", "mlbreaks.yaml:2: 'root': '../b' is no folder of this repository"),
    ("select: [deploy-beside-test]\n", "did you mean 'deploy-beside-tests'?"),
    (
        "ignore:\n- push-order\n- push-ordr\n",
        "mlbreaks.yaml:3: 'ignore': no check or category 'push-ordr'; did you mean",
    ),
    ("lock: [nothing-like-it-at-all-xyz]\n", "'lock': no check or category 'nothing-like-it-at-all-xyz'"),
    ("options:\n  deploy-beside-test: {}\n", "mlbreaks.yaml:2: 'options': no check 'deploy-beside-test'; did you mean"),
    (
        "options:\n  shared-value-across-environments:\n    sharde: []\n",
        "mlbreaks.yaml:3: 'options': shared-value-across-environments has no option 'sharde'; did you mean 'shared'?",
    ),
    (
        "options:\n  shared-value-across-environments:\n    shared: 3\n",
        "'options': 'shared' of shared-value-across-environments is as (): Expected `array`, got `int`",
    ),
    ("extends: none.yaml\n", "mlbreaks.yaml:1: none.yaml: no such file"),
    ("extends: ../x.yaml\n", "mlbreaks.yaml:1: '../x.yaml' is no file of this repository"),
    ("extends: /etc/passwd\n", "mlbreaks.yaml:1: '/etc/passwd' is no file of this repository"),
    ("extends: 'C:\\x'\n", "is no file of this repository"),
    ("extends: package:no-such-package-here\n", "no package 'no-such-package-here' is installed"),
    ("extends: package:json\n", "package:json holds no mlbreaks.yaml"),
]


@pytest.mark.parametrize(("text", "expected"), MISTAKES, ids=[text[:30] for text, _ in MISTAKES])
def test_a_mistake_names_file_line_and_what_is_nearest(text: str, expected: str) -> None:
    """Keys, ids, options and types: whatever is not known is an error, never passed over."""
    assert expected in problem(mlbreaks_yaml=text)


TWO_ENTRIES = """\
[[tool.mlbreaks.ignores]]
checks = ['push-order']
paths = ['a']
reason = 'r'
[[tool.mlbreaks.ignores]]
checks = ['push-ordr']
paths = ['a']
reason = 'r'
"""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[project]\nname = 'x'\n[tool.mlbreaks]\nfail-on = 'low'\nslect = []\n", 5),
        ("[tool.mlbreaks]\nignore = [\n  'push-order',\n  'push-ordr',\n]\n", 4),
        ("[tool.mlbreaks.environments.production]\nnames = ['a']\nhots = []\n", 3),
        ("[tool.mlbreaks]\nenvironments.production.hots = []\n", 2),
        ("[tool.mlbreaks]\nenvironments = {production = {hots = []}}\n", 2),
        (TWO_ENTRIES, 6),
        ("[tool.mlbreaks.options.shared-value-across-environments]\nshared = ['a']\nsharde = ['a']\n", 3),
        ('[tool."mlbreaks"]\n"slect" = []\n', 2),
        ("tool = 1\n[x]\ny = 'mlbreaks'\n[tool.mlbreaks\n", 4),
        ("[tool.mlbreaks]\nchecks-as-of = 0.3\n", 2),
        ("[tool]\nmlbreaks = 3\n", 2),
    ],
)
def test_a_mistake_in_toml_has_its_line(text: str, line: int) -> None:
    """In tables, arrays of tables, dotted keys and arrays over several lines."""
    assert problem(pyproject_toml=text).startswith(f"pyproject.toml:{line}: ")


@given(st.text(), st.booleans())
def test_any_text_is_settings_or_a_mistake(text: str, toml: bool) -> None:
    """Nothing that a file holds is another error."""
    files = {"pyproject.toml": f"[tool.mlbreaks]\n{text}"} if toml else {"mlbreaks.yaml": text}
    tree = MemoryTree({path: content.encode(errors="replace") for path, content in files.items()})
    with contextlib.suppress(ConfigError):
        load(testing.installed(), TreeFiles(tree), Path())


# -------------------------------------------------------------------------------------------------- several files


def test_what_is_nearer_decides() -> None:
    """Single values are the nearest file's; lists add up; options go one by one; of several bases the later wins."""
    settings = settings_of(
        mlbreaks_yaml="""\
extends: [conf/one.yaml, conf/two.yaml]
fail-on: low
ignore: [deploy-beside-tests]
exclude: ["!old/keep.py"]
options: {shared-value-across-environments: {shared: [c]}}
environments: {production: {names: [blue]}}
""",
        conf__one_yaml="fail-on: never\nexclude: [old/*]\nchecks-as-of: '0.1'\nbaseline: a.json\n",
        conf__two_yaml="""\
extends: three.yaml
checks-as-of: '0.2'
options: {shared-value-across-environments: {shared: [a, b]}}
environments: {production: {hosts: ["*.acme.net"]}, not-production: {names: [green]}}
""",
        conf__three_yaml="select: [push-order]\n",
    )
    assert [layer.shown for layer in settings.layers] == [
        *("conf/one.yaml", "conf/three.yaml", "conf/two.yaml", "mlbreaks.yaml")
    ]
    assert (settings.fail_on, settings.checks_as_of, settings.baseline) == ("low", "0.2", "a.json")
    assert settings.exclude == ("old/*", "!old/keep.py")
    assert settings.ignore == {"deploy-beside-tests"}
    assert settings.options == {"shared-value-across-environments": {"shared": ("c",)}}
    assert settings.environments.production == Names(names=("blue",), hosts=("*.acme.net",))
    assert settings.select is not None
    assert [place.path for place in settings.origin("checks-as-of")] == ["conf/one.yaml", "conf/two.yaml"]


def test_files_that_extend_each_other_in_a_circle_are_named() -> None:
    """A file may be extended twice, but not by itself."""
    told = problem(
        mlbreaks_yaml="extends: a.yaml\n", a_yaml="fail-on: low\nextends: [b.yaml]\n", b_yaml="extends: mlbreaks.yaml\n"
    )
    circle = "mlbreaks.yaml extends a.yaml extends b.yaml extends mlbreaks.yaml"
    assert told == f"b.yaml:1: these extend each other in a circle: {circle}"
    twice = settings_of(
        mlbreaks_yaml="extends: [a.yaml, b.yaml]\n", a_yaml="extends: c.yaml\n", b_yaml="extends: c.yaml\n", c_yaml=""
    )
    assert [layer.shown for layer in twice.layers] == ["c.yaml", "a.yaml", "b.yaml", "mlbreaks.yaml"]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package with settings, which must not be imported; the folder that holds it."""
    folder = tmp_path / "site" / "acme_mlops"
    folder.mkdir(parents=True)
    folder.joinpath("__init__.py").write_text("raise SystemExit('imported')\n", encoding="utf-8")
    folder.joinpath("mlbreaks.yaml").write_text("fail-on: low\nextends: base.yaml\n", encoding="utf-8")
    folder.joinpath("base.yaml").write_text("lock: [push-order]\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return tmp_path / "site"


def test_an_installed_package_is_extended_and_not_imported(package: Path, tmp_path: Path) -> None:
    """An organisation's settings come with a package; what it extends lies beside it."""
    root = tmp_path / "repo"
    root.mkdir()
    root.joinpath("mlbreaks.yaml").write_text("extends: package:acme-mlops\n", encoding="utf-8")
    settings = load(testing.installed(), RootFiles(root), root)
    shown = [layer.shown for layer in settings.layers]
    assert shown == ["package:acme-mlops/base.yaml", "package:acme-mlops/mlbreaks.yaml", "mlbreaks.yaml"]
    assert settings.fail_on == "low"
    assert set(settings.locked.values()) == {"package:acme-mlops/base.yaml"}
    assert "acme_mlops" not in sys.modules


def test_a_package_of_the_judged_tree_is_not_installed(package: Path) -> None:
    """Else it could stand in the place of its organisation's. But the environment that runs us may lie in the tree."""
    assert package_folder("acme-mlops", package / "other") == Path(os.path.realpath(package / "acme_mlops"))
    assert package_folder("acme-mlops", package) is None
    assert package_folder("yaml", Path(sys.prefix).parent) is not None
    assert package_folder("../x", package) is None


def test_a_path_that_no_system_has_is_no_file(tmp_path: Path) -> None:
    """Whatever is written, a mistake of the configuration is told as one."""
    tmp_path.joinpath("mlbreaks.yaml").write_text('extends: "a\\0b"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="no such file"):
        load(testing.installed(), RootFiles(tmp_path), tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right of their own there")
def test_nothing_outside_of_the_repository_is_read(tmp_path: Path) -> None:
    """Not through a link, and nothing of it comes into a message."""
    outside = tmp_path / "secret.yaml"
    outside.write_text("password: hunter2\n", encoding="utf-8")
    root = tmp_path / "repo"
    root.mkdir()
    root.joinpath("link.yaml").symlink_to(outside)
    root.joinpath("mlbreaks.yaml").write_text("extends: link.yaml\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(testing.installed(), RootFiles(root), root)
    assert str(caught.value) == "mlbreaks.yaml:1: link.yaml: is a link that leads out of the repository"
    root.joinpath("mlbreaks.yaml").unlink()
    root.joinpath("mlbreaks.yaml").symlink_to(outside)
    with pytest.raises(ConfigError, match="leads out of the repository"):
        load(testing.installed(), RootFiles(root), root)


def test_locked_checks_can_not_be_switched_off() -> None:
    """Each attempt of a file below is told, and changes nothing; what the locking file itself says counts."""
    settings = settings_of(
        mlbreaks_yaml="""\
extends: company.yaml
select: [push-order]
ignore: [shared-value-across-environments]
options: {shared-value-across-environments: {shared: [x]}}
ignores:
- {checks: [shared-value-across-environments, push-order], paths: [old/], reason: r}
""",
        company_yaml="""\
lock: [shared-value-across-environments]
options: {shared-value-across-environments: {shared: [company]}}
ignores:
- {checks: [shared-value-across-environments], paths: [theirs/], reason: known}
""",
    )
    check = "shared-value-across-environments"
    assert settings.locked == {check: "company.yaml"}
    assert check not in settings.ignore
    assert settings.options[check] == {"shared": ("company",)}
    assert settings.ignores[0].silences(check)
    assert not settings.ignores[1].silences(check)
    told = [(note.place.path, note.place.line, note.message.partition(": ")[2]) for note in settings.notes]
    assert told == [
        ("mlbreaks.yaml", 2, "it runs though it is not selected"),
        ("mlbreaks.yaml", 3, "it can't be ignored"),
        ("mlbreaks.yaml", 4, "its option 'shared' stays as it is"),
        ("mlbreaks.yaml", 6, "it can't be ignored"),
    ]
    assert all(note.message.startswith(f"{check} is locked by company.yaml: ") for note in settings.notes)


# ------------------------------------------------------------------------------------------------ schema and docs


def test_the_schema_that_ships_is_the_schema_that_is_read() -> None:
    """`mlbreaks config --schema` writes it; an editor checks by it what we check."""
    text = resources.files("pytest_mlbreaks").joinpath("schema", "settings-1.json").read_text(encoding="utf-8")
    shipped: dict[str, Any] = json.loads(text)
    assert shipped == schema.json_schema()
    jsonschema.Draft202012Validator.check_schema(shipped)
    validator = jsonschema.Draft202012Validator(shipped)
    validator.validate(yaml.safe_load(DOCUMENTED))
    assert not validator.is_valid({"slect": []})


GUIDE = (Path(__file__).parent.parent / "docs" / "configuration.md").read_text(encoding="utf-8")
DOCUMENTED = GUIDE.partition('```yaml title="mlbreaks.yaml"\n')[2].partition("```")[0]


def test_the_documented_example_is_read() -> None:
    """It uses every key that there is."""
    settings = settings_of(mlbreaks_yaml=re.sub(r"  - package:.*\n", "", DOCUMENTED), company_yaml="fail-on: low\n")
    used = settings.layers[-1].node.value
    assert isinstance(used, dict)
    assert set(used) == {name.replace("_", "-") for name in schema.SettingsFile.__struct_fields__}
    assert settings.pipelines
    assert settings.ignores


def test_every_key_is_documented() -> None:
    """In the table of the reference."""
    for name in schema.SettingsFile.__struct_fields__:
        assert f"\n| `{name.replace('_', '-')}` |" in GUIDE


def test_settings_are_shown_with_their_places() -> None:
    """Each key that is set, what it comes to, and where it is said, the nearest first."""
    text = "\n".join(
        show.lines(
            settings_of(
                mlbreaks_yaml="extends: company.yaml\nfail-on: low\nenvironments: {production: {names: [blue]}}\n",
                company_yaml="fail-on: high\nlock: [deploy-beside-tests]\nexclude: [old/]\n",
            )
        )
    )
    assert "fail-on (mlbreaks.yaml:2, company.yaml:1)\n    low" in text
    assert "lock (company.yaml:2)\n    deploy-beside-tests: company.yaml" in text
    assert "production names: blue" in text
    assert next(iter(show.lines(Settings()))).startswith("no configuration")
