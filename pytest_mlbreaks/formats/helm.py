"""Templates of Helm charts, as YAML of the same lines. Nothing is run: a template is parsed, never rendered.

In place of what a template fills in stands a *hole*, ``⦃number⦄``, whose expression the file knows: a key of the
chart's values, or why it can't be told. Lines that only steer (``if``, ``range``, a comment) are blank. Of the branches
of an ``if`` the first stands; what is set below a condition may also be something else. A block that a template makes
(``toYaml``, ``include``) is an entry, or an element, that is a hole.
"""

from __future__ import annotations

import dataclasses
import itertools
import re

from pytest_mlbreaks.formats._go_template import (
    Action,
    Block,
    Call,
    Malformed,
    Node,
    Pipe,
    Text,
    parse,
    pipeline,
    unquoted,
)
from pytest_mlbreaks.formats.yaml import YamlFile
from pytest_mlbreaks.model import Diagnostic, Place
from pytest_mlbreaks.model.expr import Choice, Concat, ConfigKey, Context, Expr, Literal, Unknown
from pytest_mlbreaks.reading import Format, Source, Unreadable
from pytest_mlbreaks.slots import join

HOLE = re.compile("\u2983([0-9]+)\u2984")
MADE = Unknown("made by a Helm template")
SOMETIMES = Unknown("only under a condition of a Helm template")
BRACKETS = "\u2983\u2984"
TAG = "!mlbreaks/hole-"
"""What a mapping or a list is tagged with that a template makes, and to which the lines below it may add."""
NEAR = 2_000
"""Characters that are looked at behind an action, to see what it stands in."""
MOST = 20_000
"""Holes of one file; beyond it, it is data."""

_LISTS = frozenset(
    {
        *("env", "envFrom", "volumes", "volumeMounts", "ports", "args", "command", "tolerations", "imagePullSecrets"),
        *("containers", "initContainers", "metrics", "rules", "hosts", "tls", "volumeClaimTemplates", "accessModes"),
        *("topologySpreadConstraints", "hostAliases", "items", "sources", "triggers"),
    }
)
"""Keys under which Kubernetes wants a list: what a template puts there is an element."""

_FIXED = frozenset({"name", "kind", "apiVersion", "mountPath", "key", "containerPort", "protocol", "op", "path"})
"""Keys that say what something is: their value stands, whether or not a condition lets it in."""

_SAME = frozenset({"toString", "int", "int64", "float64", "trim", "nindent", "indent", "toYaml", "tpl", "required"})
"""Functions that change nothing of the value of a scalar, as far as it can be told."""
_AS_TEXT = frozenset({"quote", "squote"})
_SCALAR_OPENS = re.compile(r"(?:^|[:\-]\s)\s*(?:&\S+\s+|!\S+\s+)?[|>][+-]?\d?[+-]?\s*(?:#.*)?$")
_SET_AGAIN = re.compile(r"\{\{-?\s*(\$\w+)\s*=(?!=)")
_SETTING = re.compile(r"^(\s*(?:- )?\s*)([\w./-]+)(:\s+)(\S.*?)\s*$")
_ELEMENT = re.compile(r"^(\s*- )()()(\S.*?)\s*$")
_PLAIN = re.compile(r"\"[^\"\\]*\"|'[^']*'|[^\s\"'\[\]{}&*!|>#][^#]*")


@dataclasses.dataclass(frozen=True)
class Hole:
    """What a template fills in: the expression, and the text by which it is the same as another one of the chart."""

    expr: Expr
    text: str


@dataclasses.dataclass(frozen=True)
class _Thing:
    """What a dot, a variable or an operand is. *keys*: the path from the chart's root (``Values``, ``image``), None for
    what is no part of it."""

    expr: Expr
    text: str
    keys: tuple[str, ...] | None = None
    block: bool = False  # the text of several lines that ``toYaml`` or a named template makes
    indent: int | None = None


