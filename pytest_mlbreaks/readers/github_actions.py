"""GitHub Actions workflows and composite actions: what starts them, their jobs and steps, their order, and the images
that they build.

A job is one `Step`, because it is what the scheduler orders; its own steps are in `WorkflowJob`. Rules are those of
"Workflow syntax for GitHub Actions" (https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal as L

import msgspec

from pytest_mlbreaks.formats.yaml import YAML, YamlFile, YamlNode
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.expr import Choice, Concat, Context, EnvVar, Expr, Literal, SecretKey, literal_text
from pytest_mlbreaks.model.facts import (
    GITHUB_CONTEXTS,
    Argument,
    Command,
    CompositeAction,
    ContextRead,
    Edge,
    ImageBuild,
    JobStep,
    Misread,
    RepeatedKey,
    Schedule,
    Step,
    Variable,
    Workflow,
    WorkflowEvent,
    WorkflowInput,
    WorkflowJob,
)
from pytest_mlbreaks.readers._image_commands import ImageCommands
from pytest_mlbreaks.readers._repeated import repeated_keys
from pytest_mlbreaks.reading import Reader, Wanted
from pytest_mlbreaks.secrets import redact_url, secret_key
from pytest_mlbreaks.slots import Slots, join, plain, sealed

ORCHESTRATOR = "github-actions"

_FOLDER = ".github/workflows/"
_ACTION_FILES = ("action.yml", "action.yaml")
_NAME = r"[A-Za-z_][A-Za-z0-9_-]*"
_PROPERTY = re.compile(rf"(secrets|env|vars)(?:\.({_NAME})|\[\s*'({_NAME})'\s*\])")
_STRING = re.compile(r"'((?:[^']|'')*)'")
_READ = re.compile(
    rf"(?<![\w.-])(needs|steps)(?:\.({_NAME})|\[\s*'({_NAME})'\s*\])((?:\.{_NAME}|\[\s*'[^']*'\s*\])*)", re.IGNORECASE
)
_VARIABLE = re.compile(rf"\s*env\.({_NAME})\s*")
_QUOTED_KEY = re.compile(r"\[\s*'([^']*)'\s*\]")
_TERM = re.compile(r"'(?:[^']|'')*'|(?<![\w.\]-])([A-Za-z_][\w-]*)\s*(\()?")
"""A string of an expression, or the first name of a term, and whether it is called."""
_KNOWN_NAMES = frozenset({*GITHUB_CONTEXTS, "true", "false", "null", "nan", "infinity"})
"""Contexts, and literals: https://docs.github.com/en/actions/reference/workflows-and-actions/expressions#literals"""
_NOT_IN_A_JOBS_CONDITION = frozenset({"env", "job", "matrix", "runner", "secrets", "steps", "strategy"})
_NOT_IN_A_STEPS_CONDITION = frozenset({"secrets"})
"""Contexts that GitHub does not know in an `if`:
https://docs.github.com/en/actions/reference/workflows-and-actions/contexts#context-availability"""
_ROUNDED = re.compile(r"\d+\.\d*[1-9]0")
_VERSIONED = re.compile(r"version|^(?:python|py|node|go|golang|java|ruby|php|terraform)$", re.IGNORECASE)
_OPERATORS = re.compile(r"'(?:[^']|'')*'|\|\||&&|[()\[\]]")

_RUNS_ELSEWHERE = {
    "appleboy/ssh-action": "script",
    "google-github-actions/ssh-compute": "command",
    "garygrossgarten/github-action-ssh": "command",
    "fifsky/ssh-action": "command",
}
"""The actions that run commands on another host, each with the input that holds these.

Sources: https://github.com/appleboy/ssh-action, https://github.com/google-github-actions/ssh-compute,
https://github.com/garygrossgarten/github-action-ssh, https://github.com/fifsky/ssh-action
"""


# ------------------------------------------------------------------------------------------------ expressions


