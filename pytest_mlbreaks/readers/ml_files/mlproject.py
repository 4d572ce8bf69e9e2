"""MLflow projects: each entry point of an ``MLproject`` is a step. Which of them run, and in which order, is up to
whoever calls ``mlflow run``: there are no edges.

https://mlflow.org/docs/latest/ml/projects: ``{name}`` in a command is a parameter, with its default where it has one;
``docker_env`` names the image, and variables as ``[NAME, value]`` or, of the caller, as a name alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mlbreaks.formats.yaml import YamlFile, YamlNode
from pytest_mlbreaks.model import Fact, Place
from pytest_mlbreaks.model.expr import Context, EnvVar, Expr, Literal, Unknown
from pytest_mlbreaks.model.facts import Argument, Command, Schedule, Step, Variable
from pytest_mlbreaks.placeholders import kept_secret, written
from pytest_mlbreaks.slots import Slots, plain

STEP_LIMIT = 500
"""Entry points of one file: nobody writes a tenth of it."""

_PARAMETER = re.compile(r"\{([A-Za-z_]\w*)\}")


def read(file: YamlFile, document: YamlNode) -> Iterator[Fact]:
    """The project as a schedule that nothing starts, and its entry points as steps."""
    points = document.get("entry_points")
    if points is None:
        return
    name = file.path
    yield Schedule(orchestrator="mlflow", name=name, place=document.place)
    image = document.get("docker_env", "image")
    folder = file.path.rpartition("/")[0]
    for point, key, node in list(points.items())[:STEP_LIMIT]:
        parameters = _parameters(node.get("parameters"))
        command = node.get("command")
        commands: tuple[Command, ...] = ()
        if command is not None and command.text:
            shell = _filled(command.text, parameters)
            commands = (Command(shell=shell, workdir=Literal(folder), place=command.text_place),)
        yield Step(
            orchestrator="mlflow",
            pipeline=f"mlflow:{name}",
            name=point,
            operator="mlflow run",
            commands=commands,
            image=written(image.text) if image is not None and image.text else None,
            variables=tuple(_variables(file.path, document.get("docker_env", "environment"))),
            settings=tuple(
                Argument(name=f"parameters.{given}", value=value, place=place)
                for given, (value, place) in parameters.items()
            ),
            place=key.place,
        )


def _parameters(node: YamlNode | None) -> dict[str, tuple[Expr, Place]]:
    """Each parameter with its default, or what says that the caller gives it."""
    found: dict[str, tuple[Expr, Place]] = {}
    for name, key, value in node.items() if node is not None else ():
        default = value.get("default") if value.is_mapping else None
        told: Expr = Context("mlflow", f"parameter {name}")
        if default is not None and default.is_scalar:
            told = written(default.text) if default.text is not None else Literal(None)
        found[name] = (told, key.place)
    return found


def _filled(text: str, parameters: dict[str, tuple[Expr, Place]]) -> Expr:
    slots = Slots()

    def put(match: re.Match[str]) -> str:
        given = parameters.get(match[1])
        return slots.hold(given[0]) if given is not None else match[0]

    try:
        return slots.expr(slots.redact(_PARAMETER.sub(put, plain(text))))
    except ValueError:
        return Unknown("too many placeholders")


def _variables(path: str, node: YamlNode | None) -> Iterator[Variable]:
    for element in node.elements() if node is not None else ():
        if element.text:
            yield Variable(name=element.text, value=EnvVar(element.text, scope="host"), place=element.place)
        pair = list(element.elements())
        if len(pair) == 2 and pair[0].text:
            text = pair[1].text or ""
            value = kept_secret(pair[0].text, text, path, written(text))
            yield Variable(name=pair[0].text, value=value, place=element.place)
