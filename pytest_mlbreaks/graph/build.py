"""Makes a graph of linked pipelines and what a report says of them."""

from __future__ import annotations

import bisect
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from pytest_mlbreaks import recognised
from pytest_mlbreaks.display import clean
from pytest_mlbreaks.graph.model import LINKS, Graph, GraphFinding, Group, Link, LinkKind, Node, NodeKind, Reason
from pytest_mlbreaks.link.relations import Relation, relations
from pytest_mlbreaks.model import (
    Application,
    Dataset,
    DbtModel,
    Environment,
    Host,
    Image,
    JobRun,
    Model,
    Pipeline,
    Place,
    Process,
    Setting,
    Tier,
    Value,
)
from pytest_mlbreaks.model.expr import Expr, Literal, Made
from pytest_mlbreaks.model.facts import (
    Container,
    DatasetAccess,
    Dockerfile,
    DvcStage,
    Edge,
    Function,
    ModelAccess,
    NetworkService,
    RemoteCall,
    Schedule,
    Step,
    Trigger,
    Wait,
    Workflow,
    WorkflowJob,
    Workload,
)
from pytest_mlbreaks.model.near import one_namespace
from pytest_mlbreaks.report import Report, ReportedFinding
from pytest_mlbreaks.secrets import redact_url

MOST_HOLDERS = 3
"""Processes that a link of one file's code is drawn for each of; more share a node for the file."""

MOST_USERS = 8
"""Processes whose links to a file of code are drawn; more are named in its details alone."""

_ROOT_MARKS = (
    *("pyproject.toml", "setup.py", "requirements.txt", "dvc.yaml", "environment.yml", "Pipfile", "MLproject"),
    *("dbt_project.yml", "docker-compose.yml", "docker-compose.yaml", "compose.yaml", "compose.yml"),
)
"""Files that say that their folder is where a program of its own begins."""

_CODE = (".py", ".ipynb", ".sql", ".sh", ".scala", ".java", ".r", ".R")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://([A-Za-z0-9][A-Za-z0-9_.-]*)(?::\d+)?(?:[/?#].*)?$")
_ADDRESS = re.compile(
    r"(?:[A-Za-z][A-Za-z0-9+.-]*://)?(?:[^\s/@,'\"]*@)?([A-Za-z0-9][A-Za-z0-9_.-]*)(?::\d{2,5})?(?:[/?;][^\s,]*)?"
)
_HERE = frozenset({"localhost", "127.0.0.1", "0.0.0.0", "host.docker.internal"})
_NOT_CALLED = re.compile(
    r"ORIGIN|CORS|ADVERTISED|LISTENER|ALLOWED|TRUSTED|REDIRECT|CALLBACK|PUBLIC|EXTERNAL|BROWSER|ISSUER|AUDIENCE|^HOST_",
    re.IGNORECASE,
)
"""Names of variables whose addresses are told to others, and not called."""


def build(pipelines: Sequence[Pipeline], report: Report, *, aside: bool = False) -> Graph:
    """The graph of *pipelines* (the parts of one repository) with the findings of *report* that nothing suppresses.

    What stands in tests, examples, documentation and vendored code is left out, and told; *aside* takes it in.
    """
    findings = tuple(finding for finding in report.findings if finding.suppressed is None)
    nodes: dict[str, Node] = {}
    links: dict[tuple[str, str, LinkKind], Link] = {}
    groups: dict[str, Group] = {}
    left_out: set[Place] = set()
    for number, pipeline in enumerate(pipelines):
        salt = f"{number}:" if len(pipelines) > 1 else ""
        builder = _Builder(pipeline, aside=aside)
        builder.build(findings)
        left_out |= builder.left_out
        for group in builder.groups.values():
            groups[salt + group.id] = msgspec.structs.replace(group, id=salt + group.id)
        for node in builder.nodes.values():
            own = msgspec.structs.replace(node, id=salt + node.id, group=salt + node.group if node.group else "")
            nodes[own.id] = own
        for link in builder.links.values():
            own_link = msgspec.structs.replace(link, source=salt + link.source, target=salt + link.target)
            links[own_link.source, own_link.target, own_link.kind] = own_link
    notes = []
    if left_out:
        notes.append(f"{len(left_out)} things of tests, examples, documentation and vendored code are left out")
    if not nodes:
        notes.append("nothing was found that can be drawn")
    if report.partial:
        notes.append(say(report.partial))
    used = {node.group for node in nodes.values()}
    ids = _fit(nodes)
    return Graph(
        title=say(report.root.rstrip("/\\").replace("\\", "/").rpartition("/")[2] or "."),
        nodes=tuple(msgspec.structs.replace(node, id=ids[node.id]) for node in nodes.values()),
        links=tuple(
            msgspec.structs.replace(link, source=ids[link.source], target=ids[link.target]) for link in links.values()
        ),
        groups=tuple(group for group in groups.values() if group.id in used),
        findings=tuple(map(_finding, findings)),
        notes=tuple(notes),
    )


