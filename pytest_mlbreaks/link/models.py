"""Models: which accesses mean one and the same, who makes and who loads it, and what comes from outside.

A registered model is told by its name alone, whatever version, stage or alias an access asks for
(https://mlflow.org/docs/latest/ml/model-registry): ``models:/NAME/VERSION``, ``models:/NAME/STAGE``,
``models:/NAME@ALIAS``, ``models:/NAME/latest``.
"""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from pytest_mlbreaks import recognised
from pytest_mlbreaks.link.given import Given
from pytest_mlbreaks.link.identity import dataset_name, in_notebook
from pytest_mlbreaks.link.reach import Reach
from pytest_mlbreaks.link.values import Values
from pytest_mlbreaks.model import Entry, Model, ModelReference, Pipeline, Process
from pytest_mlbreaks.model.expr import Expr, Literal, Unknown
from pytest_mlbreaks.model.facts import DvcStage, ModelAccess, Step
from pytest_mlbreaks.report import Share

HOLE = "{*}"
STAGES = frozenset({"production", "staging", "archived", "none"})
"""Stages of MLflow's registry: https://mlflow.org/docs/latest/ml/model-registry/#model-stage."""

_MAKES = frozenset({"save", "register"})
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(?:/[\w.{}*-]+)?")
_RUN = re.compile(r"runs:/+[^/]+/(.+)")
_RUNNERS_OWN = re.compile(r"/?(?:app|usr/src/app|opt/ml|workspace|code|src|home/\w+)/")
_SUFFIXES = (".pt", ".pth", ".pkl", ".joblib", ".h5", ".keras", ".onnx", ".bin", ".ckpt", ".safetensors", ".json")

_PLAIN_NAMES = frozenset(
    {
        *("model", "best_model", "best", "final_model", "final", "last", "checkpoint", "weights", "pipeline", "scaler"),
        *("encoder", "preprocessor", "transformer", "vectorizer", "tokenizer", "classifier", "clf", "trained_model"),
    }
)
_PLACEHOLDER = re.compile(r"\byour[-_ ]|\[[\w -]+\]|<[\w -]+>", re.IGNORECASE)
"""What documentation writes where a reader shall put something of his own."""

_SERVERS: dict[tuple[str, ...], tuple[tuple[str, ...], str]] = {
    ("mlflow", "models", "serve"): (("-m", "--model-uri"), "registry"),
    ("mlflow", "models", "predict"): (("-m", "--model-uri"), "registry"),
    ("mlflow", "models", "build-docker"): (("-m", "--model-uri"), "registry"),
    ("vllm", "serve"): (("", "--model"), "hub"),
    ("vllm.entrypoints.openai.api_server",): (("--model",), "hub"),
    ("vllm.entrypoints.api_server",): (("--model",), "hub"),
    ("text-generation-launcher",): (("--model-id",), "hub"),
    ("text-embeddings-router",): (("--model-id",), "hub"),
    ("tritonserver",): (("--model-repository", "--model-store"), "path"),
    ("tensorflow_model_server",): (("--model_base_path",), "path"),
    ("torchserve",): (("--model-store",), "path"),
}
"""Commands that load a model: the words they begin with, the options that name it ("": the next word), its kind."""


# ------------------------------------------------------------------------------------------------------- commands


def commands(pipeline: Pipeline) -> list[ModelAccess]:
    """What commands of processes load, as accesses at the place of the command."""
    found: dict[str, ModelAccess] = {}
    for process in pipeline.all(Process):
        for entry in process.entries:
            access = _loaded(entry)
            if access is not None:
                found.setdefault(f"{access.place}{access.identity}", access)
    return list(found.values())


def loads_by_command(entry: Entry) -> bool:
    """Whether *entry* is a server that loads a model by its own command."""
    return _rule(entry) is not None


def _rule(entry: Entry) -> tuple[tuple[str, ...], tuple[str, ...], str] | None:
    if entry.kind not in ("tool", "module"):
        return None
    words = (posixpath.basename(entry.written), *entry.arguments[:2])
    for length in (3, 2, 1):
        rule = _SERVERS.get(words[:length])
        if rule is not None and len(words) >= length:
            return words[:length], *rule
    return None


def _loaded(entry: Entry) -> ModelAccess | None:
    rule = _rule(entry)
    if rule is None:
        return None
    words, options, kind = rule
    text = _option(entry.arguments[len(words) - 1 :], options)
    if text is None:
        return None
    target: Expr = Unknown("a part of the command can't be told") if HOLE in text else Literal(text)
    return ModelAccess(place=entry.place, mode="load", target=target, api=" ".join(words), kind=kind)  # type: ignore[arg-type]


def _option(arguments: Sequence[str], names: tuple[str, ...]) -> str | None:
    if "" in names and arguments and not arguments[0].startswith("-"):
        return arguments[0]
    for index, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name in names and name:
            return value if equals else next(iter(arguments[index + 1 : index + 2]), None)
    return None


# --------------------------------------------------------------------------------------------------------- names


