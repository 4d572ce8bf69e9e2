"""Text of the judged tree, fit to be shown: without what steers a terminal, and without secrets.

Whatever a repository holds is data here. A value is masked where its key, or the key that it stands under, looks like
a secret's, and where it has the form of a well-known credential.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from pytest_mlbreaks.secrets import redact_url, secret_key

MASK = "***"

_QUOTED_PAIR = re.compile(
    r"""(?P<before>(?P<quote>["']?)(?P<key>[A-Za-z_][\w.-]{0,79})(?P=quote)\]?\s{0,20}(?:[:=]|:=|=>)\s{0,20}[rbfu]?)"""
    r"""(?P<value>"[^"\n]*"|'[^'\n]*')"""
)
_DEFAULT = re.compile(  # os.environ.get("DB_PASSWORD", "...")
    r"""(?P<before>["'](?P<key>[A-Z][A-Z0-9_]{2,79})["']\s{0,20},\s{0,20}[rbfu]?)(?P<value>"[^"\n]*"|'[^'\n]*')"""
)
_STRING = re.compile(r""""[^"\n]*"|'[^'\n]*'""")
_PLAIN_PAIR = re.compile(
    r"""^(?P<before>\s*(?:#+\s*)?(?:-\s+)?["']?(?P<key>[A-Za-z_][\w.-]*)["']?\s*[:=]\s*)(?P<value>[^\s"'|>&*!#].*)$"""
)
_DOCKER_PAIR = re.compile(r"^(?P<before>\s*(?:ENV|ARG)\s+(?P<key>[A-Za-z_]\w*)[\s=]\s*)(?P<value>\S.*)$", re.IGNORECASE)
_REFERENCE = re.compile(r"""^["']?\$|^["']?\{\{|^["']?%[A-Z_]+%""")
_YAML_KEY = re.compile(r"""^(?P<indent>\s*(?:-\s+)*)["']?(?P<key>[A-Za-z_][\w./-]*)["']?\s*:(?:\s|$)""")
_NAME_ENTRY = re.compile(r"""^\s*(?:-\s+)?["']?name["']?\s*[:=]\s*["']?(?P<name>[\w.-]+)""")
_VALUE_ENTRY = re.compile(r"""^(?P<before>\s*(?:-\s+)?["']?value["']?\s*[:=]\s*)(?P<value>\S.*)$""")
_CODE = (".py", ".ipynb", ".js", ".ts", ".go", ".java", ".scala", ".r", ".R")


def redact_line(path: str, lines: Sequence[str], index: int) -> str:
    """Line *index* (0-based) of *lines*, the content of *path*, with `MASK` for what looks like a secret."""
    line = lines[index]
    code = path.endswith(_CODE)
    if not code:
        whole = _under_secret(lines, index)
        if whole:
            return whole
        line = _PLAIN_PAIR.sub(_mask, line)
        line = _DOCKER_PAIR.sub(_mask, line)
    line = _DEFAULT.sub(_mask_quoted, _QUOTED_PAIR.sub(_mask_quoted, line))
    if code:  # outside of strings, password=None is a name and its value is code
        return _STRING.sub(lambda match: match[0][0] + redact_url(match[0][1:-1]) + match[0][0], line)
    return redact_url(line)


def _mask(match: re.Match[str]) -> str:
    if not secret_key(match["key"]) or _REFERENCE.match(match["value"]):
        return match[0]
    return f"{match['before']}{MASK}"


def _mask_quoted(match: re.Match[str]) -> str:
    value = match["value"]
    if not secret_key(match["key"]) or len(value) == 2 or _REFERENCE.match(value):
        return match[0]
    return f"{match['before']}{value[0]}{MASK}{value[0]}"


def _under_secret(lines: Sequence[str], index: int) -> str | None:
    """The line with all of its value masked, where what stands above (or, for an entry of ``name:`` and ``value:``,
    beside) it makes it a secret; else None."""
    line = lines[index]
    entry = _VALUE_ENTRY.match(line)
    if entry and not _REFERENCE.match(entry["value"]):
        for beside in (index - 1, index + 1):
            named = _NAME_ENTRY.match(lines[beside]) if 0 <= beside < len(lines) else None
            if named and secret_key(named["name"]):
                return f"{entry['before']}{MASK}"
    indent = len(line) - len(line.lstrip())
    if not indent or not line.strip():
        return None
    for above in range(index - 1, max(-1, index - 200), -1):
        text = lines[above]
        if not text.strip() or len(text) - len(text.lstrip()) >= indent:
            continue
        key = _YAML_KEY.match(text)
        if key is None:
            return None
        name = key["key"]
        hidden = name == "stringData" or (name == "data" and _in_secret_object(lines, above))
        block = secret_key(name) and text.rstrip().endswith(("|", ">", "|-", ">-", "|+", ">+"))
        if block:
            return " " * indent + MASK
        if hidden:
            own = _YAML_KEY.match(line)
            return f"{line[: own.end()].rstrip()} {MASK}" if own else " " * indent + MASK
        return None
    return None


def _in_secret_object(lines: Sequence[str], index: int) -> bool:
    """Whether the YAML document around line *index* is a manifest of kind Secret."""
    for step in (-1, 1):
        number = index
        while 0 <= number < len(lines) and abs(number - index) < 500:
            if lines[number].startswith("---"):
                break
            if re.match(r"^\s*kind:\s*[\"']?Secret\b", lines[number]):
                return True
            number += step
    return False


def clean(text: str, limit: int = 500) -> str:
    """*text* on one line, without anything that steers a terminal, clipped to *limit* characters."""
    shown = "".join(map(_harmless, " ".join(text[: 4 * limit].split())))
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _harmless(char: str) -> str:
    if char.isprintable() or char == " ":
        return char
    return "�"


def cells(text: str) -> list[tuple[str, int]]:
    """What each character of a line is shown as, and how many columns of a terminal that takes."""
    return [("    ", 4) if c == "\t" else (_harmless(c), _width(c)) for c in text]


def _width(char: str) -> int:
    if char.isascii():
        return 1
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
