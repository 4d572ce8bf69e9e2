"""The pytest plugin: its options, and the way to `pytest_mlbreaks.pytest_session` when they are used. Without them
nothing else of pytest-mlbreaks is imported. PYTEST_DONT_REWRITE"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

PREFIX = "mlbreaks::"
"""How the node ids of our items begin."""

_AT_START = sys.path[:1] in ([""], [os.getcwd()]) and not sys.flags.safe_path
_PATH = tuple(sys.path[_AT_START:])
"""Where imports came from before pytest put folders of the judged tree there; without the current folder, which
``python -m pytest`` puts first."""


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
        default="high",
        help="findings at or above this fail (default: high, the worst and surest)",
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
    if option.mlbreaks or option.mlbreaks_only or any(arg.startswith(PREFIX) for arg in config.args):
        with apart():
            from pytest_mlbreaks import pytest_session

            pytest_session.start(config, apart)


@contextmanager
def apart() -> Iterator[None]:
    """Import within this as if pytest were not there: not by the finder that rewrites asserts (pytest has it do so for
    all modules of a distribution with a plugin, which is slow), and not from folders of the judged tree."""
    ours = [finder for finder in sys.meta_path if type(finder).__module__ != "_pytest.assertion.rewrite"]
    finders, path = list(sys.meta_path), list(sys.path)
    sys.meta_path[:] = ours
    sys.path[:] = _PATH
    try:
        yield
    finally:
        # what was added meanwhile stays
        sys.meta_path[:] = finders + [finder for finder in sys.meta_path if finder not in finders]
        sys.path[:] = path + [folder for folder in sys.path if folder not in path and folder not in _PATH]
