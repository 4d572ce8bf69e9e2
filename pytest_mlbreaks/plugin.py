"""The pytest plugin: its options, and the way to `pytest_mlbreaks.pytest_session` when they are used. Without them
nothing else of pytest-mlbreaks is imported. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

ROOT_NODE = "mlbreaks"
"""How the node ids of our items begin."""

_PATH, _FOLDER = tuple(sys.path), os.getcwd()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("mlbreaks", "mlbreaks: what breaks a machine-learning pipeline in production")
    add = group.addoption
    add("--mlbreaks", action="store_true", help="run the checks of pytest-mlbreaks, too")
    add(
        "--mlbreaks-only",
        action="store_true",
        help="run these checks alone: no test is collected, no conftest.py is loaded, nothing is written",
    )
    add(
        "--mlbreaks-root",
        metavar="DIR",
        help="read this folder (default: the git repository that holds pytest's rootdir, else the rootdir)",
    )
    add("--mlbreaks-select", metavar="ID,...", action="append", default=[], help="these checks or categories alone")
    add("--mlbreaks-ignore", metavar="ID,...", action="append", default=[], help="leave these out")
    add(
        "--mlbreaks-fail-on",
        choices=("high", "medium", "low", "never"),
        help="findings at or above this fail (default: high, the worst and surest)",
    )
    add(
        "--mlbreaks-config",
        metavar="FILE",
        help="settings (default: the nearest mlbreaks.yaml, or pyproject.toml with [tool.mlbreaks])",
    )
    add("--mlbreaks-baseline", metavar="FILE", help="the findings that this file accepts fail nothing")
    add("--mlbreaks-pipeline", metavar="NAME", help="read this pipeline of the configuration alone")
    add(
        "--mlbreaks-with-facts",
        metavar="FILE",
        action="append",
        default=[],
        help="facts of another repository (mlbreaks facts --format jsonl), to link with this one; repeatable",
    )
    add("--mlbreaks-no-cache", action="store_true", help="read every file, and remember nothing")
    add(
        "--mlbreaks-jobs",
        type=int,
        choices=range(1, 65),
        metavar="N",
        help="processes that read (default: more than one for a large tree)",
    )
    add(
        "--mlbreaks-report",
        metavar="FORMAT[:PATH]",
        action="append",
        default=[],
        help="write a report (terminal, json); without a PATH to standard output, after the summary; repeatable",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """With ``--mlbreaks-only``, keep pytest from loading a conftest.py and from writing a cache."""
    if early_config.known_args_namespace.mlbreaks_only:
        early_config.known_args_namespace.noconftest = True
        for name in ("cacheprovider", "stepwise"):
            if early_config.pluginmanager.has_plugin(name):
                early_config.pluginmanager.unregister(name=name)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Start if an option or a node id of ours asks for it."""
    option = config.option
    if option.mlbreaks or option.mlbreaks_only or any(map(is_ours, config.args)):
        within = partial(apart, path_at_start(config.getini("pythonpath")))
        with within():
            from pytest_mlbreaks import pytest_session

            pytest_session.start(config, within)


def is_ours(argument: str) -> bool:
    """Whether *argument* is the node id of one of our items, or of a category. As pytest prints them, they may have the
    way from the current folder to pytest's rootdir before them."""
    first, parts, _ = argument.partition("::")
    return bool(parts) and Path(first).name == ROOT_NODE


def path_at_start(added: Sequence[Path]) -> tuple[str, ...]:
    """Where imports came from before folders of the judged tree were put first: those *added* by pytest's
    ``pythonpath`` (some versions do so before plugins are loaded), the current one by ``python -m pytest``, others by
    conftests."""
    path = list(_PATH)
    while path and path[0] in map(str, added):
        del path[0]
    if path and path[0] in ("", _FOLDER) and not sys.flags.safe_path:
        del path[0]
    return tuple(path)


@contextmanager
def apart(path: Sequence[str]) -> Iterator[None]:
    """Import within this as if pytest were not there: from *path* alone, so not from the judged tree, and not by the
    finder that rewrites asserts (pytest has it do so for every module of a distribution with a plugin, which is slow).
    """
    finders, folders = list(sys.meta_path), list(sys.path)
    sys.meta_path[:] = [finder for finder in finders if type(finder).__module__ != "_pytest.assertion.rewrite"]
    sys.path[:] = path
    try:
        yield
    finally:
        # what was added meanwhile stays
        sys.meta_path[:] = finders + [finder for finder in sys.meta_path if finder not in finders]
        sys.path[:] = folders + [folder for folder in sys.path if folder not in folders and folder not in path]
