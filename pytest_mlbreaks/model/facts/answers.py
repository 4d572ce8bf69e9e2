"""What services answer, and what callers make of it."""

from __future__ import annotations

from typing import ClassVar
from typing import Literal as L

from pytest_mlbreaks.model.facts.base import Fact, Part
from pytest_mlbreaks.model.place import Place


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
