"""Folders that code of distributed jobs makes, where every rank comes by."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Final

from pytest_mlbreaks.formats.python import CallSite, PythonFile
from pytest_mlbreaks.formats.python_nodes import walk
from pytest_mlbreaks.model.facts import FolderCreation
from pytest_mlbreaks.readers.training.nodes import around, keyword, shown

_RANKS: Final = (
    *("torch.distributed.init_process_group", "torch.nn.parallel.DistributedDataParallel"),
    *("torch.multiprocessing.spawn", "horovod.torch.init", "horovod.tensorflow.init", "horovod.keras.init"),
    *("horovod.tensorflow.keras.init", "accelerate.Accelerator", "deepspeed.init_distributed"),
    *("tensorflow.distribute.MultiWorkerMirroredStrategy", "jax.distributed.initialize"),
    "tensorflow.distribute.experimental.MultiWorkerMirroredStrategy",
)
_LAUNCHERS = frozenset({"torchrun", "torch.distributed.run", "torch.distributed.launch", "deepspeed", "horovodrun"})
"""Programs, and modules for ``python -m``, that start the ranks of a node."""
_ASKS_RANK = re.compile(r"rank|is_main|is_master|is_chief|is_coordinator|process_index|is_global_zero|\bhvd\b")
_ASKS_THERE = re.compile(r"\bexists\(|\bisdir\(|\bis_dir\(|\bisfile\(|\blisdir\(|\bpath_exists\(")
_TOLERATES = frozenset({"FileExistsError", "OSError", "Exception", "BaseException", "IOError", "EnvironmentError"})


def folders(file: PythonFile) -> Iterator[FolderCreation]:
    """The folders that one file makes, where it also starts, or joins, a job of several ranks."""
    sites = [
        *(s for c in ("os.makedirs", "os.mkdir") for s in file.calls_by_name.get(c, ())),
        *file.methods_by_name.get("mkdir", ()),
    ]
    if not sites:
        return
    joins = next((s for name in _RANKS for s in file.calls_by_name.get(name, ())), None)
    if joins is None or _starts_ranks(file):
        return
    for site in sites:
        node = site.node
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        target = node.args[0] if site.callee.startswith("os.") and node.args else owner
        if target is None:
            continue
        chain = around(site)
        yield FolderCreation(
            place=file.place(node),
            api=site.callee,
            target=file.expr(target, site.scope),
            ranks=joins.callee,
            ranks_place=file.place(joins.node),
            checked=_below(chain, _ASKS_THERE),
            tolerant=_tolerant(node, chain),
            one_rank=_below(chain, _ASKS_RANK) or _called_by_one(file, site),
            scope=site.scope.function,
        )


def _starts_ranks(file: PythonFile) -> bool:
    """Whether the file puts together the command of a launcher: it then runs once per node, and no rank does."""
    if file.tree is None or not any(file.mentions(name.encode()) for name in _LAUNCHERS):
        return False
    return any(
        isinstance(node, ast.List | ast.Tuple)
        and any(isinstance(part, ast.Constant) and part.value in _LAUNCHERS for part in node.elts)
        for node in walk(file.tree)
    )


def _below(chain: Sequence[ast.AST], asks: re.Pattern[str]) -> bool:
    """Whether the call stands below an ``if`` whose test *asks* for something."""
    return any(isinstance(node, ast.If) and asks.search(shown(node.test, 300)) for node in chain)


def _tolerant(node: ast.Call, chain: Sequence[ast.AST]) -> bool:
    given = keyword(node, "exist_ok")
    if given is not None and not (isinstance(given, ast.Constant) and given.value is False):
        return True
    for outer, inner in itertools.pairwise(chain):
        if isinstance(outer, ast.Try) and inner in outer.body:
            for handler in outer.handlers:
                types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
                if any(t is None or shown(t) in _TOLERATES for t in types):
                    return True
    return False


def _called_by_one(file: PythonFile, site: CallSite) -> bool:
    """Whether every call of the function in the file stands below a test of the rank (or there is none to see)."""
    function = site.scope.function
    if not function:
        return False
    callers = file.calls_by_name.get(function, [])
    return bool(callers) and all(_below(around(caller), _ASKS_RANK) for caller in callers)