class HelmFile(YamlFile):
    """A template as YAML of the same lines; *holes* are what it fills in, by the number in the text."""

    def __init__(self, path: str, text: str) -> None:
        self.chart = path[: path.rindex("templates/")].rstrip("/") if "templates/" in path else ""
        writer = _Writer(self.chart, text)
        super().__init__(path, writer.write())
        if self._failed():
            # where a block is put by its own column, though a template says otherwise, what follows may fit
            writer = _Writer(self.chart, text, by_column=True)
            super().__init__(path, writer.write())
        self.holes = writer.holes
        # of a key that two conditions set, one counts: that is no mistake of the template
        self.diagnostics = [
            Diagnostic(d.place, "note", "a Helm template that is no YAML before it is rendered; not read")
            for d in self.diagnostics
            if d.level == "error"
        ][:1]

    def _failed(self) -> bool:
        return any(d.level == "error" for d in self.diagnostics)


class _Writer:
    """Writes one template as YAML. *by_column*: what a template makes stands where it is written, not where ``nindent``
    puts it."""

    def __init__(self, chart: str, text: str, *, by_column: bool = False) -> None:
        self._chart = chart
        self._by_column = by_column
        self._source = text.replace("\u2983", "?").replace("\u2984", "?")
        self._set_again = frozenset(_SET_AGAIN.findall(self._source))
        self.holes: list[Hole] = []
        self._lines: list[str] = [""]
        self._scalar: int | None = None  # the indentation of what holds the block scalar that the lines are in

    def write(self) -> str:
        """The template as YAML. Raises Malformed."""
        root = _Thing(MADE, "$", ())
        self._nodes(parse(self._source), root, {"$": root}, sometimes=False)
        return "\n".join(self._lines)

    # ------------------------------------------------------------------------------------------------- output

    def _put(self, text: str) -> None:
        first, *others = text.split("\n")
        self._lines[-1] += first
        for line in others:
            self._close_line()
            self._lines.append(line)

    def _close_line(self) -> None:
        line = self._lines[-1]
        if not line.strip():
            return
        indent = _indent(line)
        if self._scalar is not None and indent > self._scalar:
            return
        self._scalar = None
        if _SCALAR_OPENS.search(line):
            self._scalar = indent

    def _blank(self, start: int, end: int) -> None:
        """Only the line ends of the source between two offsets."""
        self._put("\n" * self._source.count("\n", start, end))

    def _hold(self, expr: Expr, text: str) -> str:
        if len(self.holes) == MOST:
            raise Malformed(0)
        self.holes.append(Hole(expr, text))
        return f"\u2983{len(self.holes) - 1}\u2984"

    # -------------------------------------------------------------------------------------------------- nodes

    def _nodes(self, nodes: tuple[Node, ...], dot: _Thing, scope: dict[str, _Thing], *, sometimes: bool) -> None:
        for index, node in enumerate(nodes):
            if isinstance(node, Text):
                self._text(node, nodes[index + 1] if index + 1 < len(nodes) else None, sometimes)
            elif isinstance(node, Action):
                self._action(node, dot, scope, sometimes)
            else:
                self._block(node, dot, scope, sometimes)

    def _text(self, node: Text, following: Node | None, sometimes: bool) -> None:
        text = node.text
        trimmed = following is not None and _opening(following).trims
        head, line_end, last = text.rpartition("\n")
        before = last if line_end else self._lines[-1] + last
        if trimmed and before.strip() and not before.rstrip().endswith((":", "-")):
            text = f"{head}{line_end}{last.rstrip()}"
        if not sometimes:
            self._put(text)
            return
        first, *others = text.split("\n")
        self._put(first)
        for line in others:
            self._doubt_line()
            self._put("\n" + line)

    def _doubt_line(self) -> None:
        """Make the value on the current line one that may also be another, since it stands below a condition."""
        line = self._lines[-1]
        if self._scalar is not None and _indent(line) > self._scalar:
            return
        match = _SETTING.match(line) or _ELEMENT.match(line)
        if match is None or match[2] in _FIXED:
            return
        if not _PLAIN.fullmatch(match[4]) and (match[2], match[4]) != ("emptyDir", "{}"):
            return
        if match[4].endswith(":") or (not match[2] and ": " in match[4]):
            return
        value = match[4]
        inner = value[1:-1] if value[0] in "\"'" else value
        expr = self.fill(inner)
        self._lines[-1] = f"{match[1]}{match[2]}{match[3]}{self._hold(Choice((expr, SOMETIMES)), inner)}"

    def fill(self, text: str) -> Expr:
        """The expression that *text* with holes is."""
        return filled(text, self.holes)

    def _action(self, node: Action, dot: _Thing, scope: dict[str, _Thing], sometimes: bool) -> None:
        tokens = node.tokens
        if not tokens or _assigned(tokens, dot, scope, self):
            self._blank(node.start, node.end)
            return
        thing = self.thing(tokens, dot, scope)
        hole = self._hold(thing.expr, thing.text)
        line = self._lines[-1].rstrip()
        depth = len(self._lines[-1]) if thing.indent is None else thing.indent
        if self._alone(node) and not self._in_scalar(depth):
            self._insert(hole, thing, node.end)
        elif self._alone(node):
            self._put(f"{' ' * (depth - len(self._lines[-1]))}{hole}")
        elif thing.indent is not None and line.endswith(":") and not self._in_scalar(_indent(line)):
            # what follows may add to it
            self._put(f"{_space(self._lines[-1])}{TAG}{hole.strip(BRACKETS)}")
        else:
            self._put(hole)
        self._blank(node.start, node.end)
        if sometimes and node.end == len(self._source):
            self._doubt_line()

    def _alone(self, node: Action | Block) -> bool:
        """Whether nothing else stands on the lines of *node*."""
        if self._lines[-1].strip():
            return False
        end = node.end if isinstance(node, Action) else node.end.end
        rest = self._source[end : (self._source + "\n").index("\n", end)]
        return not rest.strip()

    def _in_scalar(self, indent: int) -> bool:
        return self._scalar is not None and indent > self._scalar

    def _insert(self, hole: str, thing: _Thing, end: int) -> None:
        """A hole for a block on a line of its own: an element where a list is, else an entry."""
        told = thing.indent is not None and not self._by_column
        indent = thing.indent if thing.indent is not None and told else len(self._lines[-1])
        self._lines[-1] = ""
        above = next((line for line in reversed(self._lines[:-1]) if _says(line)), "")
        depth = _indent(above)
        stripped = above.strip()
        if self._next_element(end, indent):
            listed = True
        elif depth == indent and (stripped == "---" or not stripped):
            listed = False
        elif depth == indent and not stripped.endswith(":"):
            listed = stripped.startswith("- ")
        elif depth <= indent and stripped.endswith(":"):
            listed = stripped.lstrip("- ").rstrip(":") in _LISTS
        else:
            listed = self._sibling(indent).startswith("- ")
        self._put(f"{' ' * indent}- {hole}" if listed else f"{' ' * indent}{hole}: {hole}")

    def _next_element(self, end: int, indent: int) -> bool:
        """Whether the next line of text behind *end* is an element at *indent*."""
        for line in self._source[end : end + NEAR].split("\n")[1:]:
            if _says(line) and not line.lstrip().startswith("{{"):
                return _indent(line) == indent and line.lstrip().startswith("- ")
        return False

    def _sibling(self, indent: int) -> str:
        """The nearest line above that stands at *indent*, without it; "" where a line of less comes first."""
        for line in reversed(self._lines[:-1]):
            if _says(line) and _indent(line) <= indent:
                return line.strip() if _indent(line) == indent else ""
        return ""

    # ------------------------------------------------------------------------------------------------- blocks

    def _block(self, block: Block, dot: _Thing, scope: dict[str, _Thing], sometimes: bool) -> None:
        start, end = block.branches[0][0].start, block.end.end
        if block.kind in ("define", "block"):
            self._blank(start, end)
            return
        if not self._by_lines(block):
            self._collapsed(block, dot, scope, start, end)
            return
        head, body = block.branches[0]
        inner, names = self._entered(head, dot, scope)
        self._lines[-1] = ""
        self._blank(head.start, head.end)
        self._nodes(body, inner, names, sometimes=sometimes or block.kind == "range" or not _whole(body))
        following = block.branches[1][0] if len(block.branches) > 1 else block.end
        if not self._lines[-1].strip():
            self._lines[-1] = ""
        self._blank(following.start, end)

    def _by_lines(self, block: Block) -> bool:
        """Whether the actions of a block stand on lines of their own, outside of any scalar."""
        if self._lines[-1].strip():
            return False
        for action in (*(head for head, _ in block.branches), block.end):
            line_start = self._source.rfind("\n", 0, action.start) + 1
            line_end = (self._source + "\n").index("\n", action.end)
            around = self._source[line_start : action.start] + self._source[action.end : line_end]
            if around.strip() and not HOLE.fullmatch(around.strip()):
                return False
        if self._scalar is None:
            return True
        return self._depth(block.branches[0][1], block) <= self._scalar

    def _depth(self, body: tuple[Node, ...], block: Block) -> int:
        """How far the first line that a body writes is indented; that of the block itself if it writes none."""
        for node in body:
            if isinstance(node, Text):
                line = next((line for line in node.text.split("\n") if line.strip()), None)
                if line is not None:
                    return _indent(line)
            elif isinstance(node, Block):
                inner = self._depth(node.branches[0][1], node)
                if node.kind != "define":
                    return inner
            elif node.tokens and not _assigns(node.tokens):
                widths = [t for before, t in itertools.pairwise(node.tokens) if before in ("nindent", "indent")]
                return int(widths[0]) if widths and widths[0].isdigit() else self._column(node.start)
        return self._column(block.branches[0][0].start)

    def _column(self, offset: int) -> int:
        return offset - (self._source.rfind("\n", 0, offset) + 1)

    def _collapsed(self, block: Block, dot: _Thing, scope: dict[str, _Thing], start: int, end: int) -> None:
        """One hole for a block that stands inside a scalar: one of its branches, as far as they are simple."""
        if all(_silent(body) for _, body in block.branches):
            self._blank(start, end)
            return
        options: list[Expr] = []
        closed = False
        for head, body in block.branches:
            closed = closed or head.tokens == ("else",)
            inner, names = self._entered(head, dot, scope)
            options.append(self._inline(body, inner, names))
        if not closed:
            options.append(Literal(""))
        expr: Expr = MADE if block.kind == "range" or MADE in options else Choice(tuple(dict.fromkeys(options)))
        hole = self._hold(expr, f"{block.kind} of line {self._source.count(chr(10), 0, start) + 1}")
        if self._alone(block) and not self._in_scalar(len(self._lines[-1])):
            self._insert(hole, _made(""), end)
        else:
            self._put(hole)
        self._blank(start, end)

    def _inline(self, nodes: tuple[Node, ...], dot: _Thing, scope: dict[str, _Thing]) -> Expr:
        parts: list[Expr] = []
        for node in nodes:
            if isinstance(node, Text):
                if "\n" in node.text.strip(" "):
                    return MADE
                parts.append(Literal(node.text))
            elif isinstance(node, Action) and node.tokens and not _assigned(node.tokens, dot, scope, self):
                parts.append(self.thing(node.tokens, dot, scope).expr)
            else:
                return MADE
        return join(parts)

    def _entered(self, head: Action, dot: _Thing, scope: dict[str, _Thing]) -> tuple[_Thing, dict[str, _Thing]]:
        """The dot and the variables inside of a branch."""
        tokens = head.tokens[1:]
        if tokens[:1] and tokens[0] in ("if", "with"):  # else if
            tokens = tokens[1:]
        names = dict(scope)
        declared: list[str] = []
        if ":=" in tokens:
            at = tokens.index(":=")
            declared, tokens = [t for t in tokens[:at] if t != ","], tokens[at + 1 :]
        given = self.thing(tokens, dot, scope) if tokens else None
        if head.word == "range" and given is not None:
            line = self._source.count("\n", 0, head.start) + 1
            each = _Thing(MADE, f"each of {given.text} on line {line}")
            names.update(dict.fromkeys(declared, each))
            return each, names
        if given is not None:
            names.update(dict.fromkeys(declared, given))
        return (given, names) if head.word == "with" and given is not None else (dot, names)

    # ------------------------------------------------------------------------------------------- what it makes

    def thing(self, tokens: tuple[str, ...], dot: _Thing, scope: dict[str, _Thing]) -> _Thing:
        """What the pipeline that *tokens* are makes."""
        pipe = pipeline(tokens)
        return self._pipe(pipe, dot, scope) if pipe is not None else _made(" ".join(tokens))

    def _pipe(self, pipe: Pipe, dot: _Thing, scope: dict[str, _Thing]) -> _Thing:
        last: _Thing | None = None
        for call in pipe.calls:
            last = self._call(call, last, dot, scope)
        assert last is not None  # a pipeline has a call
        return self._fields(last, pipe.fields) if pipe.fields else last

    def _operand(self, word: str | Pipe, dot: _Thing, scope: dict[str, _Thing]) -> _Thing:
        if isinstance(word, Pipe):
            return self._pipe(word, dot, scope)
        if word == ".":
            return dot
        if word.startswith("."):
            return self._fields(dot, word)
        if word.startswith("$"):
            name, point, fields = word.partition(".")
            held = scope.get(name) if name not in self._set_again else None
            held = held or _made(name)
            return self._fields(held, f".{fields}") if point else held
        text = unquoted(word)
        if text is not None:
            return _Thing(Literal(text), f'"{text}"')
        if re.fullmatch(r"-?[0-9]{1,18}", word):
            return _Thing(Literal(int(word)), word)
        if word in ("true", "false"):
            return _Thing(Literal(word == "true"), word)
        return _made(word)

    def _fields(self, thing: _Thing, fields: str) -> _Thing:
        names = tuple(fields.strip(".").split("."))
        return self._at((*thing.keys, *names)) if thing.keys is not None else _made(f"{thing.text}{fields}")

    def _at(self, keys: tuple[str, ...]) -> _Thing:
        """What stands under *keys* of the root that Helm gives to a template
        (https://helm.sh/docs/chart_template_guide/builtin_objects/)."""
        text = f".{'.'.join(keys)}"
        inner = ".".join(keys[1:])
        if keys[0] == "Values" and inner:
            return _Thing(ConfigKey(f"values/{self._chart}", inner), text, keys)
        if keys[0] == "Chart" and inner:
            file = f"{self._chart}/Chart.yaml" if self._chart else "Chart.yaml"
            return _Thing(ConfigKey(f"file/{file}", f"{inner[0].lower()}{inner[1:]}"), text, keys)
        if keys[0] == "Release" and inner:
            return _Thing(Context("helm", text[1:]), text, keys)
        return _Thing(MADE, text, keys)

    def _call(self, call: Call, last: _Thing | None, dot: _Thing, scope: dict[str, _Thing]) -> _Thing:
        word, *rest = call.words
        if isinstance(word, Pipe) or word[0] in '.$"`' or word[0].isdigit():
            return self._operand(word, dot, scope)
        given = [self._operand(w, dot, scope) for w in rest] + ([last] if last is not None else [])
        return self._function(word, given)

    def _function(self, name: str, given: list[_Thing]) -> _Thing:
        text = f"{name} {' '.join(_bracketed(g.text) for g in given)}".strip()
        if name in ("nindent", "indent") and len(given) == 2:
            width = given[0].expr.value if isinstance(given[0].expr, Literal) else None
            indent = width if isinstance(width, int) and 0 <= width <= 200 else None
            return dataclasses.replace(given[1], keys=None, indent=indent)
        if name == "index" and given and given[0].keys is not None:
            names = [g.expr.value if isinstance(g.expr, Literal) else None for g in given[1:]]
            if all(isinstance(n, str) for n in names):
                return self._at((*given[0].keys, *map(str, names)))
        if name == "default" and len(given) == 2:
            return _Thing(_or_else(given[1].expr, given[0].expr), text)
        if name == "coalesce" and given:
            expr = given[-1].expr
            for one in reversed(given[:-1]):
                expr = _or_else(one.expr, expr)
            return _Thing(expr, text)
        if name == "ternary" and len(given) == 3:
            return _Thing(Choice((given[0].expr, given[1].expr)), text)
        if name == "tpl" and given:
            return _Thing(given[0].expr, text, indent=given[0].indent)
        if name == "printf" and given:
            return _Thing(_printed(given), text)
        if name in _AS_TEXT and len(given) == 1:
            return _Thing(Concat((given[0].expr,)), given[0].text)
        if name in _SAME and given:
            return _Thing(given[-1].expr, given[-1].text, block=name == "toYaml")
        return _made(text, block=name in ("include", "template"))


