"""Text with expressions in it, made into text that can be split and matched.

Each expression is taken out and one character of Unicode's private use area, its *slot*, put in its place. Once a
piece of the text has been cut out, the expression of that piece can be asked for.
"""

from __future__ import annotations

import re

from pytest_mlbreaks.model.expr import Choice, Concat, EnvVar, Expr, Literal, Unknown
from pytest_mlbreaks.secrets import redact_url

SLOT = re.compile("([\ue000-\uf8ff])")

_FIRST = 0xE000
_COUNT = 0xF8FF - _FIRST + 1
_PASSWORD = re.compile("://[^\\s:/@?#]*:([\ue000-\uf8ff])@")


class Slots:
    """The expressions taken out of one text."""

    def __init__(self) -> None:
        self._exprs: list[Expr] = []

    def __bool__(self) -> bool:
        return bool(self._exprs)

    def hold(self, expr: Expr) -> str:
        """Keep *expr*, and give the character that stands for it. Raises ValueError when there are too many."""
        if len(self._exprs) == _COUNT:
            raise ValueError("too many expressions in one text")
        self._exprs.append(expr)
        return chr(_FIRST + len(self._exprs) - 1)

    def redact(self, text: str) -> str:
        """The text without passwords, and the expressions that stand for one without their defaults."""
        for match in _PASSWORD.finditer(text):
            index = ord(match[1]) - _FIRST
            self._exprs[index] = sealed(self._exprs[index], Unknown("a password"))
        return redact_url(text)

    def expr(self, piece: str) -> Expr:
        """The expression that *piece*, a part of the text, is."""
        if not self._exprs:
            return Literal(piece)
        parts: list[Expr] = []
        for part in SLOT.split(piece):
            index = ord(part) - _FIRST if len(part) == 1 else -1
            if 0 <= index < len(self._exprs):
                parts.append(self._exprs[index])
            elif part:
                parts.append(Literal(part))
        return join(parts)


def join(parts: list[Expr]) -> Expr:
    """The parts one after the other, in the simplest form; inner concatenations are laid open."""
    flat: list[Expr] = []
    for part in parts:
        for piece in part.parts if isinstance(part, Concat) else (part,):
            last = flat[-1] if flat else None
            if isinstance(piece, Literal) and isinstance(last, Literal):
                flat[-1] = Literal(f"{last.value}{piece.value}")
            else:
                flat.append(piece)
    if len(flat) == 1:
        return flat[0]
    return Concat(tuple(flat)) if flat else Literal("")


def plain(text: str) -> str:
    """The text without characters that could be mistaken for slots."""
    return text if text.isascii() else SLOT.sub("\N{REPLACEMENT CHARACTER}", text)


def sealed(expr: Expr, secret: Expr) -> Expr:
    """The expression with *secret* for each literal in it: variables stay, what they hold goes.

    Nothing (an empty text) and truth values (``persist-credentials: false``) are no secrets.
    """
    if isinstance(expr, Literal):
        return expr if str(expr.value).lower() in ("", "true", "false") else secret
    if isinstance(expr, EnvVar) and expr.default is not None:
        return EnvVar(expr.key, sealed(expr.default, secret), expr.scope, expr.empty_counts)
    if isinstance(expr, Concat):
        return Concat(tuple(sealed(part, secret) for part in expr.parts))
    if isinstance(expr, Choice):
        return Choice(tuple(sealed(option, secret) for option in expr.options))
    return expr
