"""Secrets in what is read: which names hold one, and text with the passwords taken out."""

from __future__ import annotations

import functools
import re

_WORDS = frozenset(
    {
        *("secret", "secrets", "password", "passwords", "passwd", "passphrase", "passcode", "pwd", "pass", "pw"),
        *("token", "credential", "credentials", "apikey", "secretkey", "accesskey", "privatekey", "authkey"),
        *("pat", "jwt", "requirepass", "masterauth"),
    }
)
"""Words of a name that make its value a secret."""

_ENDINGS = ("password", "passwd", "secret", "apikey", "secretkey", "accesskey", "privatekey", "token")
"""The same, at the end of a word written without a separator (``PGPASSWORD``, ``MYSQLPASSWD``)."""

_KEY_KINDS = frozenset(
    {
        *("api", "access", "private", "secret", "encryption", "signing", "ssh", "auth", "fernet", "account", "master"),
        *("session", "hmac", "storage", "license", "deploy", "service"),
    }
)
"""Words that make a following ``key`` a secret: ``FERNET_KEY``, ``api-key``; a bare ``key`` (``sort_key``) is none."""

_TEXT_TOKENS = frozenset(
    {
        *(
            "pad",
            "eos",
            "bos",
            "unk",
            "mask",
            "sep",
            "cls",
            "special",
            "stop",
            "start",
            "end",
            "max",
            "min",
            "num",
            "per",
        ),
        *("next", "new", "image", "prompt", "n", "input", "output", "completion"),
    }
)
"""Words before ``token`` that make it a piece of text: ``PAD_TOKEN``, ``max_token``."""