def _made(text: str, *, block: bool = False) -> _Thing:
    return _Thing(MADE, text, block=block)


def _bracketed(text: str) -> str:
    return f"({text})" if " " in text and not text.startswith('"') else text


def _or_else(expr: Expr, fallback: Expr) -> Expr:
    """*expr*, or *fallback* where it is not given or empty."""
    if isinstance(expr, ConfigKey) and expr.default is None:
        return ConfigKey(expr.store, expr.key, fallback)
    if isinstance(expr, Concat) and len(expr.parts) == 1:
        return Concat((_or_else(expr.parts[0], fallback),))
    if isinstance(expr, Literal):
        return expr if expr.value not in ("", 0, False, None) else fallback
    return MADE


def _printed(given: list[_Thing]) -> Expr:
    pattern = given[0].expr.value if isinstance(given[0].expr, Literal) else None
    if not isinstance(pattern, str):
        return MADE
    pieces = re.split(r"%[sdvq]", pattern)
    if len(pieces) != len(given) or any("%" in piece for piece in pieces):
        return MADE
    parts: list[Expr] = [Literal(pieces[0])]
    for thing, piece in zip(given[1:], pieces[1:], strict=True):
        parts += [thing.expr, Literal(piece)]
    return join([part for part in parts if part != Literal("")])


