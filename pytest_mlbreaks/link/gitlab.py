"""Pipelines of GitLab CI: ``include``, ``extends``, ``!reference`` and ``default`` put together, and the order of jobs.

Rules: https://docs.gitlab.com/ci/yaml/ (keywords, ``needs``, ``stages``, ``when``),
https://docs.gitlab.com/ci/yaml/includes/ (files are merged in order, the including one last),
https://docs.gitlab.com/ci/yaml/yaml_optimization/ (``extends`` merges mappings and replaces lists; ``!reference``).
"""

from __future__ import annotations

import fnmatch
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from pytest_mlbreaks.link.commands import HOLE, invocations
from pytest_mlbreaks.model import Pipeline, Place
from pytest_mlbreaks.model.expr import Concat, EnvVar, Expr, Literal, SecretKey
from pytest_mlbreaks.model.facts import (
    Argument,
    Command,
    Edge,
    GitlabFile,
    GitlabValue,
    Schedule,
    Step,
    Trigger,
    Variable,
)
from pytest_mlbreaks.secrets import secret_key

ORCHESTRATOR = "gitlab-ci"

ROOT = ".gitlab-ci.yml"
"""The file that GitLab makes a pipeline of, unless a project's settings name another one."""

WORKSPACE = "/github/workspace"
"""The checkout of a job, under the path by which link knows one: ``$CI_PROJECT_DIR``."""

MOST_JOBS = 500

_KEYWORDS = frozenset(
    {
        *("default", "include", "stages", "variables", "workflow", "image", "services", "cache", "before_script"),
        *("after_script", "spec", "types"),
    }
)
_FROM_DEFAULT = ("image", "before_script", "after_script", "timeout", "tags")
_SETTINGS = ("stage", "when", "allow_failure", "environment", "resource_group", "timeout", "tags")
_STAGES = ("build", "test", "deploy")
_DEEPEST = 11
_VARIABLE = re.compile(r"\$\$|\$(?:\{(\w+)\}|([A-Za-z_]\w*))")
_INPUT = re.compile(r"\$\[\[.*?\]\]")
_CHECKOUT = re.compile(r"\$(?:\{CI_PROJECT_DIR\}|CI_PROJECT_DIR\b)")


def pipelines(pipeline: Pipeline) -> Iterator[Schedule | Step | Edge | Trigger]:
    """The pipeline of the tree, and those that its jobs start from files of the tree."""
    files = {file.path: file for file in pipeline.all(GitlabFile)}
    pending = [ROOT] if ROOT in files else []
    for path in pending:
        made = _Made(files, path)
        yield from made.all()
        pending.extend(child for child in made.children if child not in pending and child in files)


