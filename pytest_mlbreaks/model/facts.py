"""Facts: typed, frozen, located statements that a reader took from one file.

A fact says what is written, not what follows from it. Whatever needs a second file is done in link.
Every fact has an *identity* apart from its place: it stays the same when lines move, and is what fingerprints
and cross references are made of. Facts survive being written and read back (`pytest_mlbreaks.codec`).
"""

from __future__ import annotations

import itertools
from typing import ClassVar
from typing import Literal as L

import msgspec

from pytest_mlbreaks.model.expr import Expr, render
from pytest_mlbreaks.model.place import Place


class Fact(msgspec.Struct, frozen=True, kw_only=True, tag_field="fact", tag=True, omit_defaults=True):
    """The base of all facts, also of those that other packs bring. The class name is the fact's tag on disk."""

    #: What people call it, where the class's own name does not say it.
    called: ClassVar[str] = ""

    place: Place

    @property
    def identity(self) -> str:
        """A name that outlives a move of lines: ``airflow:daily_train/load``."""
        raise NotImplementedError(type(self).__name__)

    @property
    def path(self) -> str:
        """The file that the fact was taken from."""
        return self.place.path


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The base of what facts are made of."""


# ---------------------------------------------------------------------------------------------------- Python


class Import(Part, frozen=True, kw_only=True):
    """One imported name. ``from ..a import b as c`` is target ``a``, name ``b``, alias ``c``, level 2."""

    target: str
    alias: str
    name: str | None = None
    level: int = 0
    scope: str = ""
    guarded: bool = False  # under TYPE_CHECKING, or in a try that catches ImportError
    line: int


class PythonModule(Fact, frozen=True, kw_only=True):
    """A Python file. *package* is true for an ``__init__.py``, *main* where a ``__main__`` guard
    does more than print; *calls* are
    the callee names outside of functions and classes, import aliases expanded, each once; *asked* are the attributes
    that it asks of what is called settings or configuration (``settings.redis_url``)."""

    imports: tuple[Import, ...] = ()
    calls: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    package: bool = False
    main: bool = False

    @property
    def identity(self) -> str:
        return f"python:{self.path}"


class Constant(Fact, frozen=True, kw_only=True):
    """A name bound at module level, or in a class body (``Settings.bucket``), to something that can be told."""

    name: str
    value: Expr
    annotation: str = ""

    @property
    def identity(self) -> str:
        return f"constant:{self.path}#{self.name}"


class Parameter(Part, frozen=True, kw_only=True):
    """A parameter of a function, with its default as written."""

    name: str
    default: Expr | None = None


class Function(Fact, frozen=True, kw_only=True):
    """A function or method. *calls* are the callee names inside it, import aliases expanded, each once; *sometimes*
    those of them that it comes to only in some cases (below an ``if``, behind one that returns), *injected* those that
    FastAPI calls before it (``Depends``).

    The last *named* of its parameters are taken by name only. *more* is what it takes besides: ``*``, ``**``, ``***``
    (both), or ``?`` where that is not told: it is bound several times, takes parameters by position only, or stands
    for another one (an empty body, a decorated class).
    """

    name: str  # qualified: Model.predict, outer.inner
    parameters: tuple[Parameter, ...] = ()
    named: int = 0
    more: L["", "*", "**", "***", "?"] = ""
    calls: tuple[str, ...] = ()
    sometimes: tuple[str, ...] = ()
    injected: tuple[str, ...] = ()
    decorators: tuple[str, ...] = ()
    asynchronous: bool = False

    @property
    def identity(self) -> str:
        return f"function:{self.path}#{self.name}"


class EnvRead(Fact, frozen=True, kw_only=True):
    """Code that asks for an environment variable, or a settings field that one fills.

    *scope* is the enclosing function ("" at module level); *required* is true where a missing variable raises;
    *field* names the settings field (``Settings.redis_url``) where there is one; *conditional* is true where its module
    or function comes to it only in some cases (below an ``if``, behind ``or``).
    """

    key: Expr
    default: Expr | None = None
    scope: str = ""
    required: bool = False
    field: str = ""
    conditional: bool = False
    api: str  # os.environ.get, os.getenv, pydantic, ...

    @property
    def identity(self) -> str:
        key = getattr(self.key, "value", None) or getattr(self.key, "name", "?")
        return f"env-read:{self.path}#{self.scope or self.field}:{key}"


class Address(Fact, frozen=True, kw_only=True):
    """A text of the code that holds ``scheme://host:port`` and is used as it is: no default that something may replace,
    nothing that is compared or only printed. The first of each host and port in a file; none of this machine."""

    called: ClassVar[str] = "address written out in code"

    scheme: str
    host: str
    port: int

    @property
    def identity(self) -> str:
        return f"address:{self.path}#{self.host}:{self.port}"


class Argument(Part, frozen=True, kw_only=True):
    """One argument of a call; *name* is "" for a positional one, ``*``/``**`` where it unpacks."""

    value: Expr
    name: str = ""
    place: Place


class Call(Fact, frozen=True, kw_only=True):
    """A call of a name that some check or reader asked for. *callee* has import aliases expanded; a method of an
    object that is not known is ``*.to_sql``. *loops* counts the enclosing loops within its scope."""

    callee: str
    arguments: tuple[Argument, ...] = ()
    scope: str = ""
    loops: int = 0
    result: str = ""  # the name that the result is bound to, if it is

    @property
    def identity(self) -> str:
        return f"call:{self.path}#{self.scope}:{self.callee}({', '.join(render(a.value) for a in self.arguments)})"

    def argument(self, name: str, position: int | None = None) -> Argument | None:
        """The argument passed under *name*, or at *position* (0-based) before anything is unpacked.

        None does not mean that it is not passed: ask `omits` for that.
        """
        for argument in self.arguments:
            if argument.name == name:
                return argument
        if position is None:
            return None
        leading = list(itertools.takewhile(lambda a: a.name == "", self.arguments))
        return leading[position] if position < len(leading) else None

    def omits(self, name: str, position: int | None = None) -> bool:
        """Whether the argument is certainly not passed: not there, and nothing unpacked that could hold it."""
        if any(a.name == "**" or (a.name == "*" and position is not None) for a in self.arguments):
            return False
        return self.argument(name, position) is None


class Passed(Fact, frozen=True, kw_only=True):
    """What code passes to a function by calling it, where one of its calls in this file may name a dataset or a model.
    *callee* is named as in `Call`; each call of *callee* in the file is told, or none."""

    called: ClassVar[str] = "arguments of a call"

    callee: str
    arguments: tuple[Argument, ...] = ()
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"passed:{self.path}#{self.scope}:{self.callee}({', '.join(render(a.value) for a in self.arguments)})"


class CallShape(Part, frozen=True, kw_only=True):
    """How a call is written: the arguments *given* by position, and the *names* of the others. *callee* is named as in
    `Call`, with ``()`` behind a class where the call is one of a method of an object (``Model().predict``), and
    ``super()`` already replaced by the class that it means."""

    callee: str
    given: int = 0
    names: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()  # the names of the variables given by position, "" for what is none
    dropped: bool = False  # a statement of its own: nothing gets the result, and nothing awaits it
    scope: str = ""
    place: Place


class CallShapes(Fact, frozen=True, kw_only=True):
    """The calls of a file that may be of functions of the tree and that unpack nothing, each shape once; of those of
    the file's own functions only such as look wrong."""

    called: ClassVar[str] = "shapes of calls"

    calls: tuple[CallShape, ...]

    @property
    def identity(self) -> str:
        return f"call-shapes:{self.path}"


class ListingRead(Fact, frozen=True, kw_only=True):
    """Code that takes ``Contents`` of an answer of S3 to *api*. *guarded*: its function asks whether there is any, or
    takes the error."""

    called: ClassVar[str] = "listing of S3 that is read"

    api: str
    guarded: bool = False
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"listing:{self.path}#{self.scope}:{self.api}"


class DatasetAccess(Fact, frozen=True, kw_only=True):
    """Code that reads or writes a dataset or table: *target* is what it names, *api* the call."""

    mode: L["read", "write", "append"]
    target: Expr
    api: str
    kind: L["path", "table"] = "path"
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"dataset-access:{self.path}#{self.scope}:{self.api}:{self.mode}:{render(self.target)}"


class ModelAccess(Fact, frozen=True, kw_only=True):
    """Code, a manifest or a command that loads, saves or registers a model: *target* is the path, URI, registered name
    or hub id.

    ``promote`` gives a version of a registered model a *stage* or an *alias*; ``find`` asks the registry which version
    has one. *version* is a registry's version, or the revision of a hub. *artifact*: what is registered, as its URI.
    """

    mode: L["load", "save", "register", "promote", "find"]
    target: Expr
    api: str
    kind: L["path", "registry", "hub"] = "path"
    scope: str = ""
    version: Expr | None = None
    stage: Expr | None = None
    alias: Expr | None = None
    artifact: Expr | None = None

    @property
    def identity(self) -> str:
        return f"model-access:{self.path}#{self.scope}:{self.api}:{self.mode}:{render(self.target)}"


class Tracking(Fact, frozen=True, kw_only=True):
    """Code that tells MLflow where it keeps runs (``server``), where models (``registry``), or under which name runs
    are put together (``experiment``)."""

    called: ClassVar[str] = "MLflow setting in code"

    kind: L["server", "registry", "experiment"]
    target: Expr
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"tracking:{self.path}#{self.scope}:{self.kind}:{render(self.target)}"


# ---------------------------------------------------------------------------------------------------- features


class FeatureField(Part, frozen=True, kw_only=True):
    """A column of a feature view; *dtype* as written (``Float32``)."""

    name: str
    dtype: str = ""
    place: Place


class FeatureStore(Fact, frozen=True, kw_only=True):
    """A ``feature_store.yaml`` of Feast: which project, and where its registry and its stores are.

    *online* and *offline* name the type of each store as written, "" where the file leaves it to the provider;
    *online_address* is where the online store is, *registry* the registry's path or URL.
    """

    called: ClassVar[str] = "feature store"

    project: str
    provider: str = ""
    registry: Expr | None = None
    online: str = ""
    online_address: Expr | None = None
    offline: str = ""

    @property
    def identity(self) -> str:
        return f"feature-store:{self.path}#{self.project}"


class FeatureSource(Fact, frozen=True, kw_only=True):
    """A source of Feast: *target* is the file, table or topic, None where it has none of its own (a push source, whose
    *batch* names the source behind it, or a query). *variable* is the name that code has for it."""

    called: ClassVar[str] = "source of features"

    source: str  # FileSource, PushSource, ...
    name: Expr | None = None
    variable: str = ""
    target: Expr | None = None
    kind: L["path", "table", "topic"] = "path"
    batch: str = ""
    timestamp: str = ""

    @property
    def identity(self) -> str:
        return f"feature-source:{self.path}#{self.variable or (render(self.name) if self.name else '')}"


class FeatureView(Fact, frozen=True, kw_only=True):
    """A feature view of Feast: *view* is its class, *name* the one that readers ask by, *fields* its columns.

    *complete*: all of the fields are written (a view without a schema takes them from its source). *entities* and
    *sources* are the names that code has for them; *ttl_seconds* is how old a value may be (0: any age), None where
    that is not told.
    """

    called: ClassVar[str] = "feature view"

    view: str
    name: Expr
    variable: str = ""
    fields: tuple[FeatureField, ...] = ()
    complete: bool = True
    entities: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    ttl_seconds: float | None = None
    online: bool | None = None
    tags: tuple[tuple[str, Expr], ...] = ()

    @property
    def identity(self) -> str:
        return f"feature-view:{self.path}#{render(self.name)}"


class FeatureService(Fact, frozen=True, kw_only=True):
    """A feature service of Feast. *views* are the names that code has for its views; *columns* those that it takes of a
    view, by that name, where it does not take all."""

    called: ClassVar[str] = "feature service"

    name: Expr
    variable: str = ""
    views: tuple[str, ...] = ()
    columns: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def identity(self) -> str:
        return f"feature-service:{self.path}#{render(self.name)}"


class FeatureRead(Fact, frozen=True, kw_only=True):
    """Code that asks a feature store for features: ``online`` for a request, ``historical`` for training.

    *features* are those asked for (``view:column``), or *service* the feature service. *complete*: all are told.
    """

    called: ClassVar[str] = "read of features"

    mode: L["online", "historical"]
    features: tuple[Expr, ...] = ()
    service: Expr | None = None
    complete: bool = True
    api: str
    scope: str = ""

    @property
    def identity(self) -> str:
        names = ",".join(render(feature) for feature in self.features)
        service = render(self.service) if self.service is not None else ""
        return f"feature-read:{self.path}#{self.scope}:{self.mode}:{service}{names}"


