"""Checks: one way to break each, and what they say."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, Literal, Protocol, TypeVar

from pytest_mlbreaks import taxonomy
from pytest_mlbreaks.model import Fact, Pipeline, Place

Evidence = Literal["static", "cross-artifact"]


class Severity(enum.IntEnum):
    """How bad it is when it happens."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3

    def __str__(self) -> str:
        return self.name.lower()


class Confidence(enum.IntEnum):
    """How sure we are that it is so."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3

    def __str__(self) -> str:
        return self.name.lower()


class Subject(Protocol):
    """What a check can look at: a fact, or something that link made of facts."""

    @property
    def identity(self) -> str: ...

    @property
    def place(self) -> Place: ...


S = TypeVar("S")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that can break production.

    *at*: the primary place, where one would make the change. *message*: one sentence or two, holding the values found.
    *because*: the related places that prove it, each with a note. *about*: identities that, with the subject's own,
    tell this finding from the check's others on the same subject (never a line or a message). *fix*: what to do here,
    where the page's "What to do" is not enough. *severity* and *confidence* may be lower than the check's, and then
    *lowered* says why. *group*: findings of one check that give the same are told as one, the gravest with the places
    of the others, each with its *note*.
    """

    at: Place
    message: str
    because: tuple[tuple[Place, str], ...] = ()
    about: tuple[str, ...] = ()
    fix: str = ""
    severity: Severity | None = None
    confidence: Confidence | None = None
    lowered: str = ""
    group: str = ""
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Unjudged:
    """A subject that the check looked at and could not decide. *reason* is a short phrase that others will share."""

    at: Place
    reason: str


Verdict = Finding | Unjudged
Find = Callable[..., Iterator[Verdict]]


@dataclasses.dataclass(frozen=True)
class Rule(Generic[S]):
    """One subject type of a check, and the function that looks at it."""

    subject: type[S]
    find: Callable[..., Iterator[Verdict]]
    where: Callable[[S, Pipeline], bool] | None
    given: tuple[type[Fact], ...]
    options: Mapping[str, Any]


class CheckError(Exception):
    """A check that is not written as it has to be; the text says how."""


class Check:
    """A check. Its id and category are the names of its file and folder; its page is the ``.md`` beside it.

    *module*: ``__name__`` of its module. *severity*, *confidence*: the most that a finding of it can have.
    *since*: the version it came with. *raised*: by version, the severity and confidence that were the most until then,
    where a later version raised one of them: what fails only because of that is a preview first. *also*: categories
    that are as true. *formerly*: earlier ids.
    *evidence*: ``cross-artifact`` where findings rest on several files. *calls*: callee names that it wants as `Call`
    facts (``mlflow.set_tracking_uri``, ``*.to_sql``).
    """

    def __init__(
        self,
        module: str,
        *,
        severity: Severity,
        confidence: Confidence,
        since: str,
        evidence: Evidence = "static",
        also: tuple[str, ...] = (),
        formerly: tuple[str, ...] = (),
        calls: tuple[str, ...] = (),
        raised: Mapping[str, tuple[Severity, Confidence]] | None = None,
    ) -> None:
        folder, _, name = module.rpartition(".")
        self.id = name.replace("_", "-")
        self.category = folder.rpartition(".")[2].replace("_", "-")
        self.module = module
        self.severity = severity
        self.confidence = confidence
        self.since = since
        self.evidence = evidence
        self.also = also
        self.formerly = formerly
        self.calls = calls
        self.raised = dict(raised or {})
        self.rules: tuple[Rule[Any], ...] = ()
        for identifier in (self.category, *also):
            if identifier not in taxonomy.categories():
                raise CheckError(f"{module}: no category {identifier!r} in the taxonomy")

    def over(
        self,
        subject: type[S],
        *,
        where: Callable[[S, Pipeline], bool] | None = None,
        given: tuple[type[Fact], ...] = (),
    ) -> Callable[[Find], Find]:
        """Register a generator as the check's look at each *subject*.

        *where* tells which subjects it concerns (the others are neither judged nor unjudged). *given*: with
        `Pipeline` as the subject, the fact types that must be there for an absence to mean something.
        The generator takes (subject, pipeline) and its options as keyword-only parameters with defaults.
        """

        def register(find: Find) -> Find:
            parameters = list(inspect.signature(find).parameters.values())
            options = {p.name: p.default for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}
            positional = [p for p in parameters if p.kind is not inspect.Parameter.KEYWORD_ONLY]
            if len(positional) != 2 or any(default is inspect.Parameter.empty for default in options.values()):
                raise CheckError(f"{self.module}.{find.__name__}: takes (subject, pipeline, *, option=default, ...)")
            if not inspect.isgeneratorfunction(find):
                raise CheckError(f"{self.module}.{find.__name__}: must be a generator (yield Finding or Unjudged)")
            self.rules += (Rule(subject, find, where, given, options),)
            return find

        return register

    @property
    def options(self) -> dict[str, Any]:
        """Names and defaults of all options."""
        return {name: default for rule in self.rules for name, default in rule.options.items()}

    @property
    def title(self) -> str:
        """The first line of the module's docstring, without its full stop."""
        doc = sys.modules[self.module].__doc__ or ""
        return doc.strip().partition("\n")[0].rstrip(".")

    def __repr__(self) -> str:
        return f"<Check {self.category}/{self.id}>"