class _Made:
    """One pipeline, made of the file *path* and what it includes."""

    def __init__(self, files: Mapping[str, GitlabFile], path: str) -> None:
        self.files = files
        self.path = path
        self.pipeline = f"{ORCHESTRATOR}:{path}"
        self.reasons: list[str] = []
        self.children: list[str] = []
        self.root = self._included(path, 0)
        self.extended: dict[str, GitlabValue | None] = {}
        self.loose: set[str] = set()  # jobs that take something from what is not read

    def all(self) -> Iterator[Schedule | Step | Edge | Trigger]:
        """Its schedule, steps and edges."""
        jobs = dict(self._jobs())
        steps = [self._step(name, job) for name, job in jobs.items()]
        edges = list(self._edges(jobs))
        triggers = [trigger for name, job in jobs.items() for trigger in self._triggers(name, job)]
        reason = self.reasons[0] if self.reasons else ""
        place = self.files[self.path].place
        yield Schedule(orchestrator=ORCHESTRATOR, name=self.path, complete=not reason, reason=reason, place=place)
        yield from steps
        yield from edges
        yield from triggers

    # ------------------------------------------------------------------------------------------------ one mapping

    def _included(self, path: str, depth: int) -> GitlabValue:
        own = self.files[path].root
        merged: GitlabValue | None = None
        include = _get(own, "include")
        for one in _listed(include):
            for found in self._paths(one):
                if depth > _DEEPEST:
                    self.reasons.append("files include each other")
                    continue
                inner = self._included(found, depth + 1)
                merged = inner if merged is None else _merged(merged, inner)
        return own if merged is None else _merged(merged, own)

    def _paths(self, include: GitlabValue) -> Iterator[str]:
        """The files of the tree that an entry of ``include`` names; the reason where it names something else."""
        if include.kind == "map":
            for key in ("remote", "template", "component", "project"):
                if _get(include, key) is not None:
                    self.reasons.append(f"an included {key} is not read" if key != "remote" else _REMOTE)
                    return
            if _get(include, "rules") is not None:
                self.reasons.append("a file is included under a condition")
            written = _text(_get(include, "local"))
        else:
            written = include.text or ""
        if "://" in written:
            self.reasons.append(_REMOTE)
            return
        path = written.lstrip("/").removeprefix("./")
        found = sorted(one for one in self.files if fnmatch.fnmatch(one, path)) if "*" in path else [path]
        found = [one for one in found if one in self.files]
        if not found:
            self.reasons.append("an included file is not in the tree")
        yield from found

    # ------------------------------------------------------------------------------------------------------- jobs

    def _jobs(self) -> Iterator[tuple[str, GitlabValue]]:
        for name in self.root.keys[:MOST_JOBS]:
            if name.startswith(".") or name in _KEYWORDS:
                continue
            job = self._extended(name, 0)
            if job is None or job.kind != "map":
                continue
            if name in self.loose or any(_get(job, key) is not None for key in ("script", "trigger", "run")):
                if _INPUT.search(name):
                    self.reasons.append("a job is named by an input")
                    continue
                yield name, self._with_references(job, 0)
        if len(self.root.keys) > MOST_JOBS:
            self.reasons.append("there are too many jobs")

    def _extended(self, name: str, depth: int) -> GitlabValue | None:
        """The job *name* with what it extends; None where there is none."""
        if name in self.extended:
            return self.extended[name]
        own = _get(self.root, name)
        made: GitlabValue | None = None
        if own is None or own.kind != "map" or depth > _DEEPEST:
            return None if own is None or depth > _DEEPEST else own
        for parent in _listed(_get(own, "extends")):
            base = self._extended(parent.text or "", depth + 1)
            if base is None:
                self.loose.add(name)
                self.reasons.append("a job extends what is not in the tree")
                continue
            if parent.text in self.loose:
                self.loose.add(name)
            made = base if made is None else _merged(made, base)
        found = own if made is None else _merged(made, own)
        self.extended[name] = found
        return found

    def _with_references(self, value: GitlabValue, depth: int) -> GitlabValue:
        """*value* with what its ``!reference`` stand for."""
        if value.kind == "reference":
            target: GitlabValue | None = self.root
            for index, part in enumerate(value.items):
                key = part.text or ""
                target = self._extended(key, 0) if not index else _get(target, key) if target is not None else None
            if target is None or depth > _DEEPEST:
                self.reasons.append("a !reference leads to what is not in the tree")
                return GitlabValue(kind="text", text=HOLE, place=value.place)
            return self._with_references(target, depth + 1)
        if value.kind == "text":
            return value
        items: list[GitlabValue] = []
        for item in value.items:
            filled = self._with_references(item, depth)
            # a list that a reference brings into a list becomes part of it
            splices = value.kind == "list" and filled.kind == "list"
            items.extend(filled.items if splices else (filled,))
        return GitlabValue(kind=value.kind, keys=value.keys, items=tuple(items), place=value.place)

    def _own(self, job: GitlabValue, key: str) -> GitlabValue | None:
        """What a job gives for *key*, or the pipeline for all jobs."""
        given = _get(job, key)
        if given is not None or key not in _FROM_DEFAULT or not _inherits(job, "default", key):
            return given
        default = _get(self.root, "default")
        outer = (_get(default, key) if default is not None else None) or _get(self.root, key)
        return self._with_references(outer, 0) if outer is not None else None

    # ------------------------------------------------------------------------------------------------------ steps

    def _step(self, name: str, job: GitlabValue) -> Step:
        image = self._own(job, "image")
        image_text = _text(_get(image, "name") if image is not None and image.kind == "map" else image)
        place = job.place
        settings = [
            Argument(name=key, value=_expr(text), place=value.place)
            for key in _SETTINGS
            if (value := self._own(job, key)) is not None
            and (text := _text(_get(value, "name") if value.kind == "map" else value))
        ]
        return Step(
            orchestrator=ORCHESTRATOR,
            pipeline=self.pipeline,
            name=name,
            operator="trigger" if _get(job, "trigger") is not None else "",
            commands=tuple(self._commands(job)),
            image=_expr(image_text) if image_text else None,
            variables=tuple(self._variables(job)),
            settings=tuple(settings),
            mapped=_get(job, "parallel") is not None,
            place=place,
        )

    def _commands(self, job: GitlabValue) -> Iterator[Command]:
        """``before_script`` and ``script``, which are one script, then ``after_script``, which starts anew."""
        lines = [*_lines(self._own(job, "before_script")), *_lines(self._own(job, "script"))]
        folder: str | None = None
        for text, place in _runs(lines):
            yield Command(shell=Literal(text), workdir=Literal(folder) if folder else None, place=place)
            folder = invocations(None, f"{text}\npwd", folder)[-1].workdir
        for text, place in _runs(_lines(self._own(job, "after_script"))):
            yield Command(shell=Literal(text), place=place)

    def _variables(self, job: GitlabValue) -> Iterator[Variable]:
        found: dict[str, GitlabValue] = {}
        for holder in (self.root if _inherits(job, "variables", "") else None, job):
            given = _get(holder, "variables") if holder is not None else None
            if given is not None and given.kind == "map":
                found |= dict(zip(given.keys, given.items, strict=True))
        for name, value in found.items():
            text = _text(_get(value, "value") if value.kind == "map" else value)
            expr = SecretKey(value.place.path, name) if secret_key(name) else _expr(text)
            yield Variable(name=name, value=expr, place=value.place)

    def _triggers(self, name: str, job: GitlabValue) -> Iterator[Trigger]:
        trigger = _get(job, "trigger")
        if trigger is None:
            return
        waits = trigger.kind == "map" and _text(_get(trigger, "strategy")) in ("depend", "mirror")
        step = f"{self.pipeline}/{name}"
        includes = list(_listed(_get(trigger, "include"))) if trigger.kind == "map" else []
        for one in includes:
            local = one.text if one.kind == "text" else _text(_get(one, "local"))
            if local and "://" not in local:
                path = local.lstrip("/").removeprefix("./")
                self.children.append(path)
                yield Trigger(step=step, target_pipeline=Literal(path), waits=waits, place=one.place)

    # ------------------------------------------------------------------------------------------------------ order

    def _edges(self, jobs: Mapping[str, GitlabValue]) -> Iterator[Edge]:
        stages = self._stages()
        by_stage: dict[str, list[str]] = defaultdict(list)
        for name, job in jobs.items():
            if name in self.loose and _get(job, "stage") is None:
                continue  # what it extends may say its stage
            stage = _text(_get(job, "stage")) or "test"
            if stage not in stages:
                self.reasons.append("a job is of a stage that is not in the tree")
            by_stage[stage].append(name)
        for name, job in jobs.items():
            needs = _get(job, "needs")
            if needs is not None:
                yield from self._needed(name, needs, jobs)
                continue
            if name in self.loose:
                continue  # what it extends may say what it needs
            stage = _text(_get(job, "stage")) or "test"
            for earlier in stages[: stages.index(stage)] if stage in stages else ():
                for before in by_stage.get(earlier, ()):
                    if _is_waited_for(jobs[before]):
                        yield self._edge(before, name, job.place)

    def _needed(self, name: str, needs: GitlabValue, jobs: Mapping[str, GitlabValue]) -> Iterator[Edge]:
        for need in _listed(needs):
            before = need.text if need.kind == "text" else _text(_get(need, "job"))
            elsewhere = need.kind == "map" and any(_get(need, key) is not None for key in ("project", "pipeline"))
            if elsewhere:
                continue  # artifacts of another pipeline: no job of this one
            if before in jobs:
                yield self._edge(before or "", name, need.place)
            elif not (need.kind == "map" and _text(_get(need, "optional")) == "true"):
                self.reasons.append("a job needs one that is not in the tree")

    def _edge(self, before: str, after: str, place: Place) -> Edge:
        return Edge(before=f"{self.pipeline}/{before}", after=f"{self.pipeline}/{after}", place=place)

    def _stages(self) -> list[str]:
        given = [one.text or "" for one in _listed(_get(self.root, "stages"))]
        middle = [stage for stage in given or _STAGES if stage not in (".pre", ".post")]
        return [".pre", *middle, ".post"]


