"""Code that runs notebooks: papermill, Airflow's operator for it, dagstermill, Databricks."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.formats.python import PYTHON, CallSite, PythonFile
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.expr import Expr, Unknown
from pytest_mlbreaks.model.facts import NotebookRun
from pytest_mlbreaks.readers.python import claims
from pytest_mlbreaks.reading import Reader, Wanted

_RUNNERS: dict[str, tuple[str, int | None]] = {
    "execute_notebook": ("input_path", 0),
    "PapermillOperator": ("input_nb", None),
    "define_dagstermill_asset": ("notebook_path", 1),
    "define_dagstermill_op": ("notebook_path", 1),
    "define_dagstermill_solid": ("notebook_path", 1),
}
"""By the last name of the callee: how the notebook's path is called, and where it stands.
https://papermill.readthedocs.io/en/latest/usage-execute.html, the Airflow provider papermill, dagstermill's API."""

_ROOTS = ("papermill.", "airflow.", "dagstermill.")


def read(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The notebooks that one module runs."""
    if not (file.mentions(b"papermill") or file.mentions(b"dagstermill") or file.mentions(b"dbutils.notebook")):
        return
    for callee, sites in file.calls_by_name.items():
        runner = _RUNNERS.get(callee.rpartition(".")[2]) if callee.startswith(_ROOTS) else None
        if runner is None and callee == "*.run" and file.mentions(b"dbutils.notebook"):
            runner = ("path", 0)
            sites = [site for site in sites if _is_databricks(site)]
        if runner is None:
            continue
        for site in sites:
            target = _target(file, site, *runner)
            if target is not None and not isinstance(target, Unknown):
                yield NotebookRun(place=file.place(site.node), target=target, api=callee)


def _is_databricks(site: CallSite) -> bool:
    owner = getattr(site.node.func, "value", None)
    return getattr(owner, "attr", "") == "notebook" and getattr(getattr(owner, "value", None), "id", "") == "dbutils"


def _target(file: PythonFile, site: CallSite, name: str, position: int | None) -> Expr | None:
    arguments = site.node.args
    node = next((k.value for k in site.node.keywords if k.arg == name), None)
    if node is None and position is not None and position < len(arguments):
        node = arguments[position]
    if node is None:
        return None
    made = getattr(node, "func", None)
    if made is not None and getattr(made, "attr", getattr(made, "id", "")) == "file_relative_path" and node.args[1:]:  # type: ignore[attr-defined]
        node = node.args[1]  # type: ignore[attr-defined]
    return file.expr(node, site.scope)


READER: Reader[PythonFile] = Reader("notebooks", 1, PYTHON, (NotebookRun,), claims, read)
