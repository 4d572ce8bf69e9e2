"""The command with a configuration, suppressions and a baseline: what a user of an old repository goes through."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pytest_mlbreaks import cli

CHECK = "step-entry-file-absent"


def workflow(comment: str = "", script: str = "pipelines/gone.py") -> str:
    """A scheduled job that starts a script which is not there; the finding is on line 7."""
    return f"""\
on: {{schedule: [{{cron: "0 3 * * *"}}]}}
jobs:
  features:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: python {script}{comment}
"""


def put(folder: Path, path: str, text: str) -> None:
    """Write a file."""
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with two findings of `CHECK`, which fail; the current folder."""
    put(tmp_path, ".github/workflows/a.yml", workflow())
    put(tmp_path, ".github/workflows/b.yml", workflow(script="steps/lost.py"))
    put(tmp_path, "app.py", "print(1)\n")
    put(tmp_path, "batch/gone.py", "print(1)\n")  # where the scripts are now
    put(tmp_path, "batch/lost.py", "print(1)\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


FAIL = ("--fail-on", "medium")
"""At which findings of `CHECK` fail a run: its confidence is medium."""


def run(*arguments: str) -> int:
    """The exit code of the command, also where argparse ends it."""
    try:
        return cli.main(arguments)
    except SystemExit as end:
        return int(end.code or 0)


def report(capsys: pytest.CaptureFixture[str], *arguments: str, code: int | None = None) -> dict[str, Any]:
    """The JSON report of a run of `CHECK`, which ends with *code*."""
    capsys.readouterr()
    ended = run("check", "--format", "json", *arguments)
    said = capsys.readouterr()
    assert code is None or ended == code, said.err
    data: dict[str, Any] = json.loads(said.out)
    return data


def silenced(data: dict[str, Any]) -> dict[str, Any]:
    """By file of the finding, what silences it."""
    return {f["place"]["path"][-5:]: f["suppressed"] and f["suppressed"]["by"] for f in data["findings"]}


def remarks(data: dict[str, Any]) -> list[str]:
    """What is told of settings."""
    return [d["message"] for d in data["diagnostics"] if d["topic"] == "settings"]


def only(repo: Path, text: str) -> None:
    """Configure the one check, and *text*."""
    put(repo, "mlbreaks.yaml", f"select: [{CHECK}]\n{text}")


def test_a_comment_suppresses_and_is_told_when_it_is_no_longer_needed(
    repo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it suppresses is in the JSON with the reason; in the terminal it is counted, and shown with -v."""
    only(repo, "")
    put(repo, ".github/workflows/a.yml", workflow(f"  # mlbreaks: ignore[{CHECK}] made by another job"))
    data = report(capsys, *FAIL, code=1)
    assert silenced(data) == {"a.yml": "inline", "b.yml": None}
    assert data["summary"]["suppressed"] == 1
    run("check")
    text = capsys.readouterr().out
    assert "1 finding, 0 at or above the threshold (high), 1 suppressed (1 inline)" in text
    assert "a.yml" not in text
    run("check", "-v")
    assert "suppressed (inline): made by another job" in capsys.readouterr().out
    put(repo, ".github/workflows/a.yml", workflow(f"  # mlbreaks: ignore[{CHECK}] made by another job", "app.py"))
    assert remarks(report(capsys, *FAIL, code=1)) == [f"ignore[{CHECK}] suppresses nothing: {CHECK} found nothing here"]
    assert run("check", *FAIL) == 1
    assert "Settings  1 remark" in capsys.readouterr().out


def test_another_check_tells_nothing_of_a_suppression(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A run of some checks does not call the suppressions of the others needless."""
    put(repo, ".github/workflows/a.yml", workflow(f"  # mlbreaks: ignore[{CHECK}] r", "app.py"))
    assert remarks(report(capsys, "--select", "push-order", "--ignore", CHECK)) == []


def test_the_configuration_ignores_by_path_and_by_resource(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A resource is one that the JSON names under `about`."""
    only(repo, "")
    about = {f["place"]["path"][-5:]: f["about"][0] for f in report(capsys)["findings"]}
    only(repo, f"ignores:\n- {{checks: [{CHECK}], paths: ['**/a.yml'], reason: r}}\n")
    assert silenced(report(capsys, *FAIL, code=1)) == {"a.yml": "config", "b.yml": None}
    entry = json.dumps({"checks": [CHECK], "resources": [about["b.yml"]], "reason": "r"})
    only(repo, f"ignores:\n- {entry}\n")
    assert silenced(report(capsys, *FAIL, code=1)) == {"a.yml": None, "b.yml": "config"}


def test_what_is_excluded_is_not_judged(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And the report says so."""
    only(repo, "exclude: ['**/a.yml', b.yml]\n")
    data = report(capsys, code=0)
    assert data["findings"] == []
    kinds = {one["reason"]: one["files"] for one in data["read"]["not_read"]}
    assert kinds["left out by the configuration (exclude)"] == 2


def test_what_is_excluded_is_not_missing(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What refers to it is not judged, rather than wrong."""
    put(repo, "old/deep/run.py", "print(1)\n")
    put(repo, ".github/workflows/c.yml", workflow(script="old/deep/run.py"))
    only(repo, "exclude: [old/]\n")
    data = report(capsys, *FAIL, code=1)
    assert silenced(data) == {"a.yml": None, "b.yml": None}
    (result,) = data["results"]
    assert [one["place"]["path"] for one in result["unjudged"]] == [".github/workflows/c.yml"]


def test_the_threshold_is_the_commands_else_the_configurations(repo: Path) -> None:
    """`never` is a start that only looks."""
    assert run("check", "--fail-on", "never") == 0
    only(repo, "fail-on: never\n")
    assert run("check") == 0
    assert run("check", "--fail-on", "low") == 1


@pytest.mark.parametrize(
    ("text", "arguments", "told"),
    [
        ("slect: []\n", (), "mlbreaks: mlbreaks.yaml:1: no key 'slect' in the settings; did you mean 'select'?"),
        ("baseline: x.json\n", (), "mlbreaks: mlbreaks.yaml:1: the baseline x.json is not there"),
        ("", ("--baseline", "none.json"), "mlbreaks: none.json: the baseline none.json is not there"),
        ("", ("--baseline", "mlbreaks.yaml"), "the baseline mlbreaks.yaml is no baseline"),
        ("", ("--config", "none.yaml"), "none.yaml: no such file"),
        ("", ("--pipeline", "x"), "no pipeline 'x': the configuration names none"),
    ],
)
def test_a_mistake_in_the_configuration_is_exit_code_2(
    repo: Path, capsys: pytest.CaptureFixture[str], text: str, arguments: tuple[str, ...], told: str
) -> None:
    """With the file, the line and what is nearest."""
    put(repo, "mlbreaks.yaml", text)
    assert run("check", *arguments) == 2
    assert told in capsys.readouterr().err


def test_a_configuration_can_be_put_aside(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever a repository says of itself, one can look without it."""
    put(repo, "mlbreaks.yaml", "ignore: [push-order]\n")
    assert run("check") == 0
    assert run("check", "--config", "/dev/null", *FAIL) == 1


def test_a_baseline_is_written_and_counts(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only new findings fail; the report says how many old ones stand and which are gone; a new one drops those."""
    only(repo, "")
    assert run("baseline") == 0
    said = capsys.readouterr().out
    assert "mlbreaks-baseline.json: 2 findings accepted\n" in said
    assert 'It counts where the configuration says `baseline = "mlbreaks-baseline.json"`' in said
    first = (repo / "mlbreaks-baseline.json").read_bytes()
    assert run("check", *FAIL) == 1
    assert run("check", "--baseline", "mlbreaks-baseline.json") == 0
    only(repo, "baseline: mlbreaks-baseline.json\n")
    data = report(capsys, code=0)
    assert silenced(data) == {"a.yml": "baseline", "b.yml": "baseline"}
    assert data["baseline"] == {"file": "mlbreaks-baseline.json", "standing": 2, "gone": [], "untold": 0}

    put(repo, ".github/workflows/a.yml", "# a line more\n" + workflow())  # what moves stays accepted
    put(repo, ".github/workflows/b.yml", workflow(script="app.py"))
    put(repo, ".github/workflows/c.yml", workflow())
    data = report(capsys, *FAIL, code=1)
    assert silenced(data) == {"a.yml": "baseline", "c.yml": None}
    assert [one["path"] for one in data["baseline"]["gone"]] == [".github/workflows/b.yml"]
    run("check")
    text = capsys.readouterr().out
    assert "Baseline  mlbreaks-baseline.json: 1 accepted finding stands, 1 gone" in text
    assert "gone: .github/workflows/b.yml: step-entry-file-absent: features starts" in text

    assert run("baseline") == 0
    assert run("check") == 0
    assert report(capsys)["baseline"]["gone"] == []
    put(repo, ".github/workflows/a.yml", workflow())
    put(repo, ".github/workflows/b.yml", workflow(script="steps/lost.py"))
    (repo / ".github/workflows/c.yml").unlink()
    (repo / "mlbreaks-baseline.json").unlink()
    assert run("baseline") == 0  # the configuration names a file that is not there yet
    assert (repo / "mlbreaks-baseline.json").read_bytes() == first


def test_a_baseline_keeps_what_a_run_can_not_judge(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One of some checks does not throw the others' findings away."""
    only(repo, "")
    assert run("baseline", "--output", "base.json") == 0
    first = (repo / "base.json").read_bytes()
    put(repo, "mlbreaks.yaml", "")
    assert run("baseline", "--select", "data-join", "-o", "base.json") == 0
    assert "2 kept that this run could not judge" in capsys.readouterr().out
    assert (repo / "base.json").read_bytes() == first


def test_a_baseline_that_can_not_be_written_or_is_broken(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is overwritten that is no baseline."""
    assert run("baseline", "-o", "nowhere/base.json") == 2
    assert run("baseline", "-o", "app.py") == 2
    assert (repo / "app.py").read_text(encoding="utf-8") == "print(1)\n"
    assert "the baseline app.py is no baseline" in capsys.readouterr().err


def test_locked_checks(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither the command's --ignore nor a comment nor a baseline takes them out; each attempt is told."""
    put(repo, "company.yaml", f"lock: [{CHECK}]\n")
    put(repo, "mlbreaks.yaml", "extends: company.yaml\n")
    put(repo, ".github/workflows/a.yml", workflow(f"  # mlbreaks: ignore[{CHECK}] r"))
    assert run("baseline") == 0
    assert f"not accepted: 2 of {CHECK}, which is locked by company.yaml" in capsys.readouterr().out
    data = report(capsys, "--ignore", "push-order", *FAIL, code=1)
    assert silenced(data) == {"a.yml": None, "b.yml": None}
    assert remarks(data) == [
        f"{CHECK} is locked by company.yaml: it can't be ignored",
        f"{CHECK} is locked by company.yaml: it can't be silenced, and the finding stands",
    ]


def test_pipelines(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each finding says of which it is; --pipeline reads one."""
    put(repo, "compose/a/compose.yaml", "services: {}\n")
    text = """\
pipelines:
- {name: first, root: compose/a, shared: [.github/workflows/a.yml]}
- {name: second, root: compose/b, shared: [.github/workflows/b.yml]}
"""
    only(repo, text)
    data = report(capsys, *FAIL, code=1)
    assert {f["place"]["path"][-5:]: f["pipeline"] for f in data["findings"]} == {"a.yml": "first", "b.yml": "second"}
    assert [f["pipeline"] for f in report(capsys, "--pipeline", "second")["findings"]] == ["second"]
    assert run("check", "--pipeline", "secnd") == 2
    assert "no pipeline 'secnd'; did you mean 'second'?" in capsys.readouterr().err


def test_a_revision_has_its_own_configuration(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What stood there then is what counts."""
    only(repo, "exclude: ['**/a.yml']\n")
    named = ("-c", "user.name=n", "-c", "user.email=e@example.com", "-c", "commit.gpgsign=false")
    for command in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "x")):
        subprocess.run(["git", *named, *command], cwd=repo, check=True, capture_output=True)
    only(repo, "")
    assert len(report(capsys)["findings"]) == 2
    assert len(report(capsys, "--revision", "HEAD")["findings"]) == 1


def test_the_nearest_configuration_counts(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From the folder that the paths are in upwards."""
    put(repo, ".git/HEAD", "")
    put(repo, "sub/mlbreaks.yaml", "fail-on: never\n")
    put(repo, "sub/deep/x.py", "")
    assert run("check", *FAIL) == 1
    assert run("check", "sub/deep", ".github", *FAIL) == 1
    assert report(capsys, "sub/deep")["summary"]["threshold"] == "never"
    put(repo, ".conf/mlbreaks.yaml", "fail-on: low\n")
    assert report(capsys, ".conf")["summary"]["threshold"] == "low"
    assert report(capsys, "sub/deep/x.py")["summary"]["threshold"] == "never"


def test_settings_are_shown(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each with its file and line; the schema is printed for editors."""
    only(repo, "fail-on: low\n")
    assert run("config") == 0
    text = capsys.readouterr().out
    assert text.startswith("read: mlbreaks.yaml\n")
    assert "fail-on (mlbreaks.yaml:2)\n    low\n" in text
    assert run("config", "--schema") == 0
    assert json.loads(capsys.readouterr().out)["$id"] == "urn:pytest-mlbreaks:settings:1"
    put(repo, "mlbreaks.yaml", "fail-on: x\n")
    assert run("config") == 2


def test_configured_names_say_what_is_production(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An address that is production's by the configuration alone, in the settings of another environment."""
    put(repo, "conf/blue.yaml", "registry_db: db.acme.net\nlevel: a\n")
    put(repo, "conf/green.yaml", "registry_db: db.acme.net\nlevel: b\n")
    check = "shared-value-across-environments"
    named = "environments:\n  production: {names: [blue], hosts: ['*.acme.net']}\n  not-production: {names: [green]}\n"
    put(repo, "mlbreaks.yaml", f"select: [{check}]\n")
    assert report(capsys)["findings"] == []
    put(repo, "mlbreaks.yaml", f"select: [{check}]\n{named}")
    (found,) = report(capsys)["findings"]
    assert found["place"]["path"] == "conf/green.yaml"
    assert found["message"].startswith("green.yaml sets registry_db to 'db.acme.net', which is production's.")
