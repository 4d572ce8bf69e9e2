"""A container is given no key to sign with, and its code takes the one that is written into it.

The default is there for development, so that the code runs without a configuration. Nothing complains when it stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _asked, _manifests, _stores
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Place,
    Process,
    Setting,
    Severity,
    Tier,
    Unjudged,
    Verdict,
    expr,
    facts,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")

_KEY = re.compile(
    r"^(?:(?:APP|APPLICATION|API|AUTH|BACKEND|FLASK|DJANGO|SECURITY|TOKEN|SESSION|JWT|WEB|SERVER)_)*"
    r"(?:SECRET_KEY|JWT_SECRET|JWT_KEY|SIGNING_KEY|FERNET_KEY|ENCRYPTION_KEY|SESSION_SECRET|COOKIE_SECRET|AUTH_SECRET)$",
    re.IGNORECASE,
)
"""Names of keys that tokens, cookies or data hang on. Those of stores (``MINIO_SECRET_KEY``) are logins."""
_ENCRYPTS = re.compile(r"FERNET|ENCRYPTION", re.IGNORECASE)
_SIGNERS = frozenset(
    {
        *("jwt", "jose", "itsdangerous", "cryptography", "authlib", "fastapi_users", "python_jwt", "jwcrypto"),
        *("flask_login", "flask_jwt_extended", "flask_wtf", "flask_session", "django"),
    }
)
"""Distributions' modules that sign or encrypt with a key that they are given."""
_CHECKS_VALUES = re.compile(
    r"validator|insecure|model_post_init|__post_init__|"
    r"(?:valid\w*|check|ensure|require|assert)_(?:\w+_)?(?:config|settings|secrets?|security|secret_key|prod\w*|env\w*)",
    re.IGNORECASE,
)


def _leaves_a_key(process: Process, pipeline: Pipeline) -> bool:
    return isinstance(process.fact, facts.Container) and not process.fact.init and bool(_keys(process, pipeline))


def _keys(process: Process, pipeline: Pipeline) -> list[Setting]:
    """The keys that the process's code asks for, and has a text to fall back to."""
    return [
        setting
        for setting in _asked.settings(process, pipeline)
        if _KEY.match(setting.name) and isinstance(setting.read.default, expr.SecretKey)
    ]


@check.over(Process, where=_leaves_a_key)
def find(process: Process, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each container whose code asks for a key to sign with, and holds one to fall back to."""
    said: set[str] = set()
    elsewhere = _asked.merged(process, pipeline)
    for setting in _keys(process, pipeline):
        if setting.given or setting.name in elsewhere or setting.name in said:
            continue
        if process.environment.tier is Tier.NONPROD:
            continue
        signs = _signs(setting, process, pipeline)
        reason = _unknown(setting, process, pipeline) or ("" if signs else "no code is seen to sign with the key")
        if reason or signs is None:
            yield Unjudged(setting.place, reason)
            continue
        said.add(setting.name)
        yield _finding(setting, process, signs)


def _unknown(setting: Setting, process: Process, pipeline: Pipeline) -> str:
    """Why it can't be told whether the process takes the default; "" where it does."""
    if _checks_values(setting, pipeline):
        return "the code checks its settings, and may refuse the default"
    container = process.fact
    reason = _asked.unknown(setting, process, pipeline)
    if reason or not isinstance(container, facts.Container):
        return reason
    if container.tool == "compose":
        if _stores.said_elsewhere(container, pipeline):
            return _stores.SAID_ELSEWHERE
        return "a service that another file completes" if container.extends else ""
    if process.workload is None or _manifests.may_be_patched(container.path, pipeline, of=process.workload):
        return _manifests.PATCHED
    return _manifests.TEMPLATED if _manifests.is_templated(container, pipeline, "env", "envFrom") else ""


def _checks_values(setting: Setting, pipeline: Pipeline) -> bool:
    """Whether the file that holds the default may look at what it is given: a validator, or an error that it raises."""
    for function in pipeline.index(facts.Function, "path").get(setting.read.path, ()):
        if _CHECKS_VALUES.search(function.name) or any(map(_CHECKS_VALUES.search, function.decorators)):
            return True
    modules = pipeline.index(facts.PythonModule, "path").get(setting.read.path, ())
    return any(
        re.search(r"(?:Error|Exception|Configured|\bexit|\bwarn)$", call) for one in modules for call in one.calls
    )


def _signs(setting: Setting, process: Process, pipeline: Pipeline) -> Place | None:
    """Where code that the process runs, and that has the key, takes in what signs or encrypts with it."""
    field = setting.read.field.rpartition(".")[2]
    modules = pipeline.index(facts.PythonModule, "path")
    for path in sorted(process.modules):
        for module in modules.get(path, ()):
            if path != setting.read.path and not (field and field in module.asked):
                continue
            for one in module.imports:
                session = one.target == "starlette.middleware.sessions" or one.name in ("SessionMiddleware",)
                if session or (one.level == 0 and one.target.partition(".")[0] in _SIGNERS):
                    return Place(path, one.line)
    return None


def _finding(setting: Setting, process: Process, signs: Place) -> Finding:
    severity, lowered, confidence = None, "", None
    if _asked.is_compose(process) and process.environment.tier is not Tier.PROD:
        severity, lowered = Severity.MEDIUM, "nothing says that this compose file is production's"
    if process.assumed:
        confidence, lowered = Confidence.LOW, f"that it runs this code is assumed: {process.assumed}"
    does, harm = "signs", "forge what it signs"
    if _ENCRYPTS.search(setting.name):
        does, harm = "encrypts", "read what it encrypts"
    return Finding(
        at=process.place,
        message=(
            f"{process.name} is not given {setting.name}, so its code {does} with the default that is written in "
            f"{setting.place.path}: whoever can read the code can {harm}."
        ),
        because=(
            (setting.place, f"without {setting.name}, the key that stands here is used"),
            (signs, f"what {does} with it is taken in here"),
        ),
        about=(setting.name,),
        fix=f"Give {process.name} the variable {setting.name} from a Secret, and let the code have no default.",
        severity=severity,
        confidence=confidence,
        lowered=lowered,
        group=setting.name,
        note=f"{process.name} is not given it, either",
    )
