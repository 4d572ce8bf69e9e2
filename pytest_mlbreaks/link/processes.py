"""Processes: one step or container in one environment - what it runs, with which variables, from which image."""

from __future__ import annotations

import dataclasses
import functools
import posixpath
import re
import shlex
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from pytest_mlbreaks import tasks
from pytest_mlbreaks.link.commands import HOLE, Invocation, invocations
from pytest_mlbreaks.link.filesystem import BRINGS_FILES, FileSystem, Images, Layer, Located, mounted
from pytest_mlbreaks.link.modules import Modules
from pytest_mlbreaks.link.values import Values, traced, union
from pytest_mlbreaks.model import Entry, Image, Origin, Pipeline, Place, Process, Setting, Value
from pytest_mlbreaks.model.expr import Concat, Context, Expr, Literal, SecretKey, literal_text
from pytest_mlbreaks.model.facts import (
    Call,
    Command,
    Container,
    Dockerfile,
    EnvFile,
    EnvRead,
    ImageBuild,
    Requirement,
    Script,
    Stage,
    Step,
    Variable,
    VariableSource,
    WorkflowJob,
    Workload,
)
from pytest_mlbreaks.references import same_repository, split_reference

#: Calls that take variables from a file when the process starts, so that what the manifest gives is not all.
LOADS_VARIABLES = frozenset(
    {
        *(
            "dotenv.load_dotenv",
            "dotenv.main.load_dotenv",
            "environs.Env.read_env",
            "environ.Env.read_env",
            "*.read_env",
        ),
        *("dynaconf.Dynaconf", "load_dotenv"),
    }
)


MOST_SCRIPTS = 50
"""Files that one command is followed into through shell scripts."""
_ALL_ARGUMENTS = re.compile(r"\"\$(?:@|\{@\}|\*)\"|\$@|\$\*")
_OWN_FOLDER = re.compile(r"\"?\$\(\s*dirname\s+(?:--\s+)?\"?\$\{?(?:0|BASH_SOURCE(?:\[0\])?)\}?\"?\s*\)\"?")


