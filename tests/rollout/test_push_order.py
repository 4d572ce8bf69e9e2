"""In which order a change can be pushed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from pytest_mlbreaks.cli import main
from pytest_mlbreaks.rollout import components, text
from pytest_mlbreaks.rollout.changes import difference
from pytest_mlbreaks.rollout.deploys import today
from pytest_mlbreaks.rollout.order import Order, order
from pytest_mlbreaks.testing import linked

Files = Mapping[str, str]

MODELS = """
from sqlalchemy import Column, Integer, String
class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
    {column}
"""
DROP = """
from alembic import op
def upgrade():
    op.drop_column("orders", "amount")
def downgrade():
    op.add_column("orders", None)
"""
ADD = """
import sqlalchemy as sa
from alembic import op
def upgrade():
    op.add_column("orders", sa.Column("total", sa.Integer(), nullable={nullable}))
"""
RENAME = """
from alembic import op
def upgrade():
    op.alter_column("orders", "amount", new_column_name="total")
"""
AMOUNT = "amount = Column(Integer)"
TOTAL = "total = Column(Integer)"

DOCKERFILE = 'FROM python:3.12\nCOPY serve.py /app/serve.py\nWORKDIR /app\nCMD ["python", "serve.py"]\n'
BUILD = """
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - run: docker build -t registry.example.org/serve:latest . && docker push registry.example.org/serve:latest
"""


def judged(base: Files, head: Files) -> Order:
    """The order of the change from *base* to *head*."""
    fresh = frozenset(head) - frozenset(base)
    touched = frozenset(path for path in {*base, *head} if base.get(path) != head.get(path))
    one = components.Side(linked(base), lambda path: base.get(path, ""), touched, frozenset())
    other = components.Side(linked(head), lambda path: head.get(path, ""), touched, fresh)
    moved = components.new_migrations(one, other)
    now = components.components(other, moved, head=True)
    changes = difference(components.components(one, moved, head=False), now, touched)
    return order(changes, now, today(other.pipeline, now))


def kinds(found: Order) -> list[list[str]]:
    """The kinds of components of each stage."""
    by_id = {change.component.id: change.component.kind for change in found.changes}
    return [[by_id[name] for name in stage.components] for stage in found.stages]


def test_a_column_is_added_before_code_uses_it() -> None:
    """The migration goes first, and the reason names both places."""
    found = judged(
        {"app/models.py": MODELS.format(column="")},
        {"app/models.py": MODELS.format(column=TOTAL), "alembic/versions/1_a.py": ADD.format(nullable=True)},
    )
    assert kinds(found) == [["migrations"], ["code"]]
    (edge,) = found.edges
    assert [(str(r.first), str(r.then)) for r in edge.reasons] == [("alembic/versions/1_a.py:5:5", "app/models.py:6")]


def test_a_column_is_dropped_after_code_stopped_using_it() -> None:
    """Code goes first: what runs now still names the column in each query."""
    found = judged(
        {"app/models.py": MODELS.format(column=AMOUNT)},
        {"app/models.py": MODELS.format(column=""), "alembic/versions/1_a.py": DROP},
    )
    assert kinds(found) == [["code"], ["migrations"]]
    assert found.safe


def test_a_renamed_column_has_no_order() -> None:
    """Either order breaks one side, so that the steps are told."""
    found = judged(
        {"app/models.py": MODELS.format(column=AMOUNT)},
        {"app/models.py": MODELS.format(column=TOTAL), "alembic/versions/1_a.py": RENAME},
    )
    assert not found.safe
    (stage,) = found.stages
    assert stage.tied
    assert all((stage.expand, stage.migrate, stage.contract))
    told = text.terminal(found, "HEAD~1")
    assert "NO SINGLE PUSH IS SAFE" in told
    assert "column orders.amount" in told


@pytest.mark.parametrize("server", ["alembic", "django"])
def test_a_column_that_is_demanded_at_once_has_no_order(server: str) -> None:
    """Code that runs now writes rows without it, which the database then refuses."""
    if server == "alembic":
        base = {"app/models.py": MODELS.format(column="")}
        head = {"app/models.py": MODELS.format(column=TOTAL), "db/versions/1_a.py": ADD.format(nullable=False)}
    else:
        model = "from django.db import models\nclass Order(models.Model):\n    name = models.CharField()\n"
        base = {"shop/models.py": model}
        operation = "migrations.AddField(model_name='order', name='total', field=models.IntegerField(default=0))"
        head = {
            "shop/models.py": f"{model}    total = models.IntegerField(default=0)\n",
            "shop/migrations/0002_total.py": "from django.db import migrations, models\n"
            f"class Migration(migrations.Migration):\n    operations = [{operation}]\n",
        }
    assert [stage.tied for stage in judged(base, head).stages] == [True]


def test_a_demanded_column_is_not_dropped_in_one_push() -> None:
    """New code writes rows without it, which the database refuses until it is gone; old code still reads it."""
    required = "amount = Column(Integer, nullable=False)"
    found = judged(
        {"app/models.py": MODELS.format(column=required)},
        {"app/models.py": MODELS.format(column=""), "alembic/versions/1_a.py": DROP},
    )
    assert [stage.tied for stage in found.stages] == [True]


def test_a_column_that_is_dropped_while_it_is_used_breaks() -> None:
    """No order helps where code that does not change still declares it."""
    models = MODELS.format(column=AMOUNT)
    found = judged({"app/models.py": models}, {"app/models.py": models, "alembic/versions/1_a.py": DROP})
    assert [one.item.shown for one in found.broken] == ["column orders.amount"]
    assert "NO ORDER IS SAFE" in text.terminal(found, "v1")


def test_what_a_migration_does_by_sql_is_not_told() -> None:
    """The file is named for whoever pushes to read."""
    executes = 'from alembic import op\ndef upgrade():\n    op.execute("ALTER TABLE orders DROP amount")\n'
    told = text.terminal(judged({}, {"alembic/versions/1_a.py": executes}), "v1")
    assert "read it yourself: alembic/versions/1_a.py:3:5 calls op.execute" in told


def deployed(variable: str, tag: str, code: str) -> Files:
    """A service, its image and its code."""
    return {
        "Dockerfile": DOCKERFILE,
        ".github/workflows/build.yml": BUILD,
        "serve.py": f'import os\nURL = os.environ["{code}"]\n',
        "k8s/serve.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: serve}\nspec:\n  template:\n"
        f"    spec:\n      containers:\n        - name: serve\n          image: registry.example.org/serve:{tag}\n"
        f"          env: [{{name: {variable}, value: http://store}}]\n",
    }


def test_a_renamed_variable_has_no_order_under_one_tag() -> None:
    """Pods of either image are started with either manifest, as long as both images go by one tag."""
    found = judged(deployed("STORE", "latest", "STORE"), deployed("STORE_URL", "latest", "STORE_URL"))
    tied = [stage for stage in found.stages if stage.tied]
    assert len(tied) == 1
    assert any("variable STORE_URL" in step for step in tied[0].expand)


def test_a_renamed_variable_comes_with_a_new_tag() -> None:
    """A manifest that names a new image brings both to a pod at once; the image has to be there."""
    found = judged(deployed("STORE", "1", "STORE"), deployed("STORE_URL", "2", "STORE_URL"))
    assert found.safe
    assert kinds(found)[-1] == ["service"]


DEPLOY = """
on: push
jobs:
  deploy:
    runs-on: ubuntu-latest
    steps:
      - run: {first}
      - run: {then}
