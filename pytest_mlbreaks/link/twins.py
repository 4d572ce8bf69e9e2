"""Twins: what a production and a non-production artifact of one family both set."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from pytest_mlbreaks.link.environments import Environments
from pytest_mlbreaks.model import Environment, Pipeline, Place, Process, Tier, Twin, Value
from pytest_mlbreaks.model.facts import ConfigEntry, EnvFile

_TOKEN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]+(?![A-Za-z0-9])")

Member = tuple[Environment, dict[str, tuple[Value, Place]]]


def twins(pipeline: Pipeline, environments: Environments) -> Iterator[Twin]:
    """Every key that two members of a family set, one in production and one not.

    Families: files whose paths differ only in an environment's name (``conf/dev.yaml``, ``.env.prod``), and containers
    of one name whose files or namespaces do.
    """
    families: dict[str, list[Member]] = defaultdict(list)
    for path, entries in pipeline.index(ConfigEntry, "path").items():
        keys = {e.key: (pipeline.resolve(e.value), e.place) for e in entries}
        _join(environments, families, str(path), pipeline.environment(Place(str(path))), keys)
    for file in pipeline.all(EnvFile):
        keys = {e.name: (pipeline.resolve(e.value), e.place) for e in file.entries}
        _join(environments, families, file.path, pipeline.environment(file.place), keys)
    for process in pipeline.all(Process):
        given = {name: (v, v.alternatives[0].origins[0].place) for name, v in process.variables.items() if _placed(v)}
        identity = process.workload.identity if process.workload else process.identity
        _join(environments, families, f"{identity}/{process.fact.name}", process.environment, given)
    for family, members in families.items():
        for prod in (m for m in members if m[0].tier is Tier.PROD):
            for nonprod in (m for m in members if m[0].tier is Tier.NONPROD):
                yield from _compare(family, prod, nonprod)


def _placed(value: Value) -> bool:
    return len(value.alternatives) == 1 and bool(value.alternatives[0].origins)


def _join(
    environments: Environments,
    families: dict[str, list[Member]],
    name: str,
    environment: Environment,
    keys: dict[str, tuple[Value, Place]],
) -> None:
    if environment.tier is Tier.UNKNOWN or not keys:
        return
    family = _TOKEN.sub(lambda m: "*" if environments.classify(m.group()) is not Tier.UNKNOWN else m.group(), name)
    if "*" in family:
        families[family].append((environment, keys))


def _compare(family: str, prod: Member, nonprod: Member) -> Iterator[Twin]:
    shared = [key for key in prod[1] if key in nonprod[1]]
    differing = tuple(
        key for key in shared if (a := prod[1][key][0].only) and (b := nonprod[1][key][0].only) and a.value != b.value
    )
    for key in shared:
        (mine, my_place), (theirs, their_place) = prod[1][key], nonprod[1][key]
        yield Twin(family, key, mine, theirs, prod[0], nonprod[0], my_place, their_place, differing)