def say(text: str, limit: int = 300) -> str:
    """*text* of a repository as a graph shows it: on one line, clipped, without secrets and control characters."""
    return clean(redact_url(text), limit)


def _fit(identities: Iterable[str]) -> dict[str, str]:
    """Identities without secrets (a dataset's is its URL), each still its own."""
    taken: dict[str, str] = {}
    for identity in identities:
        shown = base = say(identity, 500)
        number = 1
        while shown in taken:
            number += 1
            shown = f"{base} ({number})"
        taken[shown] = identity
    return {identity: shown for shown, identity in taken.items()}


def _finding(finding: ReportedFinding) -> GraphFinding:
    return GraphFinding(
        check=finding.check,
        category=finding.category,
        level=finding.level,
        place=finding.place,
        message=say(finding.message, 1000),
        because=tuple(Reason(say(related.note, 500), related.place) for related in finding.because),
        fingerprint=finding.fingerprint,
    )


class _Builder:
    """Makes nodes, links and groups of one pipeline."""

    def __init__(self, pipeline: Pipeline, *, aside: bool) -> None:
        self._pipeline = pipeline
        self._aside = aside
        self.nodes: dict[str, Node] = {}
        self.links: dict[tuple[str, str, LinkKind], Link] = {}
        self.groups: dict[str, Group] = {}
        self.left_out: set[Place] = set()
        #: Identities of facts and linked things, and the node that stands for each.
        self._named: dict[str, str] = {}
        self._starting: dict[str, list[tuple[str, str]]] = defaultdict(list)  # file: process's node, function
        self._functions: dict[str, dict[str, Function]] = {}
        self._on_line: dict[tuple[str, int], str] = {}
        self._in_file: dict[str, list[tuple[int, str]]] = {}

    def build(self, findings: Sequence[ReportedFinding]) -> None:
        """Make all there is."""
        self._schedules()
        self._steps()
        self._containers()
        self._entries()
        self._edges()
        self._images()
        self._hosts()
        self._data()
        self._clients()
        self._rest()
        self._names()
        self._place_nodes()
        for number, finding in enumerate(findings):
            self._mark(number, finding)
        self._drop_idle_starts()

    # ------------------------------------------------------------------------------------------------ nodes

    def _shown(self, place: Place) -> bool:
        if place.path in self._pipeline.idle or (not self._aside and recognised.aside(place.path)):
            self.left_out.add(place)
            return False
        return True

    def _add(
        self,
        identity: str,
        kind: NodeKind,
        label: str,
        *,
        tool: str = "",
        environment: Environment | None = None,
        place: Place | None = None,
        group: str = "",
        details: Iterable[tuple[str, str]] = (),
    ) -> str:
        if identity not in self.nodes:
            self.nodes[identity] = Node(
                id=identity,
                kind=kind,
                label=say(label, 120) or kind,
                tool=tool,
                tier=environment.tier if environment else Tier.UNKNOWN,
                environment=say(environment.name, 80) if environment else "",
                reason=say(environment.reason, 120) if environment else "",
                place=place,
                group=group,
                details=tuple((name, say(text)) for name, text in details if text),
            )
        self._named.setdefault(identity, identity)
        return identity

    def _group(self, identity: str, label: str, tool: str, place: Place, incomplete: str = "") -> str:
        self.groups.setdefault(
            identity,
            Group(id=identity, label=say(label, 80), tool=tool, place=place, incomplete=say(incomplete, 200)),
        )
        return identity

    def _detail(self, node: str, name: str, text: str) -> None:
        found = self.nodes[node]
        entry = (name, say(text))
        if text and entry not in found.details:
            self.nodes[node] = msgspec.structs.replace(found, details=(*found.details, entry))

    def _link(self, source: str | None, target: str | None, kind: LinkKind, note: str, place: Place | None) -> None:
        """Draw a link; a second reason for it stands beside the first."""
        if source is None or target is None or source == target:
            return
        key = (source, target, kind)
        reason = Reason(say(note), place)
        link = self.links.get(key)
        if link is None:
            self.links[key] = Link(source=source, target=target, kind=kind, reasons=(reason,))
        elif reason not in link.reasons:
            self.links[key] = msgspec.structs.replace(link, reasons=(*link.reasons, reason))

    def _schedules(self) -> None:
        workflows = {workflow.path: workflow for workflow in self._pipeline.all(Workflow)}
        for schedule in self._pipeline.all(Schedule):
            if not self._shown(schedule.place):
                continue
            incomplete = "" if schedule.complete else schedule.reason or "not all of it could be told"
            group = self._group(
                f"group:{schedule.identity}",
                _pipeline_name(schedule),
                schedule.orchestrator,
                schedule.place,
                incomplete,
            )
            when = self._when(schedule.when)
            workflow = workflows.get(schedule.path) if schedule.orchestrator == "github-actions" else None
            events = [one.event for one in workflow.events] if workflow is not None else []
            crons = [cron for one in workflow.events for cron in one.crons] if workflow is not None else []
            label = when or (f"on {', '.join(dict.fromkeys(events))}" if events else "started by others or by hand")
            self._add(
                schedule.identity,
                "start",
                label,
                tool=schedule.orchestrator,
                environment=_own(schedule, self._pipeline.environment(schedule)),
                place=schedule.place,
                group=group,
                details=(("pipeline", schedule.name), ("when", when or ", ".join(crons)), ("not told", incomplete)),
            )
            if workflow is not None:
                self._named[workflow.identity] = schedule.identity

    def _when(self, when: Expr | None) -> str:
        if when is None or (isinstance(when, Literal) and when.value is None):
            return ""
        if isinstance(when, Made):
            inside = [*map(self._when, when.arguments), *(f"{name}={self._when(e)}" for name, e in when.keywords)]
            return f"{when.callee.rpartition('.')[2]}({', '.join(inside)})"
        return self._pipeline.pattern(when).replace("{*}", "…")

    def _steps(self) -> None:
        processes = self._pipeline.index(Process, _process_of)
        for step in self._pipeline.all(Step):
            if step.pipeline not in self.nodes:
                continue
            process = next(iter(processes.get(step.identity, ())), None)
            image = process.image.text if process is not None and process.image is not None else None
            self._add(
                step.identity,
                "step",
                step.name,
                tool=step.orchestrator,
                environment=_own(step, self._pipeline.environment(step)),
                place=step.place,
                group=f"group:{step.pipeline}",
                details=(
                    ("operator", step.operator),
                    ("group", step.group),
                    ("image", image or ""),
                    ("trigger rule", step.trigger_rule),
                    ("mapped", "one run for each item" if step.mapped else ""),
                ),
            )

    def _containers(self) -> None:
        workloads = self._pipeline.index(Workload, "identity")
        owned = self._pipeline.index(Container, "workload")
        processes = self._pipeline.index(Process, _process_of)
        for container in self._pipeline.all(Container):
            if not self._shown(container.place):
                continue
            workload = next(iter(workloads.get(container.workload, ())), None)
            alone = len(owned[container.workload]) == 1
            name = workload.name if workload is not None else container.name
            process = next(iter(processes.get(container.identity, ())), None)
            image = process.image.text if process is not None and process.image is not None else None
            self._add(
                container.identity,
                "deployment",
                name if alone or container.name == name else f"{name}/{container.name}",
                tool=container.tool,
                environment=process.environment if process else self._pipeline.environment(container),
                place=container.place,
                group=self._deployed(container.tool, container.path, workload.namespace if workload else ""),
                details=(*_of_workload(workload, self._pipeline), ("image", image or "")),
            )
            if workload is not None:
                self._named.setdefault(workload.identity, container.identity)

    def _deployed(self, tool: str, path: str, namespace: str) -> str:
        """The group of what a compose file runs, or of the manifests of a folder and namespace."""
        if tool == "compose":
            return self._group(f"group:compose:{path}", path, tool, Place(path))
        folder = path.rpartition("/")[0] or "."
        label = f"{folder} ({namespace})" if namespace else folder
        return self._group(f"group:{tool}:{folder}#{namespace}", label, tool, Place(folder))

    # ------------------------------------------------------------------------------------------------ code

    def _entries(self) -> None:
        for process in self._pipeline.all(Process):
            node = process.fact.identity
            if node not in self.nodes:
                continue
            self._named[process.identity] = node
            for entry in process.entries:
                if entry.path is not None:
                    function = entry.function if entry.function in self._functions_of(entry.path) else ""
                    self._starting[entry.path].append((node, function))
                    shown = f"{entry.path}: {entry.function}" if entry.function else entry.path
                    self._detail(node, "runs", shown)
                    files = dict.fromkeys((*self.nodes[node].files, entry.path))
                    self.nodes[node] = msgspec.structs.replace(self.nodes[node], files=tuple(files))
                elif entry.written:
                    why = f" ({entry.reason})" if entry.reason and not entry.external else ""
                    self._detail(node, "runs", entry.written + why)

    def _functions_of(self, path: str) -> dict[str, Function]:
        if path not in self._functions:
            self._functions[path] = {f.name: f for f in self._pipeline.index(Function, "path").get(path, ())}
        return self._functions[path]

    def _comes_to(self, path: str, start: str, scope: str) -> bool:
        """Whether the function *start* of a file is, holds, or calls by way of others of the file the function
        *scope*."""
        functions = self._functions_of(path)
        seen: set[str] = set()
        stack = [start]
        while stack:
            name = stack.pop()
            if name in seen:
                continue
            seen.add(name)
            if scope == name or scope.startswith(f"{name}."):
                return True
            function = functions.get(name)
            for callee in function.calls if function is not None else ():
                last = callee.rpartition(".")[2]
                own = f"{name.rpartition('.')[0]}.{last}"
                stack.extend(one for one in (callee, own, f"{callee}.__init__") if one in functions)
        return False

    def _holders(self, path: str, scope: str, place: Place) -> list[str]:
        """The nodes whose code does what *scope* of the file *path* does: the processes that start it, or the file."""
        direct = dict.fromkeys(
            node
            for node, function in self._starting.get(path, ())
            if not function or (scope and self._comes_to(path, function, scope))
        )
        if 0 < len(direct) <= MOST_HOLDERS:
            return list(direct)
        if not self._shown(place):
            return []
        if not direct and f"code:{path}" not in self.nodes:
            reaching = self._reaching(path)
            if len(reaching) == 1:
                return reaching
        return [self._code(path, [*direct])]

    def _reaching(self, path: str) -> list[str]:
        """The processes that come to a file by imports alone."""
        started = {node for node, _ in self._starting.get(path, ())}
        reaching = dict.fromkeys(p.fact.identity for p in self._pipeline.processes_of(path))
        return [node for node in reaching if node in self.nodes and node not in started]

    def _code(self, path: str, direct: Sequence[str] = ()) -> str:
        """The node of a file, with links from the processes that run it or come to it by imports."""
        identity = f"code:{path}"
        if identity in self.nodes:
            return identity
        others = self._reaching(path)
        users = [*direct, *others]
        kind: NodeKind = "code" if path.endswith(_CODE) else "file"
        self._add(identity, kind, path, place=Place(path), environment=self._pipeline.environment(Place(path)))
        for node in users if len(users) <= MOST_USERS else ():
            note = f"its code imports {path}" if node in others else f"it starts {path}"
            self._link(node, identity, "uses", note, self.nodes[node].place)
        if len(users) > MOST_USERS:
            named = ", ".join(self.nodes[node].label for node in users)
            self._detail(identity, f"used by {len(users)} (not drawn)", named)
        elif not users and kind == "code":
            self._detail(identity, "run by", "no process that could be told")
        return identity

    # ------------------------------------------------------------------------------------------------ links

    def _known(self, identity: str) -> str | None:
        return identity if identity in self.nodes else None

    def _edges(self) -> None:
        after: set[str] = set()
        for edge in self._pipeline.all(Edge):
            after.add(edge.after)
            self._link(self._known(edge.before), self._known(edge.after), "order", "declared order", edge.place)
        for step in self._pipeline.all(Step):
            if step.identity not in after:
                self._link(
                    self._known(step.pipeline),
                    self._known(step.identity),
                    "starts",
                    "nothing comes before it",
                    step.place,
                )
        by_name = self._pipeline.index(Schedule, "name")
        for trigger in self._pipeline.all(Trigger):
            target = self._pipeline.resolve(trigger.target_pipeline).text
            for schedule in by_name.get(target, ()):
                self._link(
                    self._known(trigger.step), self._known(schedule.identity), "starts", "triggers it", trigger.place
                )
        for wait in self._pipeline.all(Wait):
            name = self._pipeline.resolve(wait.target_pipeline).text
            task = self._pipeline.resolve(wait.target_step).text if wait.target_step is not None else None
            for schedule in by_name.get(name, ()):
                waited = self._known(f"{schedule.identity}/{task}") or self._known(schedule.identity)
                of = f"task {task} of {name}" if task else f"pipeline {name}"
                self._link(waited, self._known(wait.step), "waits", f"waits for {of}", wait.place)
        containers = self._pipeline.index(Container, _compose_name)
        for container in self._pipeline.all(Container):
            for dependency in container.dependencies:
                for other in containers.get((container.path, dependency.name), ()):
                    note = f"is started after it ({dependency.condition})"
                    self._link(
                        self._known(other.identity), self._known(container.identity), "order", note, dependency.place
                    )

    def _images(self) -> None:
        for image in self._pipeline.all(Image):
            if not self._shown(image.place):
                continue
            name = image.repositories[0].replace("{*}", "…") if image.repositories else image.dockerfile.path
            node = self._add(
                image.identity,
                "image",
                name,
                tool="docker",
                environment=self._pipeline.environment(image.place),
                place=image.place,
                details=(
                    ("Dockerfile", image.dockerfile.path),
                    ("context", image.context or "."),
                    ("stage", image.stage.name),
                    ("names", ", ".join(image.repositories).replace("{*}", "…")),
                ),
            )
            for built in image.builds:
                self._named[built.identity] = node
                owner = self._known(built.owner)
                ran = any(process.fact.identity == owner for process in image.processes)
                if not ran:  # a compose service that builds its own image runs it, and that is said below
                    self._link(owner, node, "builds", f"built by {built.builder}", built.place)
            for process in image.processes:
                note = f"taken to be this image: {process.assumed}" if process.assumed else "its image"
                self._link(node, self._known(process.fact.identity), "runs", note, process.place)
        for dockerfile in self._pipeline.all(Dockerfile):
            images = [i for i in self._pipeline.all(Image) if i.dockerfile is dockerfile and i.identity in self.nodes]
            if images:
                self._named[dockerfile.identity] = images[-1].identity

    def _hosts(self) -> None:
        services = self._pipeline.index(NetworkService, "place")
        for host in self._pipeline.all(Host):
            behind = [p.fact.identity for p in host.processes if p.fact.identity in self.nodes]
            service = next(iter(services.get(host.place, ())), None)
            if service is None:
                if behind:
                    self._named[host.identity] = behind[0]
                continue
            if not self._shown(host.place):
                continue
            node = self._add(
                host.identity,
                "service",
                host.name,
                tool="kubernetes",
                environment=self._pipeline.environment(host.place),
                place=host.place,
                group=self._deployed("kubernetes", service.path, service.namespace),
                details=(("ports", ", ".join(map(str, sorted(host.published or host.ports)))),),
            )
            self._named[service.identity] = node
            for other in behind:
                self._link(node, other, "routes", "its selector takes these pods", host.place)

    def _data(self) -> None:
        steps = self._dbt_steps()
        for dataset in (part for whole in self._pipeline.all(Dataset) for part in self._parts(whole)):
            made = [steps[a.path] for a in dataset.accesses if a.api == "dbt" and a.mode == "write" and a.path in steps]
            if len(made) == 1:  # the model is its table
                self._named[dataset.identity] = made[0]
                thing = made[0]
            else:
                if all(not self._aside and recognised.aside(access.path) for access in dataset.accesses):
                    self.left_out.add(dataset.place)
                    continue
                thing = ""
            for access in dataset.accesses:
                for holder in self._users(access, steps):
                    if access.api == "dbt" and (thing, holder, "order") in self.links:
                        continue  # a ref is an order already
                    thing = thing or self._dataset(dataset)
                    self._access(access, thing, holder)
        for model in self._pipeline.all(Model):
            for use in model.accesses:
                for holder in self._holders(use.path, use.scope, use.place):
                    node = self._add(
                        model.identity,
                        "model",
                        model.name.replace("{*}", "…"),
                        tool=_model_tool(model),
                        place=model.place,
                        details=(
                            ("named by", {"path": "its path", "registry": "a registry", "hub": "a hub"}[model.kind]),
                        ),
                    )
                    if use.mode == "load":
                        self._link(node, holder, "loads", use.api, use.place)
                    else:
                        self._link(holder, node, "saves", f"{use.api} ({use.mode})", use.place)

    def _parts(self, dataset: Dataset) -> Iterator[Dataset]:
        """The dataset, in parts where its name means something else to each program: a relative path in several of
        them, or one that begins with something that can't be told."""
        name = dataset.name
        if dataset.kind == "table" or "://" in name or name.startswith("/") or len(dataset.accesses) == 1:
            yield dataset
            return
        found: dict[str, list[DatasetAccess]] = defaultdict(list)
        for access in dataset.accesses:
            found[access.path if name.startswith("{*}") else self._root(access.path)].append(access)
        for accesses in found.values():
            yield msgspec.structs.replace(dataset, accesses=tuple(accesses))

    def _root(self, path: str) -> str:
        """The nearest folder above *path* in which a program begins, "" for the whole tree."""
        folder = path.rpartition("/")[0]
        while folder and not any(f"{folder}/{mark}" in self._pipeline.paths for mark in _ROOT_MARKS):
            folder = folder.rpartition("/")[0]
        return folder

    def _dataset(self, dataset: Dataset) -> str:
        tier = self._pipeline.address_tier(dataset.name)
        taken = self.nodes.get(dataset.identity)
        own = taken is None or taken.place == dataset.place
        return self._add(
            dataset.identity if own else f"{dataset.identity}@{dataset.place.path}",
            "dataset",
            dataset.name.replace("{*}", "…"),
            tool="table" if dataset.kind == "table" else "",
            environment=Environment(dataset.name, tier, "configured address") if tier is not Tier.UNKNOWN else None,
            place=dataset.place,
            details=(("named by", "a table" if dataset.kind == "table" else "a path"),),
        )

    def _dbt_steps(self) -> dict[str, str]:
        """By file, the step of the model of dbt in it."""
        found: dict[str, str] = {}
        for step in self._pipeline.all(Step):
            if step.orchestrator == "dbt" and step.identity in self.nodes:
                found[step.path] = step.identity
        return found

    def _users(self, access: DatasetAccess, steps: dict[str, str]) -> list[str]:
        if access.path in steps:
            return [steps[access.path]]
        return self._holders(access.path, access.scope, access.place)

    def _access(self, access: DatasetAccess, dataset: str, holder: str) -> None:
        if access.mode == "read":
            self._link(dataset, holder, "reads", access.api, access.place)
        else:
            self._link(holder, dataset, "writes", f"{access.api} ({access.mode})", access.place)

    def _clients(self) -> None:
        reads = {(setting.process.identity, setting.name) for setting in self._pipeline.all(Setting)}
        for process in self._pipeline.all(Process):
            node = self._known(process.fact.identity)
            for name, value in process.variables.items() if node is not None else ():
                if _NOT_CALLED.search(name):
                    continue
                kind: LinkKind = "told" if process.modules and (process.identity, name) not in reads else "calls"
                for text, place in _texts(value, process.place):
                    for host in self._hosts_in(text, process):
                        self._link(node, host, kind, f"{name} leads there", place)
        for call in self._pipeline.all(RemoteCall):
            self._called_by(call)

    def _hosts_in(self, text: str, process: Process) -> Iterator[str]:
        """The hosts that the addresses in the value of a variable lead to."""
        for part in text.split(","):
            match = _ADDRESS.fullmatch(part.strip())
            if match is not None and (":" in part or "." in match[1]):
                yield from self._called(match[1], process)

    def _called_by(self, call: RemoteCall) -> None:
        processes: Sequence[Process | None] = self._pipeline.processes_of(call.path) or (None,)
        for process in processes:
            url = self._pipeline.pattern(call.url, process)
            match = _URL.match(url)
            if match is None or match[1] in _HERE:
                continue
            shown = url.partition("?")[0].replace("{*}", "…")
            hosts = list(self._called(match[1], process))
            if not hosts:
                if "." not in match[1] or match[1].endswith((".example", ".local", ".internal")):
                    continue
                if not self._aside and recognised.aside(call.path):
                    continue
            for holder in self._holders(call.path, call.scope, call.place):
                for host in hosts or [self._external(match[1])]:
                    self._link(holder, host, "calls", f"{call.verb or 'a request'} {shown} ({call.api})", call.place)

    def _external(self, host: str) -> str:
        tier = self._pipeline.address_tier(host)
        environment = Environment(host, tier, "configured host") if tier is not Tier.UNKNOWN else None
        return self._add(f"external:{host.lower()}", "external", host.lower(), environment=environment)

    def _called(self, name: str, process: Process | None) -> Iterator[str]:
        """The nodes of the hosts of that name that a process can reach: those of its network, where it is in one."""
        first, _, rest = name.partition(".")
        hosts = self._pipeline.index(Host, "name").get(name, ())
        if not hosts and rest:  # Kubernetes: service.namespace[.svc...]
            namespace = rest.partition(".")[0]
            hosts = tuple(
                host
                for host in self._pipeline.index(Host, "name").get(first, ())
                if host.network.partition("#")[2] == namespace
            )
        if process is not None and isinstance(process.fact, Container):
            hosts = _reachable(hosts, process)
        elif len({host.network for host in hosts}) > 1:
            hosts = ()  # several may be meant
        for host in hosts:
            node = self._named.get(host.identity)
            if node is not None:
                yield node

    def _rest(self) -> None:
        """What else link ties together, between things that no link of ours is drawn between."""
        tied = {frozenset((link.source, link.target)) for link in self.links.values()}
        for relation in relations(self._pipeline):
            source, target = self._end(relation.from_identity), self._end(relation.to_identity)
            if source is None or target is None or frozenset((source, target)) in tied:
                continue
            through = self._named.get(relation.through) if relation.through else None
            if through is not None and {frozenset((source, through)), frozenset((through, target))} <= tied:
                continue  # drawn by way of the dataset, model or host
            kind = _RELATED.get(relation.kind, "related")
            self._link(source, target, kind, _note(relation), relation.from_place)

    def _end(self, identity: str) -> str | None:
        """The node of one end of a relation."""
        if identity.startswith("file:"):
            return self._known(f"code:{identity.removeprefix('file:')}")
        return self._named.get(identity)

    # ------------------------------------------------------------------------------------------------ findings

    def _names(self) -> None:
        """Under which node the identities of other facts are found, where the fact's own is none."""
        for job in self._pipeline.all(WorkflowJob):
            self._name(job.identity, job.step)
        for run in self._pipeline.all(JobRun):
            self._name(run.identity, run.job.step)
        for stage in self._pipeline.all(DvcStage):
            self._name(stage.identity, stage.step)
        for wait in self._pipeline.all(Wait):
            self._name(wait.identity, wait.step)
        for trigger in self._pipeline.all(Trigger):
            self._name(trigger.identity, trigger.step)
        steps = self._dbt_steps()
        for model in self._pipeline.all(DbtModel):
            if model.path in steps:
                self._named.setdefault(model.identity, steps[model.path])
        for setting in self._pipeline.all(Setting):
            self._name(setting.identity, setting.process.fact.identity)
        for application in self._pipeline.all(Application):
            started = {node for node, _ in self._starting.get(application.place.path, ())}
            if len(started) == 1:
                self._name(application.identity, started.pop())
        for access in self._pipeline.all(DatasetAccess):
            self._name_code(access.identity, access.path, access.scope)
        for use in self._pipeline.all(ModelAccess):
            self._name_code(use.identity, use.path, use.scope)

    def _name(self, identity: str, node: str) -> None:
        if node in self.nodes:
            self._named.setdefault(identity, node)

    def _name_code(self, identity: str, path: str, scope: str) -> None:
        holders = self._there(path, scope)
        if len(holders) == 1:
            self._name(identity, holders[0])

    def _there(self, path: str, scope: str) -> list[str]:
        """As `_holders`, and adds nothing."""
        direct = dict.fromkeys(
            node
            for node, function in self._starting.get(path, ())
            if not function or (scope and self._comes_to(path, function, scope))
        )
        if 0 < len(direct) <= MOST_HOLDERS:
            return list(direct)
        if f"code:{path}" in self.nodes:
            return [f"code:{path}"]
        reaching = self._reaching(path)
        return reaching if not direct and len(reaching) == 1 else []

    def _place_nodes(self) -> None:
        """Note where nodes stand, to find those that a place belongs to."""
        in_file: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for node in self.nodes.values():
            if node.place is None or node.place.line is None or node.kind in ("dataset", "model"):
                continue
            self._on_line.setdefault((node.place.path, node.place.line), node.id)
            in_file[node.place.path].append((node.place.line, node.id))
        self._in_file = {path: sorted(found) for path, found in in_file.items()}

    def _at(self, place: Place) -> list[str]:
        """The nodes that what stands at *place* belongs to; that of its file, which is then made, where none does."""
        found = self._on_line.get((place.path, place.line or 0))
        if found is not None:
            return [found]
        if place.path.endswith((".py", ".ipynb")):
            held = self._there(place.path, self._scope(place))
            if held:
                return held
        else:
            lines = self._in_file.get(place.path, [])
            above = bisect.bisect_right(lines, (place.line or 0, "\U0010ffff"))
            if above:
                return [lines[above - 1][1]]
            started = list(dict.fromkeys(node for node, _ in self._starting.get(place.path, ())))
            if 0 < len(started) <= MOST_HOLDERS:
                return started
        if place.path in (".", ""):
            return []
        return [self._code(place.path, [node for node, function in self._starting.get(place.path, ()) if not function])]

    def _scope(self, place: Place) -> str:
        """The function that *place* is in, by the last one that begins above it; "" where none does or that has
        ended."""
        if place.line is None or place.cell is not None:
            return ""
        best: Function | None = None
        for function in self._functions_of(place.path).values():
            line, end = function.place.line, function.place.end_line
            if line is None or line > place.line or (end is not None and end != line and end < place.line):
                continue
            if best is None or line >= (best.place.line or 0):
                best = function
        return best.name if best is not None else ""

    def _mark(self, number: int, finding: ReportedFinding) -> None:
        """Put a finding on the nodes that it is about, and on the links to those that prove it."""
        named = [self._named[one] for one in finding.about[:1] if one in self._named]
        if not named and finding.place.path not in self._pipeline.paths:
            return  # of another of the pipelines
        primary = named or self._at(finding.place)
        for node in primary:
            self._add_finding(node, number)
        for related in finding.because:
            if related.place.path not in self._pipeline.paths:
                continue
            same_file = any(self._path(node) == related.place.path for node in primary)
            others = self._at(related.place) if not same_file else self._known_at(related.place)
            for node in primary:
                for other in others if node not in others else ():
                    self._disagree(node, other, number, related.note, related.place)

    def _path(self, node: str) -> str:
        place = self.nodes[node].place
        return place.path if place is not None else ""

    def _known_at(self, place: Place) -> list[str]:
        found = self._on_line.get((place.path, place.line or 0))
        return [found] if found is not None else []

    def _add_finding(self, node: str, number: int) -> None:
        found = self.nodes[node]
        if number not in found.findings:
            self.nodes[node] = msgspec.structs.replace(found, findings=(*found.findings, number))

    def _disagree(self, node: str, other: str, number: int, note: str, place: Place) -> None:
        """Mark the links between two nodes, or draw one."""
        between = [key for key in self._between(node, other) if number not in self.links[key].findings]
        for key in between:
            link = self.links[key]
            self.links[key] = msgspec.structs.replace(link, findings=(*link.findings, number))
        if not self._between(node, other):
            self._link(node, other, "disagrees", note, place)
            key = (node, other, "disagrees")
            self.links[key] = msgspec.structs.replace(self.links[key], findings=(number,))

    def _between(self, node: str, other: str) -> list[tuple[str, str, LinkKind]]:
        pairs = ((node, other), (other, node))
        return [(*pair, kind) for pair in pairs for kind in LINKS if (*pair, kind) in self.links]

    def _drop_idle_starts(self) -> None:
        """Leave out what starts a pipeline where nothing tells when, and nothing but its own steps hangs on it."""
        tied = {link.target for link in self.links.values()}
        tied |= {link.source for link in self.links.values() if link.kind != "starts"}
        led = {link.source for link in self.links.values()}
        for node in [n for n in self.nodes.values() if n.kind == "start"]:
            bare = node.label == "started by others or by hand"
            if bare and node.id in led and node.id not in tied and not node.findings:
                del self.nodes[node.id]
                self.links = {key: link for key, link in self.links.items() if link.source != node.id}


