"""Settings as they apply, for people: each value, and the places that decide it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from pytest_mlbreaks.config.load import Settings
from pytest_mlbreaks.config.schema import SettingsFile


def lines(settings: Settings) -> Iterator[str]:
    """A line for each key that is set anywhere, and what it comes to."""
    if not settings.layers:
        yield "no configuration: neither mlbreaks.yaml nor [tool.mlbreaks] in pyproject.toml; all is as by default"
        return
    yield f"read: {', '.join(layer.shown for layer in reversed(settings.layers))}"
    for field in msgspec.structs.fields(SettingsFile):
        key = field.encode_name
        places = settings.origin(key)
        if places:
            where = ", ".join(f"{place.path}:{place.line}" for place in reversed(places))
            yield f"{key} ({where})"
            yield from (f"    {line}" for line in _value(settings, field.name))
    for note in settings.notes:
        yield f"{note.place}: {note.level}: {note.message}"


def _value(settings: Settings, name: str) -> Iterator[str]:
    if name == "lock":
        yield from (f"{check}: {owner}" for check, owner in sorted(settings.locked.items()))
    elif name == "options":
        for check, options in sorted(settings.options.items()):
            yield from (f"{check}: {option} = {value!r}" for option, value in sorted(options.items()))
    elif name == "ignores":
        for one in settings.ignores:
            yield f"{', '.join(one.checks)}: {one.reason} ({one.place.path}:{one.place.line})"
    elif name == "pipelines":
        yield from (f"{one.name}: {one.root or '.'}" for one in settings.pipelines)
    elif name == "environments":
        for tier in ("production", "not_production"):
            for kind, names in msgspec.structs.asdict(getattr(settings.environments, tier)).items():
                if names:
                    yield f"{tier.replace('_', '-')} {kind}: {', '.join(names)}"
    elif name == "extends":
        yield from (layer.shown for layer in reversed(settings.layers[:-1]))
    else:
        value = getattr(settings, name)
        several = isinstance(value, tuple | frozenset)
        yield from (sorted(value) if isinstance(value, frozenset) else value) if several else (str(value),)
