"""Text of manifests and configuration, in which other tools may have left places to fill in.

What such a place is filled with stands elsewhere: it becomes an expression, and passwords are taken out of the rest.
"""

from __future__ import annotations

import re

from pytest_mlbreaks.model.expr import Context, EnvVar, Expr, Literal, SecretKey, Unknown
from pytest_mlbreaks.secrets import redact_url, secret_key
from pytest_mlbreaks.slots import Slots, plain, sealed

TEMPLATED = Unknown("filled in by a template")
INTERPOLATED = "interpolation"
"""The tool of the `Context` that ``${a.b}`` is: another key of the configuration, as OmegaConf and Hydra have it."""

_KEY = re.compile(r"[A-Za-z_]\w*(?:\.\w+)*")

_BLOCK = re.compile(r"\{%|\{\{-?\s*(?:if|else|end|range|with|define|block)\b")
_OPEN = re.compile(r"\{\{[^{}]*\}\}|(?<![A-Za-z0-9_])__[A-Z][A-Z0-9_]{0,60}?__(?![A-Za-z0-9_])|#\{[^{}\n]{1,80}\}#")
_VARIABLE = re.compile(
    r"\$\{(?P<name>[A-Za-z_]\w*)(?:(?P<colon>:?)-(?P<default>[^{}$]*))?\}|\$(?P<bare>[A-Z_][A-Z0-9_]*)"
    r"|\$\{(?:oc\.)?env:(?P<own>[A-Za-z_]\w*)(?:,(?P<own_default>[^{}$]*))?\}|\$\{[^{}]*\}"
)
_ANGLE = re.compile(r"<[A-Za-z_][\w.-]{0,60}>")
_ANGLE_ONLY = re.compile(r"<[A-Za-z_][^<>\n]{0,80}>")
_LINE = re.compile(
    r"""^([ \t]*(?:-[ \t]+)?["']?([\w.-]{2,60})["']?[ \t]*[:=][ \t]*)([^\s"'{\[|>&*].*|"[^"\n]+".*|'[^'\n]+'.*)$""",
    re.MULTILINE,
)
_PRIVATE = re.compile(r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY|\bAKIA[0-9A-Z]{16}\b|\b(?:ghp|gho|ghs)_[A-Za-z0-9]{30,}")
_TRUTH = frozenset({"true", "false", "yes", "no", "on", "off", "none", "null"})


def fill_in(text: str, slots: Slots, *, shell: bool = False) -> Expr:
    """The expression that *text* is; *slots* holds what has been taken out of it before.

    ``${NAME}``, ``${NAME:-default}`` and ``$NAME`` are variables of the shell that fills the file in (envsubst), unless
    *shell* says that the text is for a shell that runs later, or it has several lines; ``${oc.env:NAME}`` (OmegaConf)
    is one of the program, ``${a.b}`` another key of the configuration. Other ``${...}``, ``{{ x }}``, ``__X__``,
    ``#{X}#`` and ``<X>`` are unknown. Passwords in URLs, and after names that tell a secret, become ``***``.
    """
    if "{%" in text or ("{{" in text and _BLOCK.search(text)):
        return TEMPLATED
    later = shell or "\n" in text
    try:
        if "{{" in text or "__" in text or "#{" in text:
            text = _OPEN.sub(lambda _: slots.hold(TEMPLATED), text)
            if "{{" in text and not later:
                return TEMPLATED
        if not later:
            if "<" in text:
                if _ANGLE_ONLY.fullmatch(text):
                    return TEMPLATED
                if " " not in text:
                    text = _ANGLE.sub(lambda _: slots.hold(TEMPLATED), text)
            if "$" in text:
                text = _VARIABLE.sub(lambda match: slots.hold(_variable(match)), text)
    except ValueError:
        return Unknown("too many placeholders")
    if "\n" in text:
        text = _LINE.sub(_without_secret, text)
    return slots.expr(slots.redact(text))


def written(text: str, *, shell: bool = False) -> Expr:
    """`fill_in` of a text that nothing has been taken out of."""
    if "$" in text or "{" in text or "<" in text or "__" in text or "\n" in text:
        return fill_in(plain(text), Slots(), shell=shell)
    return Literal(redact_url(text))


def kept_secret(name: str, text: str, store: str, value: Expr) -> Expr:
    """*value*, or the secret *name* of *store* in place of what is literal in it, if the name, or *text*, the value as
    written, tells that it is one. Truth values are none."""
    if _PRIVATE.search(text):
        return SecretKey(store, name)
    if secret_key(name) and text.lower() not in _TRUTH:
        return sealed(value, SecretKey(store, name))
    return value


def _variable(match: re.Match[str]) -> Expr:
    if match["own"]:
        default = match["own_default"]
        return EnvVar(match["own"], Literal(default.strip("'\" ")) if default is not None else None)
    name, default = match["name"] or match["bare"], match["default"]
    if name is None or (default is None and not name.isupper()):
        key = match[0][2:-1]
        return Context(INTERPOLATED, key) if _KEY.fullmatch(key) else Unknown("interpolated when it is loaded")
    return EnvVar(name, Literal(default) if default is not None else None, "host", bool(match["colon"]))


def _without_secret(match: re.Match[str]) -> str:
    if not secret_key(match[2]) or match[3].strip(" \t\"',").lower() in _TRUTH or "$" in match[3] or "{{" in match[3]:
        return match[0]
    return f"{match[1]}***"
