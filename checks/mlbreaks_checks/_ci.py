"""What the jobs of a CI workflow do: which run tests, which deploy, and of which that can't be told.

Commands are taken apart only as far as that needs: lines, ``&&``/``||``/``;``/``|``, wrappers such as ``poetry run``.
Where a command leads out of what is read (``make``, a script, somebody's action), it is opaque, never empty.
"""

from __future__ import annotations

import dataclasses
import functools
import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence

from pytest_mlbreaks.api import TASK_PROGRAMS, JobRun, Pipeline, Place, expr, facts, references, task_run

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
_HERE_DOCUMENT = re.compile(r"(?<!<)<<-?\s*[\"']?([A-Za-z_]\w*)")
_JOINED_STREAMS = re.compile(r"(?:(?<=\s)\d)?>&\d")
"""``2>&1``, whose ``&`` separates no commands."""
_SEPARATORS = re.compile(r"[;&|()]+")
_KEYWORDS = frozenset(
    {"then", "do", "else", "if", "elif", "!", "{", "while", "until", "time", "exec", "command", "sudo"}
)
_WRAPPERS = frozenset({"env", "retry", "timeout", "nice", "nohup", "xvfb-run", "stdbuf", "dotenv", "doppler", "op"})
_RUNNERS = frozenset({"poetry", "uv", "pipenv", "pdm", "rye", "pixi", "conda", "mamba", "micromamba", "hatch"})
_TAKES_VALUE = frozenset(
    {
        *("-n", "--name", "-p", "--prefix", "-e", "--environment", "--with", "--extra", "--group", "--python", "-C"),
        *("--project", "--directory", "--package", "--env-file", "--no-group", "--index", "--with-requirements"),
        *("--only-group", "--manifest-path", "-k", "-s", "--signal", "--feature", "--index-url", "--from"),
    }
)
"""Options of `_RUNNERS` and `_WRAPPERS` that take a value."""

_TEST_PROGRAMS = frozenset(
    {"pytest", "py.test", "tox", "nox", "nosetests", "nose2", "stestr", "trial", "behave", "ward"}
)
_TEST_MODULES = frozenset({"pytest", "unittest", "tox", "nox", "nose2", "nose", "xdist", "doctest"})
_TEST_WORD = re.compile(r"(?<![\w.-])(?:pytest|py\.test|unittest|tox|nox|nosetests|nose2|behave)(?![\w-])")
_NAMES_TESTS = re.compile(r"\b(?:pytest|unittest|tox|nox|tests?)\b", re.IGNORECASE)
_INSTALLS = re.compile(r"\b(?:install|add|sync|inject|upgrade|cache|lock)\b")
_LOCAL_CLUSTER = re.compile(
    r"\bkind\s+(?:create|load)\b|helm/kind-action|engineerd/setup-kind|\bminikube\b|\bk3[ds]\b|microk8s|"
    r"(?<![/\w])localhost:\d+/|chart-testing|\bct install\b|act10ns|kind-cluster|create-cluster",
    re.IGNORECASE,
)
_DEPLOYS = re.compile(
    r"^(?:"
    r"kubectl\s+(?:-\S+(?:\s+[^-\s]\S*)?\s+)*?(?:apply|replace|set\s+image|rollout\s+restart|patch)\b"
    r"|kubectl\s+argo\s+rollouts\s+(?:set\s+image|promote)\b"
    r"|oc\s+(?:apply|rollout|set\s+image|replace)\b"
    r"|helm\s+(?:-\S+\s+)*upgrade\b|helmfile\s+(?:-\S+\s+\S+\s+)*(?:apply|sync)\b"
    r"|gcloud\s+(?:beta\s+|alpha\s+)?(?:run\s+(?:deploy|services\s+(?:replace|update)|jobs\s+(?:deploy|update|replace))"
    r"|app\s+deploy|functions\s+deploy|ai\s+endpoints\s+deploy-model)\b"
    r"|aws\s+(?:ecs\s+(?:update-service|deploy)|lambda\s+update-function-code|sagemaker\s+update-endpoint"
    r"|elasticbeanstalk\s+update-environment|apprunner\s+(?:start-deployment|update-service))\b"
    r"|(?:sam|cdk|serverless|sls|eb|firebase|modal|prefect|astro|bentoml|chalice|zappa|cortex)\s+(?:\S+\s+)?deploy\b"
    r"|(?:fly|flyctl)\s+deploy\b|railway\s+up\b|heroku\s+container:release\b|argocd\s+app\s+(?:sync|set)\b"
    r"|az\s+(?:webapp\s+(?:deploy|up|config\s+container\s+set)|containerapp\s+(?:up|update)|functionapp\s+deploy\w*"
    r"|ml\s+online-(?:deployment|endpoint)\s+(?:create|update))\b"
    r"|(?:aws\s+s3\s+(?:sync|cp)|gsutil\s+(?:-m\s+)?(?:rsync|cp)|gcloud\s+storage\s+(?:rsync|cp))\s.*\bdags\b"
    r"|databricks\s+bundle\s+deploy\b|docker\s+stack\s+deploy\b|ansible-playbook\b|mlflow\s+deployments\s+(?:create|update)\b"
    r")"
)
_DRY = re.compile(
    r"--dry-?run(?!=none)|--no-execute(?:-changeset)?\b|--(?:syntax-)?check\b|--template\b|--list-(?:tasks|hosts|tags)\b|"
    r"--no-traffic\b|--build-only\b|\s--help\b|\s--version$|^ansible-playbook\b.*\s-C(?:\s|$)"
)
"""Options with which a command of `_DEPLOYS` only says what it would do, or brings nothing before users."""

