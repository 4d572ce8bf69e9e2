"""Relations: what leads from one thing of the pipeline to another, over all tools.

They are what ``mlbreaks graph`` draws. Nothing is guessed here: each relation rests on an entry, a build, a name or an
address that link could tell, and names the two places that prove it.
"""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from pytest_mlbreaks.model import Dataset, Entry, Host, Image, Model, Pipeline, Place, Process
from pytest_mlbreaks.model.expr import literal_text
from pytest_mlbreaks.model.facts import (
    Container,
    DatasetAccess,
    DvcStage,
    Edge,
    ModelAccess,
    NotebookRun,
    RemoteCall,
    Schedule,
    Step,
    Trigger,
    Wait,
)

Kind = Literal[
    "order",  # step -> the step after it
    "triggers",  # step -> the schedule that it starts
    "waits",  # schedule or step -> the step that waits for it
    "starts",  # step, container or code -> the file that it runs
    "builds",  # step or container -> the image that it builds
    "runs",  # image -> the step or container that it is run as
    "writes",  # code or step -> dataset
    "reads",  # dataset -> code or step
    "saves",  # code or step -> model
    "loads",  # model -> code or step
    "feeds",  # who writes a dataset, or saves a model -> who reads or loads it
    "calls",  # code or container -> the container that answers at a host of the tree
]

MOST_PAIRS = 40
"""Pairs of a writer and a reader that are told of one dataset or model; more than that is no pipeline, but a name that
everybody uses."""

_OWN_DISKS = frozenset({"kfp", "argo", "flyte", "sagemaker", "vertex"})
"""Orchestrators whose steps run in a container each: what is no address, but a path, means a file of that one step."""

_ROOT_MARKS = frozenset(
    {
        *(
            "pyproject.toml",
            "setup.py",
            "requirements.txt",
            "dvc.yaml",
            "environment.yml",
            "environment.yaml",
            "Pipfile",
        ),
        *("MLproject", "dbt_project.yml", "docker-compose.yml", "docker-compose.yaml", "compose.yaml", "compose.yml"),
    }
)
"""Files that say that their folder is where a program of its own begins."""

_URL = re.compile(r"[a-z][a-z0-9+.-]*://(?:[^/@\s]*@)?([A-Za-z0-9_.-]+)(?::(\d+))?(?:[/?#].*)?$")
_LANGUAGES = {"py": "python", "ipynb": "notebook", "sh": "shell", "bash": "shell", "r": "r", "sql": "sql"}


@dataclasses.dataclass(frozen=True)
class Relation:
    """One thing leads to another. *from_identity* and *to_identity* are identities of facts (`Step`, `Container`,
    `Schedule`) or linked things (`Image`, `Dataset`, `Model`), or ``file:PATH`` for code that belongs to no one step.

    *tool_from* and *tool_to* say whose they are: the orchestrator, ``compose``, ``kubernetes``, ``docker``, ``dbt``, or
    the language of a file; "" for datasets and models, which are nobody's. *through*: the dataset or model that two
    things share, or the host that one is reached by. The places are those that prove it.
    """

    kind: Kind
    from_identity: str
    to_identity: str
    from_place: Place
    to_place: Place
    tool_from: str = ""
    tool_to: str = ""
    through: str = ""

    @property
    def crosses(self) -> bool:
        """Whether it leads from a thing of one tool to a thing of another."""
        return bool(self.tool_from and self.tool_to) and self.tool_from != self.tool_to


@dataclasses.dataclass(frozen=True)
class _Thing:
    """One end of a relation."""

    identity: str
    tool: str
    place: Place


def relations(pipeline: Pipeline) -> tuple[Relation, ...]:
    """All relations of a linked pipeline, each once, in no particular order."""
    maker = _Relations(pipeline)
    return tuple(dict.fromkeys(maker.all()))


