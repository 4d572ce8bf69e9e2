"""Values: what an expression can be, for one process in one environment."""

from __future__ import annotations

import itertools
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator

from pytest_mlbreaks.link.environments import Environments
from pytest_mlbreaks.link.modules import Modules
from pytest_mlbreaks.link.passed import Parameters, one_of
from pytest_mlbreaks.model import Alternative, Entry, Environment, Fact, Origin, Pipeline, Place, Process, Tier, Value
from pytest_mlbreaks.model.expr import (
    Choice,
    Concat,
    ConfigKey,
    Context,
    Entries,
    EnvVar,
    Expr,
    Items,
    Literal,
    Made,
    Name,
    PathJoin,
    Scalar,
    SecretKey,
    Unknown,
)
from pytest_mlbreaks.model.facts import (
    Application,
    Autoscaler,
    CommandOption,
    ConfigEntry,
    ConfigObject,
    Container,
    EnvFile,
    NetworkService,
    Script,
    Step,
    VolumeClaim,
    WorkflowJob,
    Workload,
)
from pytest_mlbreaks.model.near import nearest

MOST = 16
"""Alternatives kept of one value; beyond it nobody compares them one by one."""
_HELM_SET = re.compile(r"--set(?:-string|-json|-file|-literal)?[= ]+[\"']?([^\s\"']+)")
_HELM_KEY = re.compile(r",([\w.-]+)=")
_DEPLOYABLE = (".yaml", ".yml")
_OWN_VALUES = ("values.yaml", "values.yml")
LEFT_OPEN = "depends on"
"""How the reason begins where whoever runs the code decides, beyond its defaults."""
DEPTH = 24
"""How many names, variables and keys one value may lead through; a circle is longer."""


