"""The reader of jobs of Helm charts that stay from one release to the next."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.formats.helm import HELM
from pytest_mlbreaks.model.facts import LastingJob
from pytest_mlbreaks.readers.chart_jobs import READER
from pytest_mlbreaks.reading import Source, Wanted

JOB = "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {name}\n{marks}spec:\n{spec}  template: {{}}\n"


def jobs(name: str = "load", marks: str = "", spec: str = "") -> list[str]:
    """The names of the jobs that a template with one tells."""
    text = JOB.format(name=name, marks=marks, spec=spec)
    facts = READER.read(HELM.parse(Source("chart/templates/job.yaml", text.encode())), Wanted())
    return [one.name for one in facts if isinstance(one, LastingJob)]


@pytest.mark.parametrize(
    "name",
    [
        "load",
        "{{ .Release.Name }}-load",
        '{{ include "features.fullname" . }}-load',
        "{{ .Chart.Name }}",
        "{{ .Values.job.name }}",
    ],
)
def test_names_that_stay(name: str) -> None:
    """Those of the chart and of the release are the same after each upgrade."""
    assert len(jobs(name)) == 1


@pytest.mark.parametrize("name", ["a-{{ .Release.Revision }}", "a-{{ .Values.image.tag }}", "a-{{ randAlphaNum 5 }}"])
def test_names_that_change(name: str) -> None:
    """A revision, a tag or a random text makes it another job."""
    assert jobs(name) == []


@pytest.mark.parametrize(
    "marks",
    [
        "  annotations:\n    helm.sh/hook: post-install\n",
        "  annotations:\n    argocd.argoproj.io/sync-options: Replace=true\n",
        "  annotations:\n    {{- toYaml .Values.annotations | nindent 4 }}\n",
    ],
)
def test_annotations_decide(marks: str) -> None:
    """A hook is run by whom it names; what a template adds may be one."""
    assert jobs(marks=marks) == []
    assert jobs(marks="  annotations:\n    example.org/team: ml\n") == ["load"]


def test_a_job_that_is_removed_is_made_anew() -> None:
    """Kubernetes deletes it, and the next release makes it again."""
    assert jobs(spec="  ttlSecondsAfterFinished: 60\n") == []
