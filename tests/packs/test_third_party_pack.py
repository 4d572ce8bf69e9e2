"""A pack of somebody else: installed as theirs would be, and run there."""

from __future__ import annotations

import json
import os
import site
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CHECK = "bento-packages-unlocked"
FLOATING = "service: s:S\npython:\n  lock_packages: false\n  packages:\n    - torch\n"


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command with nothing of this test run in its environment."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    return subprocess.run(
        command, cwd=cwd, env=clean | environment, capture_output=True, text=True, encoding="utf-8", check=False
    )


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a new environment with this project and the pack in it. Nothing is fetched: what both depend on is
    taken from the environment that runs the tests."""
    folder = tmp_path_factory.mktemp("environment")
    making = run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    assert making.returncode == 0, making.stderr
    program = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    packages = next(folder.glob("[Ll]ib/**/site-packages"))
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()) + "\n", encoding="utf-8")
    installing = run(
        *(sys.executable, "-m", "pip", "--python", program, "--disable-pip-version-check", "install", "--quiet"),
        *("--no-deps", "--no-index", "--no-build-isolation", "--ignore-installed", ROOT, HERE / "bento"),
        cwd=folder,
    )
    assert installing.returncode == 0, installing.stderr
    return program


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A folder with a bento that breaks."""
    folder = tmp_path / "repo"
    folder.mkdir()
    (folder / "bentofile.yaml").write_text(FLOATING)
    return folder


def test_its_reader_fact_and_check_work(python: Path, repo: Path) -> None:
    """Its file is read by its reader into its fact, and its check finds what is wrong with it."""
    done = run(python, "-m", "pytest_mlbreaks", "check", "--format", "json", repo, cwd=repo)
    assert (done.returncode, done.stderr) == (1, "")
    data = json.loads(done.stdout)
    assert data["tool"]["packs"]["bento"] == "1.2.3"
    assert [(f["check"], f["place"]["line"]) for f in data["findings"]] == [(CHECK, 5)]
    assert data["findings"][0]["fix"] == "Pin each package, or leave `lock_packages` at its default."


def test_its_reporter_works(python: Path, repo: Path) -> None:
    """A format that it brings is one like any other."""
    done = run(python, "-m", "pytest_mlbreaks", "check", "--report", "count:n.txt", repo, cwd=repo)
    assert done.returncode == 1
    assert (repo / "n.txt").read_text() == "1 findings\n"


def test_its_page_works(python: Path, repo: Path) -> None:
    """It is explained, and held to its examples, by the command and by the function for tests."""
    explained = run(python, "-m", "pytest_mlbreaks", "explain", CHECK, cwd=repo)
    assert explained.stdout.startswith("# A bento resolves its packages anew at each build\n")
    ran = run(python, "-m", "pytest_mlbreaks", "pages", CHECK, cwd=repo)
    assert (ran.returncode, ran.stdout) == (0, "1 page, 0 with problems\n")
    script = f"from pytest_mlbreaks.testing import assert_page; assert_page({CHECK!r})"
    tested = run(python, "-c", script, cwd=repo)
    assert (tested.returncode, tested.stderr) == (0, "")


def test_its_facts_survive_being_written(python: Path, repo: Path) -> None:
    """A fact type of a pack is read back as what it was."""
    script = (
        "from pytest_mlbreaks import engine, testing\n"
        "from pytest_mlbreaks.codec import FactCodec\n"
        "from pytest_mlbreaks.tree import MemoryTree\n"
        "packs = testing.installed()\n"
        f"tree = MemoryTree({{'bentofile.yaml': {FLOATING!r}}})\n"
        "facts = engine.read(tree, packs, lambda *told: None).facts\n"
        "codec = FactCodec(packs.facts)\n"
        "assert [type(fact).__name__ for fact in facts if fact.identity == 'bento:bentofile.yaml'] == ['Bento']\n"
        "assert tuple(codec.decode(codec.encode(facts))) == facts\n"
    )
    done = run(python, "-c", script, cwd=repo)
    assert (done.returncode, done.stderr) == (0, "")


CHECK_SOURCE = (
    '"""A title."""\n'
    "from pytest_mlbreaks.api import Check, Confidence, Severity, facts\n"
    "check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since='1')\n"
    "@check.over(facts.Container)\n"
    "def find(container, pipeline):\n"
    "    yield from ()\n"
)
HOOKS = (
    "import sys\n"
    "from pytest_mlbreaks.api import hookimpl\n"
    "@hookimpl\n"
    "def mlbreaks_checks():\n"
    "    return (sys.modules[__name__],)\n"
)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"__init__.py": "import no_such_module\n"}, ["'broken'", "No module named 'no_such_module'"]),
        ({"__init__.py": "1 +\n"}, ["'broken'", "SyntaxError"]),
        (
            {"__init__.py": HOOKS, "push_order/__init__.py": "", "push_order/bento_packages_unlocked.py": CHECK_SOURCE},
            ["two packs bring a check called 'bento-packages-unlocked'"],
        ),
        (
            {"__init__.py": HOOKS, "no_category/__init__.py": "", "no_category/some_check.py": CHECK_SOURCE},
            ["broken_pack.no_category.some_check", "no category 'no-category'"],
        ),
        (
            {"__init__.py": HOOKS, "push_order/__init__.py": "", "push_order/some_check.py": "1 / 0\n"},
            ["broken_pack.push_order.some_check", "ZeroDivisionError"],
        ),
        (
            {"__init__.py": HOOKS, "push_order/__init__.py": "", "push_order/some_check.py": '"""Nothing."""\n'},
            ["broken_pack.push_order.some_check", "no `check = Check("],
        ),
        (
            {"__init__.py": HOOKS.replace("mlbreaks_checks()", "mlbreaks_checks(wrong)")},
            ["'broken'", "mlbreaks_checks", "wrong"],
        ),
        ({"__init__.py": HOOKS.replace("mlbreaks_checks", "mlbreaks_chekcs")}, ["'broken'", "mlbreaks_chekcs"]),
        ({"__init__.py": HOOKS.replace("return", "raise ValueError")}, ["mlbreaks_checks", "ValueError"]),
    ],
    ids=["import", "syntax", "twice", "category", "check", "empty", "argument", "hook", "raises"],
)
def test_a_broken_pack_is_an_error(
    python: Path, repo: Path, tmp_path: Path, files: dict[str, str], told: list[str]
) -> None:
    """Never a warning, and never a run without it: exit code 2, and one line that names what is wrong."""
    packages = tmp_path / "packages"
    for name, content in files.items():
        path = packages / "broken_pack" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    metadata = packages / "broken_pack-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-pack\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[mlbreaks]\nbroken = broken_pack\n")
    done = run(python, "-m", "pytest_mlbreaks", "check", repo, cwd=repo, PYTHONPATH=str(packages))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("mlbreaks: ")
    assert len(done.stderr.splitlines()) == 1
    assert all(part in done.stderr for part in told)