_RELATED: dict[str, LinkKind] = {
    "order": "order",
    "triggers": "starts",
    "waits": "waits",
    "starts": "uses",
    "builds": "builds",
    "runs": "runs",
    "writes": "writes",
    "reads": "reads",
    "saves": "saves",
    "loads": "loads",
    "calls": "calls",
}


def _model_tool(model: Model) -> str:
    """The tool that knows a model by its name, "" where there is none."""
    if model.kind == "registry":
        return "wandb" if all(access.api.startswith("wandb.") for access in model.accesses) else "mlflow"
    return "hugging face" if model.kind == "hub" else ""


def _note(relation: Relation) -> str:
    through = f" by way of {relation.through.partition(':')[2]}" if relation.through else ""
    return f"{relation.kind}{through}, see also {relation.to_place}"


def _own(step: Step | Schedule, environment: Environment) -> Environment:
    """The environment of a step, without what only a file's or a folder's name says where that names something else:
    the staging models of dbt are a layer, and ``ci.yml`` may deploy to production."""
    if step.orchestrator in _NAMED_OTHERWISE and environment.reason.startswith(("file name", "folder")):
        return Environment("", Tier.UNKNOWN)
    return environment


_NAMED_OTHERWISE = frozenset({"dbt", "github-actions", "gitlab-ci"})


