"""Measure mlbreaks on a tree against the floor and against peers; see README.md beside this file.

The standard library only, so that the process that measures is small: on Linux a child's peak memory counts from what
its parent held.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
FLOOR, AST = "floor: all", "floor: ast"
PEERS = {
    "ruff": ("check", "--isolated", "--no-cache", "--exit-zero", "--quiet", "--select", "AIR,PD,NPY,B,S"),
}
"""Programs, and the arguments that go before the tree."""


@dataclass(frozen=True)
class Contender:
    """One row: a command, where it runs, and which exit codes mean that it did its work."""

    name: str
    command: Sequence[str]
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    fine: tuple[int, ...] = (0,)
    before: Callable[[], None] | None = None
    """Done before each run, and not measured."""


@dataclass(frozen=True)
class Run:
    """One run: wall-clock seconds and the peak resident size in bytes."""

    seconds: float
    peak: int


@dataclass(frozen=True)
class Row:
    """What the runs of one contender came to. Ratios are of medians; peak in MiB."""

    name: str
    seconds: float
    fastest: float
    slowest: float
    of_floor: float
    of_ast: float
    peak: float


def main() -> None:
    """Prepare, measure in turns, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", type=Path, help="folder of the repository to read")
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="runs of each (default: %(default)s)")
    parser.add_argument("--peers", action="store_true", help=f"also {', '.join(PEERS)}, where on PATH")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there rather than below the table")
    options = parser.parse_args()
    tree = options.tree.resolve()
    if not tree.is_dir():
        parser.error(f"{tree}: no such folder")
    with tempfile.TemporaryDirectory(prefix="mlbreaks-benchmark-") as name:
        work = Path(name)
        programs = install(work)
        files, counts = list_files(programs, tree, work)
        contenders = [*floors(programs, tree, files, work), *ours(programs, tree, work)]
        if options.peers:
            contenders += peers(tree, work)
        rows = judge(measure(contenders, options.repeat))
    figures = {
        "tree": str(tree),
        "revision": revision(tree),
        "files": counts,
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs",
        "repeat": options.repeat,
        "rows": [asdict(row) for row in rows],
    }
    print(table(rows))
    text = json.dumps(figures, indent=2)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")
    else:
        print(f"\n{text}")


def install(work: Path) -> Path:
    """Build a wheel of this repository, install it into a new virtual environment; the folder of its programs."""
    tell("building and installing a wheel")
    environment = work / "environment"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    programs = environment / ("Scripts" if os.name == "nt" else "bin")
    pip: list[str | Path] = [programs / "python", "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", work / "wheels", REPOSITORY], check=True)
    subprocess.run([*pip, "install", *(str(wheel) for wheel in (work / "wheels").glob("*.whl"))], check=True)
    return programs


def list_files(programs: Path, tree: Path, work: Path) -> tuple[Path, dict[str, int]]:
    """The file that names what mlbreaks reads, for the floor, and how many files of which kind that is."""
    listing = subprocess.run([programs / "python", HERE / "claimed.py", tree], check=True, capture_output=True)
    files = work / "files.json"
    files.write_bytes(listing.stdout)
    return files, {kind: len(paths) for kind, paths in json.loads(listing.stdout).items()}


def floors(programs: Path, tree: Path, files: Path, work: Path) -> list[Contender]:
    """The least that could be done."""
    command = [str(programs / "python"), str(HERE / "floor.py"), str(tree), str(files)]
    return [Contender(FLOOR, [*command, "all"], work), Contender(AST, [*command, "ast"], work)]


def ours(programs: Path, tree: Path, work: Path) -> list[Contender]:
    """mlbreaks as it is installed, as a command and inside pytest. Exit code 1 is findings."""
    folder = work / "empty"
    folder.mkdir()
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    check = [str(programs / "mlbreaks"), "check", "--root", str(tree)]
    pytest = [str(programs / "pytest"), "-q", "-p", "no:cacheprovider", "--mlbreaks-only", "--mlbreaks-root", str(tree)]
    # An empty folder as the place of all bytecode, and none written: nothing is found, of no module at all.
    bare = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": str(work / "no-bytecode")}
    copy = work / "copy"
    shutil.copytree(tree, copy, ignore=shutil.ignore_patterns(".git"), symlinks=True)
    again = [str(programs / "mlbreaks"), "check", "--root", str(copy)]
    kept = {"MLBREAKS_CACHE_DIR": str(work / "kept")}
    return [
        Contender("mlbreaks check", check, folder, fine=(0, 1)),
        Contender("mlbreaks check, one process", [*check, "--jobs", "1"], folder, fine=(0, 1)),
        Contender("mlbreaks check, after one edit", again, folder, kept, fine=(0, 1), before=Edit(copy)),
        Contender("mlbreaks check, no bytecode", check, folder, bare, fine=(0, 1)),
        Contender("pytest --mlbreaks-only", pytest, folder, fine=(0, 1)),
        Contender("pytest --mlbreaks-only, no bytecode", pytest, folder, bare, fine=(0, 1)),
    ]


