"""Applications of Argo CD: what of a repository they bring to a cluster, and what they change of it on the way
(https://argo-cd.readthedocs.io/en/stable/user-guide/application-specification/)."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mlbreaks.formats.yaml import YamlNode
from pytest_mlbreaks.model import Place
from pytest_mlbreaks.model.expr import Expr, Unknown
from pytest_mlbreaks.model.facts import Application, Variable
from pytest_mlbreaks.placeholders import TEMPLATED, kept_secret, written

_WAVE = "argocd.argoproj.io/sync-wave"
_IMAGES = "argocd-image-updater.argoproj.io/image-list"


def applications(node: YamlNode, path: str, place: Place) -> Iterator[Application]:
    """The applications that an ``Application``, or the template of an ``ApplicationSet``, is: one for each source."""
    template = node.get("spec", "template")
    whole = template if template is not None else node
    spec = whole.get("spec")
    if spec is None:
        return
    annotations = node.get("metadata", "annotations")
    updated = annotations is not None and annotations.get(_IMAGES) is not None
    wave = _text(annotations.get(_WAVE)) if annotations is not None else ""
    for source in _sources(spec):
        images = source.get("kustomize", "images")
        yield Application(
            name=_text(node.get("metadata", "name")),
            source=_expr(source.get("path")),
            chart=_text(source.get("chart")),
            value_files=tuple(_expr(e) or TEMPLATED for e in _elements(source.get("helm", "valueFiles"))),
            parameters=tuple(_parameters(source, path)),
            values_inline=any(source.get("helm", key) is not None for key in ("values", "valuesObject")),
            sets_images=updated or images is not None,
            namespace=_text(spec.get("destination", "namespace")),
            wave=int(wave) if wave.lstrip("-").isdigit() and len(wave) < 10 else 0,
            automated=spec.get("syncPolicy", "automated") is not None,
            place=place,
        )


def _sources(spec: YamlNode) -> Iterator[YamlNode]:
    single = spec.get("source")
    if single is not None:
        yield single
    yield from _elements(spec.get("sources"))


def _parameters(source: YamlNode, path: str) -> Iterator[Variable]:
    for element in _elements(source.get("helm", "parameters")):
        name, value = _text(element.get("name")), element.get("value")
        if name:
            given = _expr(value) or Unknown("no value is given")
            last = name.rpartition(".")[2]
            yield Variable(name=name, value=kept_secret(last, _text(value), path, given), place=element.place)


def _expr(node: YamlNode | None) -> Expr | None:
    if node is None:
        return None
    if node.is_template:
        return TEMPLATED
    return written(node.text) if node.text is not None else None


def _text(node: YamlNode | None) -> str:
    return (node.text or "") if node is not None else ""


def _elements(node: YamlNode | None) -> Iterator[YamlNode]:
    return iter(node.elements()) if node is not None else iter(())