class _Relations:
    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._steps = pipeline.index(Step, "identity")
        self._roots: dict[str, str] = {}
        #: Steps of dbt, which have no process, by their file and name.
        self._models = {(s.place.path, s.name): s for s in pipeline.all(Step) if s.orchestrator == "dbt"}
        self._starting = pipeline.index(Process, _started, each=True)

    def all(self) -> Iterator[Relation]:
        yield from self._order()
        yield from self._between_schedules()
        yield from self._entries()
        yield from self._images()
        yield from self._shared()
        yield from self._declared()
        yield from self._calls()

    # --------------------------------------------------------------------------------------------------- order

    def _step(self, identity: str) -> _Thing | None:
        found = self._steps.get(identity, ())
        return _Thing(identity, found[0].orchestrator, found[0].place) if found else None

    def _order(self) -> Iterator[Relation]:
        for edge in self._pipeline.all(Edge):
            before, after = self._step(edge.before), self._step(edge.after)
            if before is not None and after is not None:
                yield _relation("order", before, after)

    def _between_schedules(self) -> Iterator[Relation]:
        for trigger in self._pipeline.all(Trigger):
            step = self._step(trigger.step)
            schedule = self._schedule(self._pipeline.resolve(trigger.target_pipeline).text, step)
            if step is not None and schedule is not None:
                yield _relation("triggers", step, schedule, from_place=trigger.place)
        for wait in self._pipeline.all(Wait):
            step = self._step(wait.step)
            schedule = self._schedule(self._pipeline.resolve(wait.target_pipeline).text, step)
            if step is None or schedule is None:
                continue
            name = self._pipeline.resolve(wait.target_step).text if wait.target_step is not None else None
            awaited = self._step(f"{schedule.identity}/{name}") if name else None
            yield _relation("waits", awaited or schedule, step, to_place=wait.place)

    def _schedule(self, name: str | None, asking: _Thing | None) -> _Thing | None:
        """The one schedule of that name and of the asking step's orchestrator."""
        if name is None or asking is None:
            return None
        named = self._pipeline.index(Schedule, "name").get(name, ())
        found = [s for s in named if s.orchestrator == asking.tool]
        return _Thing(found[0].identity, found[0].orchestrator, found[0].place) if len(found) == 1 else None

    # ------------------------------------------------------------------------------------------ what is started

    def _entries(self) -> Iterator[Relation]:
        for process in self._pipeline.all(Process):
            starting = _process(process)
            for entry in process.entries:
                # a callable of the file that the step itself stands in is that step, and no other thing
                if entry.path is None or entry.external or entry.path == process.place.path:
                    continue
                yield _relation("starts", starting, _file(entry.path), from_place=entry.place)
        for run in self._pipeline.all(NotebookRun):
            path = self._notebook(run)
            if path is not None and path != run.path:
                yield _relation("starts", self._code(run.path, "", run.place)[0], _file(path), from_place=run.place)

    def _notebook(self, run: NotebookRun) -> str | None:
        text = self._pipeline.resolve(run.target).text
        if text is None:
            return None
        for folder in ("", run.path.rpartition("/")[0]):
            path = posixpath.normpath(posixpath.join(folder, text))
            if path in self._pipeline.paths:
                return path
        return None

    # --------------------------------------------------------------------------------------------------- images

    def _images(self) -> Iterator[Relation]:
        containers = {c.identity: c for c in self._pipeline.all(Container)}
        for image in self._pipeline.all(Image):
            built = _Thing(image.identity, "docker", image.stage.place)
            for build in image.builds:
                container = containers.get(build.owner)
                owner = (
                    _Thing(container.identity, container.tool, container.place)
                    if container is not None
                    else self._step(build.owner)
                )
                if owner is not None:
                    yield _relation("builds", owner, built, from_place=build.place)
            for process in image.processes:
                running = process.fact
                if not process.assumed:
                    yield _relation("runs", built, _process(process), to_place=running.place)

    # ---------------------------------------------------------------------------------------- datasets and models

    def _shared(self) -> Iterator[Relation]:
        for dataset in self._pipeline.all(Dataset):
            thing = _Thing(dataset.identity, "", dataset.place)
            writers: list[tuple[_Thing, DatasetAccess | ModelAccess]] = []
            readers: list[tuple[_Thing, DatasetAccess | ModelAccess]] = []
            for access in dataset.accesses:
                for who in self._who(access):
                    if access.mode == "read":
                        readers.append((who, access))
                        yield _relation("reads", thing, who, from_place=access.place, to_place=access.place)
                    else:
                        writers.append((who, access))
                        yield _relation("writes", who, thing, from_place=access.place, to_place=access.place)
            yield from self._feeds(dataset.name, dataset.identity, writers, readers)
        for model in self._pipeline.all(Model):
            thing = _Thing(model.identity, "", model.place)
            savers: list[tuple[_Thing, DatasetAccess | ModelAccess]] = []
            loaders: list[tuple[_Thing, DatasetAccess | ModelAccess]] = []
            for use in model.accesses:
                for who in self._who(use):
                    if use.mode == "load":
                        loaders.append((who, use))
                        yield _relation("loads", thing, who, from_place=use.place, to_place=use.place)
                    else:
                        savers.append((who, use))
                        yield _relation("saves", who, thing, from_place=use.place, to_place=use.place)
            if model.kind != "hub":
                yield from self._feeds(model.name, model.identity, savers, loaders)

    def _feeds(
        self,
        name: str,
        identity: str,
        makers: Sequence[tuple[_Thing, DatasetAccess | ModelAccess]],
        users: Sequence[tuple[_Thing, DatasetAccess | ModelAccess]],
    ) -> Iterator[Relation]:
        if len(makers) * len(users) > MOST_PAIRS:
            return
        for maker, made in makers:
            for user, used in users:
                apart = made.kind == "path" and "://" not in name and not _OWN_DISKS.isdisjoint((maker.tool, user.tool))
                if maker.identity != user.identity and not apart and self._one_place(name, made, used):
                    yield _relation("feeds", maker, user, from_place=made.place, to_place=used.place, through=identity)

    def _one_place(self, name: str, one: DatasetAccess | ModelAccess, other: DatasetAccess | ModelAccess) -> bool:
        """Whether a name means the same to two accesses: a relative path does to code of one program only, and what
        begins with something that can't be told does to nobody but dbt, where it is the schema of the one project."""
        if name.startswith("{*}"):
            return "dbt" in (one.api, other.api)
        if one.kind in ("table", "registry") or "://" in name or name.startswith("/"):
            return True
        return self._root(one.path) == self._root(other.path)

    def _root(self, path: str) -> str:
        """The nearest folder above *path* in which a program begins, "" for the whole tree."""
        folder = path.rpartition("/")[0]
        if folder not in self._roots:
            found = not folder or any(f"{folder}/{mark}" in self._pipeline.paths for mark in _ROOT_MARKS)
            self._roots[folder] = folder if found else self._root(folder)
        return self._roots[folder]

    def _who(self, access: DatasetAccess | ModelAccess) -> Sequence[_Thing]:
        if access.api == "dbt":
            step = self._models.get((access.path, access.scope))
            return (_Thing(step.identity, "dbt", access.place),) if step is not None else ()
        step_of = self._steps.get(access.scope, ())
        if step_of:  # an orchestrator that declares what its step reads and writes
            return (_Thing(step_of[0].identity, step_of[0].orchestrator, access.place),)
        return self._code(access.path, access.scope, access.place)

    def _code(self, path: str, scope: str, place: Place) -> Sequence[_Thing]:
        """The steps and containers that run the function *scope* of the file *path* by starting it, or the file."""
        found: dict[str, _Thing] = {}
        for process in self._starting.get(path, ()):
            if any(_runs(entry, path, scope) for entry in process.entries):
                found.setdefault(process.fact.identity, _Thing(process.fact.identity, _tool(process.fact), place))
        return tuple(found.values()) or (_file(path, place),)

    def _declared(self) -> Iterator[Relation]:
        """What DVC's stages declare, where code of the tree reads or writes the same file."""
        by_path: dict[str, list[DatasetAccess]] = defaultdict(list)
        for dataset in self._pipeline.all(Dataset):
            for access in dataset.accesses:
                by_path[dataset.name].append(access)
        for stage in self._pipeline.all(DvcStage):
            step = self._step(stage.step)
            if step is None:
                continue
            for needed in stage.inputs:
                path = literal_text(needed.path)
                for access in by_path.get(path or "", ()):
                    if access.mode != "read" and self._root(access.path) == self._root(stage.path):
                        for who in self._code(access.path, access.scope, access.place):
                            if who.identity != step.identity:
                                yield _relation(
                                    "feeds", who, step, to_place=needed.place, through=f"dataset:path:{path}"
                                )

    # ---------------------------------------------------------------------------------------------------- calls

    def _calls(self) -> Iterator[Relation]:
        hosts = self._pipeline.index(Host, "name")
        if not hosts:
            return
        for process in self._pipeline.all(Process):
            for name, value in process.variables.items():
                text = value.text
                if text is None or "://" not in text or not value.alternatives[0].origins:
                    continue
                place = value.alternatives[0].origins[0].place
                for host in self._reached(text, process, hosts.get(_host_of(text), ())):
                    yield from self._to(host, _process(process), place, name)
        for call in self._pipeline.all(RemoteCall):
            for process_or_none in self._pipeline.processes_of(call.path) or (None,):
                text = self._pipeline.pattern(call.url, process_or_none)
                for host in self._reached(text, process_or_none, hosts.get(_host_of(text), ())):
                    yield from self._to(host, _file(call.path, call.place), call.place, "")

    def _reached(self, text: str, process: Process | None, named: Sequence[Host]) -> Sequence[Host]:
        """The host that an address means to a process: of its own network; to code, the only one of that name."""
        if process is None or not isinstance(process.fact, Container):
            return named if len(named) == 1 else ()
        own = [h for h in named if h.network == process.place.path]
        if own or process.fact.tool == "compose":
            return own
        named = [h for h in named if "#" in h.network]  # a cluster knows no services of a compose file
        folder = process.place.path.rpartition("/")[0]
        near = [h for h in named if h.network.partition("#")[0] == folder]
        return near if len(near) == 1 else (named if len(named) == 1 else ())

    def _to(self, host: Host, caller: _Thing, place: Place, variable: str) -> Iterator[Relation]:
        for behind in host.processes:
            if behind.fact.identity != caller.identity:
                yield _relation(
                    "calls", caller, _process(behind), from_place=place, to_place=host.place, through=host.identity
                )


