"""What YAML configuration says."""

from __future__ import annotations

from textwrap import dedent

import pytest

from pytest_mlbreaks.model import Diagnostic
from pytest_mlbreaks.model.expr import Concat, Context, EnvVar, Expr, Literal, SecretKey, Unknown
from pytest_mlbreaks.model.facts import ConfigEntry
from pytest_mlbreaks.readers.config_files import ENTRY_LIMIT, READER
from pytest_mlbreaks.reading import Source, Wanted

PATH = "config/prod.yaml"


def read(text: str) -> list[object]:
    """What is said of a configuration file."""
    return list(READER.read(READER.format.parse(Source(PATH, dedent(text).encode())), Wanted()))


def values(text: str) -> dict[str, Expr]:
    """The values of a configuration file by key."""
    return {fact.key: fact.value for fact in read(text) if isinstance(fact, ConfigEntry)}


@pytest.mark.parametrize(
    ("path", "claimed"),
    [
        ("config/prod.yaml", True),
        ("a/conf/base/catalog.yml", True),
        ("environments/dev.yaml", True),
        ("params.yaml", True),
        ("a/values-prod.yaml", True),
        ("config.dev.yml", True),
        ("settings.yaml", True),
        ("app_config.yaml", True),
        ("k8s/deployment.yaml", False),
        ("config/docker-compose.yml", False),
        ("config/kustomization.yaml", False),
        (".github/workflows/config.yml", False),
        (".circleci/config.yml", False),
        ("config/prod.json", False),
        ("configure.yaml", False),
    ],
)
def test_claims(path: str, claimed: bool) -> None:
    """Configuration is told by folder or by name; what belongs to a tool is not it."""
    assert READER.claims(path) is claimed


def test_leaves_by_dotted_key() -> None:
    """Every scalar is an entry, typed as written; elements of a list count from 0."""
    text = """
    model:
      name: churn
      lr: 0.1
      layers: [64, 32]
      flags: {on: true, off: null}
    """
    assert values(text) == {
        "model.name": Literal("churn"),
        "model.lr": Literal(0.1),
        "model.layers.0": Literal(64),
        "model.layers.1": Literal(32),
        "model.flags.on": Literal(True),
        "model.flags.off": Literal(None),
    }


def test_places() -> None:
    """An entry stands where its value does."""
    entries = [fact for fact in read("a:\n  b: 1\n") if isinstance(fact, ConfigEntry)]
    assert [(e.place.line, e.place.column, e.identity) for e in entries] == [(2, 6, f"config:{PATH}#a.b")]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${BUCKET}", EnvVar("BUCKET", None, "host")),
        (
            "s3://${BUCKET:-b}/x",
            Concat((Literal("s3://"), EnvVar("BUCKET", Literal("b"), "host", True), Literal("/x"))),
        ),
        ("${oc.env:BUCKET}", EnvVar("BUCKET")),
        ("${oc.env:BUCKET,b}", EnvVar("BUCKET", Literal("b"))),
        ("${data.root}", Context("interpolation", "data.root")),
        ("${root}", Context("interpolation", "root")),
        ("'{{ env }}'", Unknown("filled in by a template")),
        ("{{ env }}", Unknown("filled in by a template")),
        ("gs://__BUCKET__/x", Concat((Literal("gs://"), Unknown("filled in by a template"), Literal("/x")))),
        ("<BUCKET>", Unknown("filled in by a template")),
        ("!ENV x", Unknown("what !ENV makes of it")),
        ("9" * 400, Literal("9" * 400)),
    ],
)
def test_values_that_are_filled_in(text: str, value: Expr) -> None:
    """What another tool, or the loader, puts in is an expression and no literal."""
    assert values(f"a: {text}\n") == {"a": value}


def test_secrets_are_left_out() -> None:
    """A value whose key tells a secret, and a password in a URL, never enter a fact."""
    text = """
    db: {password: hunter2, password_file: /run/x, url: "postgres://u:hunter2@db/x"}
    api_keys: [hunter2]
    max_tokens: 100
    use_token: true
    token: null
    openai: {apiKey: hunter2}
    github_token: "${oc.env:GH,hunter2}"
    script: |
      password: hunter2
      db_password = "hunter2"
      other: 1
    """
    found = values(text)
    assert "hunter2" not in repr(found)
    assert found["db.password"] == SecretKey(PATH, "password")
    assert found["db.password_file"] == Literal("/run/x")
    assert found["api_keys.0"] == SecretKey(PATH, "api_keys")
    assert found["max_tokens"] == Literal(100)
    assert found["use_token"] == Literal(True)
    assert found["token"] == Literal(None)
    assert found["script"] == Literal("password: ***\ndb_password = ***\nother: 1\n")


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v1\nkind: ConfigMap\ndata: {a: b}\n",
        "name: x\nchannels: [c]\ndependencies: [python]\n",
        "- op: replace\n  path: /a\n  value: 1\n",
        "just text\n",
        "",
    ],
)
def test_other_documents_are_left_alone(text: str) -> None:
    """Manifests, conda environments and patches are not configuration, wherever they stand."""
    assert read(text) == []


def test_long_files_end_in_a_note() -> None:
    """A file with more entries than anybody configures is read up to the limit."""
    facts = read("\n".join(f"k{i}: {i}" for i in range(ENTRY_LIMIT + 5)))
    assert len(facts) == ENTRY_LIMIT + 1
    assert isinstance(facts[-1], Diagnostic)


def test_deep_files_end() -> None:
    """Nesting that nobody writes gives no entries and no error."""
    (said,) = read("[" * 200 + "1" + "]" * 200)
    assert isinstance(said, Diagnostic)
    assert said.message == "nested more than 50 deep; what is below is not read"