@dataclasses.dataclass(frozen=True)
class Named:
    """A model as one text names it."""

    kind: str
    name: str
    version: str = ""
    stage: str = ""
    alias: str = ""


def named(text: str, access: ModelAccess) -> Named | None:
    """The model that *text*, the target of *access*, means; None where it is too vague to be anybody's."""
    if _PLACEHOLDER.search(text):
        return None
    run = _RUN.match(text)
    if run is not None:
        return Named("run", run[1].rstrip("/")) if _tells(run[1]) else None
    if access.kind == "registry":
        return _registered(text, access)
    if access.kind == "path" and access.api.startswith("mlflow.") and access.api.endswith(".log_model"):
        return Named("run", text) if _tells(text) else None
    if access.kind == "hub":
        return _of_hub(text)
    name = dataset_name(text, "path")
    return Named("path", name) if name else None


def _of_hub(text: str) -> Named | None:
    if "://" in text:
        return Named("hub" if text.startswith(("hf://", "http")) else "path", text.removeprefix("hf://"))
    if not text.startswith((".", "/", "{*}")) and _HUB_ID.fullmatch(text) and not text.endswith(_SUFFIXES[:1]):
        return Named("hub", text) if _tells(text) else None
    if "/" not in text and _tells(text):
        return Named("hub", text)  # weights that the library fetches by their name: yolov8n.pt
    name = dataset_name(text, "path")
    return Named("path", name) if name else None


def _registered(text: str, access: ModelAccess) -> Named | None:
    if access.api.startswith("bentoml"):
        name, _, version = text.partition(":")
        if not _tells(name):
            return None
        return Named("registry", name, alias=version) if version == "latest" else Named("registry", name, version)
    if not text.startswith("models:/"):
        if access.mode == "load":
            path = dataset_name(text, "path") if not text.startswith(HOLE) else None
            return Named("path", path) if path else None
        return Named("registry", text) if _tells(text) else None
    rest = text.removeprefix("models:/").lstrip("/")
    name, at, alias = rest.partition("@")
    if at:
        return Named("registry", name, alias=alias) if _tells(name) else None
    name, _, last = rest.rpartition("/")
    if not _tells(name):
        return None  # also models:/m-ID: a model by the id that MLflow gave it
    if last.lower() in STAGES:
        return Named("registry", name, stage=last)
    if last == "latest":
        return Named("registry", name, alias=last)
    return Named("registry", name, version=last)


def _tells(name: str) -> bool:
    return bool(name.replace(HOLE, "").strip("/._-@:"))


# -------------------------------------------------------------------------------------------------------- models