class FeatureWrite(Fact, frozen=True, kw_only=True):
    """Code that fills the online store: ``materialize`` and ``incremental`` from the sources (of *views*, () for all),
    ``push`` and ``write`` with rows of its own for the one push source or view."""

    called: ClassVar[str] = "write into the online store"

    mode: L["materialize", "incremental", "push", "write"]
    views: tuple[Expr, ...] = ()
    api: str
    scope: str = ""

    @property
    def identity(self) -> str:
        names = ",".join(render(view) for view in self.views)
        return f"feature-write:{self.path}#{self.scope}:{self.mode}:{names}"


# ------------------------------------------------------------------------------------------------------- serving


class ModelTensor(Part, frozen=True, kw_only=True):
    """An input or output of a served model. *dims* as written, -1 for any size."""

    name: str
    dtype: str = ""
    dims: tuple[int, ...] = ()
    place: Place


class EnsembleStep(Part, frozen=True, kw_only=True):
    """A model that an ensemble of Triton runs, and its maps: tensor of the model to tensor of the ensemble."""

    model: str
    version: str = ""
    inputs: tuple[tuple[str, str], ...] = ()
    outputs: tuple[tuple[str, str], ...] = ()
    place: Place


class ServedModel(Fact, frozen=True, kw_only=True):
    """A model as a server is told of it: Triton's ``config.pbtxt``, TorchServe's ``model-config.yaml``, a service of
    BentoML, a deployment of Ray Serve.

    *name* "" where the file leaves it to its folder. *backend* is what runs it (Triton: backend or platform).
    *instances* by kind (``KIND_GPU``), None for as many as the server takes. *batching*: requests are put together;
    *max_batch* and *delay_ms* bound that. *policy*: which versions are served, as written. *settings* are what else the
    file says of scale and limits, by dotted name.
    """

    called: ClassVar[str] = "model as a server is told of it"

    server: L["triton", "torchserve", "bentoml", "ray-serve"]
    name: str
    backend: str = ""
    max_batch: int | None = None
    batching: bool | None = None
    delay_ms: float | None = None
    instances: tuple[tuple[str, int | None], ...] = ()
    inputs: tuple[ModelTensor, ...] = ()
    outputs: tuple[ModelTensor, ...] = ()
    policy: str = ""
    steps: tuple[EnsembleStep, ...] = ()
    target: Expr | None = None  # the code or service that it runs
    settings: tuple[Argument, ...] = ()

    @property
    def identity(self) -> str:
        return f"served-model:{self.path}#{self.name}"

    def setting(self, name: str) -> Argument | None:
        """What the file says under the dotted *name*, or None."""
        return next((s for s in self.settings if s.name == name), None)


class VectorStoreUse(Fact, frozen=True, kw_only=True):
    """Code that makes, fills or asks a vector store. *target* is the collection, index, table or folder; *embedding*
    the model that makes its vectors, where the call names one."""

    called: ClassVar[str] = "use of a vector store"

    store: str  # chroma, qdrant, pinecone, pgvector, faiss, weaviate, milvus
    mode: L["create", "write", "read", "open"]
    target: Expr
    embedding: Expr | None = None
    dimensions: Expr | None = None
    api: str
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"vector-store:{self.path}#{self.scope}:{self.api}:{self.mode}:{render(self.target)}"


class NotebookRun(Fact, frozen=True, kw_only=True):
    """Code that runs a notebook: *target* is its path as written, *api* the call."""

    target: Expr
    api: str

    @property
    def identity(self) -> str:
        return f"notebook-run:{self.path}#{self.api}:{render(self.target)}"


# ---------------------------------------------------------------------------------------------- rows and what is done


class Touch(Part, frozen=True, kw_only=True):
    """Something that looked at all rows of a frame: a fit, a resampling, ``get_dummies``. *by* is the qualified class
    or function ("" where it can't be told); *kept* whether the fitted object may outlive its function; *shared* whether
    that function transforms other rows with it, too."""

    kind: L["scaler", "imputer", "vectorizer", "encoder", "projection", "selection", "resampler", "dummies", "unknown"]
    by: str = ""
    method: str = ""
    kept: bool = True
    shared: bool = False
    place: Place


class FitUse(Part, frozen=True, kw_only=True):
    """Rows that a fit sees: *frame* is what the code calls them where it comes to the fit, at *place*."""

    frame: str
    place: Place


class Fitted(Fact, frozen=True, kw_only=True):
    """A transformer fitted on rows that then go on: *feeds* is where the rows end first that can be told (a split,
    an estimator's ``fit``, a dataset that is written, the caller), *fed* the place of it. *uses* are the rows that it
    is fitted on, one for each way that leads to it. *labels*: it numbers what is to be predicted, and no feature."""

    called: ClassVar[str] = "transformer that is fitted"

    touch: Touch
    scope: str = ""
    feeds: L["split", "fit", "write", "return", ""] = ""
    fed: Place | None = None
    uses: tuple[FitUse, ...] = ()
    labels: bool = False

    @property
    def identity(self) -> str:
        return f"fitted:{self.path}#{self.scope}:{self.touch.by}.{self.touch.method}"


class Split(Fact, frozen=True, kw_only=True):
    """Rows divided into parts that are not to know of each other. *touched* are those before it that looked at all of
    them, in order; *frame* is what the code calls the rows."""

    called: ClassVar[str] = "split of a frame"

    api: str
    frame: str = ""
    scope: str = ""
    touched: tuple[Touch, ...] = ()

    @property
    def identity(self) -> str:
        return f"split:{self.path}#{self.scope}:{self.api}({self.frame})"


class PastedRows(Fact, frozen=True, kw_only=True):
    """Frames put side by side by their index (``pd.concat(axis=1)``), of which one was made of a transformer's array
    (*fresh*). *certain*: it is numbered anew from 0, and another one still has the numbers of rows that were taken out
    of more (*filtered*, at *by*)."""

    called: ClassVar[str] = "frames put side by side"

    fresh: str
    filtered: str = ""
    by: Place
    certain: bool = False
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"pasted:{self.path}#{self.scope}:{self.fresh}+{self.filtered}"


class FilledJoin(Fact, frozen=True, kw_only=True):
    """An outer or left join whose gaps are filled in all columns at once. *how*: the kind of join; *value*: what they
    are filled with, as written; *written*: where the result goes into a dataset, if it does in the same function."""

    called: ClassVar[str] = "join whose gaps are filled"

    how: str
    value: str
    frame: str = ""
    counts: bool = False  # the other side counts or sums: nothing found is 0 there
    written: Place | None = None
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"filled-join:{self.path}#{self.scope}:{self.frame}"


class FilledLabel(Fact, frozen=True, kw_only=True):
    """A column that an estimator is trained on as its target, and whose gaps are filled. *value*: with what;
    *how*: the kind of the outer join that the rows come from ("" where none is in sight), *joined* its place; *used*:
    where it is the target."""

    called: ClassVar[str] = "target whose gaps are filled"

    column: str
    value: str
    how: str = ""
    joined: Place | None = None
    used: Place
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"filled-label:{self.path}#{self.scope}:{self.column}"


class Scored(Fact, frozen=True, kw_only=True):
    """A model that was loaded predicts. *refitted* are those that looked at all rows that it is given, in order."""

    called: ClassVar[str] = "prediction of a loaded model"

    model: str
    method: str
    scope: str = ""
    refitted: tuple[Touch, ...] = ()

    @property
    def identity(self) -> str:
        return f"scored:{self.path}#{self.scope}:{self.method}"


class GrownInLoop(Fact, frozen=True, kw_only=True):
    """``x = concat([x, more])`` in a loop: *frame* is x, *api* the call, *over* what the innermost loop runs over, as
    written (``while`` for such a loop), *small* whether it is certainly short; *reset*: x begins anew in that loop;
    *written*: each turn writes x as a whole, and so needs it."""

    called: ClassVar[str] = "frame that grows in a loop"

    frame: str
    api: str
    over: str
    loop: Place
    small: bool = False
    reset: bool = False
    written: bool = False
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"grown:{self.path}#{self.scope}:{self.frame}"


class SparkSplit(Fact, frozen=True, kw_only=True):
    """``randomSplit`` of a Spark frame. *lottery*: what makes its rows depend on the order in which they arrive (with
    its place), *shuffle*: what makes that order change from run to run; "" where there is none before it in its
    function. *kept*: it is cached, checkpointed or read back before it is split;"""

    called: ClassVar[str] = "randomSplit of a Spark frame"

    frame: str
    lottery: str = ""
    lottery_place: Place | None = None
    shuffle: str = ""
    shuffle_place: Place | None = None
    kept: bool = False
    parts: int = 0
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"spark-split:{self.path}#{self.scope}:{self.frame}"


class EpochSampler(Fact, frozen=True, kw_only=True):
    """A ``DistributedSampler`` that shuffles. *result*: the name that holds it; *told*: its file calls ``set_epoch``;
    *loop*: a loop over epochs in that file; *trainer*: a framework that the file imports and that may call it."""

    called: ClassVar[str] = "distributed sampler that shuffles"

    result: str = ""
    told: bool = False
    loop: Place | None = None
    trainer: str = ""
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"epoch-sampler:{self.path}#{self.scope}:{self.result}"


class TorchWeights(Fact, frozen=True, kw_only=True):
    """``model.load_state_dict`` in a file: *model* is what the code calls the model, *by* its qualified class ("" where
    it can't be told), *used*: where the file calls the model to predict; *evaluated*: the file calls ``eval()`` on a
    module, or switches modes; *trains*: it also calls ``backward`` or makes an optimizer."""

    called: ClassVar[str] = "Torch model whose weights are loaded"

    model: str
    by: str = ""
    used: Place | None = None
    evaluated: bool = False
    trains: bool = False
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"torch-weights:{self.path}#{self.scope}:{self.model}"


class TorchModule(Fact, frozen=True, kw_only=True):
    """A class that is a ``torch.nn.Module``. *moody*: the first layer in it that behaves otherwise while training
    (dropout, batch normalisation), *moody_place* its place; "" where it makes none. *opaque*: it is given layers or
    makes them of what is not in this file."""

    name: str
    moody: str = ""
    moody_place: Place | None = None
    opaque: bool = False

    @property
    def identity(self) -> str:
        return f"torch-module:{self.path}#{self.name}"


# ------------------------------------------------------------------------------------------- serving and clients


class Handler(Fact, frozen=True, kw_only=True):
    """A function that a framework calls for each request.

    *route* is its path as written, None where the framework has none; *methods* are HTTP verbs in capitals, () for any.
    *router* is the object that it is registered on: its name in this file, or the qualified one where it is imported.
    *body* is the annotation of the one parameter that takes the JSON body, named like a callee, else "".
    """

    called: ClassVar[str] = "request handler"

    framework: str  # fastapi, flask, litestar, bentoml, ray-serve, kserve, triton, sagemaker, lambda, web
    function: str  # qualified: predict, Model.predict
    route: Expr | None = None
    methods: tuple[str, ...] = ()
    router: str = ""
    asynchronous: bool = False
    body: str = ""

    @property
    def identity(self) -> str:
        route = "" if self.route is None else render(self.route)
        return f"handler:{self.path}#{self.function}:{','.join(self.methods)}:{route}"


class Router(Fact, frozen=True, kw_only=True):
    """An object that handlers are registered on: an application (*app*), or a part that one takes in. *name* is the
    name that it is bound to, *scope* the function in which, "" at module level."""

    framework: str
    name: str
    scope: str = ""
    app: bool = False
    prefix: Expr | None = None

    @property
    def identity(self) -> str:
        return f"router:{self.path}#{self.scope}:{self.name}"


class RouterMount(Fact, frozen=True, kw_only=True):
    """``parent.include_router(child, prefix=...)`` and its like; both are named like callees. *child* is "" where it
    has no name, *whole* is true where it takes all paths below the prefix (``app.mount``)."""

    parent: str
    child: str
    prefix: Expr | None = None
    whole: bool = False

    @property
    def identity(self) -> str:
        return f"router-mount:{self.path}#{self.parent}:{self.child}"


class RequestField(Part, frozen=True, kw_only=True):
    """A field of a request model: *name* is what the JSON calls it (its alias where it has one). *default* is the
    number or text that it is where it is missing, as written; "" where it has none, or another."""

    name: str
    required: bool
    place: Place
    default: str = ""


