"""Which datasets and hosts are one and the same."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.link.identity import dataset_name
from pytest_mlbreaks.model import Dataset, Host
from pytest_mlbreaks.testing import linked


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("s3a://bucket/features/", "path", "s3://bucket/features"),
        ("./data/features.parquet", "path", "data/features.parquet"),
        ("s3://b/{{ ds }}/orders", "path", "s3://b/{*}/orders"),
        ("out/%Y-%m-%d/orders.csv", "path", "out/{*}/orders.csv"),
        ("data", "path", None),
        ("{*}/{*}", "path", None),
        ("data/tmp/x", "path", None),
        ("Shop.`Orders`", "table", "shop.orders"),
        ("orders", "table", None),
        ("shop.{*}", "table", None),
    ],
)
def test_names_of_datasets(text: str, kind: str, name: str | None) -> None:
    """Spellings go; what is too vague has no identity."""
    assert dataset_name(text, kind) == name


def test_a_dataset_that_two_modules_use() -> None:
    """One writes it, one reads it, through a constant."""
    files = {
        "conf.py": 'PATH = "s3://bucket/features.parquet"\n',
        "a.py": "import pandas as pd\nfrom conf import PATH\npd.DataFrame().to_parquet(PATH)\n",
        "b.py": "import pandas as pd\npd.read_parquet('s3a://bucket/features.parquet')\n",
    }
    (dataset,) = linked(files).all(Dataset)
    assert {a.path for a in dataset.accesses} == {"a.py", "b.py"}


def test_hosts() -> None:
    """A compose service by its name and aliases, with the ports behind it."""
    text = (
        "services:\n  api:\n    image: x\n    ports: ['8080:80']\n    networks:\n      n:\n        aliases: [web]\n"
        "networks:\n  n:\n"
    )
    hosts = {h.name: h for h in linked({"compose.yaml": text}).all(Host)}
    assert set(hosts) == {"api", "web"}
    assert (hosts["api"].ports, hosts["api"].published) == (frozenset({80}), {8080: 80})


def test_a_kubernetes_service_finds_its_pods() -> None:
    """All labels of its selector, in its own overlay."""
    pod = (
        "metadata: {labels: {app: api, tier: web}}\n"
        "    spec: {containers: [{name: c, image: x, ports: [{containerPort: 80}]}]}"
    )
    deployment = f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: api}}\nspec:\n  template:\n    {pod}\n"
    service = (
        "apiVersion: v1\nkind: Service\nmetadata: {name: api}\n"
        "spec: {selector: {app: api, tier: web}, ports: [{port: 8080, targetPort: 80}]}\n"
    )
    files = {f"{e}/all.yaml": f"{deployment}---\n{service}" for e in ("dev", "prod")}
    hosts = [h for h in linked(files).all(Host) if h.name == "api"]
    assert len(hosts) == 2
    for host in hosts:
        assert {p.place.path for p in host.processes} == {host.place.path}
        assert host.published == {8080: 80}
