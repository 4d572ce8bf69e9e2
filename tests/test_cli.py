"""The command: what it shows, where it writes, and its exit codes."""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_mlbreaks import cli, packs, pages
from pytest_mlbreaks.check import Confidence, Severity
from pytest_mlbreaks.model import Place
from pytest_mlbreaks.readers.compose import READER as COMPOSE
from pytest_mlbreaks.report import AxisPosition, Read, Related, Report, ReportedFinding, Reporter, Result, Share, Shown

PACK = Path(__file__).parent / "packs" / "bento" / "src"
FLOATING = "service: s:S\npython:\n  lock_packages: false\n  packages:\n    - torch\n"
LOCKED = "service: s:S\npython:\n  packages: [torch]\n"


@pytest.fixture(autouse=True)
def bento(monkeypatch: pytest.MonkeyPatch) -> Iterator[packs.Packs]:
    """The third-party pack of the tests, as if it were installed."""
    monkeypatch.syspath_prepend(str(PACK))
    monkeypatch.delenv("NO_COLOR", raising=False)
    pages._page.cache_clear()
    import mlbreaks_bento

    loaded = packs.load([("bento", mlbreaks_bento)])
    monkeypatch.setattr(packs, "load", lambda: loaded)
    yield loaded
    pages._page.cache_clear()


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository with one finding under ``a`` and one under ``b``; the current folder."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "bentofile.yaml").write_text(FLOATING)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "-q", "-m", "one")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    """Run git as somebody."""
    named = ("-c", "user.name=n", "-c", "user.email=e@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", folder, *named, *arguments], check=True, capture_output=True)


def run(*arguments: str) -> int:
    """The exit code of the command, also where argparse ends it."""
    try:
        return cli.main(arguments)
    except SystemExit as end:
        return int(end.code or 0)


def json_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """The JSON report of a run."""
    run("check", "--format", "json", *arguments)
    data: dict[str, Any] = json.loads(capsys.readouterr().out)
    return data


def paths(data: dict[str, Any]) -> list[str]:
    """Where the findings of a report are."""
    return [finding["place"]["path"] for finding in data["findings"]]


BOTH = ["a/bentofile.yaml", "b/bentofile.yaml"]


# ------------------------------------------------------------------------------------------------- exit codes


@pytest.mark.parametrize("level", ["terminal", "json", "count"])
def test_the_format_never_changes_the_code(repo: Path, level: str) -> None:
    """1 for findings at or above the threshold, 0 without."""
    assert run("check", "--format", level) == 1
    assert run("check", "--format", level, "--fail-on", "never") == 0
    (repo / "a" / "bentofile.yaml").write_text(LOCKED)
    (repo / "b" / "bentofile.yaml").write_text(LOCKED)
    assert run("check", "--format", level, "--fail-on", "low") == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["check", "nowhere"], "nowhere: no such file or folder"),
        (["check", "a\0b"], "a\ufffdb: "),
        (["check", "--root", "nowhere"], "nowhere: no such folder"),
        (["check", "--select", "bento-package-unlocked"], "did you mean 'bento-packages-unlocked'?"),
        (["check", "--ignore", "push-ordr"], "did you mean 'push-order'?"),
        (["check", "--fail-on", "hgh"], "no threshold 'hgh'"),
        (
            ["check", "--format", "xml"],
            "no report format 'xml'; there are count, github, json, markdown, sarif, terminal",
        ),
        (["check", "--report", "xml:x"], "no report format 'xml'"),
        (["check", "--report", "json:"], "FORMAT:PATH"),
        (["check", "--report", "json", "--format", "count"], "two reports on standard output"),
        (["check", "--report", "json:no/such/folder"], "no/such/folder: can't be written"),
        (["check", "--revision", "nonsense"], "git knows no revision 'nonsense'"),
        (["check", "--revision", "--output=x"], "expected one argument"),
        (["check", "--revision", "HEAD", "b"], "b: no such file or folder at HEAD"),
        (["check", "--revision=--output=x"], "git knows no revision"),
        (["check", "--no-such-option"], "--no-such-option"),
        (["chek"], "chek"),
        ([], "COMMAND"),
        (["explain", "push-ordr"], "did you mean 'push-order'?"),
        (["explain", "bento-package-unlocked"], "did you mean 'bento-packages-unlocked'?"),
        (["pages", "bento-package-unlocked"], "did you mean 'bento-packages-unlocked'?"),
        (["new", "push-ordr/some-check"], "the nearest is 'push-order'"),
        (["new", "push-order/Nonsense"], "is no id"),
        (["new", "push-order/bento-packages-unlocked"], "is taken by resource-provisioning/bento-packages-unlocked"),
        (["new", "push-order/some-check"], "--pack DIR"),
        (["new", "push-order/some-check", "--pack", "nowhere"], "nowhere: no such folder"),
    ],
    ids=lambda value: " ".join(value).replace("\0", "NUL") if isinstance(value, list) else None,
)
def test_a_mistake_in_the_command_is_told(
    repo: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    """Exit code 2, one line on standard error that helps, and nothing written."""
    assert run(*arguments) == 2
    captured = capsys.readouterr()
    assert told in captured.err
    assert "Traceback" not in captured.err
    assert not (repo / "x").exists()


def test_a_check_that_fails_is_never_a_pass(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 3, whatever else was found."""
    from pytest_mlbreaks import engine
    from pytest_mlbreaks.judge.apply import Trace

    failed = Result(check="x", category="push-order", outcome="failed", judged=0, reason="KeyError")
    monkeypatch.setattr(engine, "look", lambda *given: (failed, Trace("x", (), {})))
    assert run("check") == 3
    assert run("check", "--fail-on", "never", "--strict") == 3


