"""Expressions: what a file says about a value, when the value itself may be decided elsewhere.

A reader writes down an expression and never guesses. Link turns it into a `Value` for one process.
"""

from __future__ import annotations

from typing import Literal as L

import msgspec

Scalar = str | int | float | bool | None


class Literal(msgspec.Struct, frozen=True, tag="literal"):
    """A value that stands in the file as it is."""

    value: Scalar


class Name(msgspec.Struct, frozen=True, tag="name"):
    """A Python name as it stands in the code, dots included (``settings.BUCKET``), seen from the file *path*.

    *scope* is the qualified name of the enclosing function, or "" at module level.
    """

    path: str
    name: str
    scope: str = ""


class EnvVar(msgspec.Struct, frozen=True, tag="env"):
    """A variable that the surroundings give.

    *scope* says whose: ``process`` the running process (``os.environ``), ``host`` the shell that starts a tool
    (``${TAG}`` in a compose file), ``build`` a build argument (``ARG`` in a Dockerfile).
    *default* is what holds when it is not set (``None``: the variable is then missing);
    *empty_counts* is true where an empty value is treated as not set (``${X:-y}``).
    """

    key: str
    default: Expr | None = None
    scope: L["process", "host", "build"] = "process"
    empty_counts: bool = False


class ConfigKey(msgspec.Struct, frozen=True, tag="config"):
    """A key of a configuration object or file: ``configmap/serving-config``, ``settings.yaml``; of the first of several
    files of the tree that has it: ``file/params.yaml|conf/params.yaml``; of the values of the Helm chart in a folder:
    ``values/deploy/chart``. *default* is what holds where it is missing or empty (``None``: it is then not known)."""

    store: str
    key: str
    default: Expr | None = None


class SecretKey(msgspec.Struct, frozen=True, tag="secret"):
    """A secret, by name. Its value is never read; two secrets of one name are one secret."""

    store: str
    key: str


class Context(msgspec.Struct, frozen=True, tag="context"):
    """A value that a tool supplies when it runs: ``github.sha``, ``matrix.python``, ``ds``."""

    tool: str
    name: str


class Concat(msgspec.Struct, frozen=True, tag="concat"):
    """The parts, one after the other, as text."""

    parts: tuple[Expr, ...]


class PathJoin(msgspec.Struct, frozen=True, tag="path"):
    """The parts joined as a POSIX path (an absolute part drops what stands before it)."""

    parts: tuple[Expr, ...]


class Choice(msgspec.Struct, frozen=True, tag="choice"):
    """One of several, decided when it runs (``a if x else b``, two assignments, ``x or y``)."""

    options: tuple[Expr, ...]


class Items(msgspec.Struct, frozen=True, tag="items"):
    """A list, tuple or set, in order."""

    items: tuple[Expr, ...]


class Entries(msgspec.Struct, frozen=True, tag="entries"):
    """A mapping with keys that are text; *partial* where it unpacks another, or has keys that can't be told."""

    entries: tuple[tuple[str, Expr], ...]
    partial: bool = False


class Made(msgspec.Struct, frozen=True, tag="made"):
    """What a call makes (``timedelta(days=1)``, ``Retry(3)``): the qualified callee, its arguments by position and
    by name. A value object of code, not something that can be told as text."""

    callee: str
    arguments: tuple[Expr, ...] = ()
    keywords: tuple[tuple[str, Expr], ...] = ()


class Unknown(msgspec.Struct, frozen=True, tag="unknown"):
    """Not told by the file; *reason* is a short phrase for people (``"result of a call to boto3.client"``)."""

    reason: str


Expr = (
    Literal
    | Name
    | EnvVar
    | ConfigKey
    | SecretKey
    | Context
    | Concat
    | PathJoin
    | Choice
    | Items
    | Entries
    | Made
    | Unknown
)


def literal_text(expr: Expr | None) -> str | None:
    """The text of a literal string, or None for everything else."""
    if isinstance(expr, Literal) and isinstance(expr.value, str):
        return expr.value
    return None


def render(expr: Expr) -> str:
    """A short text that tells one expression from another, for identities; never shown as a value."""
    match expr:
        case Literal(value=value):
            return repr(value)
        case Name(name=name):
            return name
        case EnvVar(key=key) | ConfigKey(key=key) | SecretKey(key=key):
            return f"${key}"
        case Context(tool=tool, name=name):
            return f"{tool}.{name}"
        case Concat(parts=parts) | PathJoin(parts=parts) | Choice(options=parts) | Items(items=parts):
            return f"[{','.join(render(part) for part in parts)}]"
        case Entries(entries=entries):
            return f"{{{','.join(f'{key}:{render(value)}' for key, value in entries)}}}"
        case Made(callee=callee, arguments=arguments):
            return f"{callee}({','.join(render(argument) for argument in arguments)})"
        case Unknown():
            return "?"
