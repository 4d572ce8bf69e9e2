"""What keys of configurations are that code loads."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pytest_mlbreaks.model import Pipeline, Process, Value
from pytest_mlbreaks.model.facts import ConfigPackage, DatasetAccess
from pytest_mlbreaks.testing import linked

CONFIG = "data:\n  path: data/raw/train.csv\n  root: data/interim\n"


def read(code: str, files: Mapping[str, str] | None = None, path: str = "src/train.py") -> list[str]:
    """What the datasets of *code* are called, with ``{*}`` for what is not told."""
    header = "import yaml\nimport pandas as pd\nfrom omegaconf import OmegaConf\n"
    pipeline = linked({path: header + code, "conf/config.yaml": CONFIG, **(files or {})})
    return [pipeline.pattern(a.target) for a in pipeline.all(DatasetAccess) if a.api.startswith("pandas")]


@pytest.mark.parametrize(
    "load",
    [
        "c = yaml.safe_load(open('conf/config.yaml'))",
        "with open('conf/config.yaml') as f:\n    c = yaml.safe_load(f)",
        "with open('conf/config.yaml') as f:\n    c = yaml.load(f.read(), Loader=yaml.SafeLoader) or {}",
        "from pathlib import Path\nc = yaml.safe_load(Path('conf/config.yaml').read_text())",
        "c = OmegaConf.load('../conf/config.yaml')",
        "f = open('conf/config.yaml')\nc = yaml.full_load(f)",
    ],
)
def test_ways_to_load(load: str) -> None:
    """Keys and attributes of what is loaded are the entries of the file."""
    code = f"{load}\npd.read_csv(c['data']['path'])\npd.read_csv(f\"{{c['data']['root']}}/x.csv\")\n"
    assert read(code) == ["data/raw/train.csv", "data/interim/x.csv"]


def test_functions_that_load() -> None:
    """A function of another module that returns it, given the path, or by its default; a part that is taken at once."""
    code = (
        "from src.util import load_config\n"
        "def main():\n"
        "    c = load_config()\n"
        "    d = load_config('conf/config.yaml')['data']\n"
        "    pd.read_csv(c['data']['path'])\n"
        "    pd.read_csv(d['path'])\n"
    )
    util = (
        "import yaml\n"
        "def load_config(path='conf/config.yaml'):\n"
        "    with open(path) as f:\n"
        "        return yaml.safe_load(f)\n"
    )
    assert read(code, {"src/util.py": util}) == ["data/raw/train.csv"] * 2


def test_attributes_and_modules() -> None:
    """An attribute of an object that one method fills; a variable of a module that others import."""
    code = (
        "from src.settings import SETTINGS\n"
        "class Loader:\n"
        "    def __init__(self):\n"
        "        self.config = OmegaConf.load('conf/config.yaml')\n"
        "    def load(self):\n"
        "        return pd.read_csv(self.config.data.path)\n"
        "def other():\n"
        "    return pd.read_csv(SETTINGS['data']['path'])\n"
    )
    settings = "import yaml\nSETTINGS = yaml.safe_load(open('conf/config.yaml'))\n"
    assert read(code, {"src/settings.py": settings}) == ["data/raw/train.csv"] * 2


@pytest.mark.parametrize(
    "code",
    [
        "c = yaml.safe_load(open('conf/config.yaml'))\nc['data']['path'] = 'x.csv'\npd.read_csv(c['data']['path'])",
        "c = yaml.safe_load(open('conf/config.yaml'))\nc.update(x)\npd.read_csv(c['data']['path'])",
        "c = yaml.safe_load(open('conf/config.yaml'))\nc = f(c)\npd.read_csv(c['data']['path'])",
        "c = yaml.safe_load(open(name))\npd.read_csv(c['data']['path'])",
        "c = yaml.safe_load(text)\npd.read_csv(c['data']['path'])",
        "c = yaml.safe_load(open('other.yaml'))\npd.read_csv(c['data']['path'])",
        "c = yaml.safe_load(open('conf/config.yaml'))\npd.read_csv(c['data']['gone'])",
        "c = OmegaConf.load(c.file)\npd.read_csv(c.data.path)",
        (
            "def load_config():\n    if x:\n        return {}\n    return OmegaConf.load('conf/config.yaml')\n"
            "def f():\n    c = load_config()\n    pd.read_csv(c.data.path)"
        ),
    ],
)
def test_what_is_not_told(code: str) -> None:
    """What is changed, bound twice, of a computed path or of no file of the tree, or not always returned."""
    assert read(code)[-1] == "{*}"


def test_of_several_files_the_nearest() -> None:
    """A file from a folder around the code goes before its namesakes; where none is nearer, it is not told."""
    other = {"a/conf/config.yaml": "data: {path: a.csv}\n"}
    code = "c = OmegaConf.load('conf/config.yaml')\npd.read_csv(c.data.path)\n"
    assert read(code, other, "a/train.py") == ["a.csv"]
    assert read(code, {**other, "conf/config.yaml": "x: 1\n", "b/conf/config.yaml": CONFIG}, "c/train.py") == ["{*}"]


# ------------------------------------------------------------------------------------------------------------ Hydra

CODE = """\
import hydra
import pandas as pd
@hydra.main(version_base=None, config_path="../conf", config_name="config")
def main(cfg):
    pd.read_csv(cfg.data.path)
    pd.read_csv(cfg.model.file)
    pd.read_csv(cfg.seed)
    pd.read_csv(cfg.out)