class Template:
    """A text of a workflow with its ``${{ }}`` in `slots`; `text` is what can be split and matched."""

    def __init__(self, text: str) -> None:
        self.slots = Slots()
        self.text = self.slots.redact(self._scan(plain(text)) if "${{" in text else plain(text))

    def _scan(self, text: str) -> str:
        pieces: list[str] = []
        position = 0
        while (start := text.find("${{", position)) >= 0:
            end = _end_of_expression(text, start + 3)
            if end < 0:
                break
            pieces.append(text[position:start])
            pieces.append(self.slots.hold(expression(text[start + 3 : end])))
            position = end + 2
        pieces.append(text[position:])
        return "".join(pieces)

    def expr(self, piece: str | None = None) -> Expr:
        """The expression of *piece*, a part of `text`; of the whole text where not given."""
        return self.slots.expr(self.text if piece is None else piece)


def _end_of_expression(text: str, start: int) -> int:
    """Index of the ``}}`` that closes the expression, one in a string aside; -1 where there is none."""
    end = text.find("}}", start)
    while end >= 0 and text.count("'", start, end) % 2:
        end = text.find("}}", end + 1)
    return end


def template(text: str) -> Expr:
    """The expression that a text of a workflow is: literal pieces, and what its ``${{ }}`` stand for."""
    try:
        return Template(text).expr()
    except ValueError as error:
        return Context("github", str(error))


def expression(text: str) -> Expr:
    """What stands between ``${{`` and ``}}``.

    ``secrets.X`` is a SecretKey of the store ``github``, ``env.X`` an EnvVar, a string a Literal. ``a || b`` is one
    of both, ``c && a || b`` too (what is false never comes through before the last ``||``).
    Everything else is a Context of the tool ``github`` with its text.
    """
    text = text.strip()
    if "||" in text:
        options = _options(text)
        if options is not None:
            return options
    return _operand(text)


def _options(text: str) -> Expr | None:
    """The options of ``a || c && b || d``; None where they can't be told."""
    alternatives = _split(text, "||")
    options: list[Expr] = []
    for index, alternative in enumerate(alternatives):
        *conditions, value = _split(alternative, "&&")
        operand = _operand(value)
        last = index == len(alternatives) - 1
        if conditions and last:
            return None
        if operand not in options and (last or operand != Literal("")):
            options.append(operand)
    return options[0] if len(options) == 1 else Choice(tuple(options))


def _split(text: str, operator: str) -> list[str]:
    """The parts of an expression between an operator, strings and parentheses left whole."""
    parts: list[str] = []
    depth = start = 0
    for match in _OPERATORS.finditer(text):
        token = match[0]
        if token in "([":
            depth += 1
        elif token in ")]":
            depth -= 1
        elif token == operator and not depth:
            parts.append(text[start : match.start()].strip())
            start = match.end()
    parts.append(text[start:].strip())
    return parts


def _operand(text: str) -> Expr:
    if string := _STRING.fullmatch(text):
        return Literal(redact_url(string[1].replace("''", "'")))
    found = _PROPERTY.fullmatch(text)
    if found is None:
        return Context("github", redact_url(text))
    name = found[2] or found[3]
    if found[1] == "secrets":
        return SecretKey("github", name)
    return EnvVar(name) if found[1] == "env" else Context("github", f"vars.{name}")


def _misread(node: YamlNode, name: str) -> Iterator[Misread]:
    """What below *node* GitHub reads otherwise than it is written; *name* is the key that it stands under."""
    text = node.text
    if text is None:
        for child in node.elements():
            yield from _misread(child, name)
        for key, _, child in node.items():
            yield from _misread(child, key)
        return
    if isinstance(node.scalar, float) and _ROUNDED.fullmatch(text) and _VERSIONED.search(name):
        yield Misread(kind="number", name=name, text=text, place=node.place)
    if "${{" in text:
        for start, end in _expressions(text, condition=False):
            line_start = text.rfind("\n", 0, start) + 1
            if node.block and text[line_start:start].lstrip().startswith("#"):
                continue  # a comment of the script
            for term in _TERM.finditer(text[start:end]):
                if term[1] and not term[2] and term[1].lower() not in _KNOWN_NAMES:
                    whole = redact_url(text[start:end].strip())
                    yield Misread(kind="name", name=term[1], text=whole, place=_place_in(node, text, start))
                    break


