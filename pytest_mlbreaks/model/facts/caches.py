"""What code keeps."""

from __future__ import annotations

from typing import ClassVar
from typing import Literal as L

from pytest_mlbreaks.model.facts.base import Fact, Part
from pytest_mlbreaks.model.place import Place


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
    those who only take that look do not wait for it. *flag*: *name* is no object, but says of the class's only one that
    it is complete (``self._initialized = True``); *made* is then the class.
    """

    called: ClassVar[str] = "object kept before it is complete"

    name: str
    made: str = ""
    step: str
    completed: Place
    awaited: bool = False
    locked: bool = False
    flag: bool = False
    scope: str = ""

    @property
    def identity(self) -> str:
        return f"kept-early:{self.path}#{self.scope}:{self.name}"


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