class RequestModel(Fact, frozen=True, kw_only=True):
    """A pydantic class. *complete* is false where its fields could not all be told (another base, a computed alias,
    validators that see the whole input); *extra* is what it does with keys that it does not know."""

    name: str
    fields: tuple[RequestField, ...] = ()
    extra: L["ignore", "forbid", "allow", "unknown"] = "ignore"
    complete: bool = True

    @property
    def identity(self) -> str:
        return f"request-model:{self.path}#{self.name}"


class RemoteCall(Fact, frozen=True, kw_only=True):
    """An HTTP request of the code. *deadline*: ``none`` where it waits for ever, ``given`` where the code limits it,
    ``default`` where the library does, ``unknown`` where something unpacked or configured elsewhere may.

    *keys* are those of its JSON body, None where they are not all told. *awaited*: it does not hold its thread.
    *lazy*: it stands in a generator, so that whoever goes through that waits, not whoever calls it.
    """

    api: str
    verb: str
    url: Expr
    deadline: L["none", "given", "default", "unknown"]
    keys: tuple[str, ...] | None = None
    scope: str = ""
    loops: int = 0
    awaited: bool = False
    conditional: bool = False
    lazy: bool = False

    @property
    def identity(self) -> str:
        return f"remote-call:{self.path}#{self.scope}:{self.api}:{render(self.url)}"


class BlockingCall(Fact, frozen=True, kw_only=True):
    """A call that holds its thread for as long as it takes: *kind* says for what. *api* is the callee, *loops* counts
    the loops around it in its function; *single*: a prediction for one item of the loop around it, by a model that
    stays the same; *lazy* as in `RemoteCall`. Nothing that is awaited."""

    kind: L["load", "predict", "train", "sleep", "command", "query", "answer", "fetch", "service"]
    api: str
    scope: str = ""
    loops: int = 0
    single: bool = False
    conditional: bool = False
    lazy: bool = False

    @property
    def identity(self) -> str:
        return f"blocking-call:{self.path}#{self.scope}:{self.kind}:{self.api}"


class GivenObject(Fact, frozen=True, kw_only=True):
    """An object that other code gets from here: *name* is that of a module's variable, or of a *function* that returns
    or yields it. *api* is how callees upon it begin: ``redis.Redis()``, ``sqlalchemy.orm.sessionmaker()``,
    ``Service()``."""

    name: str
    api: str
    function: bool = False

    @property
    def identity(self) -> str:
        return f"given-object:{self.path}#{self.name}:{self.api}"


class ObjectCall(Fact, frozen=True, kw_only=True):
    """A call upon something that is made elsewhere (``.database.redis_client.get``, ``get_client().bucket.find_one``)
    and that holds its thread if that is a client. All else as in `BlockingCall`."""

    api: str
    scope: str = ""
    loops: int = 0
    conditional: bool = False
    lazy: bool = False

    @property
    def identity(self) -> str:
        return f"object-call:{self.path}#{self.scope}:{self.api}"


class Retrying(Fact, frozen=True, kw_only=True):
    """Code that repeats what fails. *function* is what is repeated (the function decorated, or the one that the loop
    is in); *stops* and *waits* are None where that can't be told; *sorts*: it looks at what the error is."""

    tool: L["tenacity", "retry", "backoff", "loop", "urllib3"]
    function: str
    stops: bool | None = None
    waits: bool | None = None
    sorts: bool | None = None

    @property
    def identity(self) -> str:
        return f"retrying:{self.path}#{self.function}:{self.tool}"


# ---------------------------------------------------------------------------------------------- dependencies


class Requirement(Fact, frozen=True, kw_only=True):
    """One declared dependency. *name* is normalised (PEP 503), "" for a repository that is named by its URL alone;
    *specifier* as PEP 440 text, "" where open.

    *group* is "" for the main list, else the extra or dependency group; *source* is "index", "conda", "workspace" (a
    project of the same repository), a VCS, archive or file URL. *branch*: the file says that the URL's reference is a
    branch.
    """

    name: str
    specifier: str = ""
    extras: tuple[str, ...] = ()
    marker: str = ""
    group: str = ""
    source: str = "index"
    hashed: bool = False
    branch: bool = False

    @property
    def identity(self) -> str:
        return f"requirement:{self.path}#{self.group}:{self.name or self.source}"


class RequirementFile(Fact, frozen=True, kw_only=True):
    """A list of dependencies. *includes* and *constraints* are paths as written, relative to this file's folder.

    *python* is its ``requires-python``; *package* the name of the distribution that a project file builds;
    *compiled* is true where the file is a tool's full resolution (pip-compile, uv export) or every line is pinned;
    *resolved* is true for the former only.
    *unknown*: why its main list may hold more than is told (it is computed); "" where it does not. *defaults* are the
    groups that the file's tool installs without being asked (uv: ``dev``; Poetry: all that are not optional).
    """

    format: str  # requirements, pyproject, poetry, setup.py, setup.cfg, pipfile, conda
    includes: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    python: str = ""
    package: str = ""
    scripts: tuple[str, ...] = ()  # console scripts that it installs
    compiled: bool = False
    resolved: bool = False
    indexes: tuple[str, ...] = ()  # package indexes, for conda its channels
    unknown: str = ""
    defaults: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        return f"requirements:{self.path}"


class LockedPackage(Part, frozen=True, kw_only=True):
    """One package of a lock file, on *line*. *source*: "index", or a VCS, archive or file URL; for a project of the
    repository its folder relative to the lock, behind ``./``.

    *requires* are the packages that it brings along, ``name[extra]`` where it asks for an extra; *extras* those of each
    of its own extras, *groups* those of each of its dependency groups (a project of the repository only). *within* are
    the lock's groups that it belongs to, where the lock says so ("main" for none in particular).
    """

    name: str
    version: str = ""
    source: str = "index"
    line: int
    requires: tuple[str, ...] = ()
    extras: tuple[tuple[str, tuple[str, ...]], ...] = ()
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    within: tuple[str, ...] = ()


class LockFile(Fact, frozen=True, kw_only=True):
    """A lock file: the packages that a tool has chosen. *version* is that of its format, *python* the versions that it
    is for. *graph*: it says which package brings which along. *read* is false where we know the tool alone.

    *digest* is its digest of the manifest that it was made from, "" where it holds none.
    """

    tool: str  # uv, poetry, pipenv, pdm, pylock, pixi, conda-lock
    version: str = ""
    python: str = ""
    packages: tuple[LockedPackage, ...] = ()
    graph: bool = False
    read: bool = False
    digest: str = ""

    @property
    def identity(self) -> str:
        return f"lock:{self.path}"


# -------------------------------------------------------------------------------------- images and processes


class Command(Part, frozen=True, kw_only=True):
    """A command as written: an argument list (*argv*), or text for a shell (*shell*). *workdir* as given with it.
    *mounts* are the ``--mount=type=bind`` of a Dockerfile's RUN, sources relative to the build context."""

    argv: tuple[Expr, ...] | None = None
    shell: Expr | None = None
    workdir: Expr | None = None
    mounts: tuple[Mount, ...] = ()
    place: Place


class Variable(Part, frozen=True, kw_only=True):
    """An environment variable given to a process. *optional*: the process starts without it where what it is taken from
    is missing."""

    name: str
    value: Expr
    optional: bool = False
    place: Place


class Copy(Part, frozen=True, kw_only=True):
    """``COPY``/``ADD``: *sources* relative to the build context, or in the stage or image *origin*."""

    sources: tuple[Expr, ...]
    target: Expr
    origin: str = ""  # --from=
    add: bool = False
    inline: bool = False  # a here-document: the file is in the Dockerfile
    workdir: Expr | None = None
    place: Place


class Stage(Part, frozen=True, kw_only=True):
    """One stage of a Dockerfile. *base* is the image, or an earlier stage's name or index. *healthcheck* is ``set`` or
    ``none`` where the stage says how its health is asked for, or that it is not."""

    index: int
    name: str = ""
    base: Expr
    base_stage: int | None = None
    copies: tuple[Copy, ...] = ()
    runs: tuple[Command, ...] = ()
    variables: tuple[Variable, ...] = ()
    workdir: Expr | None = None  # the last one
    entrypoint: Command | None = None
    command: Command | None = None
    ports: tuple[Expr, ...] = ()
    volumes: tuple[str, ...] = ()
    healthcheck: L["", "set", "none"] = ""
    place: Place


class Dockerfile(Fact, frozen=True, kw_only=True):
    """A Dockerfile. *arguments* are build arguments with defaults, in order of appearance."""

    stages: tuple[Stage, ...]
    arguments: tuple[Variable, ...] = ()

    @property
    def identity(self) -> str:
        return f"dockerfile:{self.path}"


class IgnoreFile(Fact, frozen=True, kw_only=True):
    """A ``.dockerignore`` (*patterns* in order, as written)."""

    patterns: tuple[str, ...]

    @property
    def identity(self) -> str:
        return f"ignore:{self.path}"


class ImageBuild(Fact, frozen=True, kw_only=True):
    """Something that builds an image: a compose service, a CI step, a command.

    *images* are the references given to it; *context* and *dockerfile* as written (the latter relative to the
    repository for CI, to the context for compose: *dockerfile_in_context* tells). *pushes*: sent to a registry.
    *ordinal* counts the builds of one owner, from 0.
    """

    builder: str  # compose, github-actions, docker
    owner: str  # identity of the step or container that builds
    images: tuple[Expr, ...] = ()
    context: Expr
    dockerfile: Expr | None = None
    dockerfile_in_context: bool = False
    target: str = ""
    arguments: tuple[Variable, ...] = ()
    pushes: bool | None = None  # None: cannot tell
    ordinal: int = 0

    @property
    def identity(self) -> str:
        return f"image-build:{self.owner}#{self.ordinal}" if self.ordinal else f"image-build:{self.owner}"


class Mount(Part, frozen=True, kw_only=True):
    """Something mounted into a container at *target*: a folder of the tree, a volume, a claim, a config object."""

    kind: L["bind", "volume", "claim", "configmap", "secret", "empty", "host", "unknown"]
    source: Expr
    target: Expr
    subpath: str = ""
    read_only: bool = False
    place: Place


class VariableSource(Part, frozen=True, kw_only=True):
    """Where many variables come from at once: an env file, a ConfigMap, a Secret."""

    kind: L["env-file", "configmap", "secret", "unknown"]
    name: Expr
    prefix: str = ""
    optional: bool = False
    place: Place


class Port(Part, frozen=True, kw_only=True):
    """A port of a container: *container* inside it, *published* outside, where given."""

    container: Expr
    published: Expr | None = None
    name: str = ""
    place: Place


class Probe(Part, frozen=True, kw_only=True):
    """A health check. *kind*: liveness, readiness, startup, healthcheck."""

    kind: str
    command: Command | None = None
    port: Expr | None = None
    path: str = ""
    period_seconds: float | None = None
    timeout_seconds: float | None = None
    failures: int | None = None
    delay_seconds: float | None = None
    place: Place


class Quantity(Part, frozen=True, kw_only=True):
    """A resource request or limit: *resource* ``cpu``, ``memory``, ``nvidia.com/gpu``; *amount* as written."""

    resource: str
    amount: Expr
    place: Place


class Dependency(Part, frozen=True, kw_only=True):
    """Another container that has to be there first; *condition* as compose names it."""

    name: str
    condition: str = "service_started"
    place: Place


class Container(Fact, frozen=True, kw_only=True):
    """A container that a compose file or a manifest runs.

    *workload* is the identity of its `Workload`. *entrypoint* and *command* replace those of the image where given
    (Kubernetes ``command`` is *entrypoint*, ``args`` is *command*). *build* is the identity of its `ImageBuild`.
    *shared_memory* is the size that ``/dev/shm`` is given, *ipc* whose it has (``host``) where not its own.
    """

    tool: str  # compose, kubernetes
    workload: str
    name: str
    image: Expr | None = None
    build: str = ""
    entrypoint: Command | None = None
    command: Command | None = None
    workdir: Expr | None = None
    variables: tuple[Variable, ...] = ()
    variable_sources: tuple[VariableSource, ...] = ()
    mounts: tuple[Mount, ...] = ()
    ports: tuple[Port, ...] = ()
    probes: tuple[Probe, ...] = ()
    requests: tuple[Quantity, ...] = ()
    limits: tuple[Quantity, ...] = ()
    dependencies: tuple[Dependency, ...] = ()
    aliases: tuple[str, ...] = ()  # names that others can reach it by, beside its own
    networks: tuple[str, ...] = ()
    extra_hosts: tuple[str, ...] = ()  # names that are given an address of their own
    host_network: bool = False
    shares_network_of: str = ""  # the compose service whose network it is in, localhost included
    init: bool = False
    shared_memory: Expr | None = None
    ipc: str = ""
    pull_policy: str = ""
    profiles: tuple[str, ...] = ()
    restart: str = ""
    extends: str = ""  # the workload of the compose service that it inherits from
    untold: tuple[str, ...] = ()  # fields that a template of a chart, or what it extends, fills in or adds to; "*": any

    @property
    def identity(self) -> str:
        return f"container:{self.workload}/{self.name}"


