"""Component files and compiled pipelines of Kubeflow Pipelines: YAML that the SDK writes and loads.

Rules are those of the pipeline spec (api/v2alpha1/pipeline_spec.proto of https://github.com/kubeflow/pipelines) and of
the component file (https://www.kubeflow.org/docs/components/pipelines/reference/component-spec).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pytest_mlbreaks.formats.yaml import YAML, YamlFile, YamlNode
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model import expr as e
from pytest_mlbreaks.model.expr import Expr, Literal, Unknown
from pytest_mlbreaks.model.facts import Command, KfpComponent, KfpPipeline, KfpTask, Variable
from pytest_mlbreaks.placeholders import kept_secret, written
from pytest_mlbreaks.readers.kfp.values import plain_name
from pytest_mlbreaks.reading import Reader, Source, Unreadable, Wanted

DEPTH_LIMIT: Final = 12
"""Pipelines within one another."""
TASK_LIMIT: Final = 5000
"""Tasks of one compiled pipeline, nested ones counted each time."""
TEXT_LIMIT: Final = 4000
"""Characters of one argument that are kept: a lightweight component carries its whole source in one."""

_INPUT: Final = re.compile(r"\{\{\$[^{}]*\}\}|\{\{\$\}\}")


def _text(node: YamlNode | None) -> str:
    return (node.text or "") if node is not None else ""


def component_of_text(text: str, place: Place) -> KfpComponent | None:
    """The component that the text of a component file describes, all of it at *place*; None where it is none."""
    if "implementation" not in text:
        return None
    try:
        file = YAML.parse(Source(place.path, text.encode("utf-8", "replace")))
    except Unreadable:
        return None
    for document in file.documents[:1]:
        found = _component(document)
        if found is not None:
            image, commands = found.image, tuple(Command(argv=c.argv, place=place) for c in found.commands)
            return KfpComponent(name=found.name, operator=found.operator, image=image, commands=commands, place=place)
    return None


def _component(document: YamlNode) -> KfpComponent | None:
    """The component of a component file; None where the document is something else."""
    container = document.get("implementation", "container")
    if container is None or not container.is_mapping:
        return None
    environment = container.get("env")
    return KfpComponent(
        name=plain_name(_text(document.get("name")) or "component"),
        operator="file",
        image=_expr(container.get("image")),
        commands=tuple(_command(container)),
        variables=tuple(
            Variable(name=name, value=kept_secret(name, _text(value), "kfp", written(_text(value))), place=key.place)
            for name, key, value in (environment.items() if environment is not None else ())
        ),
        place=document.place,
    )


def _command(container: YamlNode) -> Iterator[Command]:
    """``command`` and ``args`` in one; what is filled in when it runs can't be told. Of a function's component, which
    carries its own source and a program that starts it, nothing."""
    words: list[Expr] = []
    place: Place | None = None
    for field in ("command", "args"):
        node = container.get(field)
        for element in node.elements() if node is not None else ():
            words.append(_expr(element) or Unknown("filled in when the task runs"))
            place = place or element.place
    if words and place is not None and Literal("--function_to_execute") not in words:
        yield Command(argv=tuple(words), place=place)


def _expr(node: YamlNode | None) -> Expr | None:
    if node is None:
        return None
    text = node.text
    if text is None:
        return Unknown("filled in when the task runs")
    if len(text) > TEXT_LIMIT:
        return Unknown("a long text")
    if "{{$" in text:
        parts: list[Expr] = []
        end = 0
        for match in _INPUT.finditer(text):
            parts += [Literal(text[end : match.start()]), Unknown("filled in when the task runs")]
            end = match.end()
        return e.Concat((*parts, Literal(text[end:])))
    return written(text)


# ------------------------------------------------------------------------------------------------ compiled pipelines


class _Compiled:
    """One compiled pipeline while its tasks are stated."""

    def __init__(self, spec: YamlNode, path: str) -> None:
        self.spec = spec
        self.path = path
        self.components: dict[str, KfpComponent] = {}
        self.tasks: list[KfpTask] = []
        self.doubts: list[str] = []

    def facts(self) -> Iterator[Fact]:
        """The components that tasks run, and the pipeline."""
        name = self.spec.get("pipelineInfo", "name")
        self._dag(self.spec.get("root", "dag"), (), ())
        yield from self.components.values()
        yield KfpPipeline(
            name=_text(name) or "pipeline",
            tasks=tuple(self.tasks),
            doubts=tuple(self.doubts),
            place=name.place if name is not None else self.spec.place,
        )

    def _dag(
        self, dag: YamlNode | None, groups: tuple[str, ...], seen: tuple[str, ...], *, mapped: bool = False
    ) -> None:
        tasks = dag.get("tasks") if dag is not None else None
        prefix = "".join(f"{group}/" for group in groups)
        for name, key, task in tasks.items() if tasks is not None else ():
            if len(self.tasks) >= TASK_LIMIT or len(groups) > DEPTH_LIMIT:
                self.doubts = ["it has more tasks than are followed"]
                return
            reference = _text(task.get("componentRef", "name"))
            component = self.spec.get("components", reference)
            inner = component.get("dag") if component is not None else None
            many = mapped or task.get("parameterIterator") is not None or task.get("artifactIterator") is not None
            after = tuple(f"{prefix}{before}" for before in dict.fromkeys(_before(task)) if before != name)
            if inner is not None and reference not in seen:
                self.tasks.append(_group(prefix + name, groups, after, key.place))
                self._dag(inner, (*groups, name), (*seen, reference), mapped=many)
                continue
            self.tasks.append(
                KfpTask(
                    key=prefix + name,
                    name=name,
                    component=self._component(reference, component, key.place),
                    groups=groups,
                    after=after,
                    trigger_rule="all_done" if _text(task.get("triggerPolicy", "strategy")) == _ALWAYS else "",
                    mapped=many,
                    place=key.place,
                )
            )

    def _component(self, reference: str, component: YamlNode | None, place: Place) -> str:
        label = _text(component.get("executorLabel")) if component is not None else ""
        if label not in self.components:
            executor = self.spec.get("deploymentSpec", "executors", label)
            container = executor.get("container") if executor is not None else None
            self.components[label] = KfpComponent(
                name=reference.removeprefix("comp-"),
                function=f"{_text(self.spec.get('pipelineInfo', 'name'))}:{label or reference}",
                operator="compiled",
                image=_expr(container.get("image")) if container is not None else None,
                commands=tuple(_command(container)) if container is not None else (),
                place=container.place if container is not None else place,
            )
        return self.components[label].identity


_ALWAYS: Final = "ALL_UPSTREAM_TASKS_COMPLETED"


def _group(key: str, groups: tuple[str, ...], after: tuple[str, ...], place: Place) -> KfpTask:
    """A task that is itself a graph: it has no name of its own, and stands for the order of what is in it."""
    return KfpTask(key=f"group:{key}", groups=groups, after=after, place=place)


def _before(task: YamlNode) -> Iterator[str]:
    """The tasks beside it that a task comes after: those named, and those whose outputs it takes."""
    named = task.get("dependentTasks")
    for element in named.elements() if named is not None else ():
        yield _text(element)
    for kind in ("parameters", "artifacts"):
        inputs = task.get("inputs", kind)
        for _, _, given in inputs.items() if inputs is not None else ():
            for field in ("taskOutputParameter", "taskOutputArtifact"):
                producer = _text(given.get(field, "producerTask"))
                if producer:
                    yield producer


# --------------------------------------------------------------------------------------------------------- reader


def _claims(path: str) -> bool:
    return path.endswith((".yaml", ".yml")) and not path.startswith(".github/")


def _read(file: YamlFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    text = file.text
    if "deploymentSpec" in text:
        for document in file.documents:
            spec = document.get("pipelineSpec") or document
            if spec.get("deploymentSpec") is not None and spec.get("root", "dag") is not None:
                yield from _Compiled(spec, file.path).facts()
    elif "implementation:" in text:
        for document in file.documents[:1]:
            component = _component(document)
            if component is not None:
                yield component


COMPILED: Reader[YamlFile] = Reader("kfp-files", 1, YAML, (KfpComponent, KfpPipeline), _claims, _read)