_REMOTE = "an included file lies behind a URL"


def _is_waited_for(job: GitlabValue) -> bool:
    """Whether later stages wait for the job wherever it is in the pipeline: one that is started by hand and may fail
    holds up nothing. A ``when: manual`` of the job itself may fail unless it says otherwise, one of a rule may not."""
    allowed = _text(_get(job, "allow_failure"))
    rules = _get(job, "rules")
    if rules is None:
        return _text(_get(job, "when")) != "manual" or allowed == "false"
    for rule in _listed(rules):
        when = _text(_get(rule, "when")) or _text(_get(job, "when"))
        if when == "manual" and (_text(_get(rule, "allow_failure")) or allowed) == "true":
            return False
    return True


def _inherits(job: GitlabValue, kind: str, key: str) -> bool:
    """Whether a job takes *key* of what the pipeline gives for all (``inherit``)."""
    inherit = _get(job, "inherit")
    given = _get(inherit, kind) if inherit is not None else None
    if given is None:
        return True
    return any(one.text == key for one in given.items) if given.kind == "list" else given.text != "false"


# ------------------------------------------------------------------------------------------------------------ values


def _get(value: GitlabValue | None, key: str) -> GitlabValue | None:
    if value is None or value.kind != "map" or key not in value.keys:
        return None
    found = value.items[value.keys.index(key)]
    return None if found.kind == "text" and found.text is None else found