class Processes:
    """Makes the processes, images and settings of a pipeline."""

    def __init__(self, pipeline: Pipeline, modules: Modules, values: Values) -> None:
        self._pipeline = pipeline
        self._modules = modules
        self._values = values
        self._images = Images(pipeline, values)
        self._builds = {b.identity: b for b in pipeline.all(ImageBuild)}
        self._dockerfiles = {d.path: d for d in pipeline.all(Dockerfile)}
        self._built = self._where_built()
        #: Files whose code loads variables from another.
        self._loading_variables = {call.path for call in pipeline.all(Call) if call.callee in LOADS_VARIABLES}
        self._defaults: dict[int, Value] = {}
        #: Builds by the last part of the names that they give, which two names of one repository share.
        self._named_images: dict[str, list[tuple[str, ImageBuild]]] = defaultdict(list)
        for build in self._builds.values():
            for reference in build.images if build.identity in self._built else ():
                repository = split_reference(values.pattern(reference)).repository
                self._named_images[repository.rpartition("/")[2]].append((repository, build))
        self._named_builds: dict[str, list[str]] = defaultdict(list)
        for build in self._builds.values():
            if build.identity in self._built and build.builder == "compose":
                self._named_builds[_plain_name(build.owner.rpartition("/")[2])].append(build.identity)
        self._named_dockerfiles: dict[str, list[Dockerfile]] = defaultdict(list)
        for dockerfile in self._dockerfiles.values():
            if posixpath.basename(dockerfile.path) == "Dockerfile":
                folder = dockerfile.path.rpartition("/")[0].rpartition("/")[2]
                self._named_dockerfiles[_plain_name(folder)].append(dockerfile)

    def make(self) -> tuple[list[Process], list[Image], list[Setting]]:
        """All of them."""
        processes = [self._of_container(c) for c in self._pipeline.all(Container)]
        # a model of dbt is a query that the warehouse runs, and no process; a template of Argo is a container
        processes += [self._of_step(s) for s in self._pipeline.all(Step) if s.orchestrator not in ("dbt", "argo")]
        settings = [setting for process in processes for setting in self._settings(process)]
        return processes, self._make_images(processes), settings

    # ------------------------------------------------------------------------------------------------- images

    def _where_built(self) -> dict[str, tuple[Dockerfile, Stage, str]]:
        """Dockerfile, final stage and context of each build that can be told, by the build's identity."""
        found = {}
        for build in self._builds.values():
            where = self._dockerfile_of(build)
            if where is not None:
                dockerfile, context = where
                stage = dockerfile.stages[-1] if dockerfile.stages else None
                if build.target:
                    stage = next((s for s in dockerfile.stages if s.name.lower() == build.target.lower()), None)
                if stage is not None:
                    found[build.identity] = (dockerfile, stage, context)
        return found

    def _dockerfile_of(self, build: ImageBuild) -> tuple[Dockerfile, str] | None:
        context_text = self._values.resolve(build.context).text
        if context_text is None or "://" in context_text or context_text.startswith(("/", "git@")):
            return None
        base = build.place.path.rpartition("/")[0] if build.builder == "compose" else ""
        context = _normal(posixpath.join(base, context_text))
        if context.startswith(".."):
            return None
        name = "Dockerfile"
        if build.dockerfile is not None:
            text = self._values.resolve(build.dockerfile).text
            if text is None:
                return None
            name = text
        start = context if build.dockerfile is None or build.dockerfile_in_context else ""
        dockerfile = self._dockerfiles.get(_normal(posixpath.join(start, name)))
        return (dockerfile, context) if dockerfile is not None else None

    def _make_images(self, processes: Sequence[Process]) -> list[Image]:
        by_image: dict[tuple[str, int, str], list[ImageBuild]] = {}
        for identity, (dockerfile, stage, context) in self._built.items():
            by_image.setdefault((dockerfile.path, stage.index, context), []).append(self._builds[identity])
        users: dict[tuple[int, int], list[Process]] = defaultdict(list)
        for process in processes:
            users[id(process.dockerfile), id(process.stage)].append(process)
        images = []
        for (path, index, context), builds in by_image.items():
            dockerfile = self._dockerfiles[path]
            stage = dockerfile.stages[index]
            names = dict.fromkeys(
                split_reference(self._values.pattern(reference)).repository for b in builds for reference in b.images
            )
            run_by = tuple(users[id(dockerfile), id(stage)])
            repositories = tuple(n for n in names if n.strip("{*}/"))
            identity = f"image:{path}#{stage.name or index}@{context}"
            images.append(Image(identity, dockerfile, stage, context, tuple(builds), repositories, run_by))
        return images

    def _build_of(self, container: Container) -> ImageBuild | None:
        """The build that a container's image comes from: its own, or the one build of the tree that gives the name."""
        if container.build:
            return self._builds.get(container.build)
        if container.image is None:
            return None
        wanted = split_reference(self._values.pattern(container.image)).repository
        matching = {
            self._built[build.identity][:2]: build
            for repository, build in self._named_images.get(wanted.rpartition("/")[2], ())
            if same_repository(wanted, repository)
        }
        return next(iter(matching.values())) if len(matching) == 1 else None

    def _assumed(self, image: Expr) -> tuple[str, Dockerfile | None, Stage | None, str]:
        """The Dockerfile that an image is probably built from, though nothing in the tree says so: the only one in a
        folder of the image's name, or built by the only compose service of it. The reason first, "" where there is
        none."""
        name = _plain_name(split_reference(self._values.pattern(image)).repository.rpartition("/")[2])
        if not name:
            return "", None, None, ""  # too short a name to tell by
        found = {self._built[b][:2]: self._built[b] for b in self._named_builds.get(name, ())}
        if len(found) == 1:
            dockerfile, stage, context = next(iter(found.values()))
            return f"{dockerfile.path} is built by a service of the image's name", dockerfile, stage, context
        files = self._named_dockerfiles.get(name, ())
        if not found and len(files) == 1 and files[0].stages:
            dockerfile = files[0]
            context = dockerfile.path.rpartition("/")[0]
            return f"{dockerfile.path} lies in a folder of the image's name", dockerfile, dockerfile.stages[-1], context
        return "", None, None, ""

    def _is_theirs(self, image: Expr, process: Process) -> bool:
        """Whether an image is somebody else's: its name is told, and nothing of the tree builds one of that name."""
        wanted = split_reference(self._values.pattern(image, process)).repository
        if not wanted or HOLE in wanted or self._assumed(image)[0]:
            return False
        named = self._named_images.get(wanted.rpartition("/")[2], ())
        return not any(same_repository(wanted, repository) for repository, _ in named)

    # ---------------------------------------------------------------------------------------------- processes

    def _of_container(self, container: Container) -> Process:
        workload = self._pipeline.one(Workload, container.workload)
        build = self._build_of(container)
        dockerfile, stage, context = self._built.get(build.identity, (None, None, "")) if build else (None, None, "")
        assumed = ""
        if build is None and container.image is not None:
            assumed, dockerfile, stage, context = self._assumed(container.image)
        process = Process(
            identity=f"process:{container.identity}",
            name=container.name if container.tool == "compose" or workload is None else workload.name,
            fact=container,
            environment=self._values.environment(container),
            workload=workload,
            build=build,
            dockerfile=dockerfile,
            stage=stage,
            assumed=assumed,
        )
        variables, reasons = self._variables(process, container, dockerfile, stage)
        process = msgspec.structs.replace(process, variables=variables, closed=not reasons, open_reason=_first(reasons))
        image = self._values.resolve(container.image, process) if container.image is not None else None
        entries = self._container_entries(process, container, context)
        return self._finished(process, entries, image=image)

    def _of_step(self, step: Step) -> Process:
        reason = f"{step.orchestrator} may set more"
        container = _as_container(step)
        build = self._build_of(container) if container is not None else None
        dockerfile, stage, context = self._built.get(build.identity, (None, None, "")) if build else (None, None, "")
        assumed = ""
        if build is None and container is not None and step.image is not None:
            assumed, dockerfile, stage, context = self._beside(container) or self._assumed(step.image)
        process = Process(
            identity=f"process:{step.identity}",
            name=step.name,
            fact=step,
            environment=self._values.environment(step),
            variables={v.name: self._given(v, None) for v in step.variables},
            closed=False,
            open_reason=reason,
            build=build,
            dockerfile=dockerfile,
            stage=stage,
            assumed=assumed,
        )
        image = self._values.resolve(step.image, process) if step.image is not None else None
        if container is not None and dockerfile is not None:
            entries = self._container_entries(process, container, context)
        else:
            entries = list(self._step_entries(process, step))
        if dockerfile is None and step.image is not None and self._is_theirs(step.image, process):
            # what isn't found in the tree lies in that image, and is no file of the tree
            entries = [e if e.path else msgspec.structs.replace(e, external=True) for e in entries]
        return self._finished(process, entries, image=image)

    def _beside(self, container: Container) -> tuple[str, Dockerfile, Stage, str] | None:
        """The Dockerfile beside the component file that says what the container runs, as in KFP's own components."""
        folder = container.place.path.rpartition("/")[0]
        dockerfile = self._dockerfiles.get(_normal(posixpath.join(folder, "Dockerfile")))
        if dockerfile is None or not dockerfile.stages or not container.place.path.endswith((".yaml", ".yml")):
            return None
        return f"{dockerfile.path} lies beside the component file", dockerfile, dockerfile.stages[-1], folder

    def _finished(self, process: Process, entries: Sequence[Entry], *, image: Value | None) -> Process:
        starts = [e.path for e in entries if e.path and e.path.endswith((".py", ".ipynb"))]
        imported = [e.path for e in entries if e.path and e.kind in ("module", "callable")]
        starts += [package for path in imported for package in self._modules.packages(path) if package not in starts]
        modules = self._modules.reach(starts) if starts else ()
        reasons = [] if process.closed else [process.open_reason]
        if not self._loading_variables.isdisjoint(modules):
            reasons.append("its code loads variables from a file")
        if any(e.kind == "script" and not (e.path or e.written).endswith(".py") and not e.external for e in entries):
            reasons.append("it is started through a script, which may set variables")
        return msgspec.structs.replace(
            process,
            entries=tuple(entries),
            modules=modules,
            image=image,
            closed=not reasons,
            open_reason=_first(reasons),
        )

    # ---------------------------------------------------------------------------------------------- variables

    def _variables(
        self, process: Process, container: Container, dockerfile: Dockerfile | None, stage: Stage | None
    ) -> tuple[Mapping[str, Value], list[str]]:
        """What each variable is, and why there may be others."""
        variables: dict[str, Value] = {}
        reasons: list[str] = []
        if dockerfile is not None and stage is not None:
            for part in self._images.chain(dockerfile, stage):
                variables |= {v.name: self._given(v, process) for v in part.variables}
        for source in container.variable_sources:
            entries, reason = self._source_entries(source, process)
            variables |= {source.prefix + v.name: self._given(v, process) for v in entries}
            if reason:
                reasons.append(reason)
        for variable in container.variables:
            variables[variable.name] = self._given(variable, process)
        if not {"*", "env", "envFrom"}.isdisjoint(container.untold):
            compose = container.tool == "compose"
            reasons.append("what it extends is not read" if compose else "a Helm template may set more variables")
        return variables, reasons

    def _given(self, variable: Variable, process: Process | None) -> Value:
        value = self._values.resolve(variable.value, process)
        note = f"{variable.name} is set here"
        if value.alternatives:
            return traced(value, Origin(variable.place, note))
        return value

    def _source_entries(self, source: VariableSource, process: Process) -> tuple[Sequence[Variable], str]:
        name = self._values.resolve(source.name, process).text
        if name is None:
            return (), f"a {source.kind} whose name can't be told gives variables"
        if source.kind == "env-file":
            path = _normal(posixpath.join(process.place.path.rpartition("/")[0], name))
            files = self._pipeline.index(EnvFile, "path").get(path, ())
            return (files[0].entries, "") if files else ((), f"env file {name} is not in the tree")
        if source.kind in ("configmap", "secret"):
            holder = self._values.config_object(source.kind, name, process)
            if holder is None:
                return (), f"{source.kind} {name} is not in the tree"
            if holder.kind == "secret":
                return [
                    Variable(name=e.name, value=SecretKey(f"secret/{name}", e.name), place=e.place)
                    for e in holder.entries
                ], ""
            return holder.entries, ""
        return (), "variables come from where the tree doesn't tell"

    def _settings(self, process: Process) -> Iterator[Setting]:
        reads = self._pipeline.index(EnvRead, "path")
        seen: set[tuple[str, Place]] = set()
        for module in process.modules:
            for read in reads.get(module, ()):
                key = read.key
                text = key.value if isinstance(key, Literal) else None
                name = text if isinstance(text, str) else self._values.resolve(key, process).text
                if name is None or (name, read.place) in seen:
                    continue
                seen.add((name, read.place))
                given = name in process.variables
                value = self._setting_value(process, read, name)
                yield Setting(process, read, name, value, given, given or process.closed)

    def _setting_value(self, process: Process, read: EnvRead, name: str) -> Value:
        if name in process.variables:
            return process.variables[name]
        default = self._defaults.get(id(read))
        if default is None:
            if read.default is None:
                default = Value.unknown("not set")
            else:
                default = self._values.resolve(read.default, process)
                default = traced(default, Origin(read.place, f"the default of {name}"))
            if read.default is None or isinstance(read.default, Literal):
                self._defaults[id(read)] = default  # no process decides it
        return default if process.closed else union([default, Value.unknown(process.open_reason)])

    # ------------------------------------------------------------------------------------------------ entries

    def _container_entries(self, process: Process, container: Container, context: str) -> list[Entry]:
        dockerfile, stage = process.dockerfile, process.stage
        argv, shell, place, reason = self._command_line(container, dockerfile, stage, process)
        if reason:
            # what somebody else's image starts is no file of the tree
            # nor is what a patch or override leaves to the file that it is put over
            theirs = dockerfile is not None or not container.build
            return [Entry("unknown", "", place, reason=reason, external=theirs)]
        workdir = self._container_workdir(container, dockerfile, stage, process)
        files = self._file_system(container, dockerfile, stage, context, process)

        def make(invocation: Invocation, at: Place) -> Entry:
            return self._entry(invocation, at, workdir, files, context, process)

        found = []
        for invocation in invocations(argv, shell):
            entry = make(invocation, _at_line(place, invocation.place_offset_line))
            locate = functools.partial(_located, files, workdir)
            found += [entry, *self._inside(entry, invocation, workdir, make, locate)]
        return found

    def _inside(
        self,
        entry: Entry,
        outer: Invocation,
        workdir: str | None,
        make: Callable[[Invocation, Place], Entry],
        locate: Callable[[str], str | None],
    ) -> list[Entry]:
        """The files of the tree that the shell script or target of a Makefile *entry*, and those that it calls, may
        start. *locate* tells which file of the tree a path is, seen from where the command starts.

        Only what is found: which of a script's branches is taken can't be told, so that nothing is missed there.
        """
        found: dict[str, Entry] = {}
        pending = [(entry, outer)]
        seen: set[object] = {entry.path}
        while pending and len(seen) < MOST_SCRIPTS:
            entry, outer = pending.pop()
            for text, folder, start in self._texts(entry, outer, workdir, locate):
                for invocation in invocations(None, text, folder):
                    inner = make(invocation, _at_line(start, invocation.place_offset_line))
                    again = (invocation.target, invocation.arguments, invocation.workdir)
                    if inner.path is None and (invocation.target not in tasks.PROGRAMS or again in seen):
                        continue
                    if inner.path is None:
                        seen.add(again)
                        pending.append((inner, invocation))
                    elif inner.path not in seen:
                        seen.add(inner.path)
                        found[inner.path] = inner
                        pending.append((inner, invocation))
        return list(found.values())

    def _texts(
        self, entry: Entry, outer: Invocation, workdir: str | None, locate: Callable[[str], str | None]
    ) -> Iterator[tuple[str, str | None, Place]]:
        """The texts for a shell that *entry* comes to, each with its folder and where it starts."""
        if entry.kind == "script":
            for script in self._pipeline.index(Script, "path").get(entry.path, ()):
                yield _for_script(script.text, outer, workdir), outer.workdir, Place(script.path, 1)
        elif entry.kind == "tool" and outer.target in tasks.PROGRAMS and HOLE not in (outer.workdir or ""):
            words = (outer.target, *outer.arguments)
            run = tasks.run(self._pipeline, words, outer.workdir or "", locate=locate, variables=outer.variables)
            for line in run.lines if run is not None else ():
                yield line.text, line.folder or None, line.place

    def _command_line(
        self, container: Container, dockerfile: Dockerfile | None, stage: Stage | None, process: Process
    ) -> tuple[list[str | None] | None, str | None, Place, str]:
        """The arguments or the shell text that a container starts with, the deciding place, or why it can't be told."""
        entrypoint, command = container.entrypoint, container.command
        if dockerfile is not None and stage is not None:
            from_entrypoint, from_command = self._images.started(dockerfile, stage)
            if command is None and entrypoint is None and from_command is not None:
                command = from_command.command
            if entrypoint is None and from_entrypoint is not None:
                entrypoint = from_entrypoint.entrypoint
        place = (command or entrypoint).place if (command or entrypoint) else container.place  # type: ignore[union-attr]
        if container.build == "" and dockerfile is None and entrypoint is None and command is None:
            return None, None, place, "the image is not built in the tree"
        if entrypoint is None and command is None:
            if dockerfile is None:
                return None, None, place, "its Dockerfile is not in the tree"
            return None, None, place, "the command is the base image's own"
        if entrypoint is not None and entrypoint.shell is not None:
            return None, self._values.pattern(entrypoint.shell, process), entrypoint.place, ""
        head = self._arguments(entrypoint, process)
        if command is not None and command.shell is not None:
            text = self._values.pattern(command.shell, process)
            return ([*head, "sh", "-c", text], None, place, "") if head else (None, text, place, "")
        return [*head, *self._arguments(command, process)], None, place, ""

    def _arguments(self, command: Command | None, process: Process) -> list[str | None]:
        """The words of a command, with a hole for each part that can't be told: `sh -c` may still tell what it runs."""
        if command is None or command.argv is None:
            return []
        return [self._values.pattern(argument, process) for argument in command.argv]

    def _container_workdir(
        self, container: Container, dockerfile: Dockerfile | None, stage: Stage | None, process: Process
    ) -> str | None:
        if container.workdir is not None:
            return self._values.resolve(container.workdir, process).text
        if dockerfile is not None and stage is not None:
            return self._images.workdir(dockerfile, stage)
        return None

    def _file_system(
        self, container: Container, dockerfile: Dockerfile | None, stage: Stage | None, context: str, process: Process
    ) -> FileSystem:
        layers: list[Layer] = []
        plain, commands, workdir = False, [], None
        if dockerfile is not None and stage is not None:
            layers = self._images.layers(dockerfile, stage, context, process)
            plain = self._images.is_plain(dockerfile, stage)
            commands = self._images.commands(dockerfile, stage)
            workdir = self._images.workdir(dockerfile, stage)
        base = container.place.path.rpartition("/")[0]
        for layer in mounted(container.mounts, base, self._values, process):
            if layer.source is not None and layer.source in self._pipeline.paths:
                layers.append(dataclasses.replace(layer, file=True))
            elif layer.source is not None and not self._pipeline.has_folder(layer.source):
                layers.append(dataclasses.replace(layer, source=None, note=f"{layer.note}, and is not in the tree"))
            else:
                layers.append(layer)
        return FileSystem(self._pipeline, layers, plain=plain, commands=commands, workdir=workdir)

    def _entry(
        self,
        invocation: Invocation,
        place: Place,
        workdir: str | None,
        files: FileSystem,
        context: str,
        process: Process,
    ) -> Entry:
        if invocation.kind in ("tool", "unknown"):
            return Entry(
                invocation.kind,
                invocation.target,
                place,
                external=invocation.kind == "tool",
                reason="a tool" if invocation.kind == "tool" else "a command that can't be told",
                arguments=invocation.arguments,
            )
        here = workdir
        if invocation.workdir is not None:
            here = posixpath.join(workdir, invocation.workdir) if workdir is not None else invocation.workdir
            if HOLE in here or not here.startswith("/"):
                here = None
        if invocation.kind in ("script", "notebook"):
            return self._script_entry(invocation, place, here, files, context)
        return self._module_entry(invocation, place, here, files, context, process)

    def _script_entry(
        self, invocation: Invocation, place: Place, workdir: str | None, files: FileSystem, context: str
    ) -> Entry:
        target = invocation.target
        if not target.startswith("/") and workdir is None:
            guess = self._only_ending(target, context)
            reason = "" if guess else "the working directory can't be told"
            return Entry(invocation.kind, target, place, guess, reason=reason, arguments=invocation.arguments)
        located = files.locate(posixpath.normpath(posixpath.join(workdir or "/", target)))
        return self._located_entry(invocation.kind, invocation, place, located, "")

    def _located_entry(self, kind: str, invocation: Invocation, place: Place, located: Located, function: str) -> Entry:
        return Entry(
            kind,  # type: ignore[arg-type]
            invocation.target,
            place,
            located.path or None,
            function=function,
            reason=located.reason or ("not in the image" if located.state == "absent" else ""),
            absent=located.state == "absent",
            looked=located.looked,
            arguments=invocation.arguments,
        )

    def _module_entry(
        self,
        invocation: Invocation,
        place: Place,
        workdir: str | None,
        files: FileSystem,
        context: str,
        process: Process,
    ) -> Entry:
        dotted, _, function = invocation.target.partition(":")
        tail = dotted.replace(".", "/")
        kind = "module" if invocation.kind == "module" else "callable"
        located = Located("unknown", reason="its folder can't be told")
        for folder in self._python_path(workdir, process):
            for name in (f"{tail}.py", f"{tail}/__main__.py" if kind == "module" else f"{tail}/__init__.py"):
                candidate = files.locate(posixpath.normpath(posixpath.join(folder, name)))
                if candidate.state == "found":
                    return self._located_entry(kind, invocation, place, candidate, function)
                if located.state != "absent" or candidate.state == "unknown":
                    located = candidate
        path = self._modules.find(dotted, context)
        if kind == "module":
            path = self._main_of(path) if path else self._modules.find(f"{dotted}.__main__", context)
        if path is None and kind == "callable" and not function and "." in dotted:
            # Celery takes `module.name`, too: celery.app.utils.find_app by kombu's symbol_by_name
            module, _, name = dotted.rpartition(".")
            named = dataclasses.replace(invocation, target=f"{module}:{name}")
            inner = self._module_entry(named, place, workdir, files, context, process)
            if inner.path is not None:
                return inner
        if path is None:
            top = f"/{dotted.partition('.')[0]}/"
            below = [p for p in self._modules.files if top in f"/{p}"]
            external = not below
            if external and "." not in dotted and located.state == "absent":
                external = self._is_a_dependency(dotted)
            elif below and "." not in dotted and not any(f"/{p}".endswith(f"{top}__init__.py") for p in below):
                external = True  # a folder that is no package does not hide the installed one (migrations in alembic/)
            reason = "not a module of the tree" if external else located.reason
            absent = located.state == "absent" and not external
            return Entry(
                kind,  # type: ignore[arg-type]
                invocation.target,
                place,
                function=function,
                reason=reason or "not in the image",
                external=external,
                absent=absent,
                looked=located.looked,
                arguments=invocation.arguments,
            )
        return Entry(kind, invocation.target, place, path, function=function, arguments=invocation.arguments)  # type: ignore[arg-type]

    def _is_a_dependency(self, module: str) -> bool:
        """Whether a list of the tree asks for a package that is called like the module."""
        return module.lower().replace("_", "-") in self._pipeline.index(Requirement, "name")

    def _main_of(self, path: str) -> str:
        """What ``python -m`` runs where it is given the module *path*: of a package its ``__main__``, if it has one."""
        folder, _, name = path.rpartition("/")
        main = f"{folder}/__main__.py"
        return main if name == "__init__.py" and main in self._modules.files else path

    def _python_path(self, workdir: str | None, process: Process) -> list[str]:
        folders = [workdir] if workdir else []
        given = [v.value for v in getattr(process.fact, "variables", ()) if v.name == "PYTHONPATH"]
        if process.dockerfile is not None and process.stage is not None:
            for stage in reversed(self._images.chain(process.dockerfile, process.stage)):
                given += [v.value for v in stage.variables if v.name == "PYTHONPATH"]
        # what can't be told in it (`$PYTHONPATH` of the base image) leaves the rest as it is
        text = self._values.pattern(given[0], process) if given else ""
        parts = [part for part in text.split(":") if part and HOLE not in part]
        return folders + [posixpath.join(workdir or "/", part) for part in parts]

    def _only_ending(self, target: str, near: str) -> str | None:
        """The one file of the tree whose path ends in *target*: a guess that is good enough to follow imports."""
        tail = _normal(target.lstrip("./"))
        direct = _normal(posixpath.join(near, tail))
        if direct in self._pipeline.paths:
            return direct
        return self._modules.ending(tail)

    def _checkout_lacks(self, path: str, step: Step) -> bool:
        """Whether a job's checkout certainly has no file *path*: the job checks this repository out at its usual place,
        the path is plain and leads into a folder of the tree, and no other command of the job speaks of the file but
        to start it. A file without an ending is only missed where the one of that name with an ending is beside it."""
        jobs = self._pipeline.index(WorkflowJob, "step").get(step.identity, ())
        if len(jobs) != 1 or _MADE_BY_CI.search(path) or HOLE in path or self._pipeline.unread_near(path):
            return False
        checkouts = [s for s in jobs[0].steps if s.uses.startswith("actions/checkout@")]
        if len(checkouts) != 1 or any(given.name in _MOVES_A_CHECKOUT for given in checkouts[0].inputs):
            return False
        if "/" not in path or ".gitmodules" in self._pipeline.paths:
            return False
        short = any(f"{path}{ending}" in self._pipeline.paths for ending in _ENDINGS)
        if not short and not path.endswith((".py", ".sh", ".R")):
            return False
        if any("download-artifact" in s.uses or "cache" in s.uses for s in jobs[0].steps):
            return False
        name = posixpath.basename(path)
        texts = [
            self._values.pattern(s.run.shell) for s in jobs[0].steps if s.run is not None and s.run.shell is not None
        ]
        commands = "\n".join(line for text in texts for line in text.splitlines() if not line.lstrip().startswith("#"))
        before = commands[: commands.rfind("\n", 0, commands.find(name)) + 1]
        start = rf"^\s*(?:python3?\s+|(?:ba)?sh\s+|\./){re.escape(path)}(?=\s|$)"
        starts = len(re.findall(start, commands, re.MULTILINE))
        return commands.count(name) == max(starts, 1) and (short or not BRINGS_FILES.search(before))

    def _step_entries(self, process: Process, step: Step) -> Iterator[Entry]:
        if step.callee is not None:
            where = self._modules.definition(step.callee.path, step.callee.name)
            yield Entry(
                "callable",
                step.callee.name,
                step.place,
                where[0] if where else None,
                function=where[1] if where else "",
                reason="" if where else "the function is not defined in the tree",
            )
        elif step.orchestrator == "airflow" and step.operator:
            where = self._executed(step)
            if where is not None:
                yield Entry("callable", step.operator, step.place, where[0], function=where[1])
        on_github = step.orchestrator == "github-actions"
        elsewhere = self._other_shells(step) if on_github else ()
        for command in step.commands:
            if command.place in elsewhere:
                continue
            workdir = self._values.resolve(command.workdir, process).text if command.workdir is not None else ""
            shell = self._values.pattern(_on_runner(command.shell), process) if command.shell is not None else None
            if shell is not None and on_github:
                shell = _RUNNER_FOLDERS.sub(lambda match: _RUNNER[match[1] or match[2]], shell)
            argv = self._arguments(command, process) if command.argv is not None else None

            def make(invocation: Invocation, at: Place, workdir: str | None = workdir) -> Entry:
                return self._checkout_entry(invocation, at, workdir, step)

            locate = functools.partial(self._in_checkout, workdir, step)
            for invocation in invocations(argv, shell):
                entry = make(invocation, _at_line(command.place, invocation.place_offset_line))
                yield entry
                yield from self._inside(entry, invocation, None, make, locate)

    def _executed(self, step: Step) -> tuple[str, str] | None:
        """The ``execute`` of the operator's class, where that is of the tree: what a task of it runs."""
        name = step.operator
        if "." not in name:
            return self._modules.definition(step.path, f"{name}.execute")
        module, _, cls = name.rpartition(".")
        path = self._modules.find(module, step.path)
        return self._modules.definition(path, f"{cls}.execute") if path is not None else None

    def _in_checkout(self, workdir: str | None, step: Step, path: str) -> str | None:
        """The file of the tree that *path* is for a step which runs in a checkout, from *workdir*."""
        if workdir is None or step.orchestrator not in _IN_A_CHECKOUT:
            return None
        inside = _normal(posixpath.join(workdir, path))
        return inside if inside in self._pipeline.paths else None

    def _other_shells(self, step: Step) -> frozenset[Place]:
        """Where commands of a job stand that are for another shell than those whose language is read."""
        jobs = self._pipeline.index(WorkflowJob, "step").get(step.identity, ())
        return frozenset(
            part.run.place
            for job in jobs
            for part in job.steps
            if part.run is not None and part.shell.split(" ", 1)[0] in _OTHER_SHELLS
        )

    def _checked_out(self, path: str, step: Step) -> str | None:
        """The file of the tree that *path* of a job's workspace is, where the job checks the tree out into folders of
        the workspace; None where it is none."""
        for job in self._pipeline.index(WorkflowJob, "step").get(step.identity, ()):
            for part in job.steps:
                given = {variable.name: variable.value for variable in part.inputs}
                folder = literal_text(given.get("path"))
                if part.uses.startswith("actions/checkout@") and folder and "repository" not in given:
                    inner = path.removeprefix(f"{_normal(folder)}/")
                    if inner != path and inner in self._pipeline.paths:
                        return inner
        return None

    def _checkout_entry(self, invocation: Invocation, place: Place, workdir: str | None, step: Step) -> Entry:
        """An entry of a step that runs in a checkout of the tree (CI), or on a worker that has it somewhere."""
        target = invocation.target
        if invocation.kind in ("tool", "unknown"):
            reason = "a tool" if invocation.kind == "tool" else "a command that can't be told"
            return Entry(
                invocation.kind,
                target,
                place,
                external=invocation.kind == "tool",
                reason=reason,
                arguments=invocation.arguments,
            )
        folder = posixpath.join(workdir, invocation.workdir or "") if workdir is not None else None
        if target.startswith(f"{_RUNNER['RUNNER_TEMP']}/"):
            reason = "made while the job runs"
            return Entry(invocation.kind, target, place, reason=reason, external=True, arguments=invocation.arguments)
        workspace = f"{_RUNNER['GITHUB_WORKSPACE']}/"
        if target.startswith(workspace):
            target, folder = target.removeprefix(workspace), ""
        elif folder is not None and f"{folder}/".startswith(workspace):
            folder = folder[len(workspace) :]
        if invocation.kind in ("script", "notebook"):
            path = _normal(posixpath.join(folder, target)) if folder is not None else None
            if path is not None and path not in self._pipeline.paths and step.orchestrator == "github-actions":
                path = self._checked_out(path, step) or path
            if path in self._pipeline.paths and step.orchestrator in _IN_A_CHECKOUT:
                return Entry(invocation.kind, target, place, path, arguments=invocation.arguments)
            if path is not None and self._checkout_lacks(path, step):
                reason = "not in the checkout"
                return Entry(invocation.kind, target, place, reason=reason, absent=True, arguments=invocation.arguments)
            # where a job's folder is told, what is not there is nowhere else
            told = folder is not None and step.orchestrator == "github-actions"
            guess = self._only_ending(target, "") if ("/" in target or folder is None) and not told else None
            reason = "" if guess else "not in the tree under that path"
            return Entry(invocation.kind, target, place, guess, reason=reason, arguments=invocation.arguments)
        dotted, _, function = target.partition(":")
        kind = "module" if invocation.kind == "module" else "callable"
        near = _normal(folder or "")
        path = self._modules.find(f"{dotted}.__main__", near, within=[near]) if kind == "module" else None
        path = path or self._modules.find(dotted, near, within=[near])
        external = path is None and not self._pipeline.has_folder(dotted.partition(".")[0])
        reason = "" if path else "not a module of the tree"
        package = self._lacking_package(dotted, near, step) if path is None and kind == "module" else None
        return Entry(
            kind,  # type: ignore[arg-type]
            target,
            place,
            path,
            function=function,
            reason="not in its package" if package else reason,
            external=external and package is None,
            absent=package is not None,
            looked=((Place(package, 1), "the package that lacks it"),) if package else (),
        )

    def _lacking_package(self, dotted: str, near: str, step: Step) -> str | None:
        """The `__init__.py` of the innermost package of *dotted* that the tree has, where that package certainly lacks
        the rest: it stands in the folder *near*, which Python looks in first with ``-m``, or in its ``src``, and
        nothing brings files into the checkout.

        Source: https://docs.python.org/3/library/sys_path_init.html and
        https://docs.python.org/3/reference/import.html#regular-packages
        """
        parts = dotted.split(".")
        paths = self._pipeline.paths
        for root in (near, _normal(posixpath.join(near, "src"))):
            folder = posixpath.join(root, parts[0]) if root != "." else parts[0]
            if f"{folder}/__init__.py" not in paths:
                continue
            for part in parts[1:]:
                below = f"{folder}/{part}"
                if f"{below}/__init__.py" in paths:
                    folder = below
                    continue
                if self._pipeline.has_folder(below) or any(f"{below}{ending}" in paths for ending in _COMPILED):
                    return None
                sure = self._pipeline.unread_near(below) is None and self._checkout_is_plain(step, below, dotted)
                return f"{folder}/__init__.py" if sure else None
            return None
        return None

    def _checkout_is_plain(self, step: Step, module: str, dotted: str) -> bool:
        """Whether *step* runs in this repository as it is, where nothing that is told puts the file of *module*, and
        starts *dotted* in any case: no command asks before if it is there."""
        if _MADE_BY_CI.search(module) or HOLE in module or ".gitmodules" in self._pipeline.paths:
            return False
        if step.orchestrator == "dvc":
            return True
        jobs = self._pipeline.index(WorkflowJob, "step").get(step.identity, ())
        if len(jobs) != 1:
            return False
        checkouts = [s for s in jobs[0].steps if s.uses.startswith("actions/checkout@")]
        if len(checkouts) != 1 or any(given.name in _MOVES_A_CHECKOUT for given in checkouts[0].inputs):
            return False
        if any("download-artifact" in s.uses or "cache" in s.uses for s in jobs[0].steps):
            return False
        file = module.rpartition("/")[2] + ".py"
        for part in jobs[0].steps:
            text = self._values.pattern(part.run.shell) if part.run is not None and part.run.shell is not None else ""
            if file in text or _BRINGS_MODULES.search(text):
                return False
            if dotted in text and ("hashFiles" in part.condition or _ASKS.search(text)):
                return False
        return True


