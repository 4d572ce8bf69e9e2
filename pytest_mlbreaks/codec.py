"""Facts, written and read back. Only data: nothing that is read can run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Union

import msgspec

from pytest_mlbreaks.model import Fact


class FactCodec:
    """Writes facts as JSON lines and reads them back, for the given fact types (those of all packs)."""

    def __init__(self, types: Iterable[type[Fact]]) -> None:
        union: Any = Union[tuple(types)]  # noqa: UP007 - made at run time
        self._encoder = msgspec.json.Encoder()
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(union)

    def encode(self, facts: Iterable[Fact]) -> bytes:
        """One JSON object a line."""
        return self._encoder.encode_lines(list(facts))

    def decode(self, data: bytes) -> Sequence[Fact]:
        """The facts of `encode`. Raises msgspec.ValidationError for anything else."""
        return [self._decoder.decode(line) for line in data.splitlines() if line]
