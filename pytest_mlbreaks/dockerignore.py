"""What a ``.dockerignore`` leaves out of a build context.

Source: https://docs.docker.com/build/concepts/context/#dockerignore-files
"""

from __future__ import annotations

import functools
import posixpath
import re
from collections.abc import Sequence


def is_dockerignored(path: str, context: str, patterns: Sequence[str]) -> bool:
    """Whether ``.dockerignore`` *patterns* leave *path* out of *context*: the last one that matches decides."""
    if not patterns:
        return False
    inside = path[len(context) :].lstrip("/") if context else path
    out = False
    for pattern in patterns:
        expression = _ignore_pattern(pattern)
        if expression is not None and expression.match(inside):
            out = not pattern.startswith("!")
    return out


@functools.lru_cache(maxsize=4096)
def _ignore_pattern(pattern: str) -> re.Pattern[str] | None:
    """One line of a ``.dockerignore`` as an expression for files: a folder's match is a match of all in it.
    None where it means nothing: ``.``, ``/``, or one that Docker refuses."""
    pattern = posixpath.normpath(pattern.removeprefix("!").strip() or ".").lstrip("/")
    if pattern in (".", ""):
        return None
    text = ""
    index = 0
    while index < len(pattern):
        char = pattern[index]
        if pattern.startswith("**/", index):
            text, index = text + "(?:.*/)?", index + 3
        elif pattern.startswith("**", index):
            text, index = text + ".*", index + 2
        elif char == "*":
            text, index = text + "[^/]*", index + 1
        elif char == "?":
            text, index = text + "[^/]", index + 1
        elif char == "[" and "]" in pattern[index + 2 :]:
            end = pattern.index("]", index + 2)
            text, index = text + pattern[index : end + 1].replace("\\", "").replace("[[", "[\\["), end + 1
        elif char == "\\" and index + 1 < len(pattern):
            text, index = text + re.escape(pattern[index + 1]), index + 2
        else:
            text, index = text + re.escape(char), index + 1
    try:
        return re.compile(f"{text}(?:/|$)")
    except re.error:
        return None