def _assigned(tokens: tuple[str, ...], dot: _Thing, scope: dict[str, _Thing], writer: _Writer) -> bool:
    """Whether *tokens* give a variable a value, which is then noted."""
    if not _assigns(tokens):
        return False
    if tokens[1] == ":=":
        scope[tokens[0]] = writer.thing(tokens[2:], dot, scope)
    return True


def _assigns(tokens: tuple[str, ...]) -> bool:
    return len(tokens) > 2 and tokens[0].startswith("$") and tokens[1] in (":=", "=")


def _silent(nodes: tuple[Node, ...]) -> bool:
    """Whether nodes write nothing."""
    for node in nodes:
        if isinstance(node, Text):
            if node.text.strip():
                return False
        elif isinstance(node, Block):
            if not all(_silent(body) for _, body in node.branches):
                return False
        elif node.tokens and not _assigns(node.tokens):
            return False
    return True


def _space(line: str) -> str:
    return "" if line[-1:].isspace() else " "


def _says(line: str) -> bool:
    """Whether a line is neither blank nor a comment."""
    line = line.lstrip()
    return bool(line) and not line.startswith("#")


def _opening(node: Node) -> Action:
    if isinstance(node, Block):
        return node.branches[0][0]
    return node if isinstance(node, Action) else Action((), 0, 0)