class Values:
    """Resolves expressions over all facts of the pipeline."""

    def __init__(self, pipeline: Pipeline, modules: Modules, environments: Environments) -> None:
        self._pipeline = pipeline
        self._modules = modules
        self._environments = environments
        self._helm_sets: frozenset[str] | None = None
        self._by_source: dict[str, list[Application]] | None = None
        self._parameters = Parameters(pipeline, modules)
        self._following: set[tuple[str, str, str]] = set()

    def resolve(self, expr: Expr, process: Process | None = None) -> Value:
        """What *expr* can be. Without a process, whatever a process decides is not known."""
        return self._resolve(expr, process, 0)

    def environment(self, subject: Fact | Place) -> Environment:
        """The environment of a fact (by what it says of itself, then by its file) or of a place (by its file)."""
        if isinstance(subject, Place):
            return self._environments.of_artifact(subject.path)
        return self._environments.of_artifact(subject.place.path, self._names(subject))

    def address_tier(self, text: str) -> Tier:
        """The tier of what an address leads to, where that is configured."""
        return self._environments.address(text)

    def _names(self, fact: Fact) -> list[tuple[str, str]]:
        if isinstance(fact, WorkflowJob):
            value = self.resolve(fact.environment) if fact.environment is not None else None
            return [("environment", value.text)] if value is not None and value.text else []
        if isinstance(fact, Step):
            jobs = self._pipeline.index(WorkflowJob, "step").get(fact.identity, ())
            return self._names(jobs[0]) if jobs else []
        if isinstance(fact, Container):
            workload = self._pipeline.one(Workload, fact.workload)
            return self._names(workload) if workload else []
        if isinstance(fact, Workload | ConfigObject | NetworkService | Autoscaler | VolumeClaim):
            namespace = fact.namespace or self._destination(fact.place.path)
            return [("namespace", namespace)] if namespace else []
        return []

    def _resolve(self, expr: Expr, process: Process | None, depth: int) -> Value:
        if depth > DEPTH:
            return Value.unknown("defined in terms of itself")
        match expr:
            case Literal(value=value):
                return Value.of(value)
            case Name():
                return self._name(expr, process, depth)
            case EnvVar():
                return self._variable(expr, process, depth)
            case ConfigKey():
                return self._config_key(expr, process, depth)
            case SecretKey(store=store, key=key):
                return Value((Alternative(f"{store}#{key}", secret=True),))
            case Context(tool=tool, name=name):
                return Value.unknown(f"{tool} decides {name} when it runs")
            case Concat(parts=parts):
                return self._joined(parts, process, depth, "".join)
            case PathJoin(parts=parts):
                return self._joined(parts, process, depth, _join_path)
            case Choice(options=options):
                return union([self._resolve(option, process, depth + 1) for option in options])
            case Unknown(reason=reason):
                return Value.unknown(reason)
            case Items() | Entries():
                return Value.unknown("a collection")
            case Made(callee=callee):
                return Value.unknown(f"made by {callee}")

    def _name(self, expr: Name, process: Process | None, depth: int) -> Value:
        # a name of a function's own scope is a parameter, or bound there to what can't be told: not the module's
        if expr.scope:
            return self._parameter(expr, process, depth)
        constant = self._modules.constant(expr.path, expr.name)
        if constant is None:
            return self._option(expr, process, depth)
        value = self._resolve(constant.value, process, depth + 1)
        return traced(value, Origin(constant.place, f"{constant.name} is set here"))

    def _parameter(self, expr: Name, process: Process | None, depth: int) -> Value:
        """A parameter, where all calls of its function are told: one of what they pass."""
        key = (expr.path, expr.scope, expr.name)
        given = self._parameters.given(*key) if key not in self._following else None
        if not given:
            return self._option(expr, process, depth)
        self._following.add(key)
        values = [
            traced(
                self._resolve(argument.value, process, depth + 1),
                Origin(argument.place, f"passed to {expr.scope} as {expr.name}"),
            )
            for argument in given
        ]
        self._following.discard(key)
        return union(values)

    def _option(self, expr: Name, process: Process | None, depth: int) -> Value:
        """An option of the command line (``args.path``), as the process's command gives it, else its default."""
        unknown = Value.unknown("a name that is set elsewhere, or more than once")
        head, _, name = expr.name.rpartition(".")
        if "." in head or (head and head not in _PARSED):
            return unknown
        options = self._pipeline.index(CommandOption, _option_key).get((expr.path, name), ())
        if len(options) != 1 or (options[0].library == "argparse") != bool(head):
            return unknown
        option = options[0]
        default = self._resolve(option.default, process, depth + 1) if option.default is not None else Value(())
        default = traced(default, Origin(option.place, f"the default of {option.flags[0]}"))
        entries = [e for e in process.entries if e.path == expr.path] if process is not None else []
        if not entries:
            return union([default, Value.unknown(f"{LEFT_OPEN} who gives {option.flags[0]}")])
        return union([_from_command(entry, option, default) for entry in entries])

    def _variable(self, expr: EnvVar, process: Process | None, depth: int) -> Value:
        default = self._resolve(expr.default, process, depth + 1) if expr.default is not None else None
        if expr.scope == "build":
            for argument in process.build.arguments if process is not None and process.build is not None else ():
                if argument.name == expr.key:
                    value = self._resolve(argument.value, process, depth + 1)
                    return traced(value, Origin(argument.place, f"build argument {expr.key} is set here"))
            return default if default is not None else Value.unknown(f"build argument {expr.key}")
        if expr.scope == "host":
            return self._host_variable(expr, default, process, depth)
        if process is None:
            return union([default or Value(()), Value.unknown(f"{LEFT_OPEN} who sets {expr.key}")])
        given = process.variables.get(expr.key)
        if given is not None:
            if expr.empty_counts and default is not None and any(a.value == "" for a in given):
                kept = tuple(a for a in given if a.value != "")
                return union([Value(kept, complete=given.complete, reason=given.reason), default])
            return given
        if process.closed:
            return default if default is not None else Value.unknown(f"{expr.key} is not set")
        return union([default or Value(()), Value.unknown(process.open_reason)])

    def _host_variable(self, expr: EnvVar, default: Value | None, process: Process | None, depth: int) -> Value:
        """Compose takes ``${X}`` from the shell, then from the ``.env`` file beside the compose file."""
        found: list[Value] = []
        if process is not None:
            folder = process.place.path.rpartition("/")[0]
            for file in self._pipeline.index(EnvFile, "path").get(posixpath.join(folder, ".env"), ()):
                for entry in file.entries:
                    if entry.name == expr.key:
                        value = self._resolve(entry.value, process, depth + 1)
                        found.append(traced(value, Origin(entry.place, f"{expr.key} is set here")))
        if not found and default is not None:
            found.append(default)
        return union([*found, Value.unknown(f"{expr.key} comes from the shell")])

    def _config_key(self, expr: ConfigKey, process: Process | None, depth: int) -> Value:
        kind, _, name = expr.store.partition("/")
        if kind == "file":
            return self._file_key(name, expr.key, process, depth)
        if kind == "values":
            return self._chart_value(name, expr, process, depth)
        holder = self.config_object(kind, name, process)
        if holder is None:
            return Value.unknown(f"{kind} {name} is not in the tree")
        for entry in holder.entries:
            if entry.name == expr.key:
                value = self._resolve(entry.value, process, depth + 1)
                return traced(value, Origin(entry.place, f"{expr.key} of {kind} {name} is set here"))
        return Value.unknown(f"{kind} {name} has no key {expr.key}")

    def _file_key(self, files: str, key: str, process: Process | None, depth: int) -> Value:
        """The entry *key* of the first of *files* (paths of the tree, ``|`` between them) that has it."""
        for path in files.split("|"):
            for entry in self._pipeline.index(ConfigEntry, _entry_key).get((path, key), ()):
                value = self._resolve(entry.value, process, depth + 1)
                return traced(value, Origin(entry.place, f"{key} is set here"))
        return Value.unknown(f"{key} is in no file that is read")

    def _chart_value(self, chart: str, expr: ConfigKey, process: Process | None, depth: int) -> Value:
        """A value of the chart in a folder: what its own values, and those of the charts that it is a part of, say
        (https://helm.sh/docs/chart_template_guide/subcharts_and_globals/). Files of values beside the chart's own are
        for some of its releases. What is empty is there to be filled in."""
        told: list[Value] = []
        for folder, key in _holders(chart, expr.key):
            given = self._entries_of_values(folder, key)
            told += [
                traced(self._resolve(entry.value, process, depth + 1), Origin(entry.place, f"{key} is set here"))
                for entry in given
                if not _is_empty(entry.value)
            ]
            if any(_is_own(entry) and not _is_empty(entry.value) for entry in given):
                break  # what lies further inside is a default of this one
        else:
            default = expr.default
            told.append(
                Value.unknown("a value that its chart leaves open")
                if default is None
                else self._resolve(default, process, depth + 1)
            )
        told += [self._resolve(given, process, depth + 1) for given in self._applied(chart, expr.key)]
        if any(key in self._set_by_helm() for _, key in _holders(chart, expr.key)):
            told.append(Value.unknown("a command of helm sets another value of its chart"))
        return union(told)

    def _applied(self, chart: str, key: str) -> Iterator[Expr]:
        """What applications of Argo CD that bring the chart to a cluster set *key* to."""
        for application in self._applications().get(chart, ()):
            if application.values_inline:
                yield Unknown("an application of Argo CD gives other values to its chart")
            yield from (given.value for given in application.parameters if given.name == key)
            for file in application.value_files:
                written = self.pattern(file)
                path = posixpath.normpath(posixpath.join(chart, written))
                if posixpath.dirname(path) == chart and "values" in written:
                    continue  # an alternative that is known
                entries = self._pipeline.index(ConfigEntry, _entry_key)
                if "{*}" in written or not self._pipeline.index(ConfigEntry, "path").get(path):
                    yield Unknown("an application of Argo CD takes a file of values that is not read")
                yield from (entry.value for entry in entries.get((path, key), ()))

    def _applications(self) -> dict[str, list[Application]]:
        """The applications of Argo CD by the folder of the tree that they bring to a cluster."""
        if self._by_source is None:
            self._by_source = {}
            known = {path.rpartition("/")[0] for path in self._pipeline.paths if path.endswith(_DEPLOYABLE)}
            for application in self._pipeline.all(Application):
                wanted = self.pattern(application.source) if application.source is not None else ""
                wanted = wanted.strip("/")
                if "{*}" in wanted.removeprefix("{*}/"):
                    continue
                for folder in known:
                    same = folder == wanted or (
                        wanted.startswith("{*}/") and f"/{folder}".endswith(wanted.removeprefix("{*}"))
                    )
                    if same and wanted:
                        self._by_source.setdefault(folder, []).append(application)
        return self._by_source

    def _destination(self, path: str) -> str:
        """The namespace that the one application of Argo CD which takes in the file *path* puts it into; "" where there
        is none, or several put it into different ones."""
        folder = path.rpartition("/")[0]
        if not self._pipeline.all(Application):
            return ""
        while folder:
            found = {application.namespace for application in self._applications().get(folder, ())}
            if found:
                return found.pop() if len(found) == 1 else ""
            folder = folder.rpartition("/")[0]
        return ""

    def _set_by_helm(self) -> frozenset[str]:
        """The keys of values that commands of helm set (https://helm.sh/docs/helm/helm_upgrade/)."""
        if self._helm_sets is None:
            texts = [script.text for script in self._pipeline.all(Script)]
            for job in self._pipeline.all(WorkflowJob):
                texts += [self.pattern(step.run.shell) for step in job.steps if step.run and step.run.shell]
            self._helm_sets = frozenset(
                key
                for text in texts
                if "--set" in text
                for pairs in _HELM_SET.findall(text)
                for key in _HELM_KEY.findall(f",{pairs}")
            )
        return self._helm_sets

    def _entries_of_values(self, folder: str, key: str) -> list[ConfigEntry]:
        files = self._pipeline.index(ConfigEntry, _values_key).get((folder, key), ())
        return sorted(files, key=lambda entry: not _is_own(entry))

    def config_object(self, kind: str, name: str, process: Process | None) -> ConfigObject | None:
        """The ConfigMap or Secret *name* as *process* sees it: of its namespace; if there are several, of its folder,
        then of the nearest folder above it. None where there is none or no one such."""
        candidates = [c for c in self._pipeline.index(ConfigObject, "name").get(name, ()) if c.kind == kind]
        if process is None:
            return candidates[0] if len(candidates) == 1 else None
        namespace = process.workload.namespace if process.workload else ""
        return nearest(candidates, process.place.path, namespace, lambda c: (c.place.path, c.namespace))

    def _joined(
        self, parts: tuple[Expr, ...], process: Process | None, depth: int, join: Callable[[Iterable[str]], str]
    ) -> Value:
        values = [self._resolve(part, process, depth + 1) for part in parts]
        for value in values:
            if not value.complete:
                return Value.unknown(value.reason)
            if any(a.secret for a in value):
                return Value.unknown("holds a secret")
        size = 1
        for value in values:
            size *= max(1, len(value.alternatives))
        if size > MOST:
            return Value.unknown("too many possibilities")
        made = []
        for combination in itertools.product(*(value.alternatives for value in values)):
            text = join(_text(a) for a in combination)
            made.append(Alternative(text, tuple(o for a in combination for o in a.origins)))
        return Value(tuple(made))

    def likely(self, expr: Expr, process: Process | None = None) -> str:
        """The text of *expr* as `pattern` gives it, but with its default for a variable that nothing known sets."""
        match expr:
            case Concat(parts=parts):
                return "".join(self.likely(part, process) for part in parts)
            case PathJoin(parts=parts):
                return _join_path(self.likely(part, process) for part in parts)
            case Name(path=path, name=name, scope=""):
                constant = self._modules.constant(path, name)
                if constant is not None and not isinstance(constant.value, Name):
                    return self.likely(constant.value, process)
            case EnvVar(default=default) if default is not None:
                given = self.resolve(expr, process).only
                return _text(given) if given is not None and not given.secret else self.likely(default, process)
        return self.pattern(expr, process)

    def patterns(self, expr: Expr, process: Process | None = None) -> list[str]:
        """What `pattern` says of each thing that *expr* can be: of each option, and of what each call passes."""
        match expr:
            case Choice(options=options):
                found = [text for option in options for text in self.patterns(option, process)]
            case Name(path=path, name=name, scope=scope) if scope and (path, scope, name) not in self._following:
                key = (path, scope, name)
                given = self._parameters.given(*key)
                if not given:
                    return [self.pattern(expr, process)]
                self._following.add(key)
                found = [text for one in given for text in self.patterns(one.value, process)]
                self._following.discard(key)
            case _:
                found = [self.pattern(expr, process)]
        return list(dict.fromkeys(found))

    def pattern(self, expr: Expr, process: Process | None = None) -> str:
        """The text of *expr* with ``{*}`` for each part that can't be told, or can be several things."""
        if type(expr) is Literal:  # most are
            return _scalar_text(expr.value)
        match expr:
            case Concat(parts=parts):
                return "".join(self.pattern(part, process) for part in parts)
            case PathJoin(parts=parts):
                return _join_path(self.pattern(part, process) for part in parts)
            case Name(path=path, name=name, scope=scope) if scope:
                key = (path, scope, name)
                given = self._parameters.given(*key) if key not in self._following else None
                one = one_of(given) if given else None
                if one is not None:
                    self._following.add(key)
                    text = self.pattern(one, process)
                    self._following.discard(key)
                    return text
            case Name(path=path, name=name):
                constant = self._modules.constant(path, name)
                if constant is not None and not isinstance(constant.value, Name):
                    return self.pattern(constant.value, process)
        only = self.resolve(expr, process).only
        return _text(only) if only is not None and not only.secret else "{*}"