def _misplaced(condition: YamlNode | None, lacking: frozenset[str]) -> Iterator[Misread]:
    """The first context of an `if` that GitHub does not know there: one of *lacking*."""
    text = condition.text if condition is not None else None
    if condition is None or not text:
        return
    for start, end in _expressions(text, condition=True):
        for term in _TERM.finditer(text[start:end]):
            if term[1] and not term[2] and term[1].lower() in lacking:
                whole = redact_url(text[start:end].strip())
                yield Misread(kind="place", name=term[1].lower(), text=whole, place=_place_in(condition, text, start))
                return


# ------------------------------------------------------------------------------------------------------ pieces


def _text(node: YamlNode | None) -> str:
    return (node.text or "") if node is not None else ""


def _texts(node: YamlNode | None) -> tuple[str, ...]:
    """The texts of a list; a scalar counts as a list of one."""
    if node is None:
        return ()
    if node.is_sequence:
        return tuple(element.text for element in node.elements() if element.text)
    return (node.text,) if node.text else ()


def _flag(node: YamlNode | None) -> bool | None:
    """A truth value; None where it is not given, or an expression."""
    value = node.scalar if node is not None else None
    return value if isinstance(value, bool) else None


def _expr(node: YamlNode | None) -> Expr | None:
    text = node.text if node is not None else None
    return None if text is None else template(text)


def _variables(node: YamlNode | None) -> tuple[Variable, ...]:
    """``env`` or ``with``, without secrets that are written out."""
    if node is None:
        return ()
    return tuple(_variable(key, value, key_node.place) for key, key_node, value in node.items())


def _variable(name: str, node: YamlNode, place: Place) -> Variable:
    value = _expr(node) or Literal("")
    if secret_key(name):
        value = sealed(value, SecretKey(place.path, name))
    return Variable(name=name, value=value, place=place)


def _merged(outer: tuple[Variable, ...], inner: tuple[Variable, ...]) -> tuple[Variable, ...]:
    """Variables of a job: its own, and those of the workflow that it does not replace."""
    return tuple({variable.name: variable for variable in (*outer, *inner)}.values())


def _concurrency(node: YamlNode | None) -> tuple[str, bool | None]:
    """The group and whether a new run cancels the one before (None: no group, or an expression decides)."""
    if node is None:
        return "", None
    if not node.is_mapping:
        return _text(node), False if node.text else None
    cancel = node.get("cancel-in-progress")
    return _text(node.get("group")), False if cancel is None else _flag(cancel)


def _contents(job: YamlNode, workflow: YamlNode) -> str:
    """What the token of the job may do with the repository's files; "" where its settings decide. A job's own
    permissions replace all of its workflow's, and what a mapping does not name is none.

    Source: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#permissions
    """
    own, node = job.get("permissions"), workflow.get("permissions")
    node = own if own is not None else node
    if node is None:
        return ""
    if not node.is_mapping:
        return _text(node).removesuffix("-all")
    return _text(node.get("contents")) or "none"


# ------------------------------------------------------------------------------------------------------ events