def _relation(
    kind: Kind,
    one: _Thing,
    other: _Thing,
    *,
    from_place: Place | None = None,
    to_place: Place | None = None,
    through: str = "",
) -> Relation:
    return Relation(
        kind,
        one.identity,
        other.identity,
        from_place or one.place,
        to_place or other.place,
        one.tool,
        other.tool,
        through,
    )


def _process(process: Process) -> _Thing:
    return _Thing(process.fact.identity, _tool(process.fact), process.place)


def _tool(fact: Container | Step) -> str:
    return fact.tool if isinstance(fact, Container) else fact.orchestrator


def _file(path: str, place: Place | None = None) -> _Thing:
    ending = path.rpartition(".")[2].lower()
    return _Thing(f"file:{path}", _LANGUAGES.get(ending, ending if "/" not in ending else "file"), place or Place(path))


def _started(process: Process) -> tuple[str, ...]:
    return tuple(entry.path for entry in process.entries if entry.path is not None)


def _runs(entry: Entry, path: str, scope: str) -> bool:
    """Whether *entry* runs the function *scope* of *path* for certain enough to say that its process does: it is that
    callable, or the file itself is started."""
    if entry.path != path:
        return False
    return not entry.function or not scope or scope == entry.function or scope.startswith(f"{entry.function}.")


def _host_of(text: str) -> str:
    match = _URL.match(text)
    return match[1] if match is not None else ""


def crossing(found: Iterable[Relation]) -> tuple[Relation, ...]:
    """Those of *found* that lead from one tool to another."""
    return tuple(relation for relation in found if relation.crosses)