def _values_key(entry: ConfigEntry) -> tuple[str, str] | None:
    """Folder and key of an entry of a file of values."""
    folder, _, name = entry.place.path.rpartition("/")
    if not name.endswith((".yaml", ".yml")) or "values" not in name:
        return None
    return folder, entry.key


def _holders(chart: str, key: str) -> Iterator[tuple[str, str]]:
    """Where a value of a chart may be set, with its key there, the deciding place first: the charts around it, then
    its own folder."""
    outer, inside, name = chart.rpartition("/charts/")
    if inside and name and "/" not in name:
        yield from _holders(outer, key if key.startswith("global.") else f"{name}.{key}")
    yield chart, key


def _is_own(entry: ConfigEntry) -> bool:
    return entry.place.path.rpartition("/")[2] in _OWN_VALUES


def _is_empty(expr: Expr) -> bool:
    return isinstance(expr, Literal) and (expr.value is None or expr.value == "")


_PARSED = frozenset(
    {"args", "opt", "opts", "options", "arguments", "flags", "FLAGS", "parsed", "parsed_args", "known_args"}
)
"""Names that people give to what a parser of command lines returns."""


def _option_key(option: CommandOption) -> tuple[str, str]:
    return (option.path, option.destination)


def _from_command(entry: Entry, option: CommandOption, default: Value) -> Value:
    """What the command line of *entry* gives for *option*, its default where it gives nothing."""
    if not option.flags[0].startswith("-"):
        return Value.unknown(f"{option.flags[0]} is given by its position")
    for index, word in enumerate(entry.arguments):
        flag, separator, text = word.partition("=")
        if flag in option.flags:
            given = text if separator else next(iter(entry.arguments[index + 1 :]), "")
            if "{*}" in given or (not separator and given.startswith("-")):
                return Value.unknown(f"{flag} is given by something that can't be told")
            return Value.of(given, Origin(entry.place, f"{flag} is given here"))
    if any(word == "{*}" for word in entry.arguments):
        return Value.unknown("arguments that can't be told")
    return default if default.alternatives else Value.unknown(f"{option.flags[0]} is not given")


