"""What is installed: from a wheel, in an editable install, and what a source distribution holds."""

from __future__ import annotations

import os
import re
import site
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from pytest_mlbreaks import __version__

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples" / "click-through" / "breaks"


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command with nothing of this test run in its environment."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    return subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True, encoding="utf-8", check=False)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a source distribution of this repository and the wheel made from it, built without a network."""
    folder = tmp_path_factory.mktemp("dist")
    building = run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    assert building.returncode == 0, building.stdout + building.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    """The wheel."""
    (path,) = built.glob("*.whl")
    return path


def environment_with(folder: Path, *install: str | Path) -> Path:
    """A new virtual environment in *folder* with *install* in it; the folder of its programs. Nothing is fetched:
    what we depend on is taken from the environment that runs the tests."""
    making = run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    assert making.returncode == 0, making.stderr
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    packages = next(folder.glob("[Ll]ib/**/site-packages"))
    # The .pth files of a folder that a .pth file names are not run, so an editable install there stays out.
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()) + "\n", encoding="utf-8")
    installing = run(
        *(sys.executable, "-m", "pip", "--python", programs / "python", "--disable-pip-version-check"),
        *("install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"),
        *("--ignore-installed", *install),  # or it would remove what it sees in the other environment
        cwd=folder,
    )
    assert installing.returncode == 0, installing.stderr
    return programs


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that the wheel is installed in."""
    return environment_with(tmp_path_factory.mktemp("installed") / "environment", wheel)


@pytest.fixture(scope="module")
def editable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with an editable install."""
    return environment_with(tmp_path_factory.mktemp("editable") / "environment", "--editable", ROOT) / "python"


def test_the_wheel_holds_data_and_pages(wheel: Path) -> None:
    """Whatever is read at run time ships beside the code that reads it; nothing else does."""
    names = zipfile.ZipFile(wheel).namelist()
    expected = {
        path.relative_to(package.parent).as_posix()
        for package in (ROOT / "pytest_mlbreaks", ROOT / "checks" / "mlbreaks_checks")
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"pytest_mlbreaks/py.typed", "pytest_mlbreaks/taxonomy.yaml", "mlbreaks_checks/py.typed"} <= expected
    assert {name for name in names if ".dist-info/" not in name} == expected
    assert wheel.name.startswith(f"pytest_mlbreaks-{__version__}-py3-none-any")


def test_the_source_distribution_holds_tests_and_examples(built: Path) -> None:
    """Tests can be run from it, and nothing that a tool left behind is in it."""
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "pyproject.toml", "tests/test_packaging.py", ".ci/run"} <= names
    assert {"checks/mlbreaks_checks/__init__.py", "examples/click-through/holds/.github/workflows/ci.yml"} <= names
    assert not [name for name in names if re.search(r"\.pyc$|(^|/)(\.venv[^/]*|\.git|dist|\.[a-z]+_cache)/", name)]


def test_entry_points_load(programs: Path, tmp_path: Path) -> None:
    """The plugin, the two packs and the command are declared, and import without a warning."""
    script = (
        "import importlib.metadata as m\n"
        "for p in m.distribution('pytest-mlbreaks').entry_points:\n"
        "    p.load(); print(p.group, p.name)\n"
    )
    loading = run(programs / "python", "-W", "error", "-c", script, cwd=tmp_path)
    assert loading.stderr == ""
    assert sorted(loading.stdout.splitlines()) == [
        "console_scripts mlbreaks",
        "mlbreaks mlbreaks",
        "mlbreaks mlbreaks-checks",
        "pytest11 mlbreaks",
    ]


def test_the_name_checks_is_not_taken(programs: Path, tmp_path: Path) -> None:
    """``checks`` is a likely name for a package of our users."""
    script = "import importlib.util as u, pytest_mlbreaks as p; print(u.find_spec('checks'), p.__file__)"
    looking = run(programs / "python", "-c", script, cwd=tmp_path)
    assert looking.stdout.startswith("None "), looking.stdout + looking.stderr
    assert str(ROOT) not in looking.stdout