def _listed(value: GitlabValue | None) -> tuple[GitlabValue, ...]:
    if value is None:
        return ()
    return value.items if value.kind == "list" else (value,)


def _text(value: GitlabValue | None) -> str:
    return (value.text or "") if value is not None and value.kind == "text" else ""


def _merged(base: GitlabValue, over: GitlabValue) -> GitlabValue:
    """*over* put over *base*: mappings key by key, everything else as a whole."""
    if base.kind != "map" or over.kind != "map":
        return over
    entries = dict(zip(base.keys, base.items, strict=True))
    for key, item in zip(over.keys, over.items, strict=True):
        entries[key] = _merged(entries[key], item) if key in entries else item
    return GitlabValue(kind="map", keys=tuple(entries), items=tuple(entries.values()), place=over.place)


def _lines(value: GitlabValue | None) -> Iterator[tuple[str, Place]]:
    """The commands of a script, lists in it laid open."""
    for item in _listed(value):
        if item.kind == "list":
            yield from _lines(item)
        elif item.kind == "text" and item.text:
            yield _CHECKOUT.sub(WORKSPACE, item.text), item.place


def _runs(lines: list[tuple[str, Place]] | Iterator[tuple[str, Place]]) -> Iterator[tuple[str, Place]]:
    """Commands of one file that stand below each other as one text, each on its own line of it."""
    text, start = "", None
    for command, place in lines:
        row = (place.line or 1) - (start.line or 1) if start is not None else 0
        behind = text.count("\n") + 1
        if start is not None and place.path == start.path and behind <= row < behind + 100:
            text += "\n" * (row - behind + 1) + command
            continue
        if start is not None:
            yield text, start
        text, start = command, place
    if start is not None:
        yield text, start


def _expr(text: str) -> Expr:
    """A text with GitLab's variables in it."""
    parts: list[Expr] = []
    position = 0
    for match in _VARIABLE.finditer(text):
        if match.start() > position:
            parts.append(Literal(text[position : match.start()]))
        parts.append(Literal("$") if match[0] == "$$" else EnvVar(match[1] or match[2]))
        position = match.end()
    if position < len(text) or not parts:
        parts.append(Literal(text[position:]))
    return parts[0] if len(parts) == 1 else Concat(tuple(parts))