main()
"""
FILES = {
    "src/train.py": CODE,
    "conf/config.yaml": (
        "defaults:\n  - data: small\n  - model: tree\n  - _self_\n  - optional local: none\n  - hydra/launcher: x\n"
        "seed: 1\nroot: out\nout: ${root}/${data.name}.csv\n"
    ),
    "conf/data/small.yaml": "name: small\npath: data/small.csv\n",
    "conf/data/large.yaml": "# data\n# @package _group_\nname: large\npath: data/large.csv\n",
    "conf/model/tree.yaml": "# a tree\n\n# @package _global_\nmodel: {file: tree.csv}\n",
    "conf/local/none.yaml": "# @package _global_\nseed: 2\n",
}


def composed(command: str, **files: str) -> list[Value]:
    """What the step of a workflow that runs *command* reads."""
    steps = f"      - uses: actions/checkout@v4\n      - run: {command}\n"
    workflow = f"on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n{steps}"
    pipeline = linked({**FILES, ".github/workflows/a.yml": workflow, **files})
    (process,) = pipeline.all(Process)
    return resolved(pipeline, process)


def resolved(pipeline: Pipeline, process: Process | None) -> list[Value]:
    return [pipeline.resolve(access.target, process) for access in pipeline.all(DatasetAccess)]


def only(values: list[Value]) -> list[object]:
    return [value.only.value if value.only is not None else None for value in values]


def test_files_are_composed() -> None:
    """In the order of the defaults list: groups under their package, interpolations over all of it."""
    assert only(composed("python src/train.py")) == ["data/small.csv", "tree.csv", 2, "out/small.csv"]


def test_a_command_overrides() -> None:
    """Groups and values, as the command line of the process has them."""
    found = only(composed("python src/train.py data=large root=/tmp/x model.file=other.csv"))
    assert found == ["data/large.csv", "other.csv", 2, "/tmp/x/large.csv"]


def test_without_a_process_others_may_override() -> None:
    """What the files say is one of what it can be."""
    value = resolved(linked(FILES), None)[0]
    assert ([a.value for a in value], value.complete, value.reason) == (
        ["data/small.csv"],
        False,
        "depends on who overrides it",
    )


@pytest.mark.parametrize(
    "words", ["data=gone", "+experiment=a", "-m data=small,large", "data.path=$X", "--config-name=b"]
)
def test_what_may_be_set_otherwise_is_open(words: str) -> None:
    """A file that is not there, a group that is added, a sweep, a value of the shell, another file to begin with."""
    files = {"conf/experiment/a.yaml": "x: 1\n"}
    assert only(composed(f"python src/train.py {words}", **files))[0] is None


def test_an_override_in_a_defaults_list_is_open() -> None:
    """It takes the place of an earlier choice."""
    assert only(
        composed(
            "python src/train.py",
            **{"conf/config.yaml": ("defaults:\n  - data: small\n  - override data: large\n  - _self_\nseed: 3\n")},
        )
    )[::2] == [None, 3]


def test_the_package_of_a_file() -> None:
    """Its line is stated, wherever among the first comments it stands."""
    found = {p.path: p.package for p in linked(FILES).all(ConfigPackage)}
    assert found["conf/data/large.yaml"] == "_group_"
    assert found["conf/model/tree.yaml"] == "_global_"