def _events(document: YamlNode) -> Iterator[WorkflowEvent]:
    on = document.get("on")
    if on is None:
        return
    if on.text:
        yield WorkflowEvent(event=on.text, place=on.place)
    for element in on.elements():
        if element.text:
            yield WorkflowEvent(event=element.text, place=element.place)
    for event, key, value in on.items():
        yield WorkflowEvent(
            event=event,
            branches=_texts(value.get("branches")),
            branches_ignore=_texts(value.get("branches-ignore")),
            tags=_texts(value.get("tags")),
            tags_ignore=_texts(value.get("tags-ignore")),
            paths=_texts(value.get("paths")),
            paths_ignore=_texts(value.get("paths-ignore")),
            types=_texts(value.get("types")),
            workflows=_texts(value.get("workflows")),
            crons=tuple(cron for element in value.elements() if (cron := _text(element.get("cron")))),
            place=key.place,
        )


def _schedule(path: str, document: YamlNode, events: tuple[WorkflowEvent, ...]) -> Schedule:
    scheduled = next((event for event in events if event.event == "schedule"), None)
    crons = tuple(Literal(cron) for cron in scheduled.crons) if scheduled is not None else ()
    return Schedule(
        orchestrator=ORCHESTRATOR,
        name=path,
        when=None if not crons else crons[0] if len(crons) == 1 else Choice(crons),
        place=scheduled.place if scheduled is not None else document.key_place("on"),
    )


def _inputs(node: YamlNode | None) -> tuple[WorkflowInput, ...]:
    """What a reusable workflow or an action declares to take in."""
    if node is None:
        return ()
    return tuple(
        WorkflowInput(
            name=name,
            default=_default(value.get("default")),
            required=_flag(value.get("required")) is True,
            place=key.place,
        )
        for name, key, value in node.items()
    )


def _default(node: YamlNode | None) -> Expr | None:
    return None if node is None else _expr(node) or Literal("")


# -------------------------------------------------------------------------------------------------------- jobs


def _shell_and_folder(*levels: YamlNode) -> tuple[str, Expr | None]:
    """The shell and working directory that hold where a step gives none; the innermost level comes first."""
    shell, folder = "", None
    for level in levels:
        run = level.get("defaults", "run")
        if run is not None:
            shell = shell or _text(run.get("shell"))
            folder = folder or _expr(run.get("working-directory"))
    return shell, folder


def _run(step: YamlNode, shell: str, folder: Expr | None) -> Command | None:
    node = step.get("run")
    text = _expr(node)
    if node is None or text is None:
        return None
    workdir = _expr(step.get("working-directory")) or folder
    program = (_text(step.get("shell")) or shell).split(" ", 1)[0]
    if program.startswith("python"):
        return Command(argv=(Literal(program), Literal("-c"), text), workdir=workdir, place=node.text_place)
    return Command(shell=text, workdir=workdir, place=node.text_place)


def _remote(step: YamlNode) -> Command | None:
    """What the step has another host run, by one of the actions that do that over ssh."""
    key = _RUNS_ELSEWHERE.get(_text(step.get("uses")).partition("@")[0].lower())
    node = step.get("with", key) if key is not None else None
    text = _expr(node)
    return Command(shell=text, place=node.text_place) if node is not None and text is not None else None


def _job_step(index: int, step: YamlNode, shell: str, folder: Expr | None) -> JobStep:
    return JobStep(
        index=index,
        id=_text(step.get("id")),
        name=redact_url(_text(step.get("name"))),
        uses=_text(step.get("uses")),
        inputs=_variables(step.get("with")),
        run=_run(step, shell, folder),
        remote=_remote(step),
        shell=_text(step.get("shell")) or shell,
        variables=_variables(step.get("env")),
        condition=_text(step.get("if")),
        continue_on_error=_flag(step.get("continue-on-error")) is True,
        place=step.place,
    )


def _matrix(job: YamlNode) -> tuple[str, ...]:
    matrix = job.get("strategy", "matrix")
    if matrix is None:
        return ()
    names = dict.fromkeys(key for key, _, _ in matrix.items() if key not in ("include", "exclude"))
    included = matrix.get("include")
    for element in included.elements() if included is not None else ():
        names.update(dict.fromkeys(key for key, _, _ in element.items()))
    return tuple(names)