_SETS_VARIABLES = re.compile(
    r"^gcloud\s.*\brun\s+(?:services|jobs)\s+update\s.*--(?:update|set|remove)-(?:env-vars|labels)\b"
)
_NAMES_CODE = re.compile(r"--(?:image|source|container)\b")

_WAITS = re.compile(
    r"wait-on-(?:check|status)|wait-?for-(?:\w+-)?(?:status|check|ci\b|workflow|action|job|github)|await-(?:check|status|"
    r"workflow)|wait-(?:check|workflow|action)|workflow-wait|gh\s+run\s+(?:watch|list|view)|gh\s+pr\s+checks|"
    r"check-(?:runs|suites)\b|commits/\S+/status|actions/runs\b|listForRef|getCombinedStatusForRef|listWorkflowRuns",
    re.IGNORECASE,
)
_BASE = re.compile(r"[-_./](?:base|builder|devcontainer)(?:[-_]image)?$", re.IGNORECASE)
_FOR_TRIAL = re.compile(
    r"(?:^|[-_./])(?:dev|devel|develop|development|tests?|testing|ci|pr|preview|sandbox|qa|stage|staging)(?=$|[-_./])",
    re.IGNORECASE,
)
DEPLOY_ACTIONS = frozenset(
    {
        *(
            "aws-actions/amazon-ecs-deploy-task-definition",
            "aws-actions/aws-lambda-deploy",
            "google-github-actions/deploy-cloudrun",
        ),
        *(
            "google-github-actions/deploy-appengine",
            "google-github-actions/deploy-cloud-functions",
            "azure/webapps-deploy",
        ),
        *("azure/k8s-deploy", "azure/functions-action", "azure/container-apps-deploy-action", "azure/aci-deploy"),
        *(
            "akhileshns/heroku-deploy",
            "dagster-io/dagster-cloud-action/actions/hybrid_deploy",
            "serverless/github-action",
        ),
        *("dagster-io/dagster-cloud-action/actions/serverless_prod_deploy", "astronomer/deploy-action"),
        *("einaregilsson/beanstalk-deploy", "digitalocean/app_action/deploy", "koyeb/action-git-deploy"),
    }
)
_PLAIN_ACTIONS = re.compile(
    r"^(?:actions|docker|aws-actions|google-github-actions|azure|hashicorp|astral-sh|github|codecov|pre-commit|snok|"
    r"abatilo|peaceiris|softprops|helm|r-lib|conda-incubator|mamba-org|pypa|step-security|dorny|tj-actions|slackapi|"
    r"peter-evans|webfactory|redhat-actions|sigstore|aquasecurity|anchore|hadolint|psf|chartboost|8398a7|rtcamp|"
    r"jlumbroso|easimon|stefanzweifel|ad-m|crazy-max|pnpm|tailscale|ruby|fsfe|dependabot|amannn|release-drafter|"
    r"googleapis|pascalgn|benc-uk|imranismail|bitovi|iterative|wandb|dopplerhq|sonarsource|codacy|trufflesecurity)/",
    re.IGNORECASE,
)


def is_plain(uses: str) -> bool:
    """Whether it is an action that is known to neither test nor deploy, but where `DEPLOY_ACTIONS` says so."""
    return _PLAIN_ACTIONS.match(uses) is not None


