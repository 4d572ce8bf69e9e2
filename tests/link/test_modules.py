"""Which files imports mean."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.link.modules import Modules
from pytest_mlbreaks.testing import linked


def reach(files: dict[str, str], entry: str) -> set[str]:
    """What *entry* reaches, without itself."""
    return set(Modules(linked(files)).reach([entry])) - {entry}


@pytest.mark.parametrize(
    ("statement", "target"),
    [
        ("import lib.core", "lib/core.py"),
        ("from lib import core", "lib/core.py"),
        ("from lib.core import X", "lib/core.py"),
        ("from .lib import core", "lib/core.py"),
        ("from lib.core import *", "lib/core.py"),
        ("def f():\n    from lib.core import X", "lib/core.py"),
    ],
)
def test_imports(statement: str, target: str) -> None:
    """Each form; a package's ``__init__`` runs, too."""
    files = {"main.py": statement + "\n", "lib/__init__.py": "", "lib/core.py": "X = 1\n"}
    assert reach(files, "main.py") == {target, "lib/__init__.py"}


def test_src_layout() -> None:
    """A package below ``src`` is found from outside it."""
    files = {
        "jobs/run.py": "import lib.a\n",
        "src/lib/__init__.py": "from . import b\n",
        "src/lib/a.py": "",
        "src/lib/b.py": "",
    }
    assert reach(files, "jobs/run.py") == {"src/lib/__init__.py", "src/lib/a.py", "src/lib/b.py"}


def test_relative_imports_go_up() -> None:
    """Two dots; more dots than folders mean nothing."""
    files = {"p/__init__.py": "", "p/a.py": "X = 1\n", "p/q/__init__.py": "", "p/q/b.py": "from ..a import X\n"}
    assert "p/a.py" in reach(files, "p/q/b.py")
    assert reach({"a.py": "from ...b import X\n", "b.py": "X = 1\n"}, "a.py") == set()


def test_the_nearest_of_several() -> None:
    """Two modules of one name: the one beside; none where they are equally near."""
    files = {"one/run.py": "import util\n", "one/util.py": "", "two/util.py": "", "three/run.py": "import util\n"}
    assert reach(files, "one/run.py") == {"one/util.py"}
    assert reach(files, "three/run.py") == set()


def test_libraries_are_not_files_of_their_name() -> None:
    """The standard library, an installed package, and a module that wraps the library of its own name."""
    files = {
        "requirements.txt": "redis\n",
        "app/__init__.py": "",
        "app/main.py": "import logging, redis\n",
        "app/logging.py": "",
        "app/clients/__init__.py": "",
        "app/clients/redis.py": "import redis\n",
    }
    assert reach(files, "app/main.py") == set()
    assert reach(files, "app/clients/redis.py") == set()


def test_circles_end() -> None:
    """Two modules that import each other."""
    assert reach({"a.py": "import b\n", "b.py": "import a\n"}, "a.py") == {"b.py"}


@pytest.mark.parametrize(
    ("main", "name"),
    [
        ("from conf import BUCKET\n", "BUCKET"),
        ("from conf import BUCKET as B\n", "B"),
        ("import conf\n", "conf.BUCKET"),
        ("import conf as c\n", "c.BUCKET"),
        ("from conf import *\n", "BUCKET"),
        ("from again import BUCKET\n", "BUCKET"),
    ],
)
def test_definitions(main: str, name: str) -> None:
    """A constant is followed through imports to where it is set."""
    files = {"main.py": main, "conf.py": 'BUCKET = "b"\n', "again.py": "from conf import BUCKET\n"}
    assert Modules(linked(files)).definition("main.py", name) == ("conf.py", "BUCKET")


def test_a_star_brings_no_underscored_name_and_the_last_one_wins() -> None:
    """As the import statement has it."""
    files = {"main.py": "from a import *\nfrom b import *\n", "a.py": "X = 1\n_Y = 1\n", "b.py": "X = 2\n"}
    modules = Modules(linked(files))
    assert modules.definition("main.py", "X") == ("b.py", "X")
    assert modules.definition("main.py", "_Y") is None
