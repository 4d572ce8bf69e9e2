"""A CI cache's key does not hash what the cached things are made from, and a hit skips the step that makes them.

An entry of the GitHub cache is never changed: on an exact hit it is restored, and not saved again. If the key stays the
same while the lock file or the script changes, CI goes on with what it made first.
"""

from __future__ import annotations

import dataclasses
import posixpath
import re
from collections.abc import Iterator

from mlbreaks_checks import _ci
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Place,
    Process,
    Severity,
    Unjudged,
    Verdict,
    expr,
    facts,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")

_ACTIONS = frozenset({"actions/cache", "actions/cache/restore"})
_HASH = re.compile(r"hashFiles\(([^()]*)\)", re.IGNORECASE)
_STRING = re.compile(r"'((?:[^']|'')*)'")
_CONSTANT = re.compile(
    r"(?:runner|matrix|strategy)\.|github\.(?:ref|head_ref|base_ref|job|workflow|repository|actor|event_name)"
)
_VARIES = re.compile(r"(?:matrix|inputs|env|vars|github\.event\.inputs)\.")
_CHANGES = re.compile(r"github\.(?:sha|run_id|run_number|run_attempt|event\.\w+\.\S*sha)")
_DEPENDENCY_FILE = re.compile(
    r"(?:^|/)(?:pyproject\.toml|setup\.(?:py|cfg)|Pipfile|[^/]*\.lock|[^/]*\.in|[^/]*lock[^/]*\.ya?ml)$"
)
_LOCKS: dict[str, tuple[str, ...]] = {
    "poetry": ("poetry.lock", "pyproject.toml"),
    "uv": ("uv.lock", "pyproject.toml"),
    "pdm": ("pdm.lock", "pyproject.toml"),
    "pipenv": ("Pipfile.lock", "Pipfile"),
    "npm": ("package-lock.json", "package.json"),
    "yarn": ("yarn.lock", "package.json"),
    "pnpm": ("pnpm-lock.yaml", "package.json"),
}
_INSTALL_WORDS = frozenset({"install", "sync", "ci"})


@dataclasses.dataclass(frozen=True)
class _Key:
    """A cache key taken apart: the patterns that it hashes, and why what else it holds can't be told ("" if it can).
    *changes*: it is another one at each commit or run; *literal*: its text as written or resolved; *varies*: it holds a
    variable, an input or a dimension of a matrix."""

    text: str
    literal: str
    varies: bool
    patterns: tuple[str, ...]
    changes: bool
    unknown: str


@dataclasses.dataclass(frozen=True)
class _Input:
    """What a skipped command makes its things from: any of *files* in the key would do. *code*: a script."""

    place: Place
    command: str
    files: tuple[str, ...]
    code: bool = False
    arguments: tuple[str, ...] = ()


def _caches(job: facts.WorkflowJob, pipeline: Pipeline) -> bool:
    return any(_is_cache(step) for step in job.steps)


def _is_cache(step: facts.JobStep) -> bool:
    return step.uses.partition("@")[0].lower() in _ACTIONS