def test_strict_counts_what_could_not_be_read(repo: Path) -> None:
    """A file that can't be read costs exit code 2, if asked; else it is told and no more."""
    for name in ("a", "b"):
        (repo / name / "bentofile.yaml").write_text(LOCKED)
    assert run("check", "--strict") == 0
    (repo / "a" / "bentofile.yaml").write_text("a: [\n")
    assert run("check") == 0
    assert run("check", "--strict") == 2


def test_a_broken_pack_is_a_usage_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It is named, with the reason; nothing is judged without it."""

    def load() -> packs.Packs:
        raise packs.PackError("pack 'x' can't be loaded: ImportError: no")

    monkeypatch.setattr(packs, "load", load)
    assert run("check") == 2
    assert capsys.readouterr().err == "mlbreaks: pack 'x' can't be loaded: ImportError: no\n"


def test_a_mistake_of_ours_is_no_finding(
    repo: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An exception that nobody expected ends with 3, not with Python's 1, and shows where it came from."""
    from pytest_mlbreaks import engine

    monkeypatch.setattr(engine, "examine", lambda *arguments, **options: 1 / 0)
    assert run("check") == 3
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_a_reporter_that_fails_is_named_and_alone(
    repo: Path, bento: packs.Packs, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line on it, the other reports as ever, and exit code 3, whatever was found."""

    def crash(report: Report, shown: Shown) -> str:
        raise KeyError("a value of the tree")

    def nothing(report: Report, shown: Shown) -> Any:
        return None

    bento.reporters.update({"crash": Reporter("crash", crash), "nothing": Reporter("nothing", nothing)})
    assert run("check", "--report", "crash:x", "--report", "nothing", "--report", "json:out.json") == 3
    captured = capsys.readouterr()
    first, second = captured.err.splitlines()
    assert re.fullmatch(r"mlbreaks: reporter 'crash' failed: KeyError \(line \d+ of crash\)", first)
    assert second == "mlbreaks: reporter 'nothing' failed: it gave a NoneType, not text"
    assert paths(json.loads((repo / "out.json").read_text())) == BOTH
    assert not (repo / "x").exists()


def test_an_interrupt_ends_quietly(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As shells have it."""
    from pytest_mlbreaks import engine

    def interrupted(*arguments: Any, **options: Any) -> Report:
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "examine", interrupted)
    assert run("check") == 130


# ------------------------------------------------------------------------------------------ what is read, shown