def _values(job: YamlNode) -> Iterator[Variable]:
    """The values of the matrix that are written out, ``exclude`` aside, which takes away no value of a dimension that
    another combination has."""
    matrix = job.get("strategy", "matrix")
    if matrix is None:
        return
    for name, _, node in matrix.items():
        if name in ("include", "exclude"):
            continue
        for element in node.elements():
            if element.text is not None:
                yield _variable(name, element, element.place)
    included = matrix.get("include")
    for combination in included.elements() if included is not None else ():
        for name, key, node in combination.items():
            if node.text is not None:
                yield _variable(name, node, key.place)


def _passed_secrets(job: YamlNode) -> tuple[str, ...]:
    node = job.get("secrets")
    if node is None:
        return ()
    return ("*",) if node.text == "inherit" else tuple(name for name, _, _ in node.items())


def _environment(job: YamlNode) -> Expr | None:
    node = job.get("environment")
    return _expr(node.get("name") if node is not None and node.is_mapping else node)


def _image(job: YamlNode) -> Expr | None:
    node = job.get("container")
    return _expr(node.get("image") if node is not None and node.is_mapping else node)


def _settings(job: YamlNode) -> Iterator[Argument]:
    for name in ("runs-on", "timeout-minutes"):
        node = job.get(name)
        if node is not None and node.text is not None:
            scalar = node.scalar
            value = Literal(scalar) if isinstance(scalar, int | float) else template(node.text)
            yield Argument(name=name, value=value, place=job.key_place(name))


def _needs(job: YamlNode) -> Iterator[tuple[str, Place]]:
    node = job.get("needs")
    if node is None:
        return
    for element in node.elements() if node.is_sequence else (node,):
        if element.text:
            yield element.text, element.place


def _reads(job: YamlNode) -> Iterator[ContextRead]:
    """What the job's expressions ask of other jobs and steps, in the order of the file."""
    for key, _, value in job.items():
        if key != "steps":
            yield from _reads_below(value, key, None, condition=key == "if")
    steps = job.get("steps")
    nodes = [step for step in steps.elements() if step.is_mapping] if steps is not None else []
    for index, step in enumerate(nodes):
        for key, _, value in step.items():
            yield from _reads_below(value, "steps", index, condition=key == "if")


def _reads_below(node: YamlNode, key: str, step: int | None, *, condition: bool) -> Iterator[ContextRead]:
    text = node.text
    if text is not None:
        if "needs" in text or "steps" in text or "env." in text:
            yield from _reads_of(node, text, key, step, condition=condition)
        return
    for child in node.elements():
        yield from _reads_below(child, key, step, condition=False)
    for _, _, child in node.items():
        yield from _reads_below(child, key, step, condition=False)


def _reads_of(node: YamlNode, text: str, key: str, step: int | None, *, condition: bool) -> Iterator[ContextRead]:
    for start, end in _expressions(text, condition=condition):
        line_start = text.rfind("\n", 0, start) + 1
        if node.block and text[line_start:start].lstrip().startswith("#"):
            continue  # a comment of the script
        part = text[start:end]
        if alone := _VARIABLE.fullmatch(part):
            yield ContextRead(of="env", name=alone[1], key=key, step=step, place=_place_in(node, text, start))
            continue
        strings = [match.span() for match in _STRING.finditer(part)]
        for match in _READ.finditer(part):
            if any(first < match.start() < last for first, last in strings):
                continue
            fields = _QUOTED_KEY.sub(r".\1", match[4]).lstrip(".")
            of: L["needs", "steps"] = "needs" if match[1].lower() == "needs" else "steps"
            place = _place_in(node, text, start + match.start())
            yield ContextRead(of=of, name=match[2] or match[3], field=fields, key=key, step=step, place=place)