class Label(Part, frozen=True, kw_only=True):
    """A label or annotation."""

    key: str
    value: str
    place: Place


class Workload(Fact, frozen=True, kw_only=True):
    """What owns containers: a compose service, a Deployment, a StatefulSet, a Job, a CronJob, a bare Pod.

    *kind* is the manifest's own kind, or ``Service`` of compose written ``compose``. *scope* keeps apart what may
    share a name: the file. *concurrency* is what a schedule does while the run before is not done, as written;
    *deadline_seconds* ends a run that takes longer.
    """

    tool: str  # compose, kubernetes
    kind: str
    name: str
    namespace: str = ""
    scope: str = ""
    replicas: Expr | None = None
    strategy: str = ""
    max_surge: str = ""
    schedule: Expr | None = None
    concurrency: str = ""  # Allow, Forbid, Replace
    deadline_seconds: int | None = None
    labels: tuple[Label, ...] = ()
    annotations: tuple[Label, ...] = ()
    pod_labels: tuple[Label, ...] = ()
    pod_annotations: tuple[Label, ...] = ()
    claim_templates: tuple[str, ...] = ()
    one_node: bool = False  # bound to one node, by its name or by an affinity to pods on it
    node_selector: bool = False
    restart_policy: str = ""
    untold: tuple[str, ...] = ()  # fields that a template of a chart fills in or adds to; "*": any

    @property
    def identity(self) -> str:
        return f"{self.tool}:{self.scope}#{self.kind}/{self.namespace}/{self.name}"


class ConfigObject(Fact, frozen=True, kw_only=True):
    """A ConfigMap or Secret: its literal values for a ConfigMap, its keys alone for a Secret.

    *partial*: it has other keys, which come from an env file or from the base that a kustomization adds these to.
    """

    kind: L["configmap", "secret"]
    name: str
    namespace: str = ""
    scope: str = ""
    entries: tuple[Variable, ...] = ()
    immutable: bool = False
    generated: bool = False  # by a kustomization: the real name carries a hash
    partial: bool = False

    @property
    def identity(self) -> str:
        return f"{self.kind}:{self.scope}#{self.namespace}/{self.name}"


class ServicePort(Part, frozen=True, kw_only=True):
    """A port of a Service, and the one of the pods that it leads to."""

    port: Expr
    target: Expr | None = None  # number or name of the container's port; the port itself where not given
    name: str = ""
    place: Place


class NetworkService(Fact, frozen=True, kw_only=True):
    """A Kubernetes Service: a name that other pods reach, and the pods behind it (*selector*)."""

    name: str
    namespace: str = ""
    scope: str = ""
    selector: tuple[Label, ...] = ()
    ports: tuple[ServicePort, ...] = ()
    external: bool = False  # ExternalName, or no selector: what is behind it is not in the tree

    @property
    def identity(self) -> str:
        return f"service:{self.scope}#{self.namespace}/{self.name}"


class IngressPath(Part, frozen=True, kw_only=True):
    """A path of an Ingress, of one *host* ("" for any), and the Service that it leads to. *kind* is its ``pathType``; a
    default backend has no path and no kind. *port* is a number or the name of a port of the Service."""

    path: str = ""
    kind: str = ""
    host: str = ""
    service: Expr
    port: Expr | None = None
    place: Place


class Ingress(Fact, frozen=True, kw_only=True):
    """A Kubernetes Ingress: which Services answer from outside, under which paths. *controller* is its class, by field
    or by annotation; *version* the API's (``networking.k8s.io/v1``). *annotations* may have it change paths."""

    name: str
    namespace: str = ""
    scope: str = ""
    version: str = ""
    controller: str = ""
    annotations: tuple[Label, ...] = ()
    paths: tuple[IngressPath, ...] = ()

    @property
    def identity(self) -> str:
        return f"ingress:{self.scope}#{self.namespace}/{self.name}"


class ScalingMetric(Part, frozen=True, kw_only=True):
    """What an autoscaler looks at. *kind* as in the manifest: Resource, ContainerResource, Pods, External, Object."""

    kind: str
    name: str = ""
    target: str = ""  # Utilization, AverageValue, Value
    container: str = ""
    place: Place


class Application(Fact, frozen=True, kw_only=True):
    """What Argo CD brings to a cluster: the manifests, kustomization or chart in a folder of a repository (*source*),
    or a *chart* of another one, into *namespace*.

    *value_files* are relative to the folder; *parameters* are values of the chart by their dotted keys, *values_inline*
    whether it gives others. *sets_images*: it, or Argo's image updater, replaces images. *wave* is the order in which
    it is synchronised among others; *automated* is whether that happens with each push.
    """

    name: str
    source: Expr | None = None
    chart: str = ""
    value_files: tuple[Expr, ...] = ()
    parameters: tuple[Variable, ...] = ()
    values_inline: bool = False
    sets_images: bool = False
    namespace: str = ""
    wave: int = 0
    automated: bool = False

    @property
    def identity(self) -> str:
        return f"application:{self.path}#{self.name}"


class GuardedObject(Fact, frozen=True, kw_only=True):
    """An object of a Helm chart that is rendered only while the cluster does not have it (*guard* ``lookup``), or only
    when the chart is installed (``install``). Its place is that of the condition.

    *name* as it is written; *itself* is false where it can't be told whether it is what is looked up. *kept*: whether
    it has the annotation by which Helm does not delete it, None where a template makes its annotations.
    """

    called: ClassVar[str] = "guarded object of a chart"

    chart: str
    kind: str
    name: str
    guard: L["lookup", "install"]
    itself: bool = True
    kept: bool | None = False

    @property
    def identity(self) -> str:
        return f"guarded:{self.path}#{self.kind}/{self.name}"


class Autoscaler(Fact, frozen=True, kw_only=True):
    """A HorizontalPodAutoscaler."""

    name: str
    namespace: str = ""
    scope: str = ""
    target_kind: str
    target_name: str
    minimum: Expr | None = None
    maximum: Expr | None = None
    metrics: tuple[ScalingMetric, ...] = ()

    @property
    def identity(self) -> str:
        return f"autoscaler:{self.scope}#{self.namespace}/{self.name}"


class VolumeClaim(Fact, frozen=True, kw_only=True):
    """A PersistentVolumeClaim."""

    name: str
    namespace: str = ""
    scope: str = ""
    access_modes: tuple[str, ...] = ()
    storage_class: str = ""
    size: str = ""

    @property
    def identity(self) -> str:
        return f"claim:{self.scope}#{self.namespace}/{self.name}"


class LimitRange(Fact, frozen=True, kw_only=True):
    """A namespace's defaults for containers. *requests* are resources that get a default request."""

    namespace: str = ""
    scope: str = ""
    requests: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        return f"limit-range:{self.scope}#{self.namespace}"


class PatchTarget(Part, frozen=True, kw_only=True):
    """Which objects a field of a kustomization changes: *kind* and *name* are patterns as kustomize takes them, "" for
    any; *path* the file of a patch that names its object itself. *field* is the kustomization's field."""

    field: str
    kind: str = ""
    name: str = ""
    path: str = ""


class Kustomization(Fact, frozen=True, kw_only=True):
    """A kustomization or a component of one: what it takes in, and whether it changes that; that is not applied.

    *lists* has the files and folders of its resources, bases and components, *patches* those of its patches, all as
    paths of the tree (``.`` for the root). *changes* names its fields that may change what it lists (``patches``,
    ``images`` ...), *targets* what each of these concerns; *renames* is whether it puts something before or after
    names.
    """

    lists: tuple[str, ...] = ()
    patches: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    targets: tuple[PatchTarget, ...] = ()
    renames: bool = False

    @property
    def identity(self) -> str:
        return f"kustomization:{self.path}"


class PodRestart(Fact, frozen=True, kw_only=True):
    """A script or Makefile with a command after which pods are new ones; *command* is the first such, in short.

    Not *certain* is one that writes into files, of which one may be the manifest that the script applies.
    """

    command: str
    certain: bool = True

    @property
    def identity(self) -> str:
        return f"pod-restart:{self.path}"


class Script(Fact, frozen=True, kw_only=True):
    """A shell script: its *text*, with nothing for values that look like secrets."""

    text: str

    @property
    def identity(self) -> str:
        return f"script:{self.path}"


class EnvFile(Fact, frozen=True, kw_only=True):
    """A file of ``KEY=value`` lines. Values under keys that look like secrets are `SecretKey`, never kept."""

    entries: tuple[Variable, ...] = ()

    @property
    def identity(self) -> str:
        return f"env-file:{self.path}"


class ConfigEntry(Fact, frozen=True, kw_only=True):
    """One scalar of a YAML, TOML or JSON configuration file: *key* is its dotted path."""

    key: str
    value: Expr

    @property
    def identity(self) -> str:
        return f"config:{self.path}#{self.key}"


class ConfigPackage(Fact, frozen=True, kw_only=True):
    """Where the entries of a configuration file belong in what Hydra composes: its line ``# @package NAME``."""

    package: str

    @property
    def identity(self) -> str:
        return f"config-package:{self.path}"


class LoadedConfig(Fact, frozen=True, kw_only=True):
    """A configuration that code loads from a YAML file: what *variable* holds in the function *scope* ("" at module
    level), for ``self.x`` in all methods of the class *scope*; what that function returns where *variable* is "".

    *file* is the path as written. *key*: only what is below it was taken. With *folder*, Hydra composes it from the
    files of that folder, which is seen from the code's own, and *file* is the name of the first.
    """

    called: ClassVar[str] = "configuration that code loads"

    variable: str
    scope: str = ""
    file: Expr
    folder: Expr | None = None
    key: str = ""
    api: str

    @property
    def identity(self) -> str:
        return f"loaded-config:{self.path}#{self.scope}:{self.variable}"


class TakenConfig(Fact, frozen=True, kw_only=True):
    """A variable that holds what *callee* gives, which is called as if it loaded a configuration; else as of
    `LoadedConfig`."""

    variable: str
    scope: str = ""
    callee: str
    arguments: tuple[Argument, ...] = ()
    key: str = ""

    @property
    def identity(self) -> str:
        return f"taken-config:{self.path}#{self.scope}:{self.variable}"


# ------------------------------------------------------------------------------------------------------- SQL


class SqlColumn(Part, frozen=True, kw_only=True):
    """A column as a query names it: *source* is the alias that it belongs to, "" where that can't be told. Both are in
    lower case."""

    name: str
    source: str = ""


class SqlSource(Part, frozen=True, kw_only=True):
    """What a SELECT reads from. *alias* is the name that its columns go by, in lower case.

    *kind*: ``table`` (then *table* is its name as written), ``query`` (a CTE or subquery of the same statement, then
    *query* is the name of its `SqlSelect`), ``other`` (UNNEST, a table function, VALUES).
    """

    alias: str
    kind: L["table", "query", "other"]
    table: str = ""
    query: str = ""
    place: Place


class SqlCondition(Part, frozen=True, kw_only=True):
    """One condition of an ON clause, of those that AND joins. *sources* are the aliases of its columns, "" among them
    where one can't be told; *left* and *right* are told where it sets two columns equal, with the types that they are
    cast to."""

    text: str
    sources: tuple[str, ...] = ()
    left: SqlColumn | None = None
    right: SqlColumn | None = None
    left_cast: str = ""
    right_cast: str = ""


class SqlJoin(Part, frozen=True, kw_only=True):
    """A join of a SELECT: *source* is the alias that it adds. *optional* are the aliases whose columns are NULL in rows
    that found no partner in it. *conditions* are those of ON; *using* the columns of USING. *conditional*: it stands
    below a condition of a template."""

    kind: L["inner", "left", "right", "full", "cross", "semi", "anti", "natural", "asof"]
    source: str
    optional: tuple[str, ...] = ()
    conditions: tuple[SqlCondition, ...] = ()
    using: tuple[str, ...] = ()
    lateral: bool = False
    conditional: bool = False
    place: Place


class SqlFilter(Part, frozen=True, kw_only=True):
    """One condition of WHERE, HAVING or QUALIFY, of those that AND joins.

    *rejects* are the optional aliases whose partnerless rows certainly do not meet it; *handles* those whose absence it
    provides for (``b.x IS NULL``); *asks* is true where it does nothing but ask for a partner (``x IS NOT NULL``).
    *pins* is the column that it sets equal to something that is no column; *unowned*: it names a column without saying
    whose. *conditional* and *incremental*: it stands
    below a condition of a template, below ``is_incremental()``.
    """

    clause: L["where", "having", "qualify"]
    text: str
    rejects: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    asks: bool = False
    pins: SqlColumn | None = None
    unowned: bool = False
    conditional: bool = False
    incremental: bool = False
    place: Place


