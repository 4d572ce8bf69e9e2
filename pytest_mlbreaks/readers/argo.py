"""Argo Workflows: Workflow, CronWorkflow, WorkflowTemplate, ClusterWorkflowTemplate; those that a Sensor starts, too.

Rules are those of https://argo-workflows.readthedocs.io/en/latest/fields and .../enhanced-depends-logic: a workflow
runs the template that ``entrypoint`` names; a template is a graph (``dag``), lists of steps that run one list after
the other (``steps``), or something that runs (``container``, ``script``, ...). A step's name is the path to it from
the entrypoint (``train/evaluate``); a graph in a graph comes after another as a whole.

- What a template runs is told by the Kubernetes reader as a `Container` of the workload ``NAME/TEMPLATE``.
- A template of another object (``templateRef``, ``workflowTemplateRef``) is a step that triggers that one and waits.
- ``onExit`` is a step after all others whose rule is ``all_done``; a ``depends`` that asks for more than that all
  succeeded is the rule as written.
- A template without an ``entrypoint`` (a library) is told from those of its templates that no other one runs.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Final

from pytest_mlbreaks.formats.yaml import YAML, YamlFile, YamlNode
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.expr import Expr, Items, Literal, Unknown
from pytest_mlbreaks.model.facts import Argument, Edge, Schedule, Step, Trigger
from pytest_mlbreaks.placeholders import TEMPLATED, written
from pytest_mlbreaks.reading import Reader, Wanted

STEP_LIMIT: Final = 2000
"""Steps of one workflow, a template counted each time that it is run. The largest real one has some eighty."""
EDGE_LIMIT: Final = 20_000
DEPTH_LIMIT: Final = 20
"""Templates within one another."""

_KINDS: Final = frozenset({"Workflow", "CronWorkflow", "WorkflowTemplate", "ClusterWorkflowTemplate"})
_RUNS: Final = ("container", "script", "containerSet", "resource", "suspend", "http", "data", "plugin")
_SETTINGS: Final = (
    *("concurrencyPolicy", "startingDeadlineSeconds", "timezone", "suspend", "activeDeadlineSeconds", "parallelism"),
    *("retryStrategy", "synchronization", "serviceAccountName", "ttlStrategy"),
)
_STEP_SETTINGS: Final = (
    *("when", "depends", "withItems", "withParam", "withSequence", "arguments", "continueOn"),
    *("activeDeadlineSeconds", "retryStrategy", "timeout", "memoize", "failFast"),
)
_DEPENDS: Final = re.compile(r"[A-Za-z0-9_][\w-]*(?:\.\w+)?")
_MAPS: Final = ("withItems", "withParam", "withSequence")


def _text(node: YamlNode | None) -> str:
    return (node.text or "") if node is not None else ""


def _elements(node: YamlNode | None) -> Iterator[YamlNode]:
    return node.elements() if node is not None else iter(())


def _expr(node: YamlNode) -> Expr:
    """A scalar as written; of a mapping or list only that something is there. ``{{x}}`` is filled in by Argo."""
    if node.is_template:
        return TEMPLATED
    scalar = node.scalar
    if isinstance(scalar, str):
        return written(scalar)
    if node.is_scalar:
        return Literal(scalar)
    elements = [element for element in node.elements() if element.is_scalar]
    if node.is_sequence and len(elements) == sum(1 for _ in node.elements()) and len(elements) <= 100:
        return Items(tuple(_expr(element) for element in elements))
    return Unknown("a structure")


@dataclasses.dataclass
class _Part:
    """The steps that a template begins and ends with."""

    first: list[str]
    last: list[str]


class _Workflow:
    """One object while its steps are stated."""

    def __init__(self, node: YamlNode, path: str) -> None:
        self.kind = _text(node.get("kind"))
        named = node.get("metadata", "name") or node.get("metadata", "generateName")
        self.name = _text(named).rstrip("-") or "workflow"
        self.place: Place = named.place if named is not None else node.place
        self.path = path
        self.cron = node.get("spec")
        self.spec = node.get("spec", "workflowSpec") if self.kind == "CronWorkflow" else self.cron
        self.head = f"argo:{path}#{self.name}"
        self.templates = {_text(t.get("name")): t for t in _elements(self.spec.get("templates") if self.spec else None)}
        self.doubts: list[str] = []
        self.steps: dict[str, Fact] = {}
        self.triggers: list[Trigger] = []
        self.edges: dict[tuple[str, str], Place] = {}
        self.active: list[str] = []

    def facts(self) -> Iterator[Fact]:
        """The schedule, its steps and edges."""
        if self.spec is None:
            return
        self._run()
        doubts = list(dict.fromkeys(self.doubts))
        yield Schedule(
            orchestrator="argo",
            name=self.name,
            scope=self.path,
            when=self._when(),
            settings=tuple(self._settings()),
            complete=not doubts,
            reason="; ".join(doubts[:5]),
            place=self.place,
        )
        yield from self.steps.values()
        yield from self.triggers
        for (before, after), place in self.edges.items():
            yield Edge(before=f"{self.head}/{before}", after=f"{self.head}/{after}", place=place)

    def _when(self) -> Expr | None:
        if self.kind != "CronWorkflow" or self.cron is None:
            return None
        many = self.cron.get("schedules")
        one = self.cron.get("schedule") or (next(many.elements(), None) if many is not None else None)
        if many is not None and sum(1 for _ in many.elements()) > 1:
            return _expr(many)
        return _expr(one) if one is not None else None

    def _settings(self) -> Iterator[Argument]:
        yield Argument(name="kind", value=Literal(self.kind), place=self.place)
        for holder in (self.cron, self.spec if self.spec is not self.cron else None):
            for name in _SETTINGS:
                node = holder.get(name) if holder is not None else None
                if node is not None:
                    yield Argument(name=name, value=_expr(node), place=node.place)

    def _run(self) -> None:
        assert self.spec is not None
        reference = self.spec.get("workflowTemplateRef")
        entry = _text(self.spec.get("entrypoint"))
        if reference is not None:
            name = _text(reference.get("name"))
            self._leaf(name or "workflowTemplateRef", reference, None, "workflowTemplateRef", mapped=False)
            self._trigger(name or "workflowTemplateRef", reference)
            return
        if entry:
            parts = [self._template(entry, (), self.spec.get("entrypoint") or self.spec, mapped=False)]
        else:
            called = self._called()
            roots = [name for name in self.templates if name not in called]
            parts = [self._template(name, (name,), self.templates[name], mapped=False) for name in roots]
        after = self.spec.get("onExit") or self.spec.get("hooks", "exit", "template")
        if after is not None and after.text:
            part = self._template(after.text, ("onExit",), after, mapped=False, rule="all_done")
            for main in parts:
                self._relate(main, part, after.place)

    def _called(self) -> set[str]:
        """The templates that another template of the object runs."""
        return {_text(call.get("template")) for template in self.templates.values() for call in _calls(template)}

    # ------------------------------------------------------------------------------------------------- templates

    def _template(
        self,
        name: str,
        path: tuple[str, ...],
        at: YamlNode,
        *,
        mapped: bool,
        rule: str = "",
        call: YamlNode | None = None,
    ) -> _Part:
        """Run the template *name* at *path*."""
        template = self.templates.get(name)
        label = "/".join(path) or name or "inline"
        if "{{" in name:
            self.doubts.append("the name of a template is computed")
        elif template is None:
            self.doubts.append(f"template {name} is not in the file")
        elif name in self.active:
            self.doubts.append(f"template {name} runs itself")
            template = None
        if template is None:
            return self._leaf(label, at, call, "template", mapped=mapped, rule=rule)
        self.active.append(name)
        try:
            return self._body(template, path, label, at, call, mapped=mapped, rule=rule)
        finally:
            self.active.pop()

    def _body(
        self,
        template: YamlNode,
        path: tuple[str, ...],
        label: str,
        at: YamlNode,
        call: YamlNode | None,
        *,
        mapped: bool,
        rule: str,
    ) -> _Part:
        if len(path) > DEPTH_LIMIT or len(self.steps) > STEP_LIMIT:
            self.doubts.append("it has more steps than are followed")
            return _Part([], [])
        if template.get("dag") is not None:
            return self._dag(template, path, mapped=mapped)
        if template.get("steps") is not None:
            return self._lists(template, path, mapped=mapped)
        kind = next((field for field in _RUNS if template.get(field) is not None), "template")
        return self._leaf(label, at, call, kind, mapped=mapped, rule=rule, template=template)

    def _call(self, call: YamlNode, path: tuple[str, ...], *, mapped: bool, rule: str = "") -> _Part:
        """Run what one task of a graph, or one step of a list, names."""
        name = _text(call.get("name"))
        inner = (*path, name)
        named = call.get("name") or call
        many = mapped or any(call.get(field) is not None for field in _MAPS)
        reference, inline = call.get("templateRef"), call.get("inline")
        if reference is not None:
            part = self._leaf("/".join(inner), named, call, "templateRef", mapped=many, rule=rule)
            self._trigger("/".join(inner), reference)
        elif inline is not None:
            part = self._body(inline, inner, "/".join(inner), named, call, mapped=many, rule=rule)
        else:
            part = self._template(_text(call.get("template")), inner, named, mapped=many, rule=rule, call=call)
        for field in (call.get("onExit"), call.get("hooks", "exit", "template")):
            if field is not None and field.text:
                after = self._template(field.text, (*inner, "onExit"), field, mapped=many, rule="all_done")
                self._relate(part, after, field.place)
        return part

    def _dag(self, template: YamlNode, path: tuple[str, ...], *, mapped: bool) -> _Part:
        parts: dict[str, _Part] = {}
        needs: dict[str, tuple[list[str], Place]] = {}
        for task in _elements(template.get("dag", "tasks")):
            name = _text(task.get("name"))
            needed, rule, place = _needs(task)
            needs[name] = (needed, place)
            parts[name] = self._call(task, path, mapped=mapped, rule=rule)
        followed: set[str] = set()
        for name, (needed, place) in needs.items():
            for before in needed:
                if before in parts and before != name:
                    followed.add(before)
                    self._relate(parts[before], parts[name], place)
                elif before not in parts:
                    self.doubts.append(f"task {before} is not in its graph")
        first = [step for name, part in parts.items() if not needs[name][0] for step in part.first]
        return _Part(first, [step for name, part in parts.items() if name not in followed for step in part.last])

    def _lists(self, template: YamlNode, path: tuple[str, ...], *, mapped: bool) -> _Part:
        whole = _Part([], [])
        for group in _elements(template.get("steps")):
            calls = list(group.elements()) if group.is_sequence else [group]
            found = [self._call(call, path, mapped=mapped) for call in calls if call.is_mapping]
            part = _Part([s for p in found for s in p.first], [s for p in found for s in p.last])
            if not part.first:
                continue
            self._relate(whole, part, group.place)
            whole = _Part(whole.first or part.first, part.last)
        return whole

    # ------------------------------------------------------------------------------------------- steps and edges

    def _leaf(
        self,
        label: str,
        at: YamlNode,
        call: YamlNode | None,
        kind: str,
        *,
        mapped: bool,
        rule: str = "",
        template: YamlNode | None = None,
    ) -> _Part:
        settings: dict[str, Argument] = {}
        for holder in (template, call):
            for name in _STEP_SETTINGS:
                node = holder.get(name) if holder is not None else None
                if node is not None:
                    settings[name] = Argument(name=name, value=_expr(node), place=node.place)
        if template is not None and template.get("name") is not None:
            settings["template"] = Argument(
                name="template", value=Literal(_text(template.get("name"))), place=template.place
            )
        image = template.get(kind, "image") if template is not None else None
        self.steps[label] = Step(
            orchestrator="argo",
            pipeline=self.head,
            name=label,
            operator=kind,
            image=_expr(image) if image is not None else None,
            settings=tuple(settings.values()),
            trigger_rule=rule,
            mapped=mapped,
            group=label.rpartition("/")[0],
            place=at.place,
        )
        return _Part([label], [label])

    def _trigger(self, label: str, reference: YamlNode) -> None:
        named = reference.get("name")
        target = _expr(named) if named is not None else Unknown("the template is not given by name")
        step = f"{self.head}/{label}"
        self.triggers.append(Trigger(step=step, target_pipeline=target, waits=True, place=reference.place))

    def _relate(self, before: _Part, after: _Part, place: Place) -> None:
        if len(self.edges) > EDGE_LIMIT:
            self.doubts.append("it has more edges than are followed")
            return
        for last in before.last:
            for first in after.first:
                if last != first:
                    self.edges.setdefault((last, first), place)


def _calls(template: YamlNode) -> Iterator[YamlNode]:
    """What a template runs, be it a graph or lists of steps."""
    yield from _elements(template.get("dag", "tasks"))
    for group in _elements(template.get("steps")):
        yield from group.elements() if group.is_sequence else (group,)


def _needs(task: YamlNode) -> tuple[list[str], str, Place]:
    """What a task of a graph comes after, the rule where that is not "all succeeded", and the place that says so."""
    expression = task.get("depends")
    if expression is not None and expression.text:
        names = _DEPENDS.findall(expression.text)
        plain = "||" not in expression.text and "!" not in expression.text
        plain = plain and all("." not in name or name.endswith(".Succeeded") for name in names)
        needed = [name.partition(".")[0] for name in names]
        return list(dict.fromkeys(needed)), "" if plain else expression.text.strip(), expression.place
    node = task.get("dependencies")
    needed = [element.text for element in _elements(node) if element.text]
    return needed, "", node.place if node is not None else task.place


def _objects(document: YamlNode) -> Iterator[YamlNode]:
    """The workflows of a document: itself, or those that a Sensor of Argo Events starts."""
    if not _text(document.get("apiVersion")).startswith("argoproj.io/"):
        return
    kind = _text(document.get("kind"))
    if kind in _KINDS:
        yield document
    elif kind == "Sensor":
        for trigger in _elements(document.get("spec", "triggers")):
            for sort in ("argoWorkflow", "k8s"):
                resource = trigger.get("template", sort, "source", "resource")
                if resource is not None and _text(resource.get("kind")) in _KINDS:
                    yield resource


def _claims(path: str) -> bool:
    return path.endswith((".yaml", ".yml")) and not path.startswith(".github/")


def _read(file: YamlFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    if "argoproj.io/" not in file.text:
        return
    seen: set[str] = set()
    for document in file.documents:
        for node in _objects(document):
            workflow = _Workflow(node, file.path)
            if workflow.head not in seen:
                seen.add(workflow.head)
                yield from workflow.facts()


READER: Reader[YamlFile] = Reader("argo", 1, YAML, (Schedule, Step, Edge, Trigger), _claims, _read)