def test_list_from_a_wheel(programs: Path, tmp_path: Path) -> None:
    """``mlbreaks list`` names the built-in checks."""
    listing = run(programs / "mlbreaks", "list", cwd=tmp_path)
    assert listing.returncode == 0, listing.stderr
    pages = list((ROOT / "checks" / "mlbreaks_checks").glob("*/*.md"))
    assert pages
    for page in pages:
        assert page.stem.replace("_", "-") in listing.stdout


def test_the_command_from_a_wheel(programs: Path, tmp_path: Path) -> None:
    """It finds what is wrong with the example, and says so in its exit code."""
    judging = run(programs / "mlbreaks", "check", "--root", EXAMPLE, cwd=tmp_path)
    assert judging.returncode == 1, judging.stdout + judging.stderr
    assert "k8s/autoscaling.yaml" in judging.stdout


def test_the_main_job_from_a_wheel(programs: Path, tmp_path: Path) -> None:
    """pytest finds what is wrong with the example; what the README shows of it is what it says, but for line breaks."""
    judging = run(
        *(programs / "python", "-m", "pytest", "--mlbreaks-only", "--mlbreaks-root", EXAMPLE),
        cwd=tmp_path,
    )
    assert judging.returncode == 1, judging.stdout + judging.stderr
    said = " ".join(judging.stdout.split())
    for part in re.split(r"^\.\.\.$", readme_fence("sample"), flags=re.MULTILINE):
        assert " ".join(part.split()) in said


def readme_fence(marker: str) -> str:
    """The content of the code fence right after ``<!-- marker -->`` in the README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(rf"^<!-- {marker} -->\n```\w+\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert found, f"README.md has no code fence after <!-- {marker} -->"
    return found[1]


@pytest.mark.parametrize("marker", ["first-run", "test"])
def test_the_readme_has_one_command(marker: str) -> None:
    """CI runs what stands there, so it has to be one line that needs nothing but Python and git."""
    (command,) = readme_fence(marker).splitlines()
    assert command.startswith("python3 -m venv ")


PACK = """
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import assert_type

from mlbreaks_checks import mlbreaks_checks
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Severity, Verdict, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.HIGH, since="0.1")


@check.over(facts.Container)
def find(container: facts.Container, pipeline: Pipeline) -> Iterator[Verdict]:
    yield Finding(at=container.place, message=3)


assert_type(mlbreaks_checks(), Sequence[ModuleType])
"""
"""A pack with one wrong type in it: who resolves the packages says so, and has nothing else to say."""


def test_mypy_resolves_an_editable_install(editable: Path, tmp_path: Path) -> None:
    """Authors of packs get our types."""
    (tmp_path / "pack.py").write_text(PACK, encoding="utf-8")
    checking = run(
        *(sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", tmp_path / "cache"),
        *("--python-executable", editable, "pack.py"),
        cwd=tmp_path,
    )
    said = checking.stdout + checking.stderr
    assert 'Argument "message" to "Finding" has incompatible type "int"' in said, said
    assert said.count("error: ") == 1, said


def test_pyright_resolves_an_editable_install(editable: Path, tmp_path: Path) -> None:
    """So do those who use pyright, or an editor built on it."""
    (tmp_path / "pack.py").write_text(PACK, encoding="utf-8")
    starting = run(sys.executable, "-m", "pyright", "--version", cwd=tmp_path)
    if starting.returncode != 0:
        pytest.skip(f"pyright can't start here: {(starting.stderr.strip() or 'no reason given').splitlines()[-1]}")
    checking = run(sys.executable, "-m", "pyright", "--pythonpath", editable, "pack.py", cwd=tmp_path)
    said = checking.stdout + checking.stderr
    assert 'parameter "message" of type "str"' in said, said
    assert said.count(" error: ") == 1, said


def test_one_list_of_supported_pythons() -> None:
    """Classifiers and CI name the same ones."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    classified = re.findall(r"Python :: (3\.\d+)", " ".join(project["classifiers"]))
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (listed,) = re.findall(r"^supported=\((.*)\)$", script, re.MULTILINE)
    workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    assert listed.split() == classified
    assert sorted(re.findall(r"^ +(3\.\d+)$", workflow, re.MULTILINE)) == sorted(classified)
    assert project["requires-python"] == f">={classified[0]}"