def _place_in(node: YamlNode, text: str, at: int) -> Place:
    """The line of *at* in the text of *node*, where that stands as it is written; else the whole text."""
    place = node.text_place
    if not node.literal or place.line is None:
        return place
    line = place.line + text.count("\n", 0, at)
    return Place(place.path, line, None, line)


def _expressions(text: str, *, condition: bool) -> Iterator[tuple[int, int]]:
    """Where the expressions of a text start and end; a condition is one whole, unless it has ``${{ }}`` in it."""
    if condition and "${{" not in text:
        yield 0, len(text)
        return
    start = text.find("${{")
    while start >= 0:
        end = _end_of_expression(text, start + 3)
        if end < 0:
            return
        yield start + 3, end
        start = text.find("${{", end)


class _Job:
    """One job of a workflow, on the way to becoming facts."""

    def __init__(self, workflow: Workflow, pipeline: str, document: YamlNode, key: YamlNode, job: YamlNode) -> None:
        self.workflow = workflow
        self.pipeline = pipeline
        self.contents = _contents(job, document)
        self.id = key.text or "null"
        self.place = key.place
        self.node = job
        shell, folder = _shell_and_folder(job, document)
        steps = job.get("steps")
        self.nodes = [step for step in steps.elements() if step.is_mapping] if steps is not None else []
        self.steps = [_job_step(index, step, shell, folder) for index, step in enumerate(self.nodes)]
        self.variables = _merged(_variables(document.get("env")), _variables(job.get("env")))

    def facts(self) -> Iterator[Fact]:
        """The job as step and job, its edges, and its image builds."""
        step = self._step()
        yield step
        yield self._workflow_job(step.identity)
        for need, place in _needs(self.node):
            yield Edge(before=f"{self.pipeline}/{need}", after=step.identity, place=place)
        yield from _builds(step.identity, self.steps)

    def _step(self) -> Step:
        return Step(
            orchestrator=ORCHESTRATOR,
            pipeline=self.pipeline,
            name=self.id,
            operator=_text(self.node.get("uses")) or "job",
            commands=tuple(step.run for step in self.steps if step.run is not None),
            image=_image(self.node),
            variables=self.variables,
            settings=tuple(_settings(self.node)),
            mapped=self.node.get("strategy", "matrix") is not None,
            place=self.place,
        )

    def _misplaced(self) -> Iterator[Misread]:
        yield from _misplaced(self.node.get("if"), _NOT_IN_A_JOBS_CONDITION)
        steps = self.node.get("steps")
        for step in steps.elements() if steps is not None else ():
            yield from _misplaced(step.get("if"), _NOT_IN_A_STEPS_CONDITION)

    def _workflow_job(self, step: str) -> WorkflowJob:
        group, cancels = _concurrency(self.node.get("concurrency"))
        return WorkflowJob(
            workflow=self.workflow.identity,
            step=step,
            id=self.id,
            name=_text(self.node.get("name")),
            needs=tuple(need for need, _ in _needs(self.node)),
            condition=_text(self.node.get("if")),
            environment=_environment(self.node),
            uses=_text(self.node.get("uses")),
            inputs=_variables(self.node.get("with")),
            matrix=_matrix(self.node),
            concurrency=group,
            cancels=cancels,
            continue_on_error=_flag(self.node.get("continue-on-error")) is True,
            contents=self.contents,
            steps=tuple(self.steps),
            reads=tuple(_reads(self.node)),
            outputs=_variables(self.node.get("outputs")),
            values=tuple(_values(self.node)),
            secrets=_passed_secrets(self.node),
            misread=(*_misread(self.node, ""), *self._misplaced()),
            place=self.place,
        )


# ------------------------------------------------------------------------------------------------------ images