def _whole(nodes: tuple[Node, ...]) -> bool:
    """Whether what stands below a condition is whole objects, not a part of one."""
    return any(
        isinstance(node, Text) and re.search(r"^(?:kind|apiVersion):", node.text, re.MULTILINE) for node in nodes
    )


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def filled(text: str, holes: list[Hole]) -> Expr:
    """The expression that *text* is, with what stands for its holes."""
    parts: list[Expr] = []
    position = 0
    for match in HOLE.finditer(text):
        if match.start() > position:
            parts.append(Literal(text[position : match.start()]))
        parts.append(holes[int(match[1])].expr)
        position = match.end()
    if position < len(text) or not parts:
        parts.append(Literal(text[position:]))
    return join(parts)


def shown(text: str, holes: list[Hole]) -> str:
    """*text* with each hole as it is written in the template: the same text is the same value within a chart."""
    return HOLE.sub(lambda match: f"{{{{ {holes[int(match[1])].text} }}}}", text)


def _parse(source: Source) -> HelmFile:
    text = source.text()
    try:
        return HelmFile(source.path, text)
    except Malformed as error:
        place = Place(source.path, text.count("\n", 0, error.offset) + 1)
        raise Unreadable(place, "is no template that can be taken apart") from error


HELM: Format[HelmFile] = Format("helm", _parse, YamlFile.release)