_IN_A_CHECKOUT = frozenset({"github-actions", "gitlab-ci", "dvc", "mlflow", "databricks", "sagemaker", "vertex"})
"""Orchestrators whose steps name files by their path in the tree."""

_ENDINGS = (".sh", ".py")

_OTHER_SHELLS = frozenset({"pwsh", "powershell", "cmd", "python"})
_RUNNER = {"GITHUB_WORKSPACE": "/github/workspace", "RUNNER_TEMP": "/github/runner_temp"}
"""Folders of a job by the variable that names them, under the paths that they have in a job's container:
https://docs.github.com/en/actions/reference/workflows-and-actions/variables"""
_RUNNER_FOLDERS = re.compile(r"\$(?:\{(GITHUB_WORKSPACE|RUNNER_TEMP)\}|(GITHUB_WORKSPACE|RUNNER_TEMP)\b)")
_CONTEXTS = {"github.workspace": "GITHUB_WORKSPACE", "runner.temp": "RUNNER_TEMP"}


def _on_runner(expr: Expr) -> Expr:
    """*expr* with the folders of the job that it asks for as paths."""
    match expr:
        case Context(tool="github", name=name) if name in _CONTEXTS:
            return Literal(_RUNNER[_CONTEXTS[name]])
        case Concat(parts=parts):
            return Concat(tuple(_on_runner(part) for part in parts))
    return expr