def _builds(owner: str, steps: list[JobStep]) -> Iterator[ImageBuild]:
    """The image builds of a job, in order."""
    references = {step.id: _metadata(step) for step in steps if step.id and _is(step, "docker/metadata-action")}
    commands = ImageCommands(owner)
    found: list[ImageBuild] = []
    for step in steps:
        if _is(step, "docker/build-push-action"):
            found.append(_build_push(owner, step, references))
        elif step.run is not None and step.run.shell is not None:
            found.extend(commands.read(step.run, step.variables))
    for ordinal, build in enumerate(commands.settled(found)):
        yield msgspec.structs.replace(build, ordinal=ordinal)


def _is(step: JobStep, action: str) -> bool:
    return step.uses.partition("@")[0].lower() == action


def _input(step: JobStep, name: str) -> Expr | None:
    """An input that is given and not empty; their names have no case."""
    for given in step.inputs:
        if given.name.lower() == name:
            return None if given.value == Literal("") else given.value
    return None


def _lines(expr: Expr | None, separators: str = "\n") -> list[Expr]:
    """The entries of an input that is a list in text: one a line, or between *separators*."""
    if expr is None:
        return []
    slots = Slots()
    parts = expr.parts if isinstance(expr, Concat) else (expr,)
    text = "".join((literal_text(part) or "") if isinstance(part, Literal) else slots.hold(part) for part in parts)
    pieces = re.split(f"[{separators}]", text)
    return [slots.expr(piece) for raw in pieces if (piece := raw.strip()) and not piece.startswith("#")]


def _metadata(step: JobStep) -> tuple[Expr, ...]:
    """The references that docker/metadata-action puts out: each image with the tags that are written out, and with
    the ones that it works out when it runs."""
    tags: list[Expr] = []
    for line in _lines(_input(step, "tags")):
        text = literal_text(line) or ""
        fields = dict(field.partition("=")[::2] for field in text.split(",")) if "=" in text else {}
        value = fields.get("value", "")
        if fields.get("type") == "raw" and value and "{{" not in value and set(fields) <= {"type", "value", "priority"}:
            tags.append(Literal(value))
        else:
            tags.append(Context("github", f"steps.{step.id}.outputs.version"))
    tags = tags or [Context("github", f"steps.{step.id}.outputs.version")]
    references = []
    for image in _lines(_input(step, "images"), "\n,"):
        for tag in dict.fromkeys(tags):
            references.append(join([image, Literal(":"), tag]))
    return tuple(references)


def _build_push(owner: str, step: JobStep, references: dict[str, tuple[Expr, ...]]) -> ImageBuild:
    images: list[Expr] = []
    for tag in _lines(_input(step, "tags"), "\n,"):
        images.extend(_outputs(tag, references) or (tag,))
    outputs = _lines(_input(step, "outputs"), "\n,")
    images = images or list(_output_names(outputs))
    context = _input(step, "context") or Literal(".")
    text = literal_text(context) or ""
    if text.startswith("{{defaultContext}}"):
        context = Literal(text.removeprefix("{{defaultContext}}").lstrip(":") or ".")
    arguments: list[Variable] = []
    place = next((given.place for given in step.inputs if given.name == "build-args"), step.place)
    for line in _lines(_input(step, "build-args")):
        arguments.extend(_build_argument(line, place))
    return ImageBuild(
        builder=ORCHESTRATOR,
        owner=owner,
        images=tuple(images),
        context=context,
        dockerfile=_input(step, "file"),
        target=literal_text(_input(step, "target")) or "",
        arguments=tuple(arguments),
        pushes=_pushes(_input(step, "push"), outputs),
        place=step.place,
    )


def _outputs(tag: Expr, references: dict[str, tuple[Expr, ...]]) -> tuple[Expr, ...]:
    """What ``steps.ID.outputs.tags`` of a docker/metadata-action stands for."""
    if isinstance(tag, Context) and tag.name.startswith("steps.") and tag.name.endswith(".outputs.tags"):
        return references.get(tag.name[6:-13], ())
    return ()


