"""Routes that are served, and calls that code makes."""

from __future__ import annotations

from typing import ClassVar
from typing import Literal as L

from pytest_mlbreaks.model.expr import Expr, render
from pytest_mlbreaks.model.facts.base import Fact, Part
from pytest_mlbreaks.model.place import Place


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


class AddressLimit(Fact, frozen=True, kw_only=True):
    """A limit on requests that is counted *by* the address that a connection comes from, in a file that speaks of no
    header by which a proxy tells whose it is."""

    called: ClassVar[str] = "limit by the address of a connection"

    by: str
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"address-limit:{self.path}#{self.scope}:{self.by}"


class InjectedId(Fact, frozen=True, kw_only=True):
    """A parameter that FastAPI fills with what *dependency* gives (``Depends``), and that is an id by its name, or a
    text or number by its *annotation* ("" where there is none).

    *used*: its function does something with it. *opened*: it takes something of it (``user_id.id``), or asks what it
    is.
    """

    called: ClassVar[str] = "parameter that is injected as an id"

    name: str
    annotation: str = ""
    dependency: str
    opened: bool = False
    used: bool = True
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"injected:{self.path}#{self.scope}:{self.name}"


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