_MOVES_A_CHECKOUT = frozenset({"path", "repository", "ref", "sparse-checkout", "submodules"})
"""Inputs of actions/checkout by which the workspace is not this repository as it is."""
_COMPILED = (".py", ".pyx", ".so", ".pyd", ".c", ".cpp", ".rs")
_BRINGS_MODULES = re.compile(
    r"\b(git\s+(?:clone|checkout|switch|submodule)|gh|unzip|tar|rsync|scp|cp|mv|ln|dvc|protoc|grpc_tools|make|patch)\b"
)
"""Commands that can put a module of the tree's own package into a checkout."""
_ASKS = re.compile(r"\b(?:if|test|case|while)\b|(?<!\S)\[|\|\|")
"""What makes a command of a shell depend on something."""
_MADE_BY_CI = re.compile(r"(^|/)(\.?venv[^/]*|env|bin|build|dist|target|node_modules|tmp|out|\.[^/]+)/|\*|^\.\.|^[/~]")


def _as_container(step: Step) -> Container | None:
    """The container that a step of Kubeflow Pipelines is, where it says what that runs: its command is in place of the
    image's, and stands where the component is described."""
    if step.orchestrator != "kfp" or step.image is None or not step.commands:
        return None
    command = step.commands[0]
    return Container(tool="kfp", workload="", name=step.name, image=step.image, entrypoint=command, place=command.place)


