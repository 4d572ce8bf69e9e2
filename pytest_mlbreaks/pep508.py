"""One requirement as text: PEP 508, and what pip takes beside it."""

from __future__ import annotations

import re

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as Parsed
from packaging.utils import canonicalize_name

from pytest_mlbreaks.model import Place
from pytest_mlbreaks.model.facts import Requirement
from pytest_mlbreaks.secrets import redact_url

_EGG = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)")
_OPTION = re.compile(r"\s--(?:hash|config-settings|global-option|install-option)(?:[= ]\S+)")


def is_vcs(source: str) -> bool:
    """Whether a requirement's source is a repository of a version control system (``git+https://...``)."""
    return source.startswith(("git+", "hg+", "svn+", "bzr+"))


def parse(text: str, place: Place, group: str = "") -> Requirement | None:
    """One requirement as written in a file or in pyproject's lists. None where it is none; one without a name where it
    names a path or an archive."""
    hashed = "--hash" in text
    text = _OPTION.sub("", f" {text}").strip()
    text = re.sub(r"\$\{\w+\}", "x", text)
    if re.match(r"(git|hg|svn|bzr)\+|https?://|file:|\.{1,2}(/|\[|$)|/|[\w./-]+\.(whl|tar\.gz|zip)$", text):
        egg = _EGG.search(text)
        name = canonicalize_name(egg[1]) if egg else ""
        return Requirement(place=place, name=name, group=group, source=redact_url(text.partition("#")[0]))
    try:
        parsed = Parsed(text)
    except RecursionError:  # a marker in very many parentheses
        return None
    except InvalidRequirement:
        if re.match(r"[\w./-]+/[\w./-]*(\[[\w,-]+\])?$", text):
            return Requirement(place=place, name="", group=group, source=text)
        return None
    return Requirement(
        place=place,
        name=canonicalize_name(parsed.name),
        specifier=",".join(sorted(str(s) for s in parsed.specifier)),
        extras=tuple(sorted(parsed.extras)),
        marker=str(parsed.marker) if parsed.marker else "",
        group=group,
        source=redact_url(parsed.url) if parsed.url else "index",
        hashed=hashed,
    )
