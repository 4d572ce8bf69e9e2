"""What parameters and options can be, by the calls and command lines of the tree."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.model import Dataset
from pytest_mlbreaks.testing import linked

_LOAD = "import pandas as pd\ndef load(path, sep=','):\n    return pd.read_csv(path)\n"


def _names(files: dict[str, str]) -> set[str]:
    return {dataset.name for dataset in linked(files).all(Dataset)}


@pytest.mark.parametrize(
    ("calls", "names"),
    [
        ("load('data/churn.csv')", {"data/churn.csv"}),
        ("load(path='data/churn.csv')\nload('data/sales.csv')", {"data/churn.csv", "data/sales.csv"}),
        ("load('data/churn.csv')\nload(input())", set()),
        ("load(*['data/churn.csv'])", set()),
        (
            "def go(folder):\n    load(f'{folder}/churn.csv')\n    load(f'{folder}/sales.csv')\ngo(input())",
            {"{*}/churn.csv", "{*}/sales.csv"},
        ),
        (
            "def go(folder, file):\n    load(f'{folder}/churn.csv')\n    load(f'{folder}/{file}')",
            set(),
        ),
    ],
)
def test_what_calls_of_the_file_pass(calls: str, names: set[str]) -> None:
    """Each of them, where all can be told."""
    assert _names({"a.py": f"{_LOAD}{calls}\n"}) == names


def test_what_another_module_passes() -> None:
    """By an import, through a constant; a call that is not told leaves all open."""
    caller = "from util import load\nCHURN_PATH = 'data/churn.csv'\ndef main():\n    load(CHURN_PATH)\n"
    files = {"util.py": _LOAD, "main.py": caller}
    assert _names(files) == {"data/churn.csv"}
    assert _names({**files, "b.py": "from util import load\ndef go(x):\n    load(x)\n"}) == set()


def test_a_function_that_calls_itself() -> None:
    """Following what is passed ends, and what it passes on to itself is not told."""
    again = "import pandas as pd\ndef load(path):\n    pd.read_csv(path)\n    load(path)\n"
    assert _names({"a.py": f"{again}load('data/churn.csv')\n"}) == set()


_SCRIPT = (
    "import argparse\nimport pandas as pd\nparser = argparse.ArgumentParser()\n"
    "parser.add_argument('--input', default='data/churn.csv')\nargs = parser.parse_args()\npd.read_csv(args.input)\n"
)


def test_an_option_of_a_command_line() -> None:
    """What the one command that starts the file gives; the default where nothing of the tree starts it."""
    assert _names({"train.py": _SCRIPT}) == {"data/churn.csv"}
    stage = "stages:\n  train:\n    cmd: python train.py --input data/sales.csv\n"
    assert _names({"train.py": _SCRIPT, "dvc.yaml": stage}) == {"data/sales.csv"}