def _entry_key(entry: ConfigEntry) -> tuple[str, str]:
    return (entry.place.path, entry.key)


def union(values: Iterable[Value]) -> Value:
    """A value that is one of *values*; equal alternatives are one."""
    alternatives: dict[object, Alternative] = {}
    complete, reason = True, ""
    for value in values:
        for alternative in value:
            alternatives.setdefault((alternative.secret, type(alternative.value), alternative.value), alternative)
        if not value.complete:
            complete, reason = False, reason or value.reason
    kept = tuple(alternatives.values())
    if len(kept) > MOST:
        return Value(kept[:MOST], complete=False, reason="too many possibilities")
    return Value(kept, complete=complete, reason=reason)


def traced(value: Value, origin: Origin) -> Value:
    """*value*, with *origin* as the first step on the way to each of its alternatives."""
    alternatives = tuple(Alternative(a.value, (origin, *a.origins), a.secret) for a in value)
    return Value(alternatives, complete=value.complete, reason=value.reason)


def _text(alternative: Alternative) -> str:
    return _scalar_text(alternative.value)


def _scalar_text(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _join_path(parts: Iterable[str]) -> str:
    joined = posixpath.join(*(list(parts) or [""]))
    return posixpath.normpath(joined) if joined and "://" not in joined else joined