@check.over(facts.WorkflowJob, where=_caches)
def find(job: facts.WorkflowJob, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each step that restores a cache, and at what the job skips when there is a hit."""
    for step in job.steps:
        if not _is_cache(step):
            continue
        skipped, perhaps = _skipped(job, step)
        inputs = [one for left_out in skipped for one in _inputs(left_out, pipeline)]
        doubtful = [one for left_out in perhaps for one in _inputs(left_out, pipeline)]
        given = next((v for v in step.inputs if v.name.lower() == "key"), None)
        if not (inputs or doubtful) or given is None:
            continue
        key = _key(given.value, step, job, pipeline)
        inputs = [one for one in inputs if not _names_content(key, one)]
        if key.changes or not (inputs or doubtful):
            continue
        if key.unknown:
            yield Unjudged(given.place, key.unknown)
            continue
        if not inputs:
            hashed = {path for pattern in key.patterns for path in _matching(pattern, pipeline)}
            if any(not hashed & set(one.files) for one in doubtful):
                yield Unjudged(given.place, "whether a hit leaves the step out can't be told")
            continue
        yield from _judge(key, given.place, inputs, job, step, pipeline)


def _names_content(key: _Key, one: _Input) -> bool:
    """Whether an argument of a skipped script stands in the key: the key names what is made (``bert-base-v2``)."""
    literal = _plain(key.literal)
    for argument in one.arguments if one.code else ():
        value = argument.rpartition("=")[2]
        for name in {_plain(value), _plain(value.rpartition("/")[2])}:
            if (
                len(name) > 3
                and re.search(r"[\d-]", name)
                and re.search(rf"(?<![^-]){re.escape(name)}(?![^-])", literal)
            ):
                return True
    return False


def _plain(text: str) -> str:
    return re.sub(r"[^\w.]+", "-", text).strip("-").lower()


def _judge(
    key: _Key, place: Place, inputs: list[_Input], job: facts.WorkflowJob, step: facts.JobStep, pipeline: Pipeline
) -> Iterator[Verdict]:
    hashed = {path for pattern in key.patterns for path in _matching(pattern, pipeline)}
    if key.patterns and not hashed:
        doubt = _may_match_later(key, job, step, pipeline)
        if doubt:
            yield Unjudged(place, doubt)
            return
    for one in inputs:
        if hashed & set(one.files):
            continue
        if one.code and key.varies and any("$" in word or "{*}" in word for word in one.arguments):
            yield Unjudged(place, "the key and the command hold values that may name the same thing")
            continue
        if hashed and (one.code or any(_DEPENDENCY_FILE.search(path) for path in hashed)):
            # Other files are hashed, and these may well decide what the command makes.
            if not one.code:
                yield Unjudged(place, "the key hashes another file that may decide the same")
            continue
        if key.patterns and not hashed:
            what = f"hashes {_listed(key.patterns)}, which no file of the tree matches, and so is always the same"
        elif key.patterns:
            what = f"hashes {_listed(sorted(hashed))} and not {one.files[0]}"
        else:
            what = f"holds no hash of {one.files[0]}"
        yield Finding(
            at=place,
            message=(
                f"The cache key {key.text!r} {what}. On a hit `{one.command}` is skipped, so that after a change of "
                f"{one.files[0]} CI goes on with what it made from an older one."
            ),
            because=(
                (one.place, f"`{one.command}` runs only without a hit"),
                (Place(one.files[0], 1), "what it reads"),
            ),
            about=(job.id, one.files[0]),
        )
        return


# ---------------------------------------------------------------------------------------------------- the key


def _key(written: expr.Expr, step: facts.JobStep, job: facts.WorkflowJob, pipeline: Pipeline) -> _Key:
    patterns: list[str] = []
    shown: list[str] = []
    literal: list[str] = []
    changes, unknown, varies = False, "", False
    process = pipeline.one(Process, f"process:{job.step}")
    for part in written.parts if isinstance(written, expr.Concat) else (written,):
        if isinstance(part, expr.EnvVar):
            own = next((v.value for v in step.variables if v.name == part.key), None)
            text = pipeline.resolve(own if own is not None else part, process).text
            if text is None:
                unknown = unknown or "the key holds a variable that can't be told"
            shown.append(f"${part.key}")
            literal.append(text or "")
            varies = True
        elif isinstance(part, expr.Context):
            shown.append(f"${{{{ {part.name} }}}}")
            literal.append(" ")
            varies = varies or _VARIES.match(part.name) is not None
            hashes = _HASH.findall(part.name)
            if hashes:
                for arguments in hashes:
                    strings = _STRING.findall(arguments)
                    patterns.extend(strings)
                    if _STRING.sub("", arguments).strip(" ,\n"):
                        unknown = unknown or "what the key hashes is worked out when it runs"
            elif _CHANGES.match(part.name):
                changes = True
            elif not _CONSTANT.match(part.name):
                unknown = unknown or "the key holds a value that is worked out when it runs"
        elif isinstance(part, expr.Literal):
            shown.append(str(part.value))
            literal.append(str(part.value))
        else:
            unknown = unknown or "the key holds a value that can't be told"
    return _Key("".join(shown), "".join(literal), varies, tuple(patterns), changes, unknown)


def _matching(pattern: str, pipeline: Pipeline) -> list[str]:
    """The files of the tree that a pattern of hashFiles means; a folder means all below it. It starts at the top of
    the checkout."""
    plain = pattern.removeprefix("./").rstrip("/")
    if plain.startswith(("!", "~", "/")):
        return []
    if not any(mark in plain for mark in "*?["):
        if plain in pipeline.paths:
            return [plain]
        return [path for path in pipeline.paths if path.startswith(f"{plain}/")] if pipeline.has_folder(plain) else []
    expression = re.compile(_glob(plain) + r"(?:/.*)?")
    return [path for path in pipeline.paths if expression.fullmatch(path)]


def _glob(pattern: str) -> str:
    """A pattern of @actions/glob as a regular expression."""
    pieces = []
    for token in re.findall(r"\*\*/?|\*|\?|\[[^\]]*\]|[^*?\[]+|\[", pattern):
        if token.startswith("**"):
            pieces.append("(?:[^/]+/)*" if token.endswith("/") else ".*")
        elif token == "*":
            pieces.append("[^/]*")
        elif token == "?":
            pieces.append("[^/]")
        elif token.startswith("[") and len(token) > 2:
            pieces.append(token.replace("[!", "[^"))
        else:
            pieces.append(re.escape(token))
    return "".join(pieces)


def _may_match_later(key: _Key, job: facts.WorkflowJob, step: facts.JobStep, pipeline: Pipeline) -> str:
    """Why files that the patterns mean may be there when the job runs, although the tree has none; "" if not."""
    for other in job.steps:
        if other.uses.startswith("actions/checkout") and any(v.name in ("path", "repository") for v in other.inputs):
            return "the checkout is not at the top of the workspace, or of another repository"
    for pattern in key.patterns:
        if pipeline.unread_near(pattern.rstrip("/*")) is not None:
            return "a folder that is not in the tree is hashed"
        name = posixpath.basename(pattern).replace("*", "")
        for other in job.steps[: step.index]:
            if other.uses.startswith("./"):
                return "composite actions are not read"
            if other.run is not None and name and name in _ci.text_of(other.run.shell):
                return "a step before may make what is hashed"
    return ""


def _listed(names: tuple[str, ...] | list[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


# ----------------------------------------------------------------------------------------- what a hit leaves out


def _skipped(job: facts.WorkflowJob, cache: facts.JobStep) -> tuple[list[facts.JobStep], list[facts.JobStep]]:
    """The steps that do not run when *cache* has an exact hit, and those that ask for one in another way.

    ``cache-hit`` is the text ``true`` on an exact hit; else ``false``, or empty where nothing was restored.
    Source: https://github.com/actions/cache#outputs
    """
    if not cache.id:
        return [], []
    hit = rf"steps\.{re.escape(cache.id)}\.outputs\.cache-hit"
    runs_without = re.compile(
        rf"{hit}\s*!=\s*'true'|{hit}\s*==\s*'(?:false)?'|!\s*{hit}\b(?!\s*[=!])|!\s*\(\s*{hit}(?:\s*==\s*'true')?\s*\)"
    )
    other_negation = re.compile(rf"!\s*\((?!\s*{hit}(?:\s*==\s*'true')?\s*\))")
    runs_with = re.compile(rf"^(?:\$\{{\{{)?\s*{hit}\s*(?:==\s*'true')?\s*(?:\}}\}})?$")
    asking = {
        read.step
        for read in job.reads
        if read.of == "steps" and read.name == cache.id and read.field.startswith("outputs.cache-hit")
    }
    skipped, perhaps = [], []
    for step in job.steps:
        plain = "||" not in step.condition and not other_negation.search(step.condition)
        if plain and runs_without.search(step.condition):
            skipped.append(step)
        elif step.index in asking and not runs_with.match(step.condition):
            perhaps.append(step)
    return skipped, perhaps


def _inputs(step: facts.JobStep, pipeline: Pipeline) -> Iterator[_Input]:
    """What the commands of a step read of the tree, as far as their words tell."""
    folder = _ci.text_of(step.run.workdir) if step.run is not None and step.run.workdir is not None else ""
    folder = folder.removeprefix("./").strip("/")
    for command in _ci.commands(step):
        words = command.words
        if words[0] == "cd" and len(words) > 1:
            folder = posixpath.normpath(posixpath.join(folder, words[1]))
            continue
        for files, code in _read_by(words):
            there = tuple(p for name in files if (p := _below(folder, name)) in pipeline.paths)
            if there:
                yield _Input(command.place, " ".join(words[:6]), there, code, words[1:])


def _below(folder: str, name: str) -> str:
    path = posixpath.normpath(posixpath.join(folder, name))
    return "" if path.startswith("..") else path


def _read_by(words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], bool]]:
    """The groups of files that a command reads, any of a group standing for it, and whether it is a script."""
    program = words[0].rpartition("/")[2]
    arguments = words[1:]
    if program.startswith("python") and arguments[:2] == ("-m", "pip"):
        program, arguments = "pip", arguments[2:]
    if program == "uv" and arguments[:1] == ("pip",):
        program, arguments = "pip", arguments[1:]
    if program in ("pip", "pip3") and "install" in arguments:
        for position, word in enumerate(arguments[:-1]):
            if word in ("-r", "--requirement"):
                yield (arguments[position + 1],), False
            elif word in ("-e", "--editable"):
                yield _project(arguments[position + 1]), False
        if arguments[-1].partition("[")[0] == ".":
            yield _project("."), False
    elif program in ("conda", "mamba", "micromamba") and "-f" in arguments[:-1]:
        yield (arguments[arguments.index("-f") + 1],), False
    elif program in _LOCKS and arguments and arguments[0] in _INSTALL_WORDS:
        yield _LOCKS[program], False
    elif program.startswith("python") and arguments and arguments[0].endswith(".py"):
        yield (arguments[0],), True


def _project(folder: str) -> tuple[str, ...]:
    base = folder.partition("[")[0]
    return tuple(posixpath.join(base, name) for name in ("pyproject.toml", "setup.py", "setup.cfg"))