class SqlOutput(Part, frozen=True, kw_only=True):
    """An output column of a SELECT that joins. *name* is "" where it has none; *columns* are those it is made of;
    *plain*: it is that one column as it is. *handles* are the optional aliases whose absence it provides for, except
    where it asks again what WHERE requires of them; *default* is the constant that it then is (``COALESCE(b.x, 0)``),
    or ""."""

    name: str
    columns: tuple[SqlColumn, ...] = ()
    plain: bool = False
    handles: tuple[str, ...] = ()
    default: str = ""
    place: Place


class SqlSelect(Fact, frozen=True, kw_only=True):
    """One SELECT of a statement: *query* is the identity of its `SqlQuery`; *name* that of the CTE, ``final`` for the
    statement's own result, with a number where there are several.

    Of one that joins: *outputs* are its columns (*star* where a ``*`` is among them), *mentioned* all columns that it
    names anywhere. Of one that does not: *passed* are the columns that it hands on as they are, as output and column.
    *gathers*: it may make fewer rows of those that it reads, other than by conditions (GROUP BY, an aggregate,
    DISTINCT, row numbers, a UNION without ALL). *columns*, in a file with templates: the names of all of its columns,
    ``*`` and ``alias.*`` for those of its sources, in lower case; None where a template or a condition of one may make
    others.
    """

    called: ClassVar[str] = "SELECT"

    query: str
    name: str
    sources: tuple[SqlSource, ...] = ()
    joins: tuple[SqlJoin, ...] = ()
    filters: tuple[SqlFilter, ...] = ()
    outputs: tuple[SqlOutput, ...] = ()
    star: bool = False
    mentioned: tuple[SqlColumn, ...] = ()
    passed: tuple[tuple[str, str], ...] = ()
    gathers: bool = False
    columns: tuple[str, ...] | None = None

    @property
    def identity(self) -> str:
        return f"select:{self.query}#{self.name}"


class SqlQuery(Fact, frozen=True, kw_only=True):
    """A statement that reads or writes tables. *name* tells it from the others of its file; *scope* is the function of
    Python that it stands in, *api* the call that it is given to ("" in a file of SQL).

    *kind* is ``select``, ``insert``, ``create``, ``merge``, ``update`` or ``delete``; *reads* and *writes* are tables
    as written, CTEs left out. *complete*: no template and no f-string puts anything into it.
    """

    called: ClassVar[str] = "SQL statement"

    name: str
    kind: str
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    dialect: str = ""
    scope: str = ""
    api: str = ""
    complete: bool = True

    @property
    def identity(self) -> str:
        return f"query:{self.path}#{self.scope}:{self.name}"


# ------------------------------------------------------------------------------------------------------- dbt


class DbtProject(Fact, frozen=True, kw_only=True):
    """A ``dbt_project.yml``: where its files are, relative to its folder. *settings* are configurations of folders:
    dotted keys (``models.shop.staging.+materialized``). *profile* is the `DbtProfile` that it connects with."""

    called: ClassVar[str] = "dbt project"

    name: str
    profile: str = ""
    model_paths: tuple[str, ...] = ("models",)
    seed_paths: tuple[str, ...] = ("seeds",)
    snapshot_paths: tuple[str, ...] = ("snapshots",)
    macro_paths: tuple[str, ...] = ("macros",)
    test_paths: tuple[str, ...] = ("tests",)
    analysis_paths: tuple[str, ...] = ("analyses", "analysis")
    settings: tuple[Argument, ...] = ()

    @property
    def identity(self) -> str:
        return f"dbt:{self.folder}"

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders, below its own, whose properties files dbt reads."""
        return (*self.model_paths, *self.seed_paths, *self.snapshot_paths)

    @property
    def folder(self) -> str:
        """The folder of the project, "" for the root."""
        return self.path.rpartition("/")[0]


class DbtTarget(Part, frozen=True, kw_only=True):
    """Where a profile may build models: *schema* is the one that a model without a schema of its own gets."""

    name: str
    adapter: str = ""
    schema: Expr
    place: Place


class DbtProfile(Fact, frozen=True, kw_only=True):
    """A profile of a ``profiles.yml``: its targets, of which *target* is the default. Nothing that is secret."""

    name: str
    target: str = ""
    targets: tuple[DbtTarget, ...] = ()

    @property
    def identity(self) -> str:
        return f"dbt-profile:{self.path}#{self.name}"


class DbtPackages(Fact, frozen=True, kw_only=True):
    """A ``packages.yml`` or ``dependencies.yml``: what a project installs, as written."""

    packages: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        return f"dbt-packages:{self.path}"


class DbtRef(Part, frozen=True, kw_only=True):
    """A ``ref()`` or ``source()`` of a file. *name* is the model's, or the table's; *group* the package's or the
    source's ("" where a ref names none). *version*: of the model, "" where none is asked for. *conditional*: only some
    runs come to it."""

    kind: L["ref", "source"]
    name: str
    group: str = ""
    version: str = ""
    conditional: bool = False
    place: Place


class DbtMacro(Part, frozen=True, kw_only=True):
    """What a macro refers to, and with it each model that calls it; *opaque* as of `DbtFile`."""

    name: str
    refs: tuple[DbtRef, ...] = ()
    opaque: bool = False


class DbtFile(Fact, frozen=True, kw_only=True):
    """A file of SQL with templates of dbt, or a model in Python. *config* are the arguments of ``config()``; *macros*
    and *snapshots* what it defines; *incremental*: it asks ``is_incremental()``; *opaque*: it names a ref or source by
    something computed; *own*: it reads ``this``; *calls*: the macros that it calls; *referring*: those of its macros
    that refer to something."""

    called: ClassVar[str] = "dbt file"

    refs: tuple[DbtRef, ...] = ()
    config: tuple[Argument, ...] = ()
    macros: tuple[str, ...] = ()
    snapshots: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    incremental: bool = False
    opaque: bool = False
    own: bool = False
    referring: tuple[DbtMacro, ...] = ()

    @property
    def identity(self) -> str:
        return f"dbt-file:{self.path}"


class DbtTest(Part, frozen=True, kw_only=True):
    """A data test. *name* with its package (``unique``, ``dbt_utils.unique_combination_of_columns``); *column* is ""
    for one of the whole model; *arguments* as written; *refs* are the models and sources that these name; *filtered*:
    it looks at some of the rows only (``where:``)."""

    name: str
    column: str = ""
    arguments: tuple[Argument, ...] = ()
    refs: tuple[DbtRef, ...] = ()
    filtered: bool = False
    place: Place


class DbtColumn(Part, frozen=True, kw_only=True):
    """A column that a properties file names."""

    name: str
    data_type: str = ""
    place: Place


class DbtVersion(Part, frozen=True, kw_only=True):
    """A version of a model: *file* is its file's name without the ending; *latest*: a ``ref`` without one means it."""

    name: str
    file: str
    latest: bool = False


class DbtExposure(Fact, frozen=True, kw_only=True):
    """What uses models outside dbt, as a properties file says: a dashboard, a notebook, an application. *kind* is its
    ``type``, *owner* the owner's name, or address where no name is given."""

    called: ClassVar[str] = "exposure of dbt"

    name: str
    kind: str = ""
    owner: str = ""
    url: str = ""
    refs: tuple[DbtRef, ...] = ()

    @property
    def identity(self) -> str:
        return f"dbt-exposure:{self.path}#{self.name}"


class DbtProperties(Fact, frozen=True, kw_only=True):
    """What a properties file says of one model, seed, snapshot or table of a source.

    *source* is the source's name, "" for the others. *freshness*: it says how old data may be; *loaded_at*: and by
    which column. *enabled* is false where it is switched off, or that is computed.
    """

    called: ClassVar[str] = "entry of a dbt properties file"

    kind: L["model", "seed", "snapshot", "source"]
    name: str
    source: str = ""
    columns: tuple[DbtColumn, ...] = ()
    tests: tuple[DbtTest, ...] = ()
    config: tuple[Argument, ...] = ()
    freshness: Place | None = None
    loaded_at: str = ""
    relation: str = ""  # of a source: schema and table as written, where both are
    enabled: bool = True
    versions: tuple[DbtVersion, ...] = ()
    refs: tuple[DbtRef, ...] = ()  # of a snapshot that is defined here

    @property
    def identity(self) -> str:
        return f"dbt-properties:{self.path}#{self.kind}:{self.source}.{self.name}"


# --------------------------------------------------------------------------------- steps, order, orchestrators


class Callee(Part, frozen=True, kw_only=True):
    """A Python function that a step runs: *name* as seen from *path* (a decorated function, ``python_callable=``)."""

    path: str
    name: str


class Step(Fact, frozen=True, kw_only=True):
    """One schedulable unit of an orchestrator: an Airflow task, a job of a workflow.

    *pipeline* is the identity of its `Schedule`. *operator* is the class, decorator or action that runs it.
    *settings* are its other arguments by name, as expressions. Whether all edges of its pipeline could be told is said
    by the `Schedule`. *returns* is what the function of a branching task returns, one for each ``return`` with a value.
    *prints*: all that the task's function does, which stands in the same file, is to print or log.
    """

    orchestrator: str
    pipeline: str
    name: str
    operator: str = ""
    callee: Callee | None = None
    commands: tuple[Command, ...] = ()
    image: Expr | None = None
    variables: tuple[Variable, ...] = ()
    settings: tuple[Argument, ...] = ()
    trigger_rule: str = ""
    returns: tuple[Expr, ...] = ()
    mapped: bool = False
    group: str = ""
    prints: bool = False

    @property
    def identity(self) -> str:
        return f"{self.pipeline}/{self.name}"

    def setting(self, name: str) -> Argument | None:
        """The argument given under *name*, or None."""
        return next((s for s in self.settings if s.name == name), None)


class Edge(Fact, frozen=True, kw_only=True):
    """*after* runs after *before* (identities of steps)."""

    before: str
    after: str

    @property
    def identity(self) -> str:
        return f"edge:{self.before}->{self.after}"


class Schedule(Fact, frozen=True, kw_only=True):
    """What starts a pipeline: an Airflow DAG, a GitHub workflow. *when* is its cron, preset, timetable or None.

    *complete* is false where tasks or edges could not all be told (factories, loops over what is not known);
    *reason* then says why.
    """

    orchestrator: str
    name: str
    scope: str = ""  # the file, where names are unique only within one
    when: Expr | None = None
    settings: tuple[Argument, ...] = ()
    complete: bool = True
    reason: str = ""

    @property
    def identity(self) -> str:
        return f"{self.orchestrator}:{self.scope}#{self.name}" if self.scope else f"{self.orchestrator}:{self.name}"

    def setting(self, name: str) -> Argument | None:
        """The argument given under *name*, or None."""
        return next((s for s in self.settings if s.name == name), None)


class DvcPath(Part, frozen=True, kw_only=True):
    """A file or folder that a stage of DVC names, seen from the root of the tree; a URL as it is."""

    path: Expr
    place: Place


class DvcParameter(Part, frozen=True, kw_only=True):
    """A parameter that a stage of DVC depends on: *key*, dotted, of *file*; the whole file where it is "". In a loop, a
    key may have ``${item}`` in it."""

    file: Expr
    key: str = ""
    place: Place


class DvcStage(Fact, frozen=True, kw_only=True):
    """A stage of a ``dvc.yaml``, in the tool's own terms. The `Step` of the identity *step* is its common face.

    DVC runs a stage again only where one of its *inputs*, *parameters*, *outputs* or its command has changed. *loop* is
    the name under which a stage is written once for several items (``foreach``, ``matrix``), "" for all others.
    """

    called: ClassVar[str] = "stage of a DVC pipeline"

    step: str
    name: str
    inputs: tuple[DvcPath, ...] = ()
    outputs: tuple[DvcPath, ...] = ()  # metrics and plots included
    parameters: tuple[DvcParameter, ...] = ()
    frozen: bool = False
    always_changed: bool = False
    loop: str = ""

    @property
    def identity(self) -> str:
        return f"stage:{self.step}"