def test_paths_choose_what_is_shown_never_what_is_read(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From a folder or a file of it the whole repository is read; the report says that it shows a part."""
    data = json_of(capsys, "a")
    assert (paths(data), data["root"], data["read"]["files"]) == (["a/bentofile.yaml"], str(repo), {"yaml": 2})
    assert data["partial"] == f"only findings about a are shown; all of {repo} was read; 1 finding elsewhere not shown"
    assert paths(json_of(capsys, "b/bentofile.yaml")) == ["b/bentofile.yaml"]
    assert paths(json_of(capsys, "a", "b")) == BOTH
    everything = json_of(capsys, ".")
    assert (paths(everything), everything["partial"]) == (BOTH, None)


def test_the_current_folder_is_a_path(
    repo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder of the repository, its findings alone are shown."""
    monkeypatch.chdir(repo / "b")
    assert paths(json_of(capsys)) == ["b/bentofile.yaml"]


def test_what_is_not_shown_does_not_fail(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code is about what is shown; the outcome of a check is about all that was read."""
    (repo / "a" / "bentofile.yaml").write_text(LOCKED)
    assert run("check", "b") == 1
    capsys.readouterr()
    assert run("check", "a") == 0
    text = capsys.readouterr().out
    assert " 1 found something (1 of them only elsewhere), " in text
    assert "1 finding elsewhere not shown" in " ".join(text.split())
    data = json_of(capsys, "a")
    assert (paths(data), data["summary"]["findings"], data["summary"]["outcome"]["findings"]) == ([], 0, 1)
    assert {r["check"]: r["outcome"] for r in data["results"]}["bento-packages-unlocked"] == "findings"


def test_a_finding_is_about_the_places_that_prove_it() -> None:
    """A change in one file can break another: whoever asks about the one is told."""
    finding = ReportedFinding(
        check="a-check",
        category="push-order",
        also=(),
        severity=Severity.HIGH,
        confidence=Confidence.HIGH,
        axis=AxisPosition(1, 5),
        place=Place("k8s/app.yaml", 3),
        message="It breaks.",
        because=(Related(Place("k8s/config.yaml", 1), "this one"),),
        fix="",
        fingerprint="0",
    )
    result = Result(check="a-check", category="push-order", outcome="findings", judged=1, findings=(finding,))
    report = Report(
        version="0",
        packs={},
        root="/repo",
        revision=None,
        partial=None,
        results=(result,),
        diagnostics=(),
        read=Read(files={}, not_read=(), entry_files=Share(0, 0), values=Share(0, 0)),
        seconds=0.0,
    )
    assert cli._narrowed(report, ("k8s/config.yaml",), ()).findings == (finding,)
    assert cli._narrowed(report, ("k8s",), ()).findings == (finding,)
    assert cli._narrowed(report, ("k8s/conf",), ()).findings == ()


def test_a_path_that_is_not_read_says_so(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No finding in what git ignores is no sign that nothing is wrong there."""
    (repo / ".gitignore").write_text("b/\n")
    data = json_of(capsys, "b")
    assert paths(data) == []
    assert data["partial"].endswith("; nothing in b is read (empty, or ignored by git)")


def test_without_git_the_path_is_the_root(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that no repository holds is read itself; for a file, its folder."""
    (tmp_path / "bentofile.yaml").write_text(FLOATING)
    assert json_of(capsys, str(tmp_path))["root"] == str(tmp_path)
    data = json_of(capsys, str(tmp_path / "bentofile.yaml"))
    assert (data["root"], paths(data)) == (str(tmp_path), ["bentofile.yaml"])


def test_a_root_can_be_given(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In a monorepo one folder can be judged as if it were all; a path outside of it is a mistake."""
    data = json_of(capsys, "--root", "a")
    assert (data["root"], paths(data), data["partial"]) == (str(repo / "a"), ["bentofile.yaml"], None)
    assert run("check", "--root", "a", "b") == 2
    assert "b: is not in" in capsys.readouterr().err


def test_paths_of_two_repositories_are_a_mistake(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """They are two pipelines."""
    assert run("check", ".", str(tmp_path_factory.mktemp("other"))) == 2


def test_a_revision_is_read_from_git(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The work tree does not matter then; the report names the commit."""
    (repo / "a" / "bentofile.yaml").unlink()
    data = json_of(capsys, "--revision", "HEAD")
    assert paths(data) == ["a/bentofile.yaml"]
    assert len(data["revision"]) == 40
    assert paths(json_of(capsys, "--revision", "HEAD", "a/bentofile.yaml")) == ["a/bentofile.yaml"]
    assert run("check", "--revision", "HEAD") == 1
    assert "lock_packages" not in capsys.readouterr().err


def test_a_revision_without_a_git_to_ask(
    repo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What keeps git from answering is told, not that there is no such revision."""
    shutil.rmtree(repo / ".git")
    assert run("check", "--revision", "HEAD") == 2
    assert f"{repo}: git can't be asked for 'HEAD': not a git repository" in capsys.readouterr().err
    monkeypatch.setenv("PATH", "")
    assert run("check", "--revision", "HEAD") == 2
    assert f"{repo}: git can't be asked for 'HEAD': git is not installed" in capsys.readouterr().err


def test_checks_can_be_chosen(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By id or category; a run of a part says so."""
    data = json_of(capsys, "--select", "resource-provisioning", "--ignore", "hpa-metric-cannot-be-computed")
    assert {r["category"] for r in data["results"]} == {"resource-provisioning"}
    assert "hpa-metric-cannot-be-computed" not in {r["check"] for r in data["results"]}
    assert data["partial"]
    data = json_of(capsys, "--select", "resource-provisioning/bento-packages-unlocked")
    assert [r["check"] for r in data["results"]] == ["bento-packages-unlocked"]
    data = json_of(capsys, "--ignore", "bento-packages-unlocked,push-order")
    assert paths(data) == []


# ----------------------------------------------------------------------------------------------------- reports


def test_reports_go_where_they_are_asked_to(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Into files, beside the one for people on standard output."""
    assert run("check", "--report", "json:report.json", "--report", "count:n.txt") == 1
    assert "More  mlbreaks explain bento-packages-unlocked" in capsys.readouterr().out
    assert len(json.loads((repo / "report.json").read_text())["findings"]) == 2
    assert (repo / "n.txt").read_text() == "2 findings\n"
    assert run("check", "--report", "count") == 1
    assert capsys.readouterr().out == "2 findings\n"
    assert run("check", "--report", "count:-", "--report", "terminal:for-people.txt") == 1
    assert capsys.readouterr().out == "2 findings\n"
    assert "bento-packages-unlocked" in (repo / "for-people.txt").read_text(encoding="utf-8")


def test_a_report_is_the_same_each_time(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Apart from the seconds."""
    first, second = json_of(capsys), json_of(capsys)
    for data in (first, second):
        for result in data["results"]:
            del result["seconds"]
    assert first == second


def started(*arguments: str, before: Sequence[str] = (), **options: Any) -> subprocess.Popen[bytes]:
    """The command as a process (which that of *before* may start), with the pack of the tests loaded through the front
    door."""
    script = (
        "import sys, mlbreaks_bento\n"
        "from pytest_mlbreaks import cli, packs\n"
        "load = packs.load\n"
        "packs.load = lambda: load([('bento', mlbreaks_bento)])\n"
        "sys.exit(cli.main(sys.argv[1:]))\n"
    )
    known = os.pathsep.join([str(PACK), *filter(None, sys.path)])
    environment = {**os.environ, "PYTHONPATH": known, **options.pop("env", {})}
    return subprocess.Popen([*before, sys.executable, "-c", script, *arguments], env=environment, **options)


def test_a_reader_that_has_seen_enough_is_no_error(repo: Path) -> None:
    """``mlbreaks check -v | head -1``: no complaint, and the code that it would have had."""
    (repo / "a" / "bentofile.yaml").write_text(FLOATING + "".join(f"    - package-{n}\n" for n in range(3000)))
    process = started("check", "-v", cwd=repo, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 1


@pytest.mark.parametrize(
    ("redirected", "code", "told"),
    [
        (">&-", 1, ""),
        ("2>&-", 1, ""),
        (">&- 2>&-", 1, ""),
        ("> /dev/full", 2, "mlbreaks: standard output can't be written: No space left on device\n"),
        ("> /dev/full 2>&1", 2, ""),
        ("nowhere 2> /dev/full", 2, ""),
        ("nowhere 2>&-", 2, ""),
    ],
)
def test_streams_that_take_nothing(repo: Path, redirected: str, code: int, told: str) -> None:
    """A closed stream changes no exit code; one that can't be written is one line where it can be told, and code 2."""
    if "/dev/full" in redirected and not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    shell = ("sh", "-c", f'exec "$@" {redirected}', "sh")
    process = started("check", before=shell, cwd=repo, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    _, err = process.communicate()
    assert (process.returncode, err.decode()) == (code, told)


def test_a_terminal_that_speaks_ascii_gets_ascii(repo: Path) -> None:
    """What its encoding lacks is written out, and ends nothing."""
    process = started(
        "check", cwd=repo, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={"PYTHONIOENCODING": "ascii"}
    )
    out, err = process.communicate()
    assert (process.returncode, err) == (1, b"")
    assert out.isascii()
    assert re.search(rb"\(ml \d, distributed \d\)", out)


def on_a_terminal(repo: Path, *arguments: str, **environment: str) -> tuple[str, str]:
    """Standard output and standard error of the command, each a terminal of its own."""
    pty = pytest.importorskip("pty", reason="Windows has no such terminals")
    streams = [pty.openpty() for _ in range(2)]
    env = {"TERM": "xterm-256color", "COLUMNS": "90", "PYTHONDONTWRITEBYTECODE": "1", **environment}
    process = started(*arguments, cwd=repo, stdout=streams[0][1], stderr=streams[1][1], env=env)
    texts = []
    for ours, theirs in streams:
        os.close(theirs)
        chunks = []
        try:
            while chunk := os.read(ours, 65536):
                chunks.append(chunk)
        except OSError:
            pass  # what Linux says when the last writer is gone
        os.close(ours)
        texts.append(b"".join(chunks).decode())
    process.wait()
    return texts[0], texts[1]


def test_colour_and_progress_are_for_terminals(repo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Colour on a terminal unless NO_COLOR or TERM=dumb; progress on standard error there; neither in a log."""
    out, err = on_a_terminal(repo, "check")
    assert "\x1b[31mhigh\x1b[0m" in out
    assert "checking" in err or "reading" in err
    out, _ = on_a_terminal(repo, "check", NO_COLOR="1")
    assert "\x1b" not in out
    out, err = on_a_terminal(repo, "check", TERM="dumb")
    assert "\x1b" not in out
    assert err == ""
    run("check")
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out
    assert captured.err == ""


def test_a_page_is_laid_out_on_a_terminal(repo: Path) -> None:
    """In a log, and with ``--raw``, it is the Markdown."""
    out, _ = on_a_terminal(repo, "explain", "bento-packages-unlocked")
    assert "## Breaks" not in out
    assert "Breaks" in out
    assert "bentofile.yaml:\r\n" in re.sub(r"\x1b\[[\d;]*m| +(?=\r)", "", out)
    out, _ = on_a_terminal(repo, "explain", "bento-packages-unlocked", "--raw")
    assert "## Breaks" in out


def test_nothing_heavy_is_loaded_for_a_log(repo: Path) -> None:
    """A check in a log imports neither pytest nor rich."""
    script = (
        "import sys\nfrom pytest_mlbreaks import cli\ncli.main(['check'])\n"
        "sys.exit(','.join(sorted({'pytest', '_pytest', 'rich', 'pygments', 'jsonschema'} & set(sys.modules))) or 0)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", script], cwd=repo, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


# ----------------------------------------------------------------------------------------------- documentation


def test_the_checks_are_listed(bento: packs.Packs, capsys: pytest.CaptureFixture[str]) -> None:
    """All of them, for people and for scripts."""
    assert run("list") == 0
    text = capsys.readouterr().out
    assert all(check.id in text and check.title in text for check in bento.checks)
    assert run("list", "--format", "json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert [entry["id"] for entry in listed] == [check.id for check in bento.checks]
    mine = next(entry for entry in listed if entry["id"] == "bento-packages-unlocked")
    assert mine == {
        "id": "bento-packages-unlocked",
        "category": "resource-provisioning",
        "also": [],
        "severity": "high",
        "confidence": "high",
        "evidence": "static",
        "since": "1.0",
        "formerly": [],
        "options": {"trusted": []},
        "title": "A bento resolves its packages anew at each build",
    }


@pytest.mark.parametrize("name", ["bento-packages-unlocked", "resource-provisioning/bento-packages-unlocked"])
def test_a_check_is_explained_by_its_page(capsys: pytest.CaptureFixture[str], name: str) -> None:
    """The page, and what the check is and takes."""
    assert run("explain", name) == 0
    text = capsys.readouterr().out
    assert text.startswith("# A bento resolves its packages anew at each build\n")
    assert "severity high, confidence high at most · static evidence · since 1.0" in text
    assert "- Option `trusted`, by default `()`" in text


def test_a_category_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """Its name, why it stands where it does, what is stated and what inferred, and its checks."""
    assert run("explain", "push-order") == 0
    text = capsys.readouterr().out
    assert text.startswith("# Config changes pushed out of order\n")
    assert "- Distributed axis: 5 of 5 (stated)" in text
    assert "(our estimate)" in text
    assert run("explain", "dependency-failure") == 0
    assert "not among the study's 19 causes" in capsys.readouterr().out


def test_the_taxonomy_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """The grid, all categories, and what of it is an estimate."""
    assert run("taxonomy") == 0
    text = capsys.readouterr().out
    for told in ("ml 1", "distr. 5", "process-orchestration", "1~  5*", "~ inferred", "Shares are estimates"):
        assert told in text
    assert max(map(len, text.splitlines())) <= 140


# ---------------------------------------------------------------------------------------------- writing checks


def test_a_new_check_works_from_the_start(
    bento: packs.Packs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its two files import, and its page holds as it is written."""
    from pytest_mlbreaks import testing

    package = tmp_path / "fresh_pack"
    package.mkdir()
    (package / "__init__.py").write_text('"""Checks."""\n')
    assert run("new", "data-join/join-on-nothing", "--pack", str(package)) == 0
    written = [Path(line).relative_to(package).as_posix() for line in capsys.readouterr().out.splitlines()]
    assert written == ["data_join/__init__.py", "data_join/join_on_nothing.py", "data_join/join_on_nothing.md"]
    assert run("new", "data-join/join-on-nothing", "--pack", str(package)) == 2
    assert run("new", "data-join/join-on-something", "--pack", str(package)) == 0
    monkeypatch.syspath_prepend(str(tmp_path))
    found = packs.find_checks(importlib.import_module("fresh_pack"))
    assert [check.id for check in found] == ["join-on-nothing", "join-on-something"]
    testing.assert_page(found[0], packs=dataclasses.replace(bento, readers=(COMPOSE,), checks=()))


def test_pages_are_run_and_rewritten(
    bento: packs.Packs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A stale page is told, with exit code 1; ``--write`` mends it, and what it cannot mend stays told."""
    check = bento.check("bento-packages-unlocked")
    assert check is not None
    text = pages.page_text(check)
    assert text is not None
    page = tmp_path / "page.md"
    page.write_text(text.replace("torch is not pinned", "torch is stale"))
    monkeypatch.setattr(pages, "page_path", lambda check: page)
    monkeypatch.setattr(pages, "page_text", lambda check: page.read_text())
    assert run("pages", check.id) == 1
    assert "line 6: what the check says is not what the page says" in capsys.readouterr().out
    assert run("pages", "--write", f"{check.category}/{check.id}") == 0
    assert page.read_text() == text
    page.write_text(text.replace("  lock_packages: false", "  lock_packages: true", 1))
    assert run("pages", "--write", check.id) == 1
    assert "nothing is found where it breaks" in capsys.readouterr().out
