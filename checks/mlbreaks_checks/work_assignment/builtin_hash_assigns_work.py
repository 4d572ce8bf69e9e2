"""The builtin hash() of a text decides a shard, a bucket, a key or a seed, and is another one in each process."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks._rows import only_tests_come_to
from pytest_mlbreaks.api import Check, Confidence, Finding, Pipeline, Process, Severity, Unjudged, Verdict, facts

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.LOW, since="0.1", also=("distribution-shift",))

_ONLY_LOOKS = re.compile(r"colou?r|palette|marker|emoji|icon|jitter|style|log", re.IGNORECASE)
_ASSIGNS = re.compile(
    r"shard|bucket|partition|split|fold|owner|route|rout|arm|variant|worker|rank|world|replica|assign|queue",
    re.IGNORECASE,
)
_SPREADS = re.compile(r"writer|sink|file_?handle|out(?:put)?_?files?", re.IGNORECASE)
"""Files that the process writes side by side: whoever reads them reads all of them."""
_KEPT_IN_PROCESS = frozenset({"add", "append", "update", "discard", "remove", "builtins.print", "isinstance"})
_STORES = frozenset(
    {
        *("get", "set", "setex", "setnx", "mget", "mset", "hget", "hset", "exists", "put", "lock", "open", "Path"),
        *("join", "makedirs", "mkdir", "dump", "load", "save", "to_csv", "to_parquet", "upload_file", "upload_blob"),
        *("download_file", "put_object", "get_object", "upsert", "insert", "create_collection", "get_collection"),
    }
)
"""Calls that keep something under a name, or look for it there."""
_SETS_SEED = "PYTHONHASHSEED"


def _leaves(call: facts.BuiltinHash, pipeline: Pipeline) -> bool:
    """Hashes that something is decided or named by; one that is only compared stays in its process."""
    return call.use != "other"


@check.over(facts.BuiltinHash, where=_leaves)
def find(call: facts.BuiltinHash, pipeline: Pipeline) -> Iterator[Verdict]:
    """Hashes that decide where something goes, or what it is called."""
    if call.of == "number" or any(_ONLY_LOOKS.search(name) for name in call.about):
        return
    if call.use == "name" and (not call.into or call.into.rpartition(".")[2] in _KEPT_IN_PROCESS):
        return
    if call.use == "modulo" and any(_SPREADS.search(name) for name in call.about):
        return
    if only_tests_come_to(call.path, pipeline):
        return
    fixed = [_fixed(process) for process in pipeline.processes_of(call.path)]
    if fixed and all(fixed):
        return
    if call.of == "unknown" and not (call.use == "name" or _names_work(call)):
        yield Unjudged(call.place, "it cannot be told whether a text or a number is hashed")
        return
    lost = call.use != "name" or _is_stored(call)
    reasons = ["what is hashed could also be a number"] if call.of == "unknown" else []
    vague = call.use == "modulo" and not _names_work(call)
    if vague:
        reasons.append("what it decides has no name that says so")
    if not lost:
        reasons.append("whether anything is kept under the name is not told")
    yield Finding(
        at=call.place,
        message=f"hash() {_does(call)}: for a text it is another one in every process, so that {_breaks(call)}.",
        severity=None if lost else Severity.MEDIUM,
        lowered=", and ".join(reasons),
    )


def _is_stored(call: facts.BuiltinHash) -> bool:
    return call.into.rpartition(".")[2] in _STORES


def _fixed(process: Process) -> bool:
    """Whether the process starts with a hash seed of its own (0 or another number; not ``random``)."""
    value = process.variables.get(_SETS_SEED)
    only = value.only if value is not None else None
    return only is not None and str(only.value).isdigit()


def _names_work(call: facts.BuiltinHash) -> bool:
    return any(_ASSIGNS.search(name) for name in (call.into, *call.about))


def _does(call: facts.BuiltinHash) -> str:
    if call.use == "modulo":
        return f"modulo {call.into} decides"
    return "seeds" if call.use == "seed" else "is made into a name"


def _breaks(call: facts.BuiltinHash) -> str:
    if call.use == "modulo":
        return "two workers, or two runs, put the same thing into different places"
    if call.use == "seed":
        return "no run can be repeated"
    if _is_stored(call):
        return "no other process, and no later run, finds what is stored under it"
    return "no other process, and no later run, gives the same thing this name"