_RUNS_TESTS_ACTION = re.compile(r"pytest|tox|nox|run-?tests|python-?test|unittest|test", re.IGNORECASE)
_OPAQUE_PROGRAMS = frozenset(
    {
        *("make", "gmake", "just", "task", "invoke", "inv", "poe", "doit", "npm", "yarn", "pnpm", "bazel", "pants"),
        *("act", "earthly", "dagger", "mise", "gradle", "mvn", "./gradlew", "./mvnw", "cmake", "rake", "turbo", "nx"),
        *("pre-commit", "devbox", "nix", "docker-compose", "taskipy", "duty", "scons", "moon"),
    }
)
_SHELLS = frozenset({"bash", "sh", "zsh", "source", "."})
_NO_TESTS = frozenset({"docs", "doc", "install", "setup", "clean", "lint", "format", "fmt", "login"})
"""Targets of `_OPAQUE_PROGRAMS` that are named after something else than tests."""
_SETS_UP_SHELL = re.compile(
    r"(?:^|/)(?:activate(?:\.\w+)?|\.?bashrc|\.?env|\.env\.\w+|[^/]*\.env|conda\.sh|setup-?env[^/]*)$"
)


@dataclasses.dataclass(frozen=True)
class SimpleCommand:
    """One simple command of a step: its words after wrappers, as text too, and where it stands.

    *swallowed*: something behind it makes its failure count for nothing (``|| true``); *leaves*: and ends the step
    there (``|| exit 0``). A ``exit 0`` in a command of its own does neither, as the shell of a step stops at what fails
    (``bash -e``, see
    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsshell).
    *piped*: its output goes into another command, whose end then counts, unless the shell is told otherwise.
    """

    words: tuple[str, ...]
    place: Place
    swallowed: bool = False
    leaves: bool = False
    piped: bool = False

    @functools.cached_property
    def text(self) -> str:
        return " ".join(self.words)


@dataclasses.dataclass(frozen=True)
class Opaque:
    """Something that may run tests, for all that can be told: *reason* names its kind."""

    place: Place
    reason: str


def text_of(written: expr.Expr | None) -> str:
    """The text of an expression with ``{*}`` for what is not literal."""
    if isinstance(written, expr.Concat):
        return "".join(text_of(part) for part in written.parts)
    if isinstance(written, expr.Literal):
        return str(written.value)
    return "" if written is None else "{*}"


def commands(step: facts.JobStep) -> Sequence[SimpleCommand]:
    """The simple commands of a step, in order."""
    if step.run is None or step.run.shell is None:
        return ()
    return _commands_of(text_of(step.run.shell), step.run.place)


def commands_in(command: facts.Command) -> Sequence[SimpleCommand]:
    """The simple commands of a text for a shell, in order; of a shell's own ``-c`` as well. None for other programs."""
    if command.shell is not None:
        return _commands_of(text_of(command.shell), command.place)
    words = [text_of(word) for word in command.argv or ()]
    if len(words) >= 3 and words[0].rpartition("/")[2] in _SHELLS and re.fullmatch(r"-\w*c", words[-2]):
        return _commands_of(words[-1], command.place)
    return ()


@functools.lru_cache(maxsize=5_000)
def _commands_of(script: str, start: Place) -> Sequence[SimpleCommand]:
    """Remembered: a dozen checks look at the same scripts."""
    found: list[SimpleCommand] = []
    for offset, line in _logical_lines(script):
        place = start if start.line is None or not offset else Place(start.path, start.line + offset)
        for words, alternative, piped in _split(line):
            bare = _unwrapped(words)
            if bare:
                found.append(SimpleCommand(tuple(bare), place, bool(alternative), alternative[:1] == ("exit",), piped))
    return tuple(found)


# ------------------------------------------------------------------------------------------- on another host


@dataclasses.dataclass(frozen=True)
class Elsewhere:
    """A script that a step has another host run over ssh. *by* is the action or program that does; *stops*: the shell
    there is told by its own options to stop at what fails."""

    script: str
    place: Place
    by: str
    stops: bool = False

    @property
    def commands(self) -> Sequence[SimpleCommand]:
        return _commands_of(self.script, self.place)

    @property
    def statements(self) -> list[tuple[str, Place, Sequence[SimpleCommand]]]:
        """Its lines, those as one that ``&&`` joins, and what semicolons part on a line without quotes, each with its
        simple commands."""
        found: list[tuple[str, Place, Sequence[SimpleCommand]]] = []
        for offset, line in _joined(_logical_lines(self.script)):
            place = Place(self.place.path, self.place.line + offset) if self.place.line is not None else self.place
            parts = [line] if set(line) & set("'\"") or ";;" in line else line.split(";")
            found.extend((part.strip(), place, _commands_of(part, place)) for part in parts if part.strip())
        return found


