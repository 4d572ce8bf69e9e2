"""Templates of Helm charts as YAML of the same lines."""

from __future__ import annotations

import textwrap

import pytest

from pytest_mlbreaks.formats.helm import HELM, MADE, SOMETIMES, HelmFile
from pytest_mlbreaks.model.expr import Choice, Concat, ConfigKey, Context, Expr, Literal
from pytest_mlbreaks.reading import Source, Unreadable

PATH = "deploy/chart/templates/a.yaml"


def template(text: str) -> HelmFile:
    """The text as a template of the chart in deploy/chart."""
    return HELM.parse(Source(PATH, textwrap.dedent(text).encode()))


def value(text: str) -> Expr:
    """The expression of what ``{{ text }}`` fills in."""
    return template(f"a: {{{{ {text} }}}}").holes[0].expr


def of_values(key: str, default: Expr | None = None) -> ConfigKey:
    """A key of the values of that chart."""
    return ConfigKey("values/deploy/chart", key, default)


@pytest.mark.parametrize(
    ("text", "expr"),
    [
        (".Values.image.tag", of_values("image.tag")),
        ("$.Values.a", of_values("a")),
        ("(.Values.a).b", of_values("a.b")),
        ('index .Values "a-b" "c"', of_values("a-b.c")),
        ('.Values.tag | default "x"', of_values("tag", Literal("x"))),
        ('default "x" .Values.tag', of_values("tag", Literal("x"))),
        (
            ".Values.tag | default .Chart.AppVersion",
            of_values("tag", ConfigKey("file/deploy/chart/Chart.yaml", "appVersion")),
        ),
        (".Values.port | quote", Concat((of_values("port"),))),
        (".Values.port | int", of_values("port")),
        ('required "give one" .Values.a', of_values("a")),
        ('printf "%s-x" .Values.a', Concat((of_values("a"), Literal("-x")))),
        ("printf .Values.format .Values.a", MADE),
        ("ternary 1 2 .Values.a", Choice((Literal(1), Literal(2)))),
        ("coalesce .Values.a .Values.b 3", of_values("a", of_values("b", Literal(3)))),
        (".Release.Namespace", Context("helm", "Release.Namespace")),
        ('include "chart.name" .', MADE),
        (".Values.a | b64enc", MADE),
        ("lookup .Values.a (", MADE),
    ],
)
def test_what_a_template_fills_in(text: str, expr: Expr) -> None:
    """Values, the chart and the release are followed through the functions that leave a scalar as it is."""
    assert value(text) == expr


def test_variables_and_the_dot() -> None:
    """``with`` moves the dot, a variable keeps what it was given, and one that is set again is unknown."""
    found = template(
        """
        {{- $name := .Values.name }}
        {{- $other := "a" }}
        {{- if .Values.b }}{{ $other = "b" }}{{ end }}
        a: {{ $name }}
        b: {{ $other }}
        {{- with .Values.image }}
        c: "{{ .tag }}"
        {{- end }}
        {{- range .Values.list }}
        d: {{ .name }}
        {{- end }}
        """
    ).documents[0]
    assert {key: node.text is not None for key, _, node in found.items()} == dict.fromkeys("abcd", True)
    holes = {hole.text: hole.expr for hole in template("{{ $x := .Values.x }}a: {{ $x.y }}").holes}
    assert holes == {".Values.x.y": of_values("x.y")}


def test_lines_stay_where_they_are() -> None:
    """What only steers is blank, and everything else stands on its own line."""
    text = """\
    {{- /* a comment
         of two lines */}}
    kind: Deployment
    {{- if .Values.a }}
    spec: {}
    {{- end }}
    last: 1
    """
    document = template(text).documents[0]
    assert document.key_place("kind").line == 3
    assert document.key_place("last").line == 7


def test_a_value_below_a_condition_may_be_another() -> None:
    """What a condition sets is one of what can be; the branch for the other case is left out."""
    found = template("{{- if .Values.a }}\nreplicas: 2\n{{- else }}\nreplicas: 3\n{{- end }}\n")
    node = found.documents[0].get("replicas")
    assert node is not None
    assert [hole.expr for hole in found.holes] == [Choice((Literal("2"), SOMETIMES))]


def test_whole_objects_below_a_condition_stand_as_written() -> None:
    """A condition around an object says whether there is one, and nothing of its fields."""
    found = template("{{- if .Values.a }}\napiVersion: v1\nkind: Service\nspec: {a: b}\n{{- end }}\n")
    assert found.documents[0].get("kind") is not None
    assert found.holes == []


def test_blocks_that_a_template_makes() -> None:
    """They are an entry of a mapping, an element of a list, or the text of a scalar, by what stands around them."""
    found = template(
        """
        metadata:
          labels:
            {{- include "chart.labels" . | nindent 4 }}
            app: a
        env:
          {{- toYaml .Values.env | nindent 2 }}
        list:
          {{- toYaml .Values.list | nindent 2 }}
          - own
        resources: {{- toYaml .Values.resources | nindent 2 }}
        data:
          run.sh: |
            echo
            {{- if .Values.a }}
            more
            {{- end }}
            {{ .Values.script }}
        """
    ).documents[0]
    labels, env, listed = found.get("metadata", "labels"), found.get("env"), found.get("list")
    assert labels is not None
    assert [key.startswith("\u2983") for key, _, _ in labels.items()] == [True, False]
    assert env is not None
    assert env.is_sequence
    assert listed is not None
    assert len(list(listed.elements())) == 2
    script = found.get("data", "run.sh")
    assert script is not None
    assert (script.text or "").startswith("echo\n\u2983")


def test_a_branch_inside_a_text_is_one_of_both() -> None:
    """An ``if`` within a scalar is what its branches are."""
    assert template('a: "x{{ if .Values.b }}:{{ .Values.b }}{{ else }}:1{{ end }}"').holes[-1].expr == Choice(
        (Concat((Literal(":"), of_values("b"))), Literal(":1"))
    )


@pytest.mark.parametrize("text", ["{{ if .a }}", "{{ end }}", "{{ .a", '{{ "a }}', "{{/* a", "{{ if a }}" * 100])
def test_what_is_no_template(text: str) -> None:
    """Actions and blocks that do not end are said, by their line."""
    with pytest.raises(Unreadable):
        template(f"a: 1\n{text}")


def test_what_is_no_yaml_is_a_note() -> None:
    """A template that makes structure out of text is not read, which is no fault of it."""
    found = template("a: [{{ .Values.a }}\nb: {{ .Values.b }}\n")
    assert [d.level for d in found.diagnostics] == ["note"]
