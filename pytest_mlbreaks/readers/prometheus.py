"""Prometheus: rules of alerts and recordings with the metrics that they ask for, and metrics that Python code makes.

A rule stands in a file of rules, in a PrometheusRule, below the values of a chart (``groups`` with ``rules``, wherever
they are), or as text in a ConfigMap. Of an expression only the names of metrics, and the labels that a series has to
have, are taken: https://prometheus.io/docs/prometheus/latest/querying/basics/.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from pytest_mlbreaks.formats.python import PYTHON, CallSite, PythonFile
from pytest_mlbreaks.formats.yaml import YAML, YamlFile, YamlNode
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.expr import Concat, Expr, Literal, Unknown
from pytest_mlbreaks.model.facts import MetricMade, MetricQuery, MetricRule, MetricsText
from pytest_mlbreaks.readers.python import claims
from pytest_mlbreaks.reading import Reader, Wanted

EXPRESSION_LIMIT: Final = 20_000
"""Characters of an expression. The longest of the surveyed rules has some two thousand."""

_DEPTH: Final = 12
"""Keys and elements around a group of rules."""

_TOKEN: Final = re.compile(
    r"""(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)|\#[^\n]*|(?P<number>\d[\w.]*)"""
    r"""|(?P<name>[A-Za-z_:][\w:]*)|(?P<sign>=~|!~|!=|==|[^\s])""",
    re.DOTALL,
)
_GROUPING: Final = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_WORDS: Final = frozenset({"and", "or", "unless", "bool", "offset", "atan2", "inf", "nan", "start", "end"})
_AGGREGATORS: Final = frozenset(
    {
        *("sum", "min", "max", "avg", "group", "stddev", "stdvar", "count", "count_values", "bottomk", "topk"),
        *("quantile", "limitk", "limit_ratio"),
    }
)
_EITHER_WORDS: Final = frozenset({"or", "unless"})
_EITHER_FUNCTIONS: Final = frozenset({"absent", "absent_over_time", "vector"})

_Token = tuple[str, str]


def _tokens(expression: str) -> list[_Token]:
    found = [(match.lastgroup or "", match.group()) for match in _TOKEN.finditer(expression)]
    return [token for token in found if token[0]]


class _Queries:
    """The metrics of one expression."""

    def __init__(self, expression: str) -> None:
        self.tokens = _tokens(expression)
        self.found: dict[tuple[str, tuple[str, ...]], MetricQuery] = {}
        self.either = False
        self._at = 0
        while self._at < len(self.tokens):
            self._next()

    def _next(self) -> None:
        kind, text = self.tokens[self._at]
        self._at += 1
        if text == "[":
            self._skip("[", "]")
        elif text == "{":  # a selector without a name: the metric is one of its labels, or any
            self.either = True
            self._matchers()
        elif kind == "name":
            self._named(text)

    def _named(self, text: str) -> None:
        lowered = text.lower()
        if lowered in _GROUPING:
            if self._peek() == "(":
                self._at += 1
                self._skip("(", ")")
        elif lowered in _WORDS or lowered in _AGGREGATORS or self._peek() == "(":
            self.either = self.either or lowered in _EITHER_WORDS or text in _EITHER_FUNCTIONS
        else:
            labels: tuple[str, ...] = ()
            if self._peek() == "{":
                self._at += 1
                labels = self._matchers()
            self.found.setdefault((text, labels), MetricQuery(metric=text, labels=labels))

    def _peek(self) -> str:
        return self.tokens[self._at][1] if self._at < len(self.tokens) else ""

    def _skip(self, opens: str, closes: str) -> None:
        depth = 1
        while depth and self._at < len(self.tokens):
            kind, text = self.tokens[self._at]
            if kind == "sign":
                depth += (text == opens) - (text == closes)
            self._at += 1

    def _matchers(self) -> tuple[str, ...]:
        """The labels that have to be there, up to the closing brace."""
        needed: list[str] = []
        inside: list[_Token] = []
        while self._at < len(self.tokens) and self.tokens[self._at] != ("sign", "}"):
            inside.append(self.tokens[self._at])
            self._at += 1
        self._at += 1
        for (kind, label), (_, sign), (value, text) in zip(inside, inside[1:], inside[2:], strict=False):
            if kind == "name" and value == "string" and _needs_a_value(sign, text[1:-1]):
                needed.append(label)
        return tuple(needed)