class DvcLoop(Fact, frozen=True, kw_only=True):
    """A stage of a ``dvc.yaml`` that is written once for several items: what is written, from which link makes a `Step`
    and a `DvcStage` for each.

    *items* is the list or mapping of ``foreach``; for a ``matrix``, a mapping of lists. What they, or a part of them,
    are elsewhere is a `ConfigKey`. ``${item}``, ``${item.x}`` and ``${key}`` are keys of the store ``loop``.
    """

    pipeline: str
    name: str
    items: Expr
    matrix: bool = False
    commands: tuple[Command, ...] = ()
    inputs: tuple[DvcPath, ...] = ()
    outputs: tuple[DvcPath, ...] = ()
    parameters: tuple[DvcParameter, ...] = ()
    frozen: bool = False
    always_changed: bool = False

    @property
    def identity(self) -> str:
        return f"loop:{self.pipeline}/{self.name}"


class DvcRecorded(Part, frozen=True, kw_only=True):
    """A file or folder as DVC recorded it: *path* as written, *digest* its hash with the name of the algorithm
    (``md5:6950...``), "" where none is kept."""

    path: str
    digest: str = ""
    place: Place


class DvcRecordedValue(Part, frozen=True, kw_only=True):
    """A scalar of the parameters that a stage ran with: *key*, dotted, of *file* as written, and *of*, the key that the
    stage depends on, which may be of a list or mapping around it."""

    file: str
    of: str
    key: str
    value: Expr
    place: Place


class DvcRecord(Fact, frozen=True, kw_only=True):
    """The last run of a stage that a ``dvc.lock`` keeps: its commands with all values put in, what went in and came out
    and the values of its parameters. Paths are as the stage writes them, relative to its folder."""

    called: ClassVar[str] = "recorded run of a DVC stage"

    pipeline: str
    name: str
    commands: tuple[str, ...] = ()
    inputs: tuple[DvcRecorded, ...] = ()
    outputs: tuple[DvcRecorded, ...] = ()
    values: tuple[DvcRecordedValue, ...] = ()

    @property
    def identity(self) -> str:
        return f"record:{self.pipeline}/{self.name}"


class DvcData(Fact, frozen=True, kw_only=True):
    """Data that a ``*.dvc`` file tracks: the path *data*, seen from the root of the tree, in the version *digest*.
    *source* is the URL or path that it was imported from, at *revision*; "" where there is none."""

    called: ClassVar[str] = "data tracked by DVC"

    data: str
    digest: str = ""
    source: str = ""
    revision: str = ""

    @property
    def identity(self) -> str:
        return f"dvc-data:{self.data}"


class KfpComponent(Fact, frozen=True, kw_only=True):
    """What a task of Kubeflow Pipelines runs: a component function, a container, a component file.

    *name* is the name as KFP writes it in a pipeline (``train-model``). *function* is the qualified name of what makes
    it in its file, or of the name that holds it, "" for a component file; *callee* the Python function that runs,
    *commands* what a container runs. *file* is the component file that describes it, as written, where it is loaded
    from one. *packages* are requirements that are installed each time it starts (``packages_to_install``).
    """

    called: ClassVar[str] = "component of Kubeflow Pipelines"

    name: str
    function: str = ""
    operator: str = ""  # python, container, file, notebook, compiled, or the class or function that makes it
    callee: Callee | None = None
    file: Expr | None = None
    image: Expr | None = None
    commands: tuple[Command, ...] = ()
    variables: tuple[Variable, ...] = ()
    packages: tuple[Argument, ...] = ()

    @property
    def identity(self) -> str:
        return f"kfp-component:{self.path}#{self.function or self.name}"


class KfpTask(Part, frozen=True, kw_only=True):
    """A task as a pipeline function makes it. *key* tells it from others of its pipeline; *name* is its component's,
    "" where another file tells it.

    What runs is *component* (a `KfpComponent` of the same file, by identity), or *source* (a name as seen from the
    file, which may be a component or pipeline of another), or *file* (a component file, as written). *sure* is false
    where *source* may as well be a function that makes no task. *groups* are the conditions, loops and exit handlers
    around it; *after* the keys of tasks, and ``group:NAME``, that it comes after.
    """

    key: str
    name: str = ""
    component: str = ""
    source: Callee | None = None
    file: Expr | None = None
    sure: bool = True
    groups: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    image: Expr | None = None
    variables: tuple[Variable, ...] = ()
    settings: tuple[Argument, ...] = ()
    trigger_rule: str = ""
    mapped: bool = False
    place: Place