def _located(files: FileSystem, workdir: str | None, path: str) -> str | None:
    """The file of the tree that *path* is in a container, from *workdir*."""
    if workdir is None and not path.startswith("/"):
        return None
    return files.locate(posixpath.normpath(posixpath.join(workdir or "/", path))).path or None


def _for_script(text: str, outer: Invocation, workdir: str | None) -> str:
    """A script's *text* with what it was called with for ``$@``, and its own folder where it asks for that."""
    text = _ALL_ARGUMENTS.sub(lambda _: shlex.join(outer.arguments), text)
    here = posixpath.join(workdir, outer.workdir or "") if workdir is not None else outer.workdir or ""
    folder = posixpath.dirname(posixpath.join(here, outer.target))
    if not folder.startswith("/") or HOLE in folder:
        return text
    return _OWN_FOLDER.sub(lambda _: shlex.quote(folder), text)


def _plain_name(name: str) -> str:
    """A name without what only tells spellings apart: ``model_service``, ``model-service``."""
    return name.lower().replace("_", "-") if len(name) > 3 else ""


def _at_line(place: Place, offset: int) -> Place:
    if not offset or place.line is None:
        return place
    return Place(place.path, place.line + offset, kind=place.kind, cell=place.cell)


def _normal(path: str) -> str:
    normal = posixpath.normpath(path) if path else ""
    return "" if normal == "." else normal


def _first(reasons: Iterable[str]) -> str:
    return next(iter(reasons), "")