def _needs_a_value(sign: str, text: str) -> bool:
    """Whether a series without the label does not match. Of patterns, only those that plainly ask for something."""
    if sign == "=":
        return text != ""
    if sign == "!=":
        return text == ""
    return sign == "=~" and re.match(r"\w", text) is not None and "|" not in text and text[1:2] not in ("*", "?", "{")


# ----------------------------------------------------------------------------------------------------------- rules


def _read(file: YamlFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The rules of a file; nothing, after one look, for a file without any."""
    if "expr:" in file.text and ("alert:" in file.text or "record:" in file.text):
        for document in file.documents:
            yield from _below(document, 0, 0)


def _below(node: YamlNode, depth: int, lines: int) -> Iterator[Fact]:
    """The rules in *node*; *lines* stand in the file before its text."""
    if depth > _DEPTH:
        return
    if node.is_scalar:
        yield from _in_text(node, depth, lines)
        return
    for group in _groups(node):
        for rule in _elements(group.get("rules")):
            yield from _rule(rule, lines)
    for _, _, value in node.items():
        yield from _below(value, depth + 1, lines)
    for element in node.elements():
        if not element.is_scalar:
            yield from _below(element, depth + 1, lines)


def _groups(node: YamlNode) -> Iterator[YamlNode]:
    return (group for group in _elements(node.get("groups")) if group.get("rules") is not None)


def _elements(node: YamlNode | None) -> Iterator[YamlNode]:
    return node.elements() if node is not None else iter(())


def _in_text(node: YamlNode, depth: int, lines: int) -> Iterator[Fact]:
    """The rules of a file that a ConfigMap holds as text."""
    text = node.text or ""
    if not node.literal or "expr:" not in text or "groups:" not in text:
        return
    place = node.text_place
    for document in YamlFile(place.path, text).documents:
        yield from _below(document, depth + 1, lines + (place.line or 1) - 1)


def _rule(rule: YamlNode, lines: int) -> Iterator[Fact]:
    expression = rule.get("expr")
    kind = "alert" if rule.get("alert") is not None else "record"
    name = rule.get(kind)
    if expression is None or name is None or not expression.text or not name.text:
        return
    if len(expression.text) > EXPRESSION_LIMIT:
        return
    queries = _Queries(expression.text)
    place = expression.place
    yield MetricRule(
        place=Place(place.path, (place.line or 1) + lines, place.column if not lines else None),
        kind="alert" if kind == "alert" else "record",
        name=name.text,
        queries=tuple(queries.found.values()),
        either=queries.either or "{{" in expression.text,
    )


def _claims(path: str) -> bool:
    return path.endswith((".yml", ".yaml")) and "/.github/" not in f"/{path}"


# --------------------------------------------------------------------------------------------------------- metrics

_CLASSES: Final = frozenset(
    {
        *("Counter", "Gauge", "Histogram", "Summary", "Info", "Enum"),
        *("CounterMetricFamily", "GaugeMetricFamily", "HistogramMetricFamily", "SummaryMetricFamily"),
        *("InfoMetricFamily", "UntypedMetricFamily"),
    }
)
_LIBRARY: Final = "prometheus_client"
_MAKES: Final = (b"Counter(", b"Gauge(", b"Histogram(", b"Summary(", b"MetricFamily(", b"prometheus_client")
_LABELS: Final = {True: ("labels", 2), False: ("labelnames", 2)}
"""Keyword and position of the labels, by whether the class is a family."""


def _read_python(file: PythonFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    """The metrics that a module makes, and whether it writes some in Prometheus' own format."""
    if file.tree is None:
        return
    if file.mentions(b"# TYPE ") or file.mentions(b"# HELP "):
        yield MetricsText(place=file.place(file.tree))
    if any(map(file.mentions, _MAKES)):
        library = file.mentions(_LIBRARY.encode())
        for site in file.calls:
            yield from _made(file, site, library=library)


def _made(file: PythonFile, site: CallSite, *, library: bool) -> Iterator[MetricMade]:
    """The metric that a call makes: itself, or as a function that is given the class and the name. *library*: whether
    the file names the library."""
    own = _class(file, site.node.func, site, library=library)
    if own and (site.callee.startswith(_LIBRARY) or _has_the_shape(site.node)):
        yield _metric(file, site, own, site.node.args[0] if site.node.args else _given(site.node, "name"))
        return
    given = [_class(file, argument, site, library=True) for argument in site.node.args] if library else []
    if any(given):
        name = next((one for one in site.node.args if isinstance(one, (ast.Constant, ast.JoinedStr))), None)
        yield _metric(file, site, next(filter(None, given)), name, labels=False)


def _class(file: PythonFile, node: ast.expr, site: CallSite, *, library: bool) -> str:
    """The name of the class of metrics that *node* is; "" where it is none."""
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    if name in _CLASSES:
        return name
    if not name or not library:
        return ""
    qualified = file.qualified(node, site.scope) or ""  # from prometheus_client import Counter as PromCounter
    last = qualified.rpartition(".")[2]
    return last if qualified.startswith(f"{_LIBRARY}.") and last in _CLASSES else ""


def _has_the_shape(call: ast.Call) -> bool:
    """Whether it is given a name and a text of help: no ``collections.Counter`` is."""
    texts = [isinstance(one, (ast.Constant, ast.JoinedStr)) for one in call.args[:2]]
    return texts == [True, True] or (_given(call, "name") is not None and _given(call, "documentation") is not None)


def _given(call: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def _metric(file: PythonFile, site: CallSite, sort: str, name: ast.expr | None, *, labels: bool = True) -> MetricMade:
    call, scope = site.node, site.scope
    parts: list[Expr] = []
    for part in (_given(call, "namespace"), _given(call, "subsystem"), name):
        if part is not None and not (isinstance(part, ast.Constant) and not part.value):
            parts += [Literal("_")] * bool(parts) + [file.expr(part, scope)]
    if name is None or any(keyword.arg is None for keyword in call.keywords):
        parts = [Unknown("not told")]
    unit = _given(call, "unit")
    if unit is not None and isinstance(unit, ast.Constant) and isinstance(unit.value, str) and unit.value:
        parts += [] if str(getattr(name, "value", "")).endswith(f"_{unit.value}") else [Literal(f"_{unit.value}")]
    return MetricMade(
        place=file.place(call),
        sort=sort,
        name=parts[0] if len(parts) == 1 else Concat(tuple(parts)),
        labels=_labels(file, site, sort) if labels else None,
    )


def _labels(file: PythonFile, site: CallSite, sort: str) -> tuple[str, ...] | None:
    call = site.node
    keyword, position = _LABELS["Family" in sort]
    if any(isinstance(one, ast.Starred) for one in call.args):
        return None
    node = _given(call, keyword) or (call.args[position] if len(call.args) > position else None)
    if node is None:
        return () if "Family" not in sort else None
    if not isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return None
    texts = [file.text(element, site.scope) for element in node.elts]
    return tuple(text for text in texts if text) if all(texts) else None


RULES: Reader[YamlFile] = Reader("prometheus-rules", 1, YAML, (MetricRule,), _claims, _read)
METRICS: Reader[PythonFile] = Reader("prometheus-metrics", 1, PYTHON, (MetricMade, MetricsText), claims, _read_python)
