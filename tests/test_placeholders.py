"""Texts with places to fill in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlbreaks.model.expr import Concat, Context, EnvVar, Expr, Literal, SecretKey
from pytest_mlbreaks.placeholders import TEMPLATED, kept_secret, written


@pytest.mark.parametrize(
    ("text", "expr"),
    [
        ("plain", Literal("plain")),
        ("", Literal("")),
        ("$HOST/x", Concat((EnvVar("HOST", None, "host"), Literal("/x")))),
        ("cost in US$", Literal("cost in US$")),
        ("${HOST-}", EnvVar("HOST", Literal(""), "host")),
        ("${a.b}/x", Concat((Context("interpolation", "a.b"), Literal("/x")))),
        ("#{Env}#-x", Concat((TEMPLATED, Literal("-x")))),
        ("{% if a %}b{% endif %}", TEMPLATED),
        ("{{- if .a }}b{{ end }}", TEMPLATED),
        ("{{ a", TEMPLATED),
        ("<your bucket>", TEMPLATED),
        ("if a <b> then", Literal("if a <b> then")),
        ("https://u:hunter2@h/${X}", Concat((Literal("https://u:***@h/"), EnvVar("X", None, "host")))),
        ("$" * 3, Literal("$$$")),
    ],
)
def test_written(text: str, expr: Expr) -> None:
    """What is filled in becomes an expression, and what is left a literal without passwords."""
    assert written(text) == expr


def test_text_for_a_shell_keeps_its_variables() -> None:
    """``${X}`` in a script, or in a text of several lines, is not filled in by anybody."""
    assert written("echo ${X} <in", shell=True) == Literal("echo ${X} <in")
    assert written("a: ${X}\nb: <in>\n") == Literal("a: ${X}\nb: <in>\n")


@pytest.mark.parametrize(
    ("name", "text", "secret"),
    [
        ("PASSWORD", "x", True),
        ("PASSWORD", "", False),
        ("PASSWORD", "True", False),
        ("NAME", "x", False),
        ("NAME", "-----BEGIN RSA PRIVATE KEY-----", True),
        ("NAME", "AKIA" + "A" * 16, True),
    ],
)
def test_kept_secret(name: str, text: str, secret: bool) -> None:
    """A name or a value that tells a secret; nothing and truth values are none."""
    value = Literal(text)
    assert kept_secret(name, text, "f", value) == (SecretKey("f", name) if secret else value)


@given(st.text(alphabet="aA_ \n$(){}<>#%:-=.@/'\"\ue000", max_size=60))
def test_no_text_raises(text: str) -> None:
    """Whatever the text, an expression comes of it."""
    written(text)
    written(text, shell=True)
