"""The package runs on Linux, macOS and Windows: nothing in it is of one of them alone, and every encoding is told."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SOURCES = sorted(path for folder in ("pytest_mlbreaks", "checks", "docs") for path in (ROOT / folder).rglob("*.py"))

POSIX_MODULES = frozenset(
    {"crypt", "fcntl", "grp", "nis", "ossaudiodev", "posix", "pty", "pwd", "readline", "resource", "signal", "spwd"}
    | {"syslog", "termios", "tty"}
)
POSIX_CALLS = frozenset(
    {"chown", "chroot", "ctermid", "fchmod", "fchown", "fork", "forkpty", "geteuid", "getegid", "getgid", "getgroups"}
    | {"getloadavg", "getpgid", "getpgrp", "getpriority", "getresuid", "getsid", "getuid", "killpg", "lchown", "mkfifo"}
    | {"mknod", "nice", "openpty", "pathconf", "setgid", "setsid", "setuid", "sysconf", "tcgetpgrp", "uname", "wait3"}
    | {"O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "SEEK_DATA", "sep", "altsep"}
)
WITH_FALLBACK = {
    # the lock between processes of one run: msvcrt on Windows, fcntl elsewhere
    ("pytest_mlbreaks/pytest_session.py", "fcntl"),
}
FILES = frozenset({"open", "read_text", "write_text", "fdopen", "NamedTemporaryFile", "TemporaryFile"})
PATHS = frozenset({"open", "Path", "PurePath", "exists", "isfile", "isdir", "listdir", "scandir", "stat"})


def problems(source: str, name: str) -> Iterator[str]:
    """What of a module is of one system alone."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names]
            for module in modules:
                if module.partition(".")[0] in POSIX_MODULES and (name, module) not in WITH_FALLBACK:
                    yield f"{name}:{node.lineno}: {module} is not there on Windows"
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "os" and node.attr in POSIX_CALLS:
                yield f"{name}:{node.lineno}: os.{node.attr} is not the same everywhere"
        elif isinstance(node, ast.Call):
            yield from (f"{name}:{node.lineno}: {told}" for told in _call(node))


def _call(node: ast.Call) -> Iterator[str]:
    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    owner = node.func.value.id if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name) else ""
    given = {keyword.arg for keyword in node.keywords}
    first = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
    if called in FILES and owner != "os" and None not in given:
        modes = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        modes += [str(k.value.value) for k in node.keywords if k.arg == "mode" and isinstance(k.value, ast.Constant)]
        if "encoding" not in given and not any("b" in mode and len(mode) <= 3 for mode in modes):
            yield f"{called} without an encoding: that of the machine is another on Windows"
    if called in PATHS and isinstance(first, str) and (first.startswith("/") or "\\" in first or first[1:3] == ":/"):
        yield f"{called}({first!r}) is a path of one system"
    if owner == "subprocess" and ("text" in given or "universal_newlines" in given) and "encoding" not in given:
        yield "text of a program without an encoding"
    if owner == "subprocess" and any(
        k.arg == "shell" and isinstance(k.value, ast.Constant) and k.value.value for k in node.keywords
    ):
        yield "a shell is another on Windows"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_is_of_one_system_alone(path: Path) -> None:
    """A call that only POSIX has needs a fallback, and is then named in `WITH_FALLBACK`."""
    name = path.relative_to(ROOT).as_posix()
    assert list(problems(path.read_text(encoding="utf-8"), name)) == []


@pytest.mark.parametrize(
    "source",
    [
        "import fcntl",
        "from pwd import getpwuid",
        "import os\nos.getuid()",
        "import os\nflags = os.O_NOFOLLOW",
        "open('x')",
        "open('x', 'w')",
        "path.read_text()",
        "path.open('w')",
        "path.write_text(text)",
        "Path('/tmp/x')",
        "import subprocess\nsubprocess.run(['x'], text=True)",
        "import subprocess\nsubprocess.run('x', shell=True)",
    ],
)
def test_what_is_of_one_system_alone_is_found(source: str) -> None:
    """Else the test above would hold of anything."""
    assert len(list(problems(source, "x.py"))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "open('x', 'rb')",
        "open('x', encoding='utf-8')",
        "path.open('a+b')",
        "import os\nflags = getattr(os, 'O_NOFOLLOW', 0)",
        "import os\nos.open(path, os.O_RDONLY)",
        "path.write_text(text, encoding='utf-8')",
        "','.join(names)",
    ],
)
def test_what_every_system_has_is_not_found(source: str) -> None:
    """Bytes, a named encoding, and what is looked up before it is used."""
    assert list(problems(source, "x.py")) == []
