"""What we say that targets run, against ``make -n`` of GNU make, where it is installed: on Makefiles of our own."""

from __future__ import annotations

import pathlib
import shutil
import subprocess

import pytest

from pytest_mlbreaks import tasks
from pytest_mlbreaks.testing import linked

NEEDED = (
    "A := x\nB = $(A) y\nA := z\nall: one two\n\t@echo $(B) $@\none: three\n\techo one $<\n"
    "two: three\n\techo two $^ $$HOME\nthree:\n\techo three\n"
)
REPEATED = (
    "all:\n\techo a\nall:\n\techo b\nu::\n\techo u1\nu::\n\techo u2\nP ?= p\nP += q\ngo: P += r\ngo:\n\techo ${P}\n"
)
OF_TARGETS = (
    "X=1\na: X=2\na:\n\techo $(X)\nb:\n\techo b$(X)\nc: ; echo c$(X)\n"
    "V = a \\\n  b\nt:\n\techo '$(V)' ; \\\n\techo more\n"
)


@pytest.mark.fidelity
@pytest.mark.parametrize(
    ("text", "goals"),
    [
        *((NEEDED, goals) for goals in ("", "one", "two A=q", "three one")),
        *((REPEATED, goals) for goals in ("all", "u", "go", "go P=x")),
        *((OF_TARGETS, goals) for goals in ("a", "b", "c", "t", "b c X=3")),
    ],
)
def test_the_lines_are_those_of_gnu_make(tmp_path: pathlib.Path, text: str, goals: str) -> None:
    """Order, variables and what of several recipes counts; blanks aside."""
    program = shutil.which("make")
    if program is None or "GNU" not in subprocess.run([program, "--version"], capture_output=True, text=True).stdout:
        pytest.skip("there is no GNU make")
    (tmp_path / "Makefile").write_text(text, "utf-8")
    shown = subprocess.run(
        [program, "-n", "--no-print-directory", *goals.split()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    run = tasks.run(linked({"Makefile": text}), ["make", *goals.split()])
    assert run is not None
    ours = "\n".join(line.text for line in run.lines)
    assert [line.split() for line in ours.splitlines()] == [line.split() for line in shown.stdout.splitlines()]