"""


@pytest.mark.parametrize("migrated_first", [True, False])
def test_a_workflow_that_deploys_the_other_way_round(migrated_first: bool) -> None:
    """It migrates and then brings the code, while the column is dropped that the pods of before still read."""
    steps = ["alembic upgrade head", "kubectl apply -f k8s/"]
    first, then = steps if migrated_first else reversed(steps)
    workflow = {".github/workflows/deploy.yml": DEPLOY.format(first=first, then=then)}
    base = {**deployed("A", "1", "A"), **workflow, "serve.py": MODELS.format(column=AMOUNT)}
    head = {**deployed("A", "2", "A"), **workflow, "serve.py": MODELS.format(column=""), "db/versions/1.py": DROP}
    found = judged(base, head)
    assert bool(found.contradictions) is migrated_first
    assert found.safe is not migrated_first
    assert ("THE OTHER WAY ROUND" in text.terminal(found, "v1")) is migrated_first


def test_a_contradiction_is_a_finding_of_push_order() -> None:
    """It has category, axes, places of both sides, and a fingerprint, as every finding has."""
    workflow = {
        ".github/workflows/deploy.yml": DEPLOY.format(first="alembic upgrade head", then="kubectl apply -f k8s/")
    }
    base = {**deployed("A", "1", "A"), **workflow, "serve.py": MODELS.format(column=AMOUNT)}
    head = {**deployed("A", "2", "A"), **workflow, "serve.py": MODELS.format(column=""), "db/versions/1.py": DROP}
    found = json.loads(text.as_json(judged(base, head), "v1", ""))["findings"]
    assert [one["check"] for one in found] == ["deploy-order-contradicts-change"]
    assert found[0]["category"] == "push-order"
    assert found[0]["axis"] == {"ml": 1, "distributed": 5}
    assert found[0]["place"]["path"] == ".github/workflows/deploy.yml"
    assert {one["place"]["path"] for one in found[0]["because"]} == {
        ".github/workflows/deploy.yml",
        "serve.py",
        "db/versions/1.py",
    }
    assert len(found[0]["fingerprint"]) == 32


MIGRATES = """apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations: {{{annotation}}}
spec:
  template:
    spec:
      containers:
        - name: migrate
          image: registry.example.org/serve:1
          command: [alembic, upgrade, head]
