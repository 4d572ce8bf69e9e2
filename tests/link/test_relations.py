"""What leads from one thing of the pipeline to another."""

from __future__ import annotations

from pytest_mlbreaks.link.relations import Relation, crossing, relations
from pytest_mlbreaks.testing import linked

_COMPOSE = (
    "services:\n  api:\n    build: .\n    command: python app.py\n    environment: {STORE: 'redis://store:6379'}\n"
    "  store:\n    image: redis\n"
)
_DOCKERFILE = "FROM python:3.12\nWORKDIR /app\nCOPY . .\n"


def _found(files: dict[str, str], kind: str) -> list[Relation]:
    return [relation for relation in relations(linked(files)) if relation.kind == kind]


def test_an_image_its_container_and_its_code() -> None:
    """Compose builds an image and runs it, starts a file, and calls a service by a variable."""
    files = {"compose.yaml": _COMPOSE, "Dockerfile": _DOCKERFILE, "app.py": "print()\n"}
    found = {(r.kind, r.tool_from, r.tool_to) for r in relations(linked(files))}
    assert {
        ("builds", "compose", "docker"),
        ("runs", "docker", "compose"),
        ("starts", "compose", "python"),
        ("calls", "compose", "compose"),
    } <= found
    assert ("calls", "compose", "compose") not in {
        (r.kind, r.tool_from, r.tool_to) for r in crossing(relations(linked(files)))
    }


def test_a_relative_path_is_the_same_to_one_program_only() -> None:
    """Two programs of a tree each have a data folder of their own; two files of one share it."""
    write = "import pandas as pd\npd.DataFrame().to_csv('data/churn.csv')\n"
    read = "import pandas as pd\npd.read_csv('data/churn.csv')\n"
    files = {"a/requirements.txt": "", "a/write.py": write, "b/requirements.txt": "", "b/read.py": read}
    assert not _found(files, "feeds")
    (one,) = _found({**files, "a/read.py": read}, "feeds")
    assert (one.from_identity, one.to_identity) == ("file:a/write.py", "file:a/read.py")
    assert one.through == "dataset:path:data/churn.csv"


def test_what_begins_with_what_is_not_told_is_not_shared() -> None:
    """`{*}/churn.csv` is a name of nobody."""
    write = "import pandas as pd\ndef w(folder):\n    pd.DataFrame().to_csv(f'{folder}/churn.csv')\n"
    read = "import pandas as pd\ndef r(folder):\n    pd.read_csv(f'{folder}/churn.csv')\n"
    assert not _found({"write.py": write, "read.py": read}, "feeds")


def test_a_cluster_knows_no_services_of_a_compose_file() -> None:
    """A pod's address leads to what runs in its cluster."""
    pod = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: api}\nspec:\n  containers:\n"
        "    - {name: api, image: api, env: [{name: STORE, value: 'redis://store:6379'}]}\n"
    )
    compose = "services:\n  store:\n    image: redis\n"
    store = (
        "apiVersion: v1\nkind: Service\nmetadata: {name: store}\n"
        "spec: {selector: {app: store}, ports: [{port: 6379}]}\n---\n"
        "apiVersion: v1\nkind: Pod\nmetadata: {name: store, labels: {app: store}}\n"
        "spec:\n  containers:\n    - {name: redis, image: redis}\n"
    )
    assert not _found({"k8s/api.yaml": pod, "compose.yaml": compose}, "calls")
    (one,) = _found({"k8s/api.yaml": pod, "k8s/store.yaml": store, "compose.yaml": compose}, "calls")
    assert one.tool_to == "kubernetes"


def test_steps_in_containers_share_no_disk() -> None:
    """What a component of Kubeflow writes under a path is no file of the notebook that reads that path."""
    pipeline = (
        "import pickle\nfrom kfp import dsl\n@dsl.component\ndef train():\n    import pandas as pd\n"
        "    pd.DataFrame().to_csv('artifact/scaler.csv')\n"
        "@dsl.pipeline(name='p')\ndef p():\n    train()\n"
    )
    read = "import pandas as pd\npd.read_csv('artifact/scaler.csv')\n"
    assert not _found({"pipeline.py": pipeline, "read.py": read}, "feeds")
    (one,) = _found(
        {"pipeline.py": pipeline.replace("artifact/", "s3://a/"), "read.py": read.replace("artifact/", "s3://a/")},
        "feeds",
    )
    assert one.tool_from == "kfp"
