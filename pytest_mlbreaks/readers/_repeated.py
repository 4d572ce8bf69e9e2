"""Keys that one mapping has twice, for the readers of tools that refuse them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal as L

from pytest_mlbreaks.formats.yaml import YamlFile
from pytest_mlbreaks.model.facts import RepeatedKey

_TEMPLATE = re.compile(r"template|tmpl|tpl")
_DIRECTIVE = re.compile(r"^\s*#[!%] ?\w", re.MULTILINE)
"""A comment that tells another program what to leave out: ``#!for prod``."""


def repeated_keys(file: YamlFile, tool: L["github", "compose"]) -> Iterator[RepeatedKey]:
    """The repeated keys of *file*, a file of *tool*, expressions aside; none of a template of compose files."""
    if not file.repeated or (tool == "compose" and _is_template(file)):
        return
    for one in file.repeated:
        if "${{" not in one.text:
            yield RepeatedKey(tool=tool, key=one.text, first=one.first, place=one.again)


def _is_template(file: YamlFile) -> bool:
    name = file.path.rpartition("/")[2].lower()
    return _TEMPLATE.search(name) is not None or _DIRECTIVE.search(file.text) is not None
