"""Jobs of Helm charts that are ordinary objects of a release: no hook, a name that stays, and nothing that removes them
when they are done."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.formats.helm import BRACKETS, HELM, HOLE, HelmFile
from pytest_mlbreaks.formats.yaml import YamlNode
from pytest_mlbreaks.model import Diagnostic, Fact
from pytest_mlbreaks.model.facts import LastingJob
from pytest_mlbreaks.reading import Reader, Wanted

_STAYS = re.compile(
    r'(?:include|template) "[\w.-]*[nN]ame" [$.]|\.Release\.(?:Name|Namespace)|\.Chart\.Name|\.Values\.[\w.]*[nN]ame\w*'
)
"""What a chart puts into a name that is the same in each release of it."""


def _claims(path: str) -> bool:
    return path.endswith((".yaml", ".yml")) and "/templates/tests/" not in path


def _read(file: HelmFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The jobs of one template."""
    for node in file.documents:
        name, spec = node.get("metadata", "name"), node.get("spec")
        if _said(node.get("kind"), file) != "Job" or name is None or spec is None:
            continue
        marks = node.get("metadata", "annotations")
        if marks is not None and (not marks.is_mapping or any(map(_decides, _keys(marks)))):
            continue
        if any(key == "ttlSecondsAfterFinished" or _is_filled(key) for key in _keys(spec)):
            continue
        if _stays(name, file):
            yield LastingJob(place=name.place, chart=file.chart, name=_said(name, file))


def _keys(node: YamlNode) -> list[str]:
    return [key for key, _, _ in node.items()] if node.is_mapping else [BRACKETS]


def _decides(key: str) -> bool:
    """Whether an annotation says when the job is run, or may do so."""
    return "hook" in key or "sync-options" in key or _is_filled(key)


def _is_filled(text: str) -> bool:
    return any(bracket in text for bracket in BRACKETS)


def _said(node: YamlNode | None, file: HelmFile) -> str:
    """What a node says, as the template writes it."""
    text = node.text or "" if node is not None else ""
    return HOLE.sub(lambda match: file.holes[int(match[1])].text, text)


def _stays(name: YamlNode, file: HelmFile) -> bool:
    """Whether a name is the same after each upgrade."""
    holes = [file.holes[int(match[1])].text for match in HOLE.finditer(name.text or "")]
    return all(_STAYS.fullmatch(hole) or re.fullmatch(r"[a-z0-9.-]+", hole) for hole in holes)


READER: Reader[HelmFile] = Reader("helm-jobs", 1, HELM, (LastingJob,), _claims, _read, templates=True)
