"""Names that hold secrets, and texts without them."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.secrets import redact_url, secret_key


@pytest.mark.parametrize(
    "name",
    [
        *("DB_PASSWORD", "PGPASSWORD", "apiKey", "api_key", "OPENAI_API_KEY", "hf-token", "AWS_SECRET_ACCESS_KEY"),
        *("MYSQL_ROOT_PASSWORD", "clientSecret", "AIRFLOW__CORE__FERNET_KEY", "privatekey", "JWT", "GITHUB_PAT"),
        "AZURE_STORAGE_CONNECTION_STRING",
    ],
)
def test_a_name_that_holds_a_secret(name: str) -> None:
    """Passwords, tokens and keys are known by the words of the name, however it is written."""
    assert secret_key(name)


@pytest.mark.parametrize(
    "name",
    [
        *("MAX_TOKENS", "max_new_tokens", "POSTGRES_PASSWORD_FILE", "AWS_ACCESS_KEY_ID", "TOKEN_TTL", "sort_key"),
        *(
            "KEY",
            "PAD_TOKEN",
            "PATH",
            "BYPASS",
            "COMPASS",
            "tokenizer",
            "MODEL_PATH",
            "secretName",
            "",
            "PASSWORD_MIN_LENGTH",
        ),
    ],
)
def test_a_name_that_holds_none(name: str) -> None:
    """A name about a secret, or one that only sounds like it, is left alone."""
    assert not secret_key(name)


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("postgres://user:pw@host/db", "postgres://user:***@host/db"),
        ("a=redis://:pw@cache:6379 b=x://u:p@y", "a=redis://:***@cache:6379 b=x://u:***@y"),
        ("mysql://u:p@ss@host/db", "mysql://u:***@host/db"),
        ("postgres://u:${PW}@host/db", "postgres://u:${PW}@host/db"),
        ("https://h/v1?api_key=abc&n=1", "https://h/v1?api_key=***&n=1"),
        ("host=db user=u password=abc", "host=db user=u password=***"),
        ("serve --token=abc --port=80", "serve --token=*** --port=80"),
        ('export PGPASSWORD="a b" && run', "export PGPASSWORD=*** && run"),
        ("az login --password abc -o x", "az login --password *** -o x"),
        ("docker login --password-stdin host", "docker login --password-stdin host"),
        ('T="${T}"', 'T="${T}"'),
        ("PASSWORD=${PW} TOKEN=$T", "PASSWORD=${PW} TOKEN=$T"),
        ("https://github.com/a/b@v1", "https://github.com/a/b@v1"),
        ("http://host:8080/a", "http://host:8080/a"),
        ("plain text", "plain text"),
    ],
)
def test_redacting(text: str, redacted: str) -> None:
    """Only the password goes; the host, user and path of a URL are what links two systems, and stay."""
    assert redact_url(text) == redacted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("docker login -u ci -p S3cret1 reg", "docker login -u ci -p *** reg"),
        ("docker compose -p proj up", "docker compose -p proj up"),
        ("docker run -p 8080:80 x", "docker run -p 8080:80 x"),
        ("curl -u user:S3c3 x", "curl -u user:*** x"),
        ("-H 'Authorization: Bearer S3c4abcdefg'", "-H 'Authorization: Bearer ***'"),
        ("https://ghp_abcdefghijklmnopqrstuvwxyz012345@h/x", "https://***@h/x"),
        ("key AKIAABCDEFGHIJKLMNOP here", "key *** here"),
        ("git+https://github.com/a/b@main", "git+https://github.com/a/b@main"),
    ],
)
def test_secrets_of_well_known_forms_and_commands(text: str, shown: str) -> None:
    """Tokens by their form, passwords by the command that takes them; ports and projects are neither."""
    assert redact_url(text) == shown
