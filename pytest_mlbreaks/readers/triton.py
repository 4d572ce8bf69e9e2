"""Triton's ``config.pbtxt``: one model of a model repository.

The format is protobuf's text form of ``ModelConfig``
(https://github.com/triton-inference-server/common/blob/main/protobuf/model_config.proto, and
https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/model_configuration.html).
Without ``name`` the folder's name counts; without ``instance_group`` there is one instance for each GPU, or one on the
CPU; without ``dynamic_batching`` requests are not put together.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from pytest_mlbreaks.formats.text import TEXT, TextFile
from pytest_mlbreaks.model import Diagnostic, Fact, Place
from pytest_mlbreaks.model.expr import Literal
from pytest_mlbreaks.model.facts import Argument, EnsembleStep, ModelTensor, ServedModel
from pytest_mlbreaks.reading import Reader, Wanted

DEPTH_LIMIT = 50
"""Messages within messages. A model configuration has six."""

_TOKEN = re.compile(
    r"""\s+|\#[^\n]*|(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(?P<word>[\w.+-]+)|(?P<sign>[{}\[\]:,;<>])"""
)


@dataclasses.dataclass
class _Message:
    """Fields in order: name, value (text, or a message), line."""

    line: int
    fields: list[tuple[str, str | _Message, int]] = dataclasses.field(default_factory=list)

    def all(self, name: str) -> list[_Message]:
        return [value for key, value, _ in self.fields if key == name and isinstance(value, _Message)]

    def texts(self, name: str) -> list[str]:
        return [value for key, value, _ in self.fields if key == name and isinstance(value, str)]

    def text(self, name: str) -> str:
        return next(iter(self.texts(name)), "")

    def first(self, name: str) -> _Message | None:
        return next(iter(self.all(name)), None)


class _Broken(Exception):
    """The text is no text form of protobuf, on this line."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    at, line = 0, 1
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _Broken(line)
        at = match.end()
        kind = match.lastgroup
        if kind is not None:
            yield kind, match[0][1:-1] if kind == "text" else match[0], line
        line += match[0].count("\n")


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0

    def message(self, end: str = "", depth: int = 0) -> _Message:
        """The fields up to the sign *end* ("" for the end of the text)."""
        message = _Message(self._line())
        if depth > DEPTH_LIMIT:
            raise _Broken(self._line())
        while self._at < len(self._tokens):
            kind, text, line = self._next()
            if kind == "sign" and text == end:
                return message
            if kind == "sign" and text in ",;":
                continue
            if kind != "word":
                raise _Broken(line)
            self._field(message, text, line, depth)
        if end:
            raise _Broken(self._line())
        return message

    def _field(self, message: _Message, name: str, line: int, depth: int) -> None:
        if self._peek() == ":":
            self._next()
        if self._peek() != "[":
            message.fields.append((name, self._value(depth), line))
            return
        self._next()
        while self._peek() != "]":
            if self._peek() == ",":
                self._next()
                continue
            message.fields.append((name, self._value(depth), self._line()))
        self._next()

    def _value(self, depth: int) -> str | _Message:
        kind, text, line = self._next()
        if kind == "sign":
            if text not in "{<":
                raise _Broken(line)
            return self.message("}" if text == "{" else ">", depth + 1)
        while kind == "text" and self._at < len(self._tokens) and self._tokens[self._at][0] == "text":
            text += self._next()[1]  # texts that follow each other are one
        return text

    def _peek(self) -> str:
        if self._at >= len(self._tokens):
            raise _Broken(self._line())
        kind, text, _ = self._tokens[self._at]
        return text if kind == "sign" else ""

    def _next(self) -> tuple[str, str, int]:
        if self._at >= len(self._tokens):
            raise _Broken(self._line())
        self._at += 1
        return self._tokens[self._at - 1]

    def _line(self) -> int:
        if not self._tokens:
            return 1
        return self._tokens[min(self._at, len(self._tokens) - 1)][2]


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"-?\d{1,18}", text) else None


def _tensors(path: str, messages: list[_Message]) -> tuple[ModelTensor, ...]:
    return tuple(
        ModelTensor(
            name=message.text("name"),
            dtype=message.text("data_type"),
            dims=tuple(n for n in map(_number, message.texts("dims")) if n is not None),
            place=Place(path, message.line),
        )
        for message in messages
    )


def _steps(path: str, scheduling: _Message | None) -> Iterator[EnsembleStep]:
    for step in scheduling.all("step") if scheduling is not None else ():
        yield EnsembleStep(
            model=step.text("model_name"),
            version=step.text("model_version"),
            inputs=tuple((pair.text("key"), pair.text("value")) for pair in step.all("input_map")),
            outputs=tuple((pair.text("key"), pair.text("value")) for pair in step.all("output_map")),
            place=Place(path, step.line),
        )


def _settings(path: str, config: _Message) -> Iterator[Argument]:
    """Parameters (``parameters { key value { string_value } }``) and preferred batch sizes."""
    for pair in config.all("parameters"):
        value = pair.first("value")
        if value is not None and pair.text("key"):
            yield Argument(
                name=f"parameters.{pair.text('key')}",
                value=Literal(value.text("string_value")),
                place=Place(path, pair.line),
            )
    for batching in config.all("dynamic_batching"):
        for size in batching.texts("preferred_batch_size"):
            number = _number(size)
            if number is not None:
                name = "dynamic_batching.preferred_batch_size"
                yield Argument(name=name, value=Literal(number), place=Place(path, batching.line))


def _claims(path: str) -> bool:
    return path.endswith("config.pbtxt") and path.rpartition("/")[2] == "config.pbtxt"


def _read(file: TextFile, wanted: Wanted) -> Iterator[Fact | Diagnostic]:
    try:
        config = _Parser(file.text).message()
    except _Broken as broken:
        yield Diagnostic(Place(file.path, broken.line), "warning", "not the text form of a model configuration")
        return
    batching = config.first("dynamic_batching")
    delay = _number(batching.text("max_queue_delay_microseconds")) if batching is not None else None
    policy = config.first("version_policy")
    named = next((n for key, value, n in config.fields if key == "name" and isinstance(value, str)), 1)
    yield ServedModel(
        server="triton",
        name=config.text("name") or file.path.rpartition("/")[0].rpartition("/")[2],
        backend=config.text("backend") or config.text("platform"),
        max_batch=_number(config.text("max_batch_size")) or 0,
        batching=batching is not None,
        delay_ms=delay / 1000 if delay is not None else None,
        instances=tuple(
            (group.text("kind") or "KIND_AUTO", _number(group.text("count"))) for group in config.all("instance_group")
        ),
        inputs=_tensors(file.path, config.all("input")),
        outputs=_tensors(file.path, config.all("output")),
        policy=next((key for key, _, _ in policy.fields), "") if policy is not None else "",
        steps=tuple(_steps(file.path, config.first("ensemble_scheduling"))),
        settings=tuple(_settings(file.path, config)),
        place=Place(file.path, named),
    )


READER: Reader[TextFile] = Reader("triton", 1, TEXT, (ServedModel,), _claims, _read)