def _pushes(push: Expr | None, outputs: list[Expr]) -> bool | None:
    """Whether ``push`` or one of the fields of ``outputs`` sends the image to a registry."""
    fields = [literal_text(field) for field in outputs]
    if "type=registry" in fields or "push=true" in fields:
        return True
    if push is None:
        return None if outputs and all(field is None for field in fields) else False
    return {"true": True, "false": False}.get((literal_text(push) or "").lower())


def _output_names(outputs: list[Expr]) -> Iterator[Expr]:
    """The images of ``type=image,name=IMAGE,...``."""
    for field in outputs:
        parts = field.parts if isinstance(field, Concat) else (field,)
        first = literal_text(parts[0]) or ""
        if first.startswith("name="):
            yield join([Literal(first[5:]), *parts[1:]] if first[5:] else list(parts[1:]))


def _build_argument(line: Expr, place: Place) -> Iterator[Variable]:
    parts = line.parts if isinstance(line, Concat) else (line,)
    name, equals, rest = (literal_text(parts[0]) or "").partition("=")
    if not equals:
        return
    value = join([Literal(rest), *parts[1:]] if rest else list(parts[1:]))
    yield Variable(
        name=name, value=sealed(value, SecretKey(place.path, name)) if secret_key(name) else value, place=place
    )


# ---------------------------------------------------------------------------------------------------- workflow


def _claims(path: str) -> bool:
    if path.endswith(_ACTION_FILES):
        return path.rpartition("/")[2] in _ACTION_FILES
    return path.startswith(_FOLDER) and path.find("/", len(_FOLDER)) < 0 and path.lower().endswith((".yml", ".yaml"))


def _read(file: YamlFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    yield from repeated_keys(file, "github")
    if not file.path.startswith(_FOLDER) or file.path.find("/", len(_FOLDER)) >= 0:
        yield from _read_action(file)
        return
    for document in file.documents[:1]:
        jobs = document.get("jobs")
        if jobs is None or not jobs.is_mapping:
            yield Diagnostic(document.place, "warning", "no mapping of jobs: not a workflow that GitHub runs; not read")
            continue
        events = tuple(_events(document))
        group, cancels = _concurrency(document.get("concurrency"))
        secrets = document.get("on", "workflow_call", "secrets")
        workflow = Workflow(
            name=_text(document.get("name")),
            events=events,
            concurrency=group,
            cancels=cancels,
            inputs=_inputs(document.get("on", "workflow_call", "inputs")),
            secrets=tuple(name for name, _, _ in secrets.items()) if secrets is not None else (),
            variables=_variables(document.get("env")),
            place=document.place,
        )
        schedule = _schedule(file.path, document, events)
        yield workflow
        yield schedule
        for _, key, job in jobs.items():
            if job.is_mapping:
                yield from _Job(workflow, schedule.identity, document, key, job).facts()


def _read_action(file: YamlFile) -> Iterator[Fact | Diagnostic]:
    """A composite action; those of JavaScript and of images run no steps of ours.

    Source: https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax#runs-for-composite-actions
    """
    for document in file.documents[:1]:
        steps = document.get("runs", "steps")
        if _text(document.get("runs", "using")) != "composite" or steps is None:
            return
        outputs = document.get("outputs")
        nodes = [step for step in steps.elements() if step.is_mapping]
        yield CompositeAction(
            inputs=_inputs(document.get("inputs")),
            outputs=tuple(name for name, _, _ in outputs.items()) if outputs is not None else (),
            steps=tuple(_job_step(index, step, "", None) for index, step in enumerate(nodes)),
            place=document.place,
        )


READER: Reader[YamlFile] = Reader(
    "github-actions",
    7,
    YAML,
    (Workflow, Schedule, WorkflowJob, Step, Edge, ImageBuild, CompositeAction, RepeatedKey),
    _claims,
    _read,
)
