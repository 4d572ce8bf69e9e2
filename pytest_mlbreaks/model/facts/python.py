"""What Python code says: modules, functions, calls, variables of the environment, data and models that it names."""

from __future__ import annotations

import itertools
from typing import ClassVar
from typing import Literal as L

from pytest_mlbreaks.model.expr import Expr, render
from pytest_mlbreaks.model.facts.base import Fact, Part
from pytest_mlbreaks.model.place import Place


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
    that it asks of what is called settings or configuration (``settings.redis_url``). *tests*: it holds tests, and is
    there for nothing else, so that no more than its imports is told."""

    imports: tuple[Import, ...] = ()
    calls: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    package: bool = False
    main: bool = False
    tests: bool = False

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


class DroppedResult(Fact, frozen=True, kw_only=True):
    """A call that only gives something back, as a statement of its own. *api* is the function, or the name of the
    method of a frame (*method*), *written* what is called, as written; *sure*: its arguments show that it is the
    frame's and no other's; *tried*: the call may only be made to see if it fails."""

    called: ClassVar[str] = "result that is thrown away"

    api: str
    written: str
    method: bool = False
    sure: bool = False
    tried: bool = False
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"dropped:{self.path}#{self.scope}:{self.written}"


class TextAsNumber(Fact, frozen=True, kw_only=True):
    """Code that uses an environment variable, which is text, where only a number will do: it compares (*order*,
    *equal*), counts with it, or gives it to something that refuses text. *written* is that use, *read* where the
    variable is asked for, *default* what it is without: text, a number, or "" for nothing."""

    called: ClassVar[str] = "variable that is used as a number"

    variable: str
    default: L["", "number", "text"]
    how: L["order", "equal", "slice", "counted", "repeated", "argument"]
    written: str
    read: Place
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"text-as-number:{self.path}#{self.scope}:{self.variable}"


class RecordedForward(Fact, frozen=True, kw_only=True):
    """A call of a PyTorch model (*written*, as it is called) that the file puts into evaluation mode at *switched*, in
    a file that nowhere turns the recording of gradients off, and that neither trains nor exports."""

    called: ClassVar[str] = "call of a model that is only evaluated"

    written: str
    switched: Place
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"recorded:{self.path}#{self.scope}:{self.written}"


class GradientGuard(Fact, frozen=True, kw_only=True):
    """A file that says something of the recording of gradients (``no_grad``, ``inference_mode``)."""

    called: ClassVar[str] = "file that turns gradients off"

    @property
    def identity(self) -> str:
        return f"gradients:{self.path}"


class OverwrittenValue(Fact, frozen=True, kw_only=True):
    """A value that a branch gives *name*, and that the function, or the script (*scope* is ""), replaces at *by* before
    anything reads it. *condition*: what the branch asks, as written."""

    called: ClassVar[str] = "value that is overwritten unread"

    name: str
    condition: str
    by: Place
    scope: str

    @property
    def identity(self) -> str:
        return f"overwritten:{self.path}#{self.scope}:{self.name}"


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
