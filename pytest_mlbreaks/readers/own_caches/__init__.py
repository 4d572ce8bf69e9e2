"""Caches that code keeps by itself: what is kept, under which key, and whether it was complete.

Of most files nothing is looked at: only functions that set a global or an attribute of their class, coroutines under a
caching decorator, and functions that both look something up and store it under the same key. What is not told:

- caches behind the code: those of a proxy, of a browser, of a database;
- a key that another function makes is taken to depend on all that is passed to it;
- a cache that is a parameter or a local name: it lives as long as whoever made it wants.
"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.formats.python import PYTHON, PythonFile
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.facts import ContainedErrors, KeptCoroutine, KeptEarly, OwnCache
from pytest_mlbreaks.readers.own_caches.coroutines import kept_coroutines
from pytest_mlbreaks.readers.own_caches.memos import own_caches
from pytest_mlbreaks.readers.own_caches.singletons import contained_errors, flagged_early, kept_early
from pytest_mlbreaks.readers.python import claims
from pytest_mlbreaks.reading import Reader, Wanted


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """What one module says. What does not parse is the Python reader's to report."""
    if file.tree is None:
        return
    yield from kept_early(file)
    yield from flagged_early(file)
    yield from contained_errors(file)
    yield from kept_coroutines(file)
    yield from own_caches(file)


READER: Reader[PythonFile] = Reader(
    name="own-caches",
    version=2,
    format=PYTHON,
    facts=(ContainedErrors, KeptCoroutine, KeptEarly, OwnCache),
    claims=claims,
    read=read,
)
