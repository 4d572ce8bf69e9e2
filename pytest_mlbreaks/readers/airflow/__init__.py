"""Airflow DAG files, 2 and 3: DAGs, their tasks and edges, what starts them and what they wait for.

A file is followed (see `follow`), never run. What only a run could tell makes the DAG's `Schedule` incomplete, with the
reason.

- `Schedule.when` is the schedule as written, None where none is given: Airflow 2 then runs the DAG daily, Airflow 3
  never. `Schedule.settings` are the other arguments of the DAG; those of a known ``default_args`` are
  ``default_args.retries`` and so on, ``default_args.**`` stands for what it unpacks and can't be told.
- `Step.name` is the full task id, groups included; ``{*}`` stands for a part of an id that can't be told. The arguments
  of a TaskFlow call are its setting ``op_kwargs``, by parameter.
- An ``ExternalTaskSensor`` on several tasks is several `Wait`. An ``ExternalTaskMarker`` waits for nothing and is none.
- A `ParsedVariable` is stated of files that make a DAG.
- Functions that make a DAG and are not called in the file are followed with unknown arguments: their DAG is incomplete.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_mlbreaks.formats.python import PYTHON, PythonFile
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.facts import Edge, ParsedVariable, Schedule, Step, Trigger, Wait
from pytest_mlbreaks.readers.airflow.calls import Calls
from pytest_mlbreaks.readers.airflow.follow import Follower, TooMuchError
from pytest_mlbreaks.readers.airflow.parsed import variables
from pytest_mlbreaks.readers.airflow.state import Statements
from pytest_mlbreaks.readers.airflow.values import Func
from pytest_mlbreaks.reading import Reader, Wanted


def claims(path: str) -> bool:
    """Python source."""
    return path.endswith(".py")


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The DAGs of one module. What does not parse is the Python reader's to report."""
    if file.tree is None or "airflow" not in file.roots:
        return
    follower = Follower(file)
    calls = Calls(follower)
    try:
        follower.run()
        _factories(file, follower, calls)
    except (RecursionError, TooMuchError) as error:
        what = "is nested too deeply" if isinstance(error, RecursionError) else "takes too many steps"
        for dag in follower.builder.dags:
            dag.doubt(f"the file {what} to be followed")
        yield Diagnostic(Place(file.path, 1), "warning", f"{what} to be followed: some of its DAGs may be missing")
    yield from Statements(file, follower).facts()
    if follower.builder.dags:
        yield from variables(file)


def _factories(file: PythonFile, follower: Follower, calls: Calls) -> None:
    """Follow the functions that make a DAG and that nothing in the file calls: another file may."""
    for site in file.functions:
        if id(site.node) in follower.entered or not _makes_dag(file, site.scope.calls):
            continue
        if site.scope.parent is not None and site.scope.parent.kind == "function":
            continue  # its own function is followed, or is none that makes a DAG
        follower.builder.contexts.clear()
        with follower.doubt(f"it is made by {site.scope.qualname}, which another file may call"):
            calls.enter(Func(site.node, follower.module, site.scope.qualname), [], {}, site.node)


def _makes_dag(file: PythonFile, callees: Iterable[str]) -> bool:
    return any(c.startswith("airflow.") and c.endswith(".DAG") for c in callees)


__all__ = ["READER", "claims", "read"]
READER = Reader("airflow", 5, PYTHON, (Schedule, Step, Edge, Wait, Trigger, ParsedVariable), claims, read)