class KfpPipeline(Fact, frozen=True, kw_only=True):
    """A pipeline function of Kubeflow Pipelines, or a compiled pipeline (*function* is then ""). Its steps and edges
    are made by link. *doubts* say why not all of it could be told."""

    called: ClassVar[str] = "pipeline of Kubeflow Pipelines"

    name: str
    function: str = ""
    tasks: tuple[KfpTask, ...] = ()
    when: Expr | None = None
    settings: tuple[Argument, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        return f"kfp-pipeline:{self.path}#{self.function or self.name}"


class AssetInput(Part, frozen=True, kw_only=True):
    """What an asset of Dagster depends on: the asset *key*, parts joined by ``/``; or *reference*, the qualified name
    of the asset in the code; or *model*, a model of dbt. *named* is false for a parameter that may be something else
    (a resource), and that no argument ties to a key."""

    key: str = ""
    reference: str = ""
    model: str = ""
    named: bool = True
    place: Place


class DagsterAsset(Fact, frozen=True, kw_only=True):
    """An asset of Dagster. *key*: its parts joined by ``/``, ``{*}`` for one that can't be told. *variable*: what
    the module calls it. *kind*: how it is made; nothing of the tree makes one that is ``external``. *doubt*: why there
    may be more, or fewer, of it."""

    called: ClassVar[str] = "asset of Dagster"

    key: str
    kind: L["asset", "multi", "graph", "dbt", "notebook", "external"] = "asset"
    variable: str = ""
    inputs: tuple[AssetInput, ...] = ()
    group: str = ""
    callee: Callee | None = None
    settings: tuple[Argument, ...] = ()
    doubt: str = ""

    @property
    def identity(self) -> str:
        return f"asset:{self.path}#{self.variable}:{self.key}"


class DagsterArgument(Part, frozen=True, kw_only=True):
    """What a node of a graph is given: results of *nodes*, by their index, and *parameters* of the graph. *name* is
    that of the argument, its position from 0 where it has none."""

    name: str
    nodes: tuple[int, ...] = ()
    parameters: tuple[str, ...] = ()


class DagsterNode(Part, frozen=True, kw_only=True):
    """A call of an op or a graph in the body of a graph: *callee* is its qualified name, *alias* the given one."""

    callee: str
    alias: str = ""
    arguments: tuple[DagsterArgument, ...] = ()
    mapped: bool = False
    place: Place


class DagsterGraph(Fact, frozen=True, kw_only=True):
    """An op, graph or job of Dagster: *name* is the tool's, *function* the code's. *returns* are the nodes whose
    results a graph hands on. *graph*: of a job that is made of a graph (``to_job``), that graph's
    qualified name. *doubt*: why not all of its nodes could be told."""

    called: ClassVar[str] = "op, graph or job of Dagster"

    kind: L["op", "graph", "job"]
    name: str
    function: str
    parameters: tuple[str, ...] = ()
    nodes: tuple[DagsterNode, ...] = ()
    returns: tuple[int, ...] = ()
    graph: str = ""
    settings: tuple[Argument, ...] = ()
    doubt: str = ""

    @property
    def identity(self) -> str:
        return f"{self.kind}:{self.path}#{self.function}:{self.name}"


class DagsterSource(Part, frozen=True, kw_only=True):
    """Where definitions of Dagster come from: a *name* of the code, *modules*, a *package* with all below it, or a
    *folder* of the tree; *unknown* where that is computed. *prefix* is put before the keys of its assets."""

    kind: L["name", "modules", "package", "folder", "unknown"]
    names: tuple[str, ...] = ()
    prefix: str = ""
    place: Place


class DagsterDefinitions(Fact, frozen=True, kw_only=True):
    """The definitions that a module makes for Dagster (``Definitions``, ``@repository``), or a list of assets that it
    loads, under *variable*. *root* is false for such a list."""

    called: ClassVar[str] = "definitions of Dagster"

    variable: str = ""
    sources: tuple[DagsterSource, ...] = ()
    root: bool = True

    @property
    def identity(self) -> str:
        return f"definitions:{self.path}#{self.variable}"


class DagsterTimer(Fact, frozen=True, kw_only=True):
    """A schedule of Dagster, which starts a *job*: its name, or the qualified name of it in the code. *cron* as
    written."""

    called: ClassVar[str] = "schedule of Dagster"

    job: str
    cron: Expr
    variable: str = ""

    @property
    def identity(self) -> str:
        return f"timer:{self.path}#{self.variable}:{self.job}"


class KedroNode(Part, frozen=True, kw_only=True):
    """A node of Kedro: the function that it runs, and the datasets that go in and come out, ``{*}`` for one that can't
    be told. *name* is "" where it is given none."""

    name: str = ""
    callee: Callee | None = None
    function: str = ""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    place: Place


class KedroWrap(Part, frozen=True, kw_only=True):
    """What ``pipeline(..., namespace=, inputs=, outputs=)`` does to the names of what it is given: *renamed* are pairs
    of dataset names, those that stay as they are included; all others get the *namespace*."""

    namespace: str = ""
    renamed: tuple[tuple[str, str], ...] = ()


class KedroPart(Part, frozen=True, kw_only=True):
    """A part of a pipeline: *nodes* that stand there, or what the *reference* makes (a qualified name of the code, or
    ``*`` for all that Kedro finds by itself). *wraps* apply to it, the innermost first."""

    nodes: tuple[KedroNode, ...] = ()
    reference: str = ""
    wraps: tuple[KedroWrap, ...] = ()
    place: Place


class KedroPipeline(Fact, frozen=True, kw_only=True):
    """A function that makes a pipeline of Kedro (``create_pipeline``), or all of them (``register_pipelines``). *doubt*
    says why not all of it could be told."""

    called: ClassVar[str] = "pipeline of Kedro"

    function: str
    parts: tuple[KedroPart, ...] = ()
    doubt: str = ""

    @property
    def identity(self) -> str:
        return f"kedro-pipeline:{self.path}#{self.function}"


class Wait(Fact, frozen=True, kw_only=True):
    """A step that waits for another pipeline: *target_pipeline* and *target_step* name it as written."""

    called: ClassVar[str] = "sensor that waits for another pipeline"

    step: str
    target_pipeline: Expr
    target_step: Expr | None = None
    settings: tuple[Argument, ...] = ()

    @property
    def identity(self) -> str:
        return f"wait:{self.step}"


class Trigger(Fact, frozen=True, kw_only=True):
    """A step that starts another pipeline; *waits* is true where it also waits for it to finish."""

    step: str
    target_pipeline: Expr
    waits: bool = False

    @property
    def identity(self) -> str:
        return f"trigger:{self.step}"


class WorkflowEvent(Part, frozen=True, kw_only=True):
    """An event that starts a workflow, with its filters as written."""

    event: str
    branches: tuple[str, ...] = ()
    branches_ignore: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    tags_ignore: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    paths_ignore: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    workflows: tuple[str, ...] = ()
    crons: tuple[str, ...] = ()
    place: Place


class WorkflowInput(Part, frozen=True, kw_only=True):
    """An input that a reusable workflow or an action declares; *default* is what holds where the caller gives none."""

    name: str
    default: Expr | None = None
    required: bool = False
    place: Place


class Workflow(Fact, frozen=True, kw_only=True):
    """A GitHub Actions workflow. Its pipeline identity is that of its `Schedule` (``github-actions:PATH``).

    *inputs* and *secrets* are what it declares for those that call it (``on.workflow_call``), *variables* its ``env``.
    """

    name: str = ""
    events: tuple[WorkflowEvent, ...] = ()
    concurrency: str = ""
    cancels: bool | None = None
    inputs: tuple[WorkflowInput, ...] = ()
    secrets: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = ()

    @property
    def identity(self) -> str:
        return f"workflow:{self.path}"


class JobStep(Part, frozen=True, kw_only=True):
    """One step of a job: an action (*uses* with *inputs*) or a command (*run*, for the *shell* that is named: "" where
    none is). *remote* is what an action runs on another host over ssh: nothing of it is in the runner's tree."""

    index: int
    id: str = ""
    name: str = ""
    uses: str = ""
    inputs: tuple[Variable, ...] = ()
    run: Command | None = None
    remote: Command | None = None
    shell: str = ""
    variables: tuple[Variable, ...] = ()
    condition: str = ""
    continue_on_error: bool = False
    place: Place


class ContextRead(Part, frozen=True, kw_only=True):
    """An expression of a job that asks for what another job (``needs.NAME``) or another of its steps (``steps.NAME``)
    has left: *field* is what follows the name (``outputs.label``, ``result``). Or for a variable (``env.NAME``), where
    that is the whole expression.

    *key* is the job's key that it stands in (``if``, ``env``, ``outputs``, ``steps``), *step* the index of the step.
    """

    of: L["needs", "steps", "env"]
    name: str
    field: str = ""
    key: str
    step: int | None = None
    place: Place


class CompositeAction(Fact, frozen=True, kw_only=True):
    """An action of the tree that is made of steps (``runs.using: composite``)."""

    called: ClassVar[str] = "composite action"

    inputs: tuple[WorkflowInput, ...] = ()
    outputs: tuple[str, ...] = ()
    steps: tuple[JobStep, ...] = ()

    @property
    def identity(self) -> str:
        return f"action:{self.path}"


class WorkflowJob(Fact, frozen=True, kw_only=True):
    """A job of a GitHub workflow, in the tool's own terms. The `Step` of the same identity is its common face."""

    workflow: str  # identity of the Workflow
    step: str  # identity of the Step
    id: str
    name: str = ""
    needs: tuple[str, ...] = ()
    condition: str = ""
    environment: Expr | None = None
    uses: str = ""  # a reusable workflow
    inputs: tuple[Variable, ...] = ()
    matrix: tuple[str, ...] = ()  # the names of its dimensions
    concurrency: str = ""
    cancels: bool | None = None
    continue_on_error: bool = False
    steps: tuple[JobStep, ...] = ()
    reads: tuple[ContextRead, ...] = ()
    outputs: tuple[Variable, ...] = ()
    values: tuple[Variable, ...] = ()  # those of the matrix's dimensions, one for each value that is written out
    secrets: tuple[str, ...] = ()  # names that it passes to a reusable workflow; "*" where all (``inherit``)

    called: ClassVar[str] = "workflow job"

    @property
    def identity(self) -> str:
        return f"job:{self.workflow}/{self.id}"


# --------------------------------------------------------------------------------- flows written as Python code


class FlowStep(Part, frozen=True, kw_only=True):
    """A step of a Metaflow class: *next* are the steps that its last statement (``self.next(...)``) names.

    *split* is how it goes on: one after the other, to all of them, once for each element (``foreach``), or to the one
    that a value decides (``switch``). *joins*: it takes the results of several (``def join(self, inputs)``).
    *told* is false where its last statement is no ``self.next`` that Metaflow could read. *begins* and *ends* as said
    in ``@step(start=True)``, apart from its name.
    """

    name: str
    next: tuple[str, ...] = ()
    split: L["linear", "branch", "foreach", "switch"] = "linear"
    joins: bool = False
    told: bool = True
    begins: bool = False
    ends: bool = False
    operator: str = ""
    image: Expr | None = None
    variables: tuple[Variable, ...] = ()
    settings: tuple[Argument, ...] = ()
    place: Place
    next_place: Place | None = None


class FlowClass(Fact, frozen=True, kw_only=True):
    """A class of Metaflow code that is a flow, or from which flows may inherit steps. Link makes their steps of it.

    *flow*: it is derived from ``FlowSpec`` itself; *bases* are its other bases as written ("" where one is computed).
    *plain* are its methods that are no steps. *awaits* name the flows whose end starts this one.
    """

    called: ClassVar[str] = "class of a Metaflow flow"

    name: str
    flow: bool = False
    bases: tuple[str, ...] = ()
    steps: tuple[FlowStep, ...] = ()
    plain: tuple[str, ...] = ()
    when: Expr | None = None
    awaits: tuple[Expr, ...] = ()
    settings: tuple[Argument, ...] = ()

    @property
    def identity(self) -> str:
        return f"flow-class:{self.path}#{self.name}"


class FlowTask(Fact, frozen=True, kw_only=True):
    """A function that a decorator of Prefect, Flyte or ZenML makes a task or a flow. *name* is the Python name it is
    known by, *function* the function's own, *title* the name that the tool shows. *asynchronous*: a call of it only
    begins where it is awaited."""

    called: ClassVar[str] = "task or flow"

    orchestrator: L["prefect", "flyte", "zenml"]
    kind: L["task", "flow"]
    name: str
    function: str = ""
    title: str = ""
    operator: str = ""
    asynchronous: bool = False
    image: Expr | None = None
    variables: tuple[Variable, ...] = ()
    settings: tuple[Argument, ...] = ()

    @property
    def identity(self) -> str:
        return f"flow-task:{self.path}#{self.name}"


class FlowNode(Part, frozen=True, kw_only=True):
    """A call in a flow that may be one of a task or a flow: *callee* as seen from the flow's file.

    *sure*: it can be nothing else; *submitted*: it is written as only calls of tasks are. *after* are the calls, by
    their place in `FlowCode.nodes`, that are done before it begins, not those that are so because of others. *title* is
    a name that the call itself gives. *mapped*: it stands in a loop, or is mapped over elements. *sometimes*: only some
    runs come to it. *starts* is the pipeline that it starts by name, and *waits* whether it waits for that. *awaits*
    are names of steps that it is told to wait for.
    """

    callee: str
    operator: str = ""
    sure: bool = False
    submitted: bool = False
    title: str = ""
    after: tuple[int, ...] = ()
    awaits: tuple[str, ...] = ()
    mapped: bool = False
    sometimes: bool = False
    starts: Expr | None = None
    waits: bool = True
    settings: tuple[Argument, ...] = ()
    place: Place


class FlowCode(Fact, frozen=True, kw_only=True):
    """What the function of a flow (Prefect), workflow (Flyte) or pipeline (ZenML) calls. Link makes steps of those that
    are of tasks. *doubts* are why the calls could not all be told. *name* is the function's, *title* the flow's."""

    called: ClassVar[str] = "code of a flow"

    orchestrator: L["prefect", "flyte", "zenml"]
    name: str
    title: str
    nodes: tuple[FlowNode, ...] = ()
    doubts: tuple[str, ...] = ()
    settings: tuple[Argument, ...] = ()

    @property
    def identity(self) -> str:
        return f"flow-code:{self.path}#{self.name}"


class FlowDeployment(Fact, frozen=True, kw_only=True):
    """A flow that is given to a server to be run there: a deployment of Prefect, a launch plan of Flyte, what ZenML has
    with a schedule.

    Its flow is *flow*, a name as seen from this file, or the function *function* of the file *entry*, a path of the
    tree. *when* are its schedules.
    """

    called: ClassVar[str] = "deployment of a flow"

    orchestrator: L["prefect", "flyte", "zenml"]
    name: str
    flow: str = ""
    entry: Expr | None = None
    function: str = ""
    when: Expr | None = None
    image: Expr | None = None
    variables: tuple[Variable, ...] = ()
    settings: tuple[Argument, ...] = ()

    @property
    def identity(self) -> str:
        return f"flow-deployment:{self.path}#{self.name}"


# ------------------------------------------------------------------------------------------- training and serving code


class CommandOption(Fact, frozen=True, kw_only=True):
    """An option of a command line that a *library* takes apart: argparse (``add_argument``), click, or typer.

    *flags* as written, *destination* the attribute that holds it; *kind* the qualified name of ``type=``, *action* the
    name or class of ``action=``. *read* tells whether code of the file asks for it: ``unknown`` where the parsed
    options go where that can't be seen. *disowned*: its help says that it does nothing, or hides it. *required*: each
    command line has to pass it.
    """

    called: ClassVar[str] = "command-line option"

    library: L["argparse", "click", "typer"] = "argparse"
    flags: tuple[str, ...]
    destination: str
    kind: str = ""
    action: str = ""
    default: Expr | None = None
    scope: str = ""
    read: L["yes", "no", "unknown"] = "unknown"
    disowned: bool = False
    required: bool = False

    @property
    def identity(self) -> str:
        return f"option:{self.path}#{self.scope}:{self.destination}"


class BuiltinHash(Fact, frozen=True, kw_only=True):
    """A call of the builtin ``hash``, outside of ``__hash__`` and ``__eq__``.

    *of*: what is hashed, as far as the code tells. *use*: ``modulo`` (``hash(x) % n``), ``name`` (it becomes part of a
    text), ``seed``, or ``other``. *into*: what it is divided by, or the text goes to (a call, ``return``), "" where
    that stays inside of the function. *about*: names around it that say what it is for, and what it is an index into.
    """

    called: ClassVar[str] = "call of hash()"

    of: L["text", "number", "unknown"] = "unknown"
    use: L["modulo", "name", "seed", "other"] = "other"
    into: str = ""
    about: tuple[str, ...] = ()
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"hash:{self.path}#{self.scope}:{self.use}:{self.into}"


class GuardedLoad(Fact, frozen=True, kw_only=True):
    """A model or checkpoint that is loaded inside of a ``try``.

    *api* is the call, *catches* what the first handler that takes any error of it names (``Exception``; "" for all).
    *then*: that handler ``stops`` (raises, exits), ``returns``, does something ``other`` (another load), or only
    ``reports`` it and code goes on behind it. *replaced*: what the handler sets to a constant instead. *handler* is its
    place; *answers_503*: the file answers some requests with 503; *asked_for*: other code of the file raises an error
    where what was loaded is None. *callers*: functions of the file that call its function and raise nothing themselves.
    """

    called: ClassVar[str] = "model loaded in a try"

    api: str
    catches: str = ""
    then: L["stops", "returns", "other", "reports"] = "other"
    replaced: tuple[str, ...] = ()
    handler: Place
    scope: str = ""
    answers_503: bool = False
    asked_for: bool = False
    callers: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        return f"guarded-load:{self.path}#{self.scope}:{self.api}:{','.join(self.replaced)}"


class KeptFailure(Fact, frozen=True, kw_only=True):
    """A function whose results are kept until the process ends, and that returns a constant where a call of it fails.

    *by* is the decorator that keeps them, *catches* what the handler names ("" for all), *returns* the constant, and
    *handler* the place where it is returned.
    """

    called: ClassVar[str] = "function that keeps a failure"

    function: str  # qualified
    by: str
    catches: str = ""
    returns: str
    handler: Place

    @property
    def identity(self) -> str:
        return f"kept-failure:{self.path}#{self.function}"


class KeptEarly(Fact, frozen=True, kw_only=True):
    """``if X is None: X = Make()`` and then ``X.load()``: something made once is kept before it is complete.

    *name* is what keeps it, as written (``_model``, ``cls._instance``); *made* the callee that makes it, named as in
    `Call` ("" where it has no name); *step* the method that completes it, *completed* its place. *awaited*: other code
    of the event loop runs in between. *locked*: a lock is held between a first look at the name and the making, so that
    those who only take that look do not wait for it.
    """

    called: ClassVar[str] = "object kept before it is complete"

    name: str
    made: str = ""
    step: str
    completed: Place
    awaited: bool = False
    locked: bool = False
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"kept-early:{self.path}#{self.scope}:{self.name}"


class ContainedErrors(Fact, frozen=True, kw_only=True):
    """A method that makes an object complete (``load``, ``_initialize``), all of whose work is in a ``try`` that
    catches every error and raises none."""

    called: ClassVar[str] = "method that catches its errors"

    function: str  # qualified

    @property
    def identity(self) -> str:
        return f"contained-errors:{self.path}#{self.function}"


class EndsWell(Fact, frozen=True, kw_only=True):
    """A function, or what a script does when it is run, that ends as if all was well where its work fails.

    The place is that of the ``try``; *handler* is the one for any error (*catches* is what it names, "" for all), which
    only ``reports`` it and ends the function with nothing or False, or does something ``other`` besides. *function*:
    qualified, "" for the code below ``if __name__ == "__main__"``. *whole*: the ``try`` holds what the function is
    there for; else the handler returns, and behind stands the work, which uses *needed*, names that the ``try`` binds.
    *first*: the first call in the ``try``, as written. *started*: the script's own code runs the function and drops
    what it returns. *asked*: some code of the file takes what it returns; *answers*: it returns something else in other
    cases. *reads* and *writes* are the first call in the ``try`` that reads data, and the first that writes data, in
    the ``try`` or behind it.
    """

    called: ClassVar[str] = "work whose failure is only reported"

    function: str = ""
    first: str = ""
    catches: str = ""
    then: L["reports", "other"] = "reports"
    whole: bool = True
    needed: tuple[str, ...] = ()
    handler: Place
    started: bool = False
    asked: bool = False
    answers: bool = False
    reads: Place | None = None
    writes: Place | None = None

    @property
    def identity(self) -> str:
        return f"ends-well:{self.path}#{self.function}:{self.first}:{','.join(self.needed)}"


class KeptCoroutine(Fact, frozen=True, kw_only=True):
    """An ``async def`` whose results are kept by a decorator, *by*, that knows nothing of coroutines. *awaited* are the
    places in this file where its result is awaited."""

    called: ClassVar[str] = "coroutine that is kept"

    function: str  # qualified
    by: str
    awaited: tuple[Place, ...] = ()

    @property
    def identity(self) -> str:
        return f"kept-coroutine:{self.path}#{self.function}"


class KeyGap(Part, frozen=True, kw_only=True):
    """A parameter that what is cached depends on, and its key does not. *passed*: what calls in this file give for it,
    as written, each once; *place* is where it is used for the value. *made*: it is no parameter, but a version that
    this call tells before the cache is looked into."""

    name: str
    default: str | None = None
    made: str = ""
    passed: tuple[str, ...] = ()
    place: Place


class OwnCache(Fact, frozen=True, kw_only=True):
    """A function that looks something up in a cache that outlives it, and stores there what it made itself.

    *cache* and *key* are as written, *lookup* is the place of the look, *place* that of the store. *expires*: the time
    to live, as written. *parameters* are those that the key depends on, *gaps* those that only the value does. *bare*:
    the constant that a failed call leaves behind and that is stored like an answer, *failed* the place where it is
    bound to it, *because* what says that this is a failure.
    """

    called: ClassVar[str] = "cache of the code's own"

    cache: str
    key: str
    lookup: Place
    kind: L["mapping", "store"] = "mapping"
    expires: str = ""
    parameters: tuple[str, ...] = ()
    gaps: tuple[KeyGap, ...] = ()
    bare: str = ""
    failed: Place | None = None
    because: str = ""
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"own-cache:{self.path}#{self.scope}:{self.cache}[{self.key}]"


class FolderCreation(Fact, frozen=True, kw_only=True):
    """A folder that is made (``os.makedirs``) by code that several ranks of a distributed job run.

    *ranks* names the call that makes it distributed. *checked*: it stands below a test that the folder is not there.
    *tolerant*: it does not mind that the folder is there. *one_rank*: a condition around it, or around every call of
    its function, asks for the rank.
    """

    called: ClassVar[str] = "folder made by distributed code"

    api: str
    target: Expr
    ranks: str
    ranks_place: Place
    checked: bool = False
    tolerant: bool = False
    one_rank: bool = False
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"folder:{self.path}#{self.scope}:{render(self.target)}"


class ValidationRun(Fact, frozen=True, kw_only=True):
    """A run of a library that tells by its result whether data is as it should be, and does not raise.

    *verdict*: the part of the result that says so is asked for in the file (``read``), or not (``unread``), or the
    function hands the result on (``returned``).
    """

    called: ClassVar[str] = "validation of data"

    library: str
    api: str
    verdict: L["read", "unread", "returned"]
    wanted: str  # what would have to be asked for: success, anomaly_info
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"validation:{self.path}#{self.scope}:{self.api}"


class Assertion(Part, frozen=True, kw_only=True):
    """An ``assert``. *shape*: how its test is written, where it is always true (``tuple``, ``generator``, ``text``,
    ``method``: a method that is not called), else "". *acts*: a call inside of it that changes something.
    *narrows*: it only tells a type checker something (``is not None``, ``isinstance``)."""

    shape: L["", "tuple", "generator", "text", "method"] = ""
    subject: str = ""
    acts: str = ""
    narrows: bool = False
    place: Place


class Assertions(Fact, frozen=True, kw_only=True):
    """The asserts of a module that is no test."""

    called: ClassVar[str] = "module with asserts"

    asserts: tuple[Assertion, ...]

    @property
    def identity(self) -> str:
        return f"assertions:{self.path}"


class ToleratedFailure(Fact, frozen=True, kw_only=True):
    """Code that loads, starts or connects something, in a ``try`` that takes any error of it and goes on.

    *parts* are what is then missing: names that outlive the function, as ``module.name``, ``module.Class.attribute``,
    ``state.name`` (of the web application) or ``config.name``. *holders* are such objects of which a method does the
    work: they are there, and without what they should hold. *api* is the call, *handler* the place that takes the
    error. Nothing inside of a request handler.
    """

    called: ClassVar[str] = "failure at start that is tolerated"

    api: str
    parts: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()
    scope: str = ""
    handler: Place

    @property
    def identity(self) -> str:
        return f"tolerated:{self.path}#{self.scope}:{self.api}"


class Refusal(Fact, frozen=True, kw_only=True):
    """Code that ends with an error of the server where a part of it is missing (``if model is None: raise``).

    *part* is named as in `ToleratedFailure`, *status* is the answer where it is written (500 to 599), None where it is
    an exception of Python. *scope* is the function that does it.
    """

    called: ClassVar[str] = "request refused for a missing part"

    part: str
    status: int | None = None
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"refusal:{self.path}#{self.scope}:{self.part}"


class FailureAnswer(Part, frozen=True, kw_only=True):
    """An answer that says it failed, with the status of success. *says* is its beginning."""

    says: str
    place: Place


class Reply(Fact, frozen=True, kw_only=True):
    """What a function that answers requests makes of them.

    *keys* are all keys of its JSON answers, None where they are not all told; *model* is the class that they are made
    by, named like a callee, else "". *fails*: it may itself end in an error or set a status. *failures* are answers of
    success that say otherwise, *drops* the callees whose results it does not look at.

    Where its path is one that probes ask, *asks* are the parts that it names, as in `ToleratedFailure`; *touches* those
    of which it uses an attribute in every case, so that it fails where they are None; *unwell* is where it calls the
    whole service unhealthy or not ready.
    """

    called: ClassVar[str] = "answer of a request handler"

    function: str
    keys: tuple[str, ...] | None = None
    model: str = ""
    fails: bool = False
    asks: tuple[str, ...] = ()
    touches: tuple[str, ...] = ()
    failures: tuple[FailureAnswer, ...] = ()
    unwell: tuple[FailureAnswer, ...] = ()
    drops: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        return f"reply:{self.path}#{self.function}"


class ReplyKey(Part, frozen=True, kw_only=True):
    """A key that code reads of an answer; *default*: with something else where it is missing (``.get``), *empty*: with
    an empty list. *tested*: code only asks whether it is there."""

    name: str
    default: bool = False
    empty: bool = False
    tested: bool = False
    place: Place


class ReplyUse(Fact, frozen=True, kw_only=True):
    """What code makes of the answer to an HTTP request (its place is the `RemoteCall`'s).

    *status*: ``read`` where something depends on it, ``shown`` where it is only printed, ``unread`` where nothing asks
    for it, ``unknown`` where the answer is handed on. *body*: whether anything is taken from the answer itself.
    *keys* are those read of its JSON. *reports*: the ``try`` around the request takes any error and only reports it,
    at *handler*. *hooked*: its session may look at answers by itself (a hook, an adapter that repeats).
    """

    called: ClassVar[str] = "use of an HTTP answer"

    api: str
    status: L["read", "shown", "unread", "unknown"]
    body: bool = False
    keys: tuple[ReplyKey, ...] = ()
    reports: bool = False
    handler: Place | None = None
    hooked: bool = False
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"reply-use:{self.path}#{self.scope}:{self.api}"


class SavedResponse(Fact, frozen=True, kw_only=True):
    """The body of an HTTP response that code writes into a file. *api* is the request, *written* the place of the
    write. *checked*: the function looks at the status; *opened*: it then opens a file of a kind that no page is (an
    archive, an image), which fails by itself."""

    called: ClassVar[str] = "response saved to a file"

    api: str
    checked: bool
    opened: bool = False
    written: Place
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"saved-response:{self.path}#{self.scope}:{self.api}"


# --------------------------------------------------------------------------------------------- tasks that one names


class TaskVariable(Part, frozen=True, kw_only=True):
    """A variable of a Makefile or justfile, or a parameter of a recipe: its *text* as written, with the tool's own
    references in it. *default*: what is given otherwise goes before it (``?=``, ``name='x'``). *added*: put behind what
    it was (``+=``); of a parameter, that it takes all further arguments. *maybe*: it holds under a condition, or is
    worked out."""

    name: str
    text: str = ""
    default: bool = False
    added: bool = False
    maybe: bool = False
    place: Place


class TaskLine(Part, frozen=True, kw_only=True):
    """A line that a task runs, without the marks before it. *ignored*: its failure counts for nothing (``-``).
    *maybe*: it stands under a condition."""

    text: str
    ignored: bool = False
    maybe: bool = False
    place: Place


class Task(Part, frozen=True, kw_only=True):
    """A target of a Makefile, a recipe of a justfile: *needs* come before it, *after* behind it, by name.

    *whole*: its lines are one script, and not a shell each. *added*: it replaces no other one of its name (``::``).
    """

    name: str
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    lines: tuple[TaskLine, ...] = ()
    variables: tuple[TaskVariable, ...] = ()
    parameters: tuple[TaskVariable, ...] = ()
    whole: bool = False
    added: bool = False
    place: Place


class TaskFile(Fact, frozen=True, kw_only=True):
    """A Makefile, justfile, or a part of one that it includes. *includes* as written."""

    called: ClassVar[str] = "file of tasks"

    tool: L["make", "just"]
    variables: tuple[TaskVariable, ...] = ()
    tasks: tuple[Task, ...] = ()
    includes: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        return f"tasks:{self.path}"


# -------------------------------------------------------------------------------------------------------- GitLab CI


class GitlabValue(Part, frozen=True, kw_only=True):
    """A value of a GitLab CI file as written, since what it comes to is made of several files: a *text*, a list
    (*items*), a mapping (*keys* with their *items*), or what another job has (``!reference``: *items* are the path).

    Null is a text that is None. *place* of a text is where it begins, below a block scalar's head.
    """

    kind: L["text", "list", "map", "reference"]
    text: str | None = None
    keys: tuple[str, ...] = ()
    items: tuple[GitlabValue, ...] = ()
    place: Place


class GitlabFile(Fact, frozen=True, kw_only=True):
    """A file of GitLab CI: the pipeline's own, or one that is included. *root* is its mapping."""

    called: ClassVar[str] = "file of GitLab CI"

    root: GitlabValue

    @property
    def identity(self) -> str:
        return f"gitlab-file:{self.path}"


# ------------------------------------------------------------------------------------------------------------ owners


class OwnerRule(Part, frozen=True, kw_only=True):
    """A line of a CODEOWNERS file: whoever owns what *pattern* matches. Without *owners*, nobody does.

    *section*: the heading that it stands below on GitLab, whose sections each have their own last word."""

    pattern: str
    owners: tuple[str, ...] = ()
    section: str = ""
    place: Place


class CodeOwners(Fact, frozen=True, kw_only=True):
    """A CODEOWNERS file; the last rule that matches decides."""

    called: ClassVar[str] = "CODEOWNERS file"

    rules: tuple[OwnerRule, ...] = ()

    @property
    def identity(self) -> str:
        return f"code-owners:{self.path}"


# ------------------------------------------------------------------------------------------------- monitoring


class MetricQuery(Part, frozen=True, kw_only=True):
    """A metric that an expression of Prometheus asks for. *labels* are those that must be there and not be empty."""

    metric: str
    labels: tuple[str, ...] = ()


class MetricRule(Fact, frozen=True, kw_only=True):
    """A rule of Prometheus: an alert, or what it records under a new *name*.

    *either*: its expression may have a value where one of its metrics has none (``or``, ``unless``, ``absent()``), or
    asks for what can't be told.
    """

    called: ClassVar[str] = "rule of Prometheus"

    kind: L["alert", "record"]
    name: str
    queries: tuple[MetricQuery, ...] = ()
    either: bool = False

    @property
    def identity(self) -> str:
        return f"metric-rule:{self.path}#{self.kind}:{self.name}"


class MetricMade(Fact, frozen=True, kw_only=True):
    """A metric that code makes with prometheus_client, or with a class of the same shape.

    *name* is as given, with namespace, subsystem and unit, without what the client puts behind it. *labels* are None
    where they can't be told. *sort* is the class: ``Counter``, ``GaugeMetricFamily``.
    """

    called: ClassVar[str] = "metric of Prometheus"

    sort: str
    name: Expr
    labels: tuple[str, ...] | None = None

    @property
    def identity(self) -> str:
        return f"metric:{self.path}#{render(self.name)}"


class MetricsText(Fact, frozen=True, kw_only=True):
    """A Python file that writes metrics of Prometheus as text, by no library."""

    called: ClassVar[str] = "file that writes metrics as text"

    @property
    def identity(self) -> str:
        return f"metrics-text:{self.path}"


FACTS: tuple[type[Fact], ...] = tuple(
    value
    for value in list(globals().values())
    if isinstance(value, type) and issubclass(value, Fact) and value is not Fact
)