def _joined(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """The lines, one that ends in an operator together with the next."""
    start, whole = 0, ""
    for offset, line in lines:
        start, whole = (start, f"{whole} {line}") if whole else (offset, line)
        if not line.endswith(("&&", "|")):
            yield start, whole
            whole = ""
    if whole:
        yield start, whole


_SSH = re.compile(
    r"^[ \t]*(?:sudo[ \t]+)?(?:sshpass[ \t][^\n]*?[ \t])?(?:ssh|gcloud[ \t]+(?:beta[ \t]+)?compute[ \t]+ssh)[ \t]",
    re.MULTILINE,
)
_SSH_TAKES_VALUE = frozenset("BbcDEeFIiJLlmOopQRSWw")
"""Options of ssh that take a value. Source: https://man.openbsd.org/ssh.1"""
_ENDS_WORDS = re.compile(r"(?:&&|\|\|?|;|\d?>.*|<.*)$")


def elsewhere(step: facts.JobStep) -> list[Elsewhere]:
    """What the step runs on other hosts: by an action, or by ``ssh HOST "..."`` and here-documents of its script."""
    found = []
    if step.remote is not None and step.remote.shell is not None:
        found.append(Elsewhere(text_of(step.remote.shell), step.remote.place, step.uses.partition("@")[0]))
    if step.run is not None and step.run.shell is not None:
        found.extend(_over_ssh(text_of(step.run.shell), step.run.place))
    return found


@functools.lru_cache(maxsize=5_000)
def _over_ssh(script: str, start: Place) -> Sequence[Elsewhere]:
    if "ssh" not in script:
        return ()
    found = []
    for match in _SSH.finditer(script):
        end = _end_of_command(script, match.start())
        written = script[match.start() : end]
        try:
            words = shlex.split(written.replace("\\\n", " "))
        except ValueError:
            continue
        words = words[words.index("ssh") + 1 :]
        by = "gcloud compute ssh" if "gcloud" in match[0] else "ssh"
        given = _gcloud_command(words) if by != "ssh" else _ssh_command(words)
        here = _HERE_DOCUMENT.search(written)
        body, line = given, script.count("\n", 0, match.start())
        if here is not None:
            lines = script[end + 1 :].split("\n")
            stop = next((i for i, one in enumerate(lines) if one.strip() == here[1]), len(lines))
            body, line = "\n".join(lines[:stop]), script.count("\n", 0, end) + 1
        elif given and given in script:
            line = script.count("\n", 0, script.index(given, match.start()) if given in written else match.start())
        if body:
            place = start if start.line is None or not line else Place(start.path, start.line + line)
            found.append(Elsewhere(body, place, by, re.search(r"\b(?:ba)?sh\s+-\w*e", given) is not None))
    return tuple(found)


def _end_of_command(script: str, start: int) -> int:
    """Where the command that begins at *start* ends: the first end of line outside quotes, with no backslash before."""
    quote, position = "", start
    while position < len(script):
        char = script[position]
        if char == "\\" and quote != "'":
            position += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == "\n":
            return position
        position += 1
    return len(script)


def _ssh_command(words: Sequence[str]) -> str:
    """The command among the arguments of ssh: what follows the options and the host."""
    position = 0
    while position < len(words) and words[position].startswith("-"):
        position += 2 if len(words[position]) == 2 and words[position][1] in _SSH_TAKES_VALUE else 1
    rest = words[position + 1 :]
    end = next((i for i, word in enumerate(rest) if _ENDS_WORDS.match(word)), len(rest))
    return " ".join(rest[:end])


def _gcloud_command(words: Sequence[str]) -> str:
    for index, word in enumerate(words):
        if word.startswith("--command="):
            return word.partition("=")[2]
        if word == "--command":
            return next(iter(words[index + 1 : index + 2]), "")
    return ""


_STARTS_SERVICES = re.compile(
    r"^docker(?:-compose|\s+compose)\s.*?\bup\b|^docker\s+(?:run\s.*?(?:-d\b|--detach\b|--restart)|service\s+update\b)"
)
_TAKES_CODE = re.compile(
    r"^git\s+(?:-C\s+\S+\s+)?(?:pull\b|reset\s+--hard\b|checkout\s+-?\w*f)|"
    r"^(?:(?:bash|sh)\s+)?\S*deploy[\w-]*\.sh\b"
)


def deployed_over_ssh(step: facts.JobStep) -> tuple[Elsewhere, SimpleCommand] | None:
    """The command by which the step deploys on another host, and the script that it is in; None where it does not.

    Of several, the one that says most: what starts the new code rather than what fetches it.
    """
    for recognises in (deploys_by_itself, _starts_services, _takes_code):
        for one in elsewhere(step):
            for command in one.commands:
                if recognises(command):
                    return one, command
    return None


def _starts_services(command: SimpleCommand) -> bool:
    return _STARTS_SERVICES.match(command.text) is not None


def _takes_code(command: SimpleCommand) -> bool:
    return _TAKES_CODE.match(command.text) is not None


def _short_remote(command: SimpleCommand) -> str:
    """The command's program and what it does, without options and files."""
    match = _DEPLOYS.match(command.text)
    if match is not None:
        return _short(match[0])
    words = [word for word in command.words if word in ("docker", "docker-compose", "compose", "up", "run", "service")]
    return " ".join(words) if _starts_services(command) else _short(command.text)


def said_of(command: SimpleCommand) -> str:
    """A command on another host, for a sentence."""
    return f"`{_short_remote(command)}` over ssh".replace("{*}", "...")


def followed(step: facts.JobStep, pipeline: Pipeline) -> Iterator[SimpleCommand]:
    """The simple commands of a step, those of the targets of Makefiles and justfiles of the tree in the place of what
    calls them. A command that stays ``make`` is one whose target can't be told in full."""
    folder = text_of(step.run.workdir) if step.run is not None else ""
    yield from _followed(commands(step), pipeline, folder.removeprefix("./"), 0)


def _followed(written: Sequence[SimpleCommand], pipeline: Pipeline, folder: str, depth: int) -> Iterator[SimpleCommand]:
    here = folder
    for command in written:
        if command.words[0] == "cd" and len(command.words) == 2:
            here = posixpath.join(here, command.words[1])
        run = task_run(pipeline, command.words, here) if command.words[0] in TASK_PROGRAMS else None
        if run is None or depth == _DEEPEST or "{*}" in here:
            yield command
            continue
        if run.incomplete:
            yield command
        for line in run.lines:
            inner = _followed(_commands_of(line.text, line.place), pipeline, line.folder, depth + 1)
            for one in inner:
                lost = command.swallowed or line.ignored
                if line.maybe and runs_tests(one):  # it may be another line that runs
                    yield dataclasses.replace(one, words=("make", *command.words[1:]))
                else:
                    yield dataclasses.replace(one, swallowed=True) if lost else one


def gitlab_runs_tests(pipeline: Pipeline) -> bool:
    """Whether a job of GitLab CI certainly runs Python tests."""
    for step in pipeline.all(facts.Step):
        for one in step.commands if step.orchestrator == "gitlab-ci" else ():
            written = _commands_of(text_of(one.shell), one.place)
            if any(runs_tests(command) for command in _followed(written, pipeline, text_of(one.workdir), 0)):
                return True
    return False


_DEEPEST = 5
"""Calls of make by targets of make that are followed."""


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with continuations joined, here documents left out, each with its 0-based number."""
    lines = text.split("\n")
    index = 0
    while index < len(lines):
        start, line = index, lines[index]
        while line.endswith("\\") and index + 1 < len(lines):
            index += 1
            line = f"{line[:-1]} {lines[index].lstrip()}"
        index += 1
        here = _HERE_DOCUMENT.search(line)
        if here is not None:
            while index < len(lines) and lines[index].strip() != here[1]:
                index += 1
            index += 1
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            yield start, stripped


@functools.lru_cache(maxsize=10_000)
def _split(line: str) -> Sequence[tuple[list[str], tuple[str, ...], bool]]:
    """The simple commands of a line, each with what makes its failure a success (``true`` of ``|| true``), and whether
    its output goes into the next one.

    Remembered: several checks look at the commands of a job, and taking a line apart is the dear part of it.
    """
    line = _JOINED_STREAMS.sub(" ", line).replace("|&", "|")
    found: list[list[str]] = []
    words: list[str] = []
    for token in _tokens(line):
        if token.startswith("#"):
            break
        if _SEPARATORS.fullmatch(token):
            if words:
                found.append(words)
            words = []
            if token in ("||", "|") and found:
                found.append([token])
        else:
            words.append(token)
    if words:
        found.append(words)
    return _with_alternatives(found)


_TAKEN_APART = frozenset("'\"\\;&|()")
_TOKEN = re.compile(r"""[;&|()]+|(?:[^\s;&|()'"\\]|'[^']*'|"[^"\\]*")+""")
_QUOTED = re.compile(r"""'([^']*)'|"([^"]*)\"""")
_BLANKS = " \t\r\n"


def _tokens(line: str) -> list[str]:
    """The words and operators of a line, as `shlex` tells them, which takes ten times as long."""
    if line.isascii() and line.isprintable() and _TAKEN_APART.isdisjoint(line):
        return line.split()
    found = _plain_tokens(line)
    if found is not None:
        return found
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|()")
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        return list(lexer)
    except ValueError:  # a quote that closes on another line
        return line.split()


def _plain_tokens(line: str) -> list[str] | None:
    """The same where nothing is escaped and all quotes are closed; None elsewhere."""
    found = []
    at = 0
    for match in _TOKEN.finditer(line):
        if line[at : match.start()].strip(_BLANKS):
            return None
        at = match.end()
        found.append(_QUOTED.sub(_inside_quotes, match[0]))
    return None if line[at:].strip(_BLANKS) else found


def _inside_quotes(match: re.Match[str]) -> str:
    return match[1] if match[1] is not None else match[2]


def _with_alternatives(found: list[list[str]]) -> list[tuple[list[str], tuple[str, ...], bool]]:
    """Marks what stands before ``|| true``, ``|| exit 0``, ``|| echo ...`` or a pipe, and takes the marks out."""
    result: list[tuple[list[str], tuple[str, ...], bool]] = []
    for index, words in enumerate(found):
        if words == ["||"]:
            following = found[index + 1] if index + 1 < len(found) else []
            if result and index + 2 >= len(found) and _succeeds(following):
                result[-1] = (result[-1][0], tuple(following), result[-1][2])
        elif words == ["|"]:
            result[-1] = (result[-1][0], result[-1][1], True)
        else:
            result.append((words, (), False))
    return result


def _succeeds(words: list[str]) -> bool:
    """Whether a command does nothing but succeed. One that leaves a note for later steps may still stop these."""
    if words[:1] == ["exit"]:
        return words == ["exit", "0"]
    return words[:1] in (["true"], [":"], ["echo"]) and not any(">" in word for word in words)


def _unwrapped(words: list[str]) -> list[str]:
    """The words without keywords, assignments and programs that only start another one."""
    rest = list(words)
    while rest:
        first = rest[0]
        if first in _KEYWORDS or _ASSIGNMENT.fullmatch(first):
            rest = rest[1:]
        elif first in _WRAPPERS:
            rest = _after_options(rest[1:])
            while rest and (rest[0][:1].isdigit() or rest[0] in ("run", "--") or _ASSIGNMENT.fullmatch(rest[0])):
                rest = _after_options(rest[1:])
        elif first in _RUNNERS and "run" in rest[1:4]:
            rest = _after_options(rest[rest.index("run") + 1 :])
            if first == "hatch" and rest and rest[0] not in _TEST_PROGRAMS and not rest[0].startswith("python"):
                return ["hatch", "run", *rest]
        elif first == "poetry" and rest[1:2] == ["poe"]:
            rest = rest[1:]  # https://poethepoet.natn.io/poetry_plugin.html
        elif first == "coverage" and len(rest) > 2 and rest[1] == "run":
            rest = ["python", *_after_options(rest[2:], keep="-m")]
        elif first in ("uvx", "pipx") or (first == "uv" and rest[1:3] == ["tool", "run"]):
            skip = {"uvx": 1, "pipx": 2, "uv": 3}[first]
            if first == "pipx" and rest[1:2] != ["run"]:
                return rest
            rest = _after_options(rest[skip:])
        else:
            return rest
    return rest


def _after_options(words: list[str], keep: str = "") -> list[str]:
    position = 0
    while position < len(words) and words[position].startswith("-"):
        if words[position] == keep or words[position] == "-m":
            return words[position:] if keep else ["python", *words[position:]]
        if words[position] == "--":
            return words[position + 1 :]
        position += 2 if words[position] in _TAKES_VALUE else 1
    return words[position:]


# ------------------------------------------------------------------------------------------------- recognising


def runs_tests(command: SimpleCommand) -> bool:
    """Whether the command certainly runs Python tests."""
    words = command.words
    program = words[0].rpartition("/")[2]
    if program == "pytest" or program == "py.test":
        return not {"--version", "--co", "--collect-only", "--help"} & set(words)
    if program in ("tox", "nox"):
        return not any(word in ("-e", "-s", "--session", "--sessions", "-l", "--list") for word in words[1:])
    if program in _TEST_PROGRAMS:
        return True
    if program.startswith("python"):
        module = next((words[i + 1] for i, word in enumerate(words[:-1]) if word == "-m"), "")
        if module in ("pytest", "unittest", "nose2"):
            return True
    return program == "hatch" and words[1:2] == ("test",)


def may_run_tests(command: SimpleCommand) -> str:
    """Why the command may run tests, for all that can be told, in a short phrase; "" where it does not.

    Whatever so much as names a test runner, and does not install it, counts.
    """
    words = command.words
    program = words[0].rpartition("/")[2]
    if _TEST_WORD.search(command.text) and not _INSTALLS.search(command.text):
        return "names a test runner"
    if program in _OPAQUE_PROGRAMS:
        if program in ("npm", "yarn", "pnpm") and not any("test" in word for word in words[1:]):
            return ""
        if program == "docker-compose":
            return _composed(words[1:])
        targets = [word for word in words[1:] if not word.startswith("-") and "=" not in word and word != "run"]
        if targets and _NO_TESTS.issuperset(targets):
            return ""
        return f"what {program} runs is not read"
    if program == "docker":
        return _in_docker(words[1:])
    if program in _SHELLS or words[0].startswith(("./", "../")) or program.endswith((".sh", ".bash")):
        if program in ("source", ".") and len(words) > 1 and _SETS_UP_SHELL.search(words[1]):
            return ""
        return "what a script runs is not read"
    if program in ("dbt", "hatch", "nox", "tox"):
        return f"what {program} runs is not read" if program != "dbt" else ""
    if program.startswith("python"):
        script = next((word for word in words[1:] if not word.startswith("-")), "")
        if "-m" not in words and re.search(r"(^|[/_-])tests?([/_.-]|$)|manage\.py|runtests", script):
            return "a script of the tests is run"
    if program == "eval" or words[0].startswith(("$", "{*}")):
        return "a command is worked out when it runs"
    return ""


def _composed(words: tuple[str, ...]) -> str:
    return "a container is run" if {"run", "exec", "up"} & set(words) else ""


def _in_docker(words: tuple[str, ...]) -> str:
    if words[:1] == ("compose",):
        return _composed(words[1:])
    return "a container is run" if words[:1] in (("run",), ("exec",)) else ""


def steps_of(job: facts.WorkflowJob, pipeline: Pipeline) -> tuple[facts.JobStep, ...]:
    """The steps of a job as its first run has them: composite actions of the tree laid open, inputs filled in."""
    runs = pipeline.index(JobRun, _job_of).get(job.identity, ())
    return runs[0].steps if runs else job.steps


def _job_of(run: JobRun) -> str:
    return run.job.identity


def job_runs_tests(job: facts.WorkflowJob, pipeline: Pipeline) -> SimpleCommand | None:
    """The first command among the job's own steps that certainly runs Python tests."""
    for step in steps_of(job, pipeline):
        for command in followed(step, pipeline):
            if runs_tests(command):
                return command
    return None


def jobs_behind(job: facts.WorkflowJob, pipeline: Pipeline) -> list[facts.WorkflowJob]:
    """The job itself, and the jobs of the workflows of this tree that it calls with ``uses: ./...``, as far as read.

    Source: https://docs.github.com/en/actions/how-tos/reuse-automations/reuse-workflows
    """
    found = [job]
    for one in found:
        if one.uses.startswith("./"):
            called = pipeline.index(facts.WorkflowJob, "workflow").get(f"workflow:{one.uses[2:]}", ())
            found.extend(other for other in called if other not in found)
    return found


def tests_behind(job: facts.WorkflowJob, pipeline: Pipeline) -> SimpleCommand | None:
    """The first command that certainly runs Python tests, in the job or in a workflow of the tree that it calls."""
    return next(
        (test for one in jobs_behind(job, pipeline) if (test := job_runs_tests(one, pipeline)) is not None), None
    )


def _workflow_of_run(run: JobRun) -> str:
    return run.job.workflow


def tested_jobs(workflow: facts.Workflow, pipeline: Pipeline) -> list[tuple[facts.WorkflowJob, SimpleCommand]]:
    """The jobs of the workflow that certainly run Python tests, each with the first command that does."""
    found: dict[str, tuple[facts.WorkflowJob, SimpleCommand]] = {}
    for run in pipeline.index(JobRun, _workflow_of_run).get(workflow.identity, ()):
        test = job_runs_tests(run.job, pipeline)
        if test is not None:
            found.setdefault(run.job.identity, (run.job, test))
    return list(found.values())


def opaque(job: facts.WorkflowJob, pipeline: Pipeline) -> Iterator[Opaque]:
    """What in the job, or in a workflow of the tree that it calls, may run tests without our seeing it."""
    for one in jobs_behind(job, pipeline):
        yield from _unread(one, pipeline)
        for step in steps_of(one, pipeline):
            for command in followed(step, pipeline):
                reason = may_run_tests(command)
                if reason:
                    yield Opaque(command.place, reason)
            for script in elsewhere(step):
                if _NAMES_TESTS.search(script.script):
                    yield Opaque(script.place, "another host may run tests")


def calls_unread(job: facts.WorkflowJob, pipeline: Pipeline) -> bool:
    """Whether a workflow, action or script stands in the job whose commands are not read and may run tests."""
    return any(True for one in jobs_behind(job, pipeline) for _ in _unread(one, pipeline))


def _unread(job: facts.WorkflowJob, pipeline: Pipeline) -> Iterator[Opaque]:
    if job.uses and not job.uses.startswith("./"):
        yield Opaque(job.place, "a workflow of another repository is not read")
    elif job.uses and not pipeline.index(facts.WorkflowJob, "workflow").get(f"workflow:{job.uses[2:]}"):
        yield Opaque(job.place, "a workflow that it calls can't be read")
    for step in steps_of(job, pipeline):
        if step.uses.startswith("./"):
            yield Opaque(step.place, "an action of the tree can't be followed")
        elif step.uses and not _PLAIN_ACTIONS.match(step.uses) and _RUNS_TESTS_ACTION.search(step.uses):
            yield Opaque(step.place, "an action of others may run tests")
        if step.run is not None and step.run.shell is None:
            yield Opaque(step.place, "a script within the step is not read")


def waits_for_checks(job: facts.WorkflowJob) -> bool:
    """Whether the job may wait for other checks of its commit, or ask how they ended: by its actions and commands."""
    for step in job.steps:
        texts = [step.uses, text_of(step.run.shell) if step.run is not None else ""]
        texts.extend(text_of(given.value) for given in step.inputs)
        if any(_WAITS.search(text) for text in texts):
            return True
    return False


@dataclasses.dataclass(frozen=True)
class Deploy:
    """A command, action or push by which a job brings code to where it runs: *what* names it for a sentence."""

    place: Place
    what: str
    image: bool = False
    moving: bool = False  # an image pushed as ``latest``, and not named for trials (``scorer-dev``)


def deploys_by_itself(command: SimpleCommand) -> bool:
    """Whether the command brings something to where it runs, and does not only try it, or change a setting there."""
    if _DEPLOYS.match(command.text) is None or _DRY.search(command.text):
        return False
    return not (_SETS_VARIABLES.match(command.text) and not _NAMES_CODE.search(command.text))


def deploys(job: facts.WorkflowJob, pipeline: Pipeline) -> list[Deploy]:
    """What the job deploys or publishes as an image, in order; nothing where it works on a cluster of its own."""
    steps = steps_of(job, pipeline)
    if works_locally(steps):
        return []
    found: list[Deploy] = []
    for step in steps:
        action = step.uses.partition("@")[0].lower()
        if action in DEPLOY_ACTIONS:
            found.append(Deploy(step.place, action))
        for command in commands(step):
            match = _DEPLOYS.match(command.text)
            if match and deploys_by_itself(command):
                found.append(Deploy(command.place, f"`{_short(match[0])}`"))
        there = deployed_over_ssh(step)
        if there is not None:
            found.append(Deploy(there[1].place, said_of(there[1])))
    for build in pipeline.index(facts.ImageBuild, "owner").get(job.step, ()):
        if build.pushes or (build.pushes is None and build.builder == "github-actions" and build.images):
            names = [text_of(image) for image in build.images]
            moving = any(_is_latest(name) for name in names)
            found.append(Deploy(build.place, "a pushed image", image=True, moving=moving))
    return found


def _short(text: str) -> str:
    """A command's text, cut to its first words where it is long."""
    return text if len(text) <= 40 else " ".join(text.split()[:3])


def _is_latest(reference: str) -> bool:
    """Whether an image is live where something asks for the newest; none that is for trials, or to build others on."""
    name = references.split_reference(reference)
    if _FOR_TRIAL.search(name.repository.partition("/")[2] or name.repository) or _BASE.search(name.repository):
        return False
    return not name.digest and (name.tag == "latest" or (not name.tag and "{*}" not in reference))


def works_locally(steps: Sequence[facts.JobStep]) -> bool:
    """Whether a job of these steps makes a cluster or registry for itself: what goes there is a test."""
    for step in steps:
        text = f"{step.uses} {step.name} {text_of(step.run.shell) if step.run else ''}"
        if _names_local_cluster(text) or any(
            _names_local_cluster(text_of(given.value)) for given in step.inputs if step.remote is None
        ):
            return True
    return False


@functools.lru_cache(maxsize=10_000)
def _names_local_cluster(text: str) -> bool:
    return _LOCAL_CLUSTER.search(text) is not None


# ------------------------------------------------------------------------------------------------------ events


def workflow_of(job: facts.WorkflowJob, pipeline: Pipeline) -> facts.Workflow | None:
    """The workflow that a job belongs to."""
    return pipeline.one(facts.Workflow, job.workflow)


def siblings(job: facts.WorkflowJob, pipeline: Pipeline) -> tuple[facts.WorkflowJob, ...]:
    """All jobs of the job's workflow, itself included."""
    return pipeline.index(facts.WorkflowJob, "workflow").get(job.workflow, ())


def on_push(workflow: facts.Workflow) -> facts.WorkflowEvent | None:
    """The event of the workflow that a push to a branch or of a tag sets off."""
    return next((event for event in workflow.events if event.event == "push"), None)


def ancestors(job: facts.WorkflowJob, pipeline: Pipeline) -> list[facts.WorkflowJob]:
    """The jobs that the job needs, and those that they need."""
    by_id = {other.id: other for other in siblings(job, pipeline)}
    pending = list(job.needs)
    found: dict[str, facts.WorkflowJob] = {}
    while pending:
        need = pending.pop()
        if need in by_id and need not in found:
            found[need] = by_id[need]
            pending.extend(by_id[need].needs)
    return list(found.values())
