"""What commands start."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlbreaks.link.commands import HOLE, invocations, pip_installs


@pytest.mark.parametrize(
    ("shell", "kind", "target"),
    [
        ("python -u train.py --epochs 3", "script", "train.py"),
        ("exec python3.11 -um jobs.train", "module", "jobs.train"),
        ("python -mjobs.train", "module", "jobs.train"),
        ("python -W ignore -X dev train.py", "script", "train.py"),
        ("python -c 'import x'", "tool", "python"),
        ("A=1 env B=2 timeout -k 5 30 python train.py", "script", "train.py"),
        ("tini -- gosu app python train.py", "script", "train.py"),
        ("poetry run python train.py", "script", "train.py"),
        ("uv run --with x train.py", "script", "train.py"),
        ("conda run --no-capture-output -n ml python train.py", "script", "train.py"),
        ("uvicorn app.main:app --port 80", "callable", "app.main:app"),
        ("gunicorn -k uvicorn.workers.UvicornWorker -b :80 app.main:create()", "callable", "app.main:create"),
        ("gunicorn proj.wsgi -k uvicorn.workers.UvicornWorker", "callable", "proj.wsgi:application"),
        ("python -m uvicorn app.main:app", "callable", "app.main:app"),
        ("celery -A jobs.app worker", "callable", "jobs.app"),
        ("torchrun --nproc_per_node=2 train.py --lr 1", "script", "train.py"),
        ("torchrun $ARGS", "unknown", "torchrun"),
        ("accelerate launch --config_file c.yaml train.py", "script", "train.py"),
        ("spark-submit --master yarn jobs/etl.py", "script", "jobs/etl.py"),
        ("bash -lc 'python train.py'", "script", "train.py"),
        ("sh -e scripts/run.sh", "script", "scripts/run.sh"),
        ("/opt/entrypoint.sh", "script", "/opt/entrypoint.sh"),
        ("python $SCRIPT", "unknown", HOLE),
        ("papermill in.ipynb out.ipynb", "notebook", "in.ipynb"),
        ("nginx -g 'daemon off;'", "tool", "nginx"),
        ("ghcr.io/a/b:1.27.0", "tool", "b:1.27.0"),
    ],
)
def test_one_command(shell: str, kind: str, target: str) -> None:
    """Wrappers, launchers and servers are seen through; tools are tools."""
    (found,) = invocations(None, shell)
    assert (found.kind, found.target) == (kind, target)


@pytest.mark.parametrize(
    ("shell", "targets"),
    [
        ("python a.py && python b.py || python c.py", ["a.py", "b.py", "c.py"]),
        ("python a.py > out.txt 2>&1 &\nwait\n", ["a.py"]),
        ("if [[ -z $A || $B == x ]]; then python a.py; else python b.py; fi", ["a.py", "b.py"]),
        ("for f in a.py b.py; do python $f; done; python c.py", [HOLE, "c.py"]),
        ("case $1 in\n train) python a.py ;;\n serve.py|x) python b.py;;\nesac\npython c.py", ["a.py", "b.py", "c.py"]),
        ("main() {\n python a.py\n}\nmain", ["a.py"]),
        ("images=( x/run.sh y/run.py )\npython a.py", ["a.py"]),
        ("cat <<EOF > x\npython no.py\nEOF\npython a.py", ["a.py"]),
        ("# python no.py\npython a.py # python no.py", ["a.py"]),
        ("python \\\n  -u \\\n a.py", ["a.py"]),
    ],
)
def test_shell_texts(shell: str, targets: list[str]) -> None:
    """The shell's own words, patterns, arrays and here-documents start nothing."""
    found = [i.target for i in invocations(None, shell) if i.kind in ("script", "unknown")]
    assert found == targets


@pytest.mark.parametrize(
    ("shell", "workdir"),
    [
        ("cd a && python x.py", "a"),
        ("cd /a; cd b\npython x.py", "/a/b"),
        ("(cd a; make); python x.py", None),
        ("pushd a; popd; python x.py", None),
        ("cd $HERE && python x.py", HOLE),
        ("cd && python x.py", HOLE),
        ("cd -P a && python x.py", "a"),
    ],
)
def test_where_a_command_runs(shell: str, workdir: str | None) -> None:
    """``cd`` is followed; where it can't be told, that is said."""
    assert next(i for i in invocations(None, shell) if i.target == "x.py").workdir == workdir


def test_arguments_that_cannot_be_told() -> None:
    """None in an argument list is a hole."""
    (found,) = invocations(["python", None], None)
    assert found.kind == "unknown"


@pytest.mark.parametrize(
    ("shell", "files", "packages", "local", "locked"),
    [
        ("pip install --no-cache-dir -r a.txt -c c.txt x==1", ("a.txt",), ("x==1",), (), False),
        ("python -m pip install -ra.txt", ("a.txt",), (), (), False),
        ("uv pip install --system -e .", (), (), (".",), False),
        ("pip install --require-hashes \\\n  -r a.txt", ("a.txt",), (), (), True),
        ("poetry export -o a.txt && pip install -r a.txt", ("a.txt",), (), (), True),
        ("uv sync --frozen", (), (), (".",), True),
    ],
)
def test_installs(
    shell: str, files: tuple[str, ...], packages: tuple[str, ...], local: tuple[str, ...], locked: bool
) -> None:
    """Files, packages, paths, and whether a lock decides."""
    (found,) = pip_installs(shell)
    assert (found.requirement_files, found.packages, found.local, found.locked) == (files, packages, local, locked)


@given(st.text(alphabet="ab ./-'\"\\$(){}[]`;&|<>\n#=*@case in esac for do done EOF", max_size=300))
def test_nothing_makes_it_raise(text: str) -> None:
    """Any text is read, as a command and as installs."""
    invocations(None, text)
    pip_installs(text)


_WORDS = ("python", "-m", "-c", "--", "exec", "env", "sh", "uv", "run", "gunicorn", "-k", "celery", "cd")


@given(st.lists(st.one_of(st.none(), st.sampled_from(_WORDS))))
def test_no_argument_list_makes_it_raise(words: list[str | None]) -> None:
    """Options without a value, wrappers of nothing."""
    invocations(words, None)


@pytest.mark.parametrize("piece", ["$(", "`", "case x in a) ", "( ", "<<E\n", "'\"", "${", "sh -c '", "cd a;", "a=("])
def test_reading_is_linear(piece: str) -> None:
    """What is opened without end costs no more than its length."""
    start = time.process_time()
    invocations(None, piece * 20_000)
    assert time.process_time() - start < 3
