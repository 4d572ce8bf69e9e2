"""Workloads of Helm charts, with the values of the chart."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.model import Pipeline, Process, Value
from pytest_mlbreaks.model.facts import Autoscaler, ConfigObject, Container, NetworkService, Workload
from pytest_mlbreaks.testing import linked

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "scorer.fullname" . }}
spec:
  {{- if not .Values.autoscaling.enabled }}
  replicas: {{ .Values.replicas }}
  {{- end }}
  template:
    spec:
      containers:
        - name: {{ .Chart.Name }}
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
          env:
            - name: MODEL
              value: {{ .Values.model | quote }}
            - name: DB_PASSWORD
              value: {{ .Values.password }}
            {{- if .Values.debug }}
            - name: DEBUG
              value: "1"
            {{- end }}
            {{- toYaml .Values.extra | nindent 12 }}
          envFrom:
            - configMapRef:
                name: {{ include "scorer.fullname" . }}-config
          resources: {{- toYaml .Values.resources | nindent 12 }}
          ports:
            - containerPort: {{ .Values.port }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "scorer.fullname" . }}-config
data:
  STORE: s3://{{ .Values.bucket }}/models
"""
CHART = {
    "chart/Chart.yaml": 'name: scorer\nversion: 0.1.0\nappVersion: "1.2"\n',
    "chart/values.yaml": (
        "replicas: 2\nimage:\n  repository: acme/scorer\n  tag: ''\nmodel: churn\npassword: hunter2\nport: 8000\n"
        "bucket: acme\n"
    ),
    "chart/templates/deployment.yaml": DEPLOYMENT,
}


def chart(**more: str) -> Pipeline:
    """The chart, with other files (``/`` written as ``__``)."""
    return linked({**CHART, **{path.replace("__", "/"): text for path, text in more.items()}})


def process(pipeline: Pipeline) -> Process:
    """The only process of the chart."""
    (only,) = pipeline.all(Process)
    return only


def told(value: Value | None) -> tuple[list[object], bool]:
    """The alternatives, and whether they are all."""
    assert value is not None
    return [alternative.value for alternative in value], value.complete


def test_values_of_the_chart() -> None:
    """Images, ports and variables are what the chart's values say, an empty one its default."""
    found = process(chart())
    assert told(found.image) == (["acme/scorer:1.2"], True)
    assert told(found.variables["MODEL"]) == (["churn"], True)
    assert isinstance(found.fact, Container)
    assert told(chart().resolve(found.fact.ports[0].container)) == ([8000], True)


def test_what_only_a_condition_sets_may_be_something_else() -> None:
    """Such a variable, and such a number of replicas, are incomplete."""
    pipeline = chart()
    found = process(pipeline)
    assert told(found.variables["DEBUG"])[1] is False
    assert found.workload is not None
    assert told(pipeline.resolve(found.workload.replicas)) == ([2], False)


def test_what_a_template_leaves_open_is_told() -> None:
    """Fields that a template fills in are named, and more variables may be set: the process is not closed."""
    found = process(chart())
    assert isinstance(found.fact, Container)
    assert found.fact.untold == ("env", "resources")
    assert (found.closed, found.open_reason) == (False, "a Helm template may set more variables")


def test_objects_name_each_other_as_they_are_written() -> None:
    """A name that a named template makes is the same wherever the chart writes it alike."""
    pipeline = chart()
    assert told(process(pipeline).variables["STORE"]) == (["s3://acme/models"], True)
    assert [o.name for o in pipeline.all(ConfigObject)] == ['{{ include "scorer.fullname" $ }}-config']


def test_secrets_stay_out() -> None:
    """A variable whose name tells a secret holds none of what the values say."""
    assert "hunter2" not in repr(chart().all(Container)) + repr(process(chart()).variables)


def test_files_of_values_beside_the_charts_own_are_alternatives() -> None:
    """Some release takes them; which one is not told."""
    found = process(chart(**{"chart__values-prod.yaml": "model: churn-large\n"}))
    assert told(found.variables["MODEL"]) == (["churn", "churn-large"], True)


@pytest.mark.parametrize("flag", ["--set model=x", "--set-string a=b,model=x", '--set "model=$MODEL"'])
def test_what_helm_is_told_to_set_is_unknown(flag: str) -> None:
    """A key that a command of CI sets may be anything."""
    workflow = f"on: push\njobs:\n  deploy:\n    runs-on: x\n    steps:\n      - run: 'helm upgrade a chart {flag}'\n"
    found = process_of_container(linked({**CHART, ".github/workflows/a.yml": workflow}))
    assert told(found.variables["MODEL"])[1] is False


def process_of_container(pipeline: Pipeline) -> Process:
    """The only process of a container."""
    (only,) = [found for found in pipeline.all(Process) if isinstance(found.fact, Container)]
    return only


def test_a_chart_around_it_decides() -> None:
    """Values under the name of a chart in ``charts/``, and globals, come before that chart's own."""
    inner = {f"app/charts/inner/{path.removeprefix('chart/')}": text for path, text in CHART.items()}
    inner["app/charts/inner/values.yaml"] += "extra: []\n"
    pipeline = linked({**inner, "app/Chart.yaml": "name: app\n", "app/values.yaml": "inner:\n  model: outer\n"})
    assert told(process(pipeline).variables["MODEL"]) == (["outer"], True)


def test_tests_of_a_chart_are_left_out() -> None:
    """What ``helm test`` alone runs is nobody's production."""
    hook = 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: t\n  annotations:\n    "helm.sh/hook": test\nspec: {}\n'
    found = linked({**CHART, "chart/templates/t.yaml": hook, "chart/templates/tests/t.yaml": hook})
    assert [workload.kind for workload in found.all(Workload)] == ["Deployment"]


def test_selectors_made_by_a_named_template_match() -> None:
    """A Service and an autoscaler lead to the pods that the same named template labels, or names."""
    service = (
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: s\nspec:\n  selector:\n"
        '    {{- include "scorer.selector" . | nindent 4 }}\n  ports:\n    - port: 80\n'
    )
    scaler = (
        "{{- if .Values.autoscaling.enabled }}\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\n"
        "metadata:\n  name: s\nspec:\n  scaleTargetRef:\n    kind: Deployment\n"
        '    name: {{ include "scorer.fullname" . }}\n  maxReplicas: {{ .Values.most }}\n{{- end }}\n'
    )
    found = linked({**CHART, "chart/templates/s.yaml": service, "chart/templates/h.yaml": scaler})
    (deployment,) = found.all(Workload)
    assert [s.external for s in found.all(NetworkService)] == [False]
    assert [a.target_name for a in found.all(Autoscaler)] == [deployment.name]


def test_other_folders_of_templates_are_read_as_ever() -> None:
    """Only what lies beside a ``Chart.yaml`` is a chart's."""
    manifest = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: t\nspec:\n  containers:\n    - name: a\n      image: b\n"
    found = linked({"web/templates/pod.yaml": manifest})
    assert [container.untold for container in found.all(Container)] == [()]