class Edit:
    """Changes one Python file of the tree in *folder*, the largest of up to 20 kB: a line more at its end each time."""

    def __init__(self, folder: Path) -> None:
        files = [path for path in folder.rglob("*.py") if path.is_file() and not path.is_symlink()]
        sizes = {path: path.stat().st_size for path in files}
        self._path = max((path for path, size in sizes.items() if size <= 20_000), key=sizes.__getitem__)

    def __call__(self) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write("\n# one more line\n")


def peers(tree: Path, work: Path) -> list[Contender]:
    """Those that are installed; the others are named on standard error."""
    found = []
    for name, arguments in PEERS.items():
        program = shutil.which(name)
        if program is None:
            tell(f"{name}: not on PATH, left out")
        else:
            found.append(Contender(name, [program, *arguments, str(tree)], work))
    return found


def measure(contenders: Sequence[Contender], repeat: int) -> dict[str, list[Run]]:
    """Run all in turns, so that a busy minute of the machine hits all of them; the first turn, which fills the file
    cache and writes bytecode, does not count."""
    runs: dict[str, list[Run]] = {contender.name: [] for contender in contenders}
    for turn in range(repeat + 1):
        tell(f"turn {turn} of {repeat}" if turn else "warming up")
        for contender in contenders:
            run = run_once(contender)
            if turn:
                runs[contender.name].append(run)
    return runs


def run_once(contender: Contender) -> Run:
    """One process, from start to exit. Ends the program where the exit code is not a fine one."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    with tempfile.TemporaryDirectory() as cache, tempfile.TemporaryFile() as said:
        # cold: no cache from an earlier run, where the contender has none of its own
        environment |= {"XDG_CACHE_HOME": cache, "MLBREAKS_CACHE_DIR": cache, **contender.environment}
        if contender.before is not None:
            contender.before()
        started = time.perf_counter()
        process = subprocess.Popen(
            contender.command, cwd=contender.folder, env=environment, stdout=subprocess.DEVNULL, stderr=said
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in contender.fine:
            said.seek(0)
            tell(said.read().decode(errors="replace"))
            sys.exit(f"{contender.name}: exit code {process.returncode}")
    return Run(seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))


def judge(runs: dict[str, list[Run]]) -> list[Row]:
    """Medians, and their ratios to those of the floors."""
    medians = {name: statistics.median(run.seconds for run in those) for name, those in runs.items()}
    return [
        Row(
            name,
            seconds=round(medians[name], 4),
            fastest=round(min(run.seconds for run in those), 4),
            slowest=round(max(run.seconds for run in those), 4),
            of_floor=round(medians[name] / medians[FLOOR], 3),
            of_ast=round(medians[name] / medians[AST], 3),
            peak=round(statistics.median(run.peak for run in those) / 2**20, 1),
        )
        for name, those in runs.items()
    ]


def table(rows: Sequence[Row]) -> str:
    """For people."""
    lines = [f"{'':36} {'median s':>9} {'fastest':>9} {'slowest':>9} {'x floor':>8} {'x ast':>8} {'peak MiB':>9}"]
    lines += [
        f"{row.name:36} {row.seconds:9.3f} {row.fastest:9.3f} {row.slowest:9.3f}"
        f" {row.of_floor:8.2f} {row.of_ast:8.2f} {row.peak:9.0f}"
        for row in rows
    ]
    return "\n".join(lines)


def revision(tree: Path) -> str | None:
    """The commit that the tree is at, where git knows it."""
    head = subprocess.run(["git", "-C", tree, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return head.stdout.strip() or None


def tell(text: str) -> None:
    """To standard error, so that standard output is the table and the figures."""
    print(text, file=sys.stderr)


if __name__ == "__main__":
    main()
