"""Which notebooks are somebody's production: those that a step runs, and those that make a model that code loads."""

from __future__ import annotations

import re
from collections import defaultdict

from pytest_mlbreaks import recognised
from pytest_mlbreaks.link.modules import Modules
from pytest_mlbreaks.model import Model, Pipeline, Process
from pytest_mlbreaks.model.facts import NotebookRun, PythonModule, Script

_RUNS = re.compile(r"\b(?:nbconvert|papermill)\b")
_NOTEBOOK = re.compile(r"[\w./-]+\.ipynb\b")


def idle(pipeline: Pipeline, modules: Modules) -> frozenset[str]:
    """The notebooks of the tree that nothing runs and whose models nothing loads, as far as can be told."""
    notebooks = {m.path for m in pipeline.all(PythonModule) if m.path.endswith(".ipynb")}
    if not notebooks:
        return frozenset()
    live = {entry.path for process in pipeline.all(Process) for entry in process.entries if entry.path in notebooks}
    for target in _named(pipeline):
        path = modules.ending(target.lstrip("./"))
        if path is not None:
            live.add(path)
    return frozenset(notebooks.difference(live, _makers(pipeline)))


def _named(pipeline: Pipeline) -> list[str]:
    """The notebooks that scripts and code run, as they name them."""
    found = []
    for script in pipeline.all(Script):
        for line in script.text.splitlines():
            if ".ipynb" in line and _RUNS.search(line) and not line.lstrip().startswith("#"):
                found += _NOTEBOOK.findall(line)[:1]  # papermill names the output second
    for run in pipeline.all(NotebookRun):
        text = pipeline.resolve(run.target).text
        if text is not None:
            found.append(text if text.endswith(".ipynb") else f"{text}.ipynb")
    return found


def _makers(pipeline: Pipeline) -> list[str]:
    """Notebooks that alone save a model which code of the tree loads. Folders above are put aside: a notebook runs in
    its own folder, and says ``../models/churn.pkl`` where a service says ``models/churn.pkl``."""
    saved: dict[str, set[str]] = defaultdict(set)
    loaded: set[str] = set()
    for model in pipeline.all(Model):
        name = model.name
        while name.startswith("../"):
            name = name[3:]
        for access in model.accesses:
            if access.mode != "load":
                saved[name].add(access.path)
            elif access.path.endswith(".py") and not recognised.aside(access.path):
                loaded.add(name)
    return [next(iter(paths)) for name, paths in saved.items() if len(paths) == 1 and name in loaded]
