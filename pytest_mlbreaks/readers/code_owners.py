"""CODEOWNERS: who answers for which paths.

Rules: https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
and https://docs.gitlab.com/user/project/codeowners/reference/ (sections with owners of their own).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.formats.text import TEXT, TextFile
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.facts import CodeOwners, OwnerRule
from pytest_mlbreaks.reading import Reader, Wanted

_PATHS = frozenset({"CODEOWNERS", ".github/CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"})
_SECTION = re.compile(r"\^?\[([^\]]+)\](?:\[\d+\])?(.*)")
_WORD = re.compile(r"(?:\\.|[^\s\\])+")


def _claims(path: str) -> bool:
    return path.endswith("CODEOWNERS") and path in _PATHS


def _read(file: TextFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    yield CodeOwners(rules=tuple(_rules(file)), place=Place(file.path, 1))


def _rules(file: TextFile) -> Iterator[OwnerRule]:
    section, inherited = "", ()
    for number, line in enumerate(file.lines, 1):
        text = re.split(r"(?:^|(?<=\s))#", line, maxsplit=1)[0].strip()
        if not text:
            continue
        heading = _SECTION.fullmatch(text)
        if heading is not None:
            section, inherited = heading[1], tuple(heading[2].split())
            continue
        pattern, *owners = _WORD.findall(text)
        yield OwnerRule(
            pattern=re.sub(r"\\([ #])", r"\1", pattern),
            owners=tuple(owners) or inherited,
            section=section,
            place=Place(file.path, number),
        )


READER: Reader[TextFile] = Reader("code-owners", 1, TEXT, (CodeOwners,), _claims, _read)
