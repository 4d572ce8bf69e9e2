"""Objects that a Helm template renders only while they are not there, or only when it is installed."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.formats.helm_guards import guarded
from pytest_mlbreaks.model.facts import GuardedObject
from pytest_mlbreaks.testing import linked

SECRET = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n{more}data: {{}}\n"


def secret(name: str = "s", more: str = "") -> str:
    """A Secret of that name, with more lines in its metadata."""
    return SECRET.format(name=name, more=more)


LOOKUP = 'lookup "v1" "Secret" .Release.Namespace "s"'


@pytest.mark.parametrize(
    "condition",
    [
        f"if not ({LOOKUP})",
        f"if (not ({LOOKUP}))",
        f"if and .Values.on (not ({LOOKUP}))",
        "if .Release.IsInstall",
        "if and $.Release.IsInstall .Values.on",
    ],
)
def test_guards(condition: str) -> None:
    """A condition that wants the object to be absent, or an installation, by itself or as a part of an ``and``."""
    (one,) = guarded(f"# first\n{{{{- {condition} }}}}\n{secret()}{{{{- end }}}}\n")
    assert (one.kind, one.name, one.line, one.itself, one.kept) == ("Secret", "s", 2, True, False)


@pytest.mark.parametrize(
    "condition", [f"if ({LOOKUP})", "if .Values.on", f"if or .Values.on (not ({LOOKUP}))", "if not .Values.on"]
)
def test_other_conditions(condition: str) -> None:
    """None of them is rendered only while the object is absent."""
    assert not guarded(f"# lookup\n{{{{ {condition} }}}}\n{secret()}{{{{ end }}}}\n")


def test_by_way_of_a_variable() -> None:
    """Until it is set again; names are compared as they are written."""
    start = '{{ $n := "s" }}{{ $there := (lookup "v1" "Secret" "ns" $n) }}\n'
    block = "{{ if not $there }}\n" + secret("{{ $n | quote }}") + "{{ end }}\n"
    assert [one.itself for one in guarded(start + block)] == [True]
    assert not guarded(start + "{{ $there = dict }}\n" + block)
    assert [one.itself for one in guarded(start + block.replace("$n |", ".Values.n |"))] == [None]


def test_what_is_looked_up() -> None:
    """Another kind or name is another object; braces in a string are text, so nothing is found."""
    for name, itself in (("s", True), ("other", False), ("{{ .Values.s }}", None)):
        assert guarded(f"{{{{ if not ({LOOKUP}) }}}}\n{secret(name)}{{{{ end }}}}\n")[0].itself is itself
    kind = LOOKUP.replace("Secret", "ConfigMap")
    assert guarded(f"{{{{ if not ({kind}) }}}}\n{secret()}{{{{ end }}}}\n")[0].itself is False
    braces = LOOKUP.replace('"s"', '"{{ .Release.Name }}"')
    assert guarded(f"{{{{ if not ({braces}) }}}}\n{secret('{{ .Release.Name }}')}{{{{ end }}}}\n")[0].itself is False


def test_what_is_kept() -> None:
    """The annotation of the object counts; hooks are none of the release; what a template adds can't be told."""
    for more, kept in (
        ("  annotations:\n    helm.sh/resource-policy: keep\n", [True]),
        ('  annotations: {"helm.sh/resource-policy": "keep"}\n', [True]),
        ("  annotations:\n    a: b\n", [False]),
        ("  annotations: {{ toYaml .Values.a | nindent 4 }}\n", [None]),
        ('  annotations:\n    {{- include "a" . | nindent 4 }}\n', [None]),
        ('  annotations:\n    "helm.sh/hook": pre-install\n', []),
    ):
        text = "{{ if .Release.IsInstall }}\n" + secret(more=more) + "{{ end }}\n"
        assert [one.kept for one in guarded(text)] == kept


def test_another_branch_renders_it() -> None:
    """Then it is always there."""
    assert not guarded(f"{{{{ if not ({LOOKUP}) }}}}\n{secret()}{{{{ else }}}}\n{secret()}{{{{ end }}}}\n")
    assert not guarded(f"{secret()}{{{{ if not ({LOOKUP}) }}}}\nextra: 1\n{{{{ end }}}}\n")


def test_broken_templates() -> None:
    """Nothing is told of them, nor of those that look nothing up."""
    assert not guarded("{{ if not (lookup")
    assert not guarded("{{ if not ( }} kind: Secret")


def test_the_fact() -> None:
    """It knows its chart; what is certainly another object is none."""
    files = {
        "c/Chart.yaml": "name: c\n",
        "c/templates/a.yaml": f"{{{{ if not ({LOOKUP}) }}}}\n{secret()}---\n{secret('other')}{{{{ end }}}}\n",
    }
    (one,) = linked(files).all(GuardedObject)
    assert (one.chart, one.kind, one.name, one.guard, one.place.line) == ("c", "Secret", "s", "lookup", 1)
