"""Manifests that what deploys the others leaves out."""

from __future__ import annotations

from pytest_mlbreaks.link.passed_over import BY_COMMANDS, BY_KUSTOMIZATION
from pytest_mlbreaks.testing import judge_files, linked

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
        - name: {name}
          image: bitnami/redis:7.0
"""


def test_a_manifest_that_the_commands_leave_out_is_passed_over() -> None:
    """They apply others of its folder one by one; where they apply the folder, they apply it as well."""
    files = {"k8s/api.yaml": DEPLOYMENT.format(name="api"), "k8s/old-api.yaml": DEPLOYMENT.format(name="old-api")}
    script = "set -e\nkubectl apply -f k8s/api.yaml\n"
    assert linked({**files, "deploy.sh": script}).passed_over == {"k8s/old-api.yaml": BY_COMMANDS}
    assert linked({**files, "deploy.sh": "kubectl apply -f k8s/\n"}).passed_over == {}
    assert linked({**files, "deploy.sh": "echo api.yaml\n"}).passed_over == {}
    assert linked(files).passed_over == {}


def test_a_manifest_that_the_kustomization_takes_another_file_for_is_passed_over() -> None:
    """The other one is what runs under that name; a file of other objects may be applied by itself."""
    files = {
        "k8s/api.yaml": DEPLOYMENT.format(name="api"),
        "k8s/all-in-one.yaml": DEPLOYMENT.format(name="api"),
        "k8s/tools.yaml": DEPLOYMENT.format(name="tools"),
        "k8s/kustomization.yaml": "resources: [api.yaml]\n",
    }
    assert linked(files).passed_over == {"k8s/all-in-one.yaml": BY_KUSTOMIZATION}


def test_what_is_found_in_such_a_manifest_is_left_unjudged() -> None:
    """Whichever check finds it: nobody is seen to apply the file."""
    files = {
        "k8s/api.yaml": DEPLOYMENT.format(name="api"),
        "k8s/old-api.yaml": DEPLOYMENT.format(name="old-api"),
        "deploy.sh": "kubectl apply -f k8s/api.yaml\n",
    }
    result = judge_files(files, "retired-image-source")
    assert [finding.place.path for finding in result.findings] == ["k8s/api.yaml"]
    assert [(one.place.path, one.reason) for one in result.unjudged] == [("k8s/old-api.yaml", BY_COMMANDS)]