def _process_of(process: Process) -> str:
    return process.fact.identity


def _compose_name(container: Container) -> tuple[str, str] | None:
    return (container.path, container.name) if container.tool == "compose" else None


def _texts(value: Value, otherwise: Place) -> Iterator[tuple[str, Place]]:
    """The texts that a value can be, each with the place that decides it; no secrets."""
    for alternative in value:
        if not alternative.secret and isinstance(alternative.value, str):
            yield alternative.value, alternative.origins[0].place if alternative.origins else otherwise


def _pipeline_name(schedule: Schedule) -> str:
    """How a pipeline is headed: a workflow of GitHub by its file, of which the folder is always the same."""
    name = schedule.name or schedule.path
    return name.removeprefix(".github/workflows/") if schedule.orchestrator == "github-actions" else name


def _reachable(hosts: Sequence[Host], process: Process) -> tuple[Host, ...]:
    """The one of *hosts*, all of one name, that a container reaches by it: that of its compose file; in Kubernetes that
    of its namespace, in the same folder where there are several. None where several may be meant."""
    workload = process.workload
    if workload is None or workload.tool == "compose":
        return tuple(host for host in hosts if host.network == process.place.path)
    folder = process.place.path.rpartition("/")[0]
    found = []
    for host in hosts:
        where, separator, namespace = host.network.partition("#")
        if separator and one_namespace(namespace, workload.namespace):
            found.append((where != folder, host))
    near = [host for far, host in found if not far] or [host for _, host in found]
    return tuple(near) if len(near) == 1 else ()


def _of_workload(workload: Workload | None, pipeline: Pipeline) -> Iterator[tuple[str, str]]:
    if workload is None:
        return
    yield "kind", "service of docker compose" if workload.tool == "compose" else workload.kind
    yield "namespace", workload.namespace
    if workload.replicas is not None:
        yield "replicas", pipeline.pattern(workload.replicas).replace("{*}", "…")
    if workload.schedule is not None:
        yield "schedule", pipeline.pattern(workload.schedule).replace("{*}", "…")