"""


@pytest.mark.parametrize(
    ("annotation", "contradicts"),
    [
        ("helm.sh/hook: pre-upgrade", True),
        ('helm.sh/hook: "pre-install,pre-upgrade", helm.sh/hook-weight: "-5"', True),
        ("helm.sh/hook: post-upgrade", False),
        ('helm.sh/hook: "pre-upgrade,post-upgrade"', False),
        ("helm.sh/hook: test", False),
        ('argocd.argoproj.io/sync-wave: "-1"', True),
        ('argocd.argoproj.io/sync-wave: "1"', False),
    ],
)
def test_a_job_that_migrates_before_the_release(annotation: str, contradicts: bool) -> None:
    """It drops the column before the pods that read it are gone, by a hook of Helm or a wave of Argo CD."""
    folder = "chart/templates" if "helm" in annotation else "k8s"
    job = {f"{folder}/migrate.yaml": MIGRATES.format(annotation=annotation)}
    if "helm" in annotation:
        job["chart/Chart.yaml"] = "apiVersion: v2\nname: serve\nversion: 1.0.0\n"

    def files(tag: str, column: str) -> Files:
        made = {**deployed("A", tag, "A"), "serve.py": MODELS.format(column=column), **job}
        made[f"{folder}/serve.yaml"] = made.pop("k8s/serve.yaml")
        return made

    found = judged(files("1", AMOUNT), {**files("2", ""), "db/versions/1.py": DROP})
    assert bool(found.contradictions) is contradicts


def test_moved_lines_are_no_change() -> None:
    """What is only written in another place is not pushed."""
    base = {"k8s/config.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {A: b}\n"}
    found = judged(base, {"k8s/config.yaml": f"# said\n\n{base['k8s/config.yaml']}"})
    assert found.changes == ()
    assert "Nothing" in text.terminal(found, "v1")


def test_the_command_compares_two_revisions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON for deploy tools; exit code 1 where no order is safe, 0 where there is one."""

    def commit(files: Files) -> None:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "commit", "-qm", "one"], check=True)

    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    commit({"app/models.py": MODELS.format(column=AMOUNT)})
    commit({"app/models.py": MODELS.format(column=TOTAL), "alembic/versions/1_a.py": RENAME})
    command = ["plan", "--root", str(tmp_path), "--no-cache", "--format", "json"]
    assert main([*command, "--base", "HEAD~1"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["version"] == 1
    assert not told["safe"]
    assert main([*command, "--base", "HEAD"]) == 0
    assert main([*command, "--base", "no-such"]) == 2
