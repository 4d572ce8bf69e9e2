"""What training and serving code does that can go wrong."""

from __future__ import annotations

from typing import ClassVar
from typing import Literal as L

from pytest_mlbreaks.model.expr import Expr, render
from pytest_mlbreaks.model.facts.base import Fact, Part
from pytest_mlbreaks.model.place import Place


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