class Models:
    """Makes the models of a pipeline, with who makes and who loads each."""

    def __init__(self, pipeline: Pipeline, values: Values, reach: Reach) -> None:
        self._pipeline = pipeline
        self._given = Given(pipeline, reach)
        self._reach = reach
        self._values = values
        self._groups: dict[tuple[str, str], list[ModelReference]] = defaultdict(list)
        for access in pipeline.all(ModelAccess):
            for found, processes in self._named(access).items():
                self._groups[found.kind, found.name].append(self._reference(access, found, processes))
        self._settle_hubs()
        self._made_files = self._by_file_name()
        self._outputs = self._stage_outputs()
        self.models = [self._model(kind, name, references) for (kind, name), references in self._groups.items()]

    def _processes(self, access: ModelAccess) -> tuple[Process, ...]:
        """The processes that come to the access; for one of a manifest or command, those that stand there."""
        near = self._pipeline.processes_of(access.path)
        if near:
            return tuple(process for process in near if (access.path, access.scope) in self._reach.of(process))
        return self._pipeline.index(Process, _at).get((access.path, access.place.line), ())

    def _named(self, access: ModelAccess) -> dict[Named, list[Process]]:
        found: dict[Named, list[Process]] = {}
        processes = self._processes(access)
        for target in self._given.targets(access, processes):
            texts: dict[str, list[Process]] = {}
            for process in processes:
                texts.setdefault(self._values.likely(target, process), []).append(process)
            if not texts:
                texts[self._values.likely(target)] = []
            for alternative in self._values.resolve(target):
                if isinstance(alternative.value, str) and not alternative.secret:
                    texts.setdefault(alternative.value, [])
            for text, those in texts.items():
                name = named(text, access)
                if name is not None:
                    found[name] = list(dict.fromkeys((*found.get(name, ()), *those)))
        return found

    def _reference(self, access: ModelAccess, found: Named, processes: Iterable[Process]) -> ModelReference:
        def text(given: Expr | None, written: str) -> str:
            return self._values.likely(given) if given is not None else written

        return ModelReference(
            access=access,
            version=text(access.version, found.version),
            stage=text(access.stage, found.stage),
            alias=text(access.alias, found.alias),
            processes=tuple(processes),
        )

    def _settle_hubs(self) -> None:
        """What is saved as a path is that path, though it looks like the id of a hub (``models/ranker``)."""
        for kind, name in [key for key in self._groups if key[0] == "hub"]:
            if ("path", name) in self._groups:
                self._groups["path", name] += self._groups.pop((kind, name))

    def _by_file_name(self) -> dict[str, list[tuple[str, str]]]:
        """Saved paths by the name of their file."""
        found: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for (kind, name), references in self._groups.items():
            if kind == "path" and any(r.access.mode in _MAKES for r in references):
                found[posixpath.basename(name)].append((kind, name))
        return found

    def _stage_outputs(self) -> dict[str, str]:
        """What stages of DVC write, by path: the identity of the step."""
        found: dict[str, str] = {}
        for stage in self._pipeline.all(DvcStage):
            for output in stage.outputs:
                found.setdefault(self._values.pattern(output.path), stage.step)
        return found

    def _model(self, kind: str, name: str, references: list[ModelReference]) -> Model:
        references.sort(key=lambda reference: in_notebook(reference.access))
        making = [r for r in references if r.access.mode in _MAKES]
        assumed = ""
        external = "" if making else self._external(kind, name, references)
        if not making and not external and kind == "path":
            making, assumed = self._likely(name)
        elif making and kind == "path" and _says_little(name):
            assumed = "a file's name that says little"
        makers = dict.fromkeys(p for r in making for p in r.processes)
        if not makers and kind == "path":
            makers |= dict.fromkeys(self._writers(name))
        users = dict.fromkeys(p for r in references if r.access.mode == "load" for p in r.processes)
        return Model(
            name=name,
            kind=kind,  # type: ignore[arg-type]
            accesses=tuple(r.access for r in references),
            references=tuple(references),
            makers=tuple(makers),
            users=tuple(users),
            made_in=tuple(r.access for r in making),
            external=external,
            assumed=assumed,
        )

    def _likely(self, name: str) -> tuple[list[ModelReference], str]:
        """What is saved under the same path seen from another folder, or alone under that file's name."""
        tail = posixpath.basename(name)
        candidates = self._made_files.get(tail, [])
        if HOLE in tail or "." not in tail or name.startswith(("s3://", "gs://")):
            return [], ""
        bare = _from_root(name)
        same = [key for key in candidates if _from_root(key[1]) == bare]
        chosen = same if len(same) == 1 else candidates
        if len(chosen) != 1:
            return [], ""
        making = [r for r in self._groups[chosen[0]] if r.access.mode in _MAKES]
        return making, f"only {chosen[0][1]} is saved under that file's name"

    def _writers(self, name: str) -> Iterator[Process]:
        step = self._outputs.get(name) or self._outputs.get(_from_root(name))
        if step is not None:
            yield from self._pipeline.index(Process, _step_identity).get(step, ())

    def _external(self, kind: str, name: str, references: list[ModelReference]) -> str:
        """Where a model that nothing of the tree makes comes from, "" where that is not told."""
        if kind == "hub":
            return "a hub or a library gives it by that name"
        if kind == "registry":
            return ""
        if "://" in name:
            return "it lies where nothing of the tree is seen to write"
        path = _from_root(name)
        if path in self._outputs or name in self._outputs:
            return "a stage of DVC makes it"
        beside = {posixpath.normpath(posixpath.join(posixpath.dirname(r.access.path), name)) for r in references}
        for candidate in (name.lstrip("/"), path, *sorted(beside)):
            if candidate in self._pipeline.paths or self._pipeline.has_folder(candidate):
                return "it lies in the tree"
            if f"{candidate}.dvc" in self._pipeline.paths:
                return "DVC keeps it"
        return ""


def tied(pipeline: Pipeline) -> Share:
    """Of all accesses that load a model, tests and examples aside, for how many a maker is known, or that nobody of the
    tree makes it; with the reasons why not."""
    by_access: dict[int, list[Model]] = defaultdict(list)
    for model in pipeline.all(Model):
        for access in model.accesses:
            by_access[id(access)].append(model)
    known = total = 0
    reasons: dict[str, int] = defaultdict(int)
    for access in pipeline.all(ModelAccess):
        if access.mode != "load" or recognised.aside(access.path):
            continue
        total += 1
        found = by_access.get(id(access), [])
        if any(model.tied for model in found):
            known += 1
        elif found:
            reasons["nothing of the tree is seen to make it"] += 1
        else:
            value = pipeline.resolve(access.target)
            reasons[value.reason or "too short a name to tell by"] += 1
    return Share(known, total - known, tuple(sorted(reasons.items(), key=lambda item: -item[1])[:10]))


def _says_little(name: str) -> bool:
    """Whether a path is a file's name alone, of the sort that many programs give: ``model.pkl``."""
    return "/" not in _from_root(name) and posixpath.splitext(posixpath.basename(name))[0].lower() in _PLAIN_NAMES


def _from_root(name: str) -> str:
    """A path without the folders above, or of a container, that it is seen from."""
    while name.startswith(("../", "./")):
        name = name.partition("/")[2]
    name = name.removeprefix(f"{HOLE}/")
    return _RUNNERS_OWN.sub("", name, count=1) if _RUNNERS_OWN.match(name) else name


def _at(process: Process) -> tuple[str, int | None]:
    return (process.place.path, process.place.line)


def _step_identity(process: Process) -> str | None:
    return process.fact.identity if isinstance(process.fact, Step) else None