_NOT_VALUES = frozenset(
    {
        *("file", "path", "dir", "name", "arn", "id", "ref", "url", "uri", "endpoint", "host", "length", "size"),
        *("limit", "expiry", "expiration", "expire", "expires", "ttl", "seconds", "minutes", "days", "type", "enabled"),
        *("count", "policy", "algorithm", "version", "provider", "manager", "backend", "class", "store", "hours"),
        *("interval", "stdin", "secs", "ms", "prefix", "header", "field", "env", "required", "mount"),
    }
)
"""Last words that say that the value is about the secret, and not the secret: ``PASSWORD_FILE``, ``TOKEN_TTL``."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_URL_PASSWORD = re.compile(r"(?<=://)([^\s:/@?#\"'<>]*):([^\s/?#\"'<>]+)@")
_PAIR = re.compile(r"""(?:(?<=[?&;\s"'])|^)([A-Za-z_.-]{2,40})=("[^"\n]*"|'[^'\n]*'|[^\s&;#"'<>]+)""")
_FLAG = re.compile(r"(?:(?<=\s)|^)(--[A-Za-z][A-Za-z-]{1,40})([ \t]+)([^\s-][^\s]*)")
_REFERENCE = re.compile(
    r"\$\{[A-Za-z_][^{}]*\}|\$[A-Za-z_]\w*|\{\{[^{}]*\}\}|\{[A-Za-z_][\w.]*\}|%[A-Z_]+%|[\ue000-\uf8ff]+|\$\([A-Za-z_]\w*\)"
)


_SHAPES = tuple(
    (start, re.compile(form))
    for start, form in (
        ("gh", r"\bgh[pousr]_[A-Za-z0-9]{20,}"),
        ("github_pat_", r"\bgithub_pat_\w{20,}"),
        ("glpat-", r"\bglpat-[\w-]{16,}"),
        ("xox", r"\bxox[abeprs]-[\w-]{10,}"),
        ("hf_", r"\bhf_[A-Za-z0-9]{20,}"),
        ("sk-", r"\bsk-[A-Za-z0-9_-]{20,}"),
        ("AIza", r"\bAIza[\w-]{30,}"),
        ("AKIA", r"\bAKIA[A-Z0-9]{16}"),
        ("ASIA", r"\bASIA[A-Z0-9]{16}"),
        ("eyJ", r"\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*"),
        ("hooks.slack.com/services/", r"(?<=hooks\.slack\.com/services/)[\w/-]{20,}"),
    )
)
"""How well-known tokens look, each with a text that stands in every one of them: a look for it is cheap."""
_BEARER = re.compile(r"\b(?:(Bearer)\s+[A-Za-z0-9+/=._~-]{8,}|(Basic)\s+[A-Za-z0-9+/]{12,}={0,2})")
_URL_USER = re.compile(r"(?<=://)([^\s:/@?#\"'<>${}*]{12,})@")
_USER_OPTION = re.compile(r"(\s(?:-u|--user)[ =]\S+?):(?![/$*{])(\S+)")
_PASSWORD_OPTION = re.compile(
    r"\b((?:(?:docker|podman|skopeo|crane|az|helm\s+registry)\s+login|sshpass|redis-cli|mysql\w*)\b[^\n|;&]{0,200}?\s-[pa]\s?)(?![\s$-])(?!\d+:)([^\s;|&]{4,})"
)


def secret_key(name: str) -> bool:
    """Whether the value under a key of this name is a secret: ``DB_PASSWORD``, ``apiKey``, ``hf-token``.

    Names of things about a secret (``PASSWORD_FILE``, ``ACCESS_KEY_ID``, ``MAX_TOKENS``) are not.
    """
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or words[-1] in _NOT_VALUES:
        return False
    for index, word in enumerate(words):
        if word == "token" and index and words[index - 1] in _TEXT_TOKENS:
            continue
        if word in _WORDS or word.endswith(_ENDINGS):
            return True
        if word in ("key", "keys") and index and words[index - 1] in _KEY_KINDS:
            return True
        if word == "string" and index and words[index - 1] in ("connection", "conn"):
            return True
    return False


@functools.lru_cache(maxsize=2048)  # one long script stands in many files of some trees
def redact_url(text: str) -> str:
    """The text with ``***`` for the password of each URL in it, and for the values of pairs whose name is a secret's
    (``?api_key=``, ``host=db password=``, ``--token=``, ``--token x``), for tokens of well-known forms (``ghp_...``,
    ``AKIA...``, ``Bearer ...``), and for the passwords of well-known commands (``curl -u a:b``, ``docker login -p x``).

    ``postgres://user:pw@host/db`` becomes ``postgres://user:***@host/db``. An interpolated password (``${PW}``)
    names a variable and tells no secret: it stays; a character of Unicode's private use area, by which a reader marks
    the place of such a reference, counts as one.
    """
    if "://" in text and "@" in text:
        text = _URL_PASSWORD.sub(_without_password, text)
        text = _URL_USER.sub("***@", text)  # a token in the place of a user
    if len(text) > 12:
        for start, form in _SHAPES:
            if start in text:
                text = form.sub("***", text)
        if "Bearer" in text or "Basic" in text:
            text = _BEARER.sub(lambda match: f"{match[1] or match[2]} ***", text)
        if " -" in text:
            text = _PASSWORD_OPTION.sub(r"\1***", _USER_OPTION.sub(r"\1:***", text))
    if "=" in text:
        text = _PAIR.sub(_without_secret, text)
    if "--" in text:
        text = _FLAG.sub(_without_argument, text)
    return text


def _without_password(match: re.Match[str]) -> str:
    return match[0] if _interpolated(match[2]) else f"{match[1]}:***@"


def _without_secret(match: re.Match[str]) -> str:
    if not secret_key(match[1]) or _interpolated(match[2]):
        return match[0]
    return f"{match[1]}=***"


def _without_argument(match: re.Match[str]) -> str:
    if not secret_key(match[1]) or _interpolated(match[3]):
        return match[0]
    return f"{match[1]}{match[2]}***"


def _interpolated(value: str) -> bool:
    """Whether a value is nothing but a reference to a variable (``${PW}``, ``$PW``, ``{{ pw }}``, ``$(PW)``), or starts
    with a command that tells it (``$(cat``)."""
    return value.startswith("$(") or _REFERENCE.fullmatch(value.strip("\"'")) is not None
