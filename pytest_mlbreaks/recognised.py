"""Files that we know the kind of and do not read yet, and files about which nothing is reported.

Both are told in every report: that nothing was found there is not a sign that nothing is wrong there.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterable

from pytest_mlbreaks.report import Recognised

_NOT_READ: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("Terraform", r"\.tf$|\.tfvars$"),
        ("Jenkins", r"(^|/)Jenkinsfile"),
        ("CircleCI", r"^\.circleci/"),
        ("Azure Pipelines", r"(^|/)azure-pipelines[^/]*\.ya?ml$|^\.pipelines/.*\.ya?ml$"),
        ("Cloud Build", r"(^|/)cloudbuild[^/]*\.(ya?ml|json)$"),
        ("Buildkite", r"^\.buildkite/"),
        ("Travis CI", r"^\.travis\.yml$"),
        ("Taskcluster", r"^\.taskcluster\.yml$|^taskcluster/.*\.yml$"),
        ("shell scripts", r"\.(ba)?sh$"),
        ("R", r"\.[rR]$"),
        ("Scala and Java", r"\.(scala|java)$"),
        ("JavaScript and TypeScript", r"\.(js|jsx|ts|tsx)$"),
        ("Go", r"\.go$"),
    )
)

_READ = (".py", ".md", ".svg", ".png", ".txt")
"""Endings of the most frequent files, none of which is of a kind named above."""

OTHER_CI = frozenset(
    ("GitLab CI", "Jenkins", "CircleCI", "Azure Pipelines", "Cloud Build", "Buildkite", "Travis CI", "Taskcluster")
)
"""Kinds that are CI systems beside GitHub's: where one is there, nothing can be said to be run by no CI."""

_OTHER_CI_FILES = (
    ("GitLab CI", re.compile(r"(^|/)\.gitlab-ci\.ya?ml$")),
    *((kind, pattern) for kind, pattern in _NOT_READ if kind in OTHER_CI),
)

_ASIDE = frozenset(
    {
        *("docs", "doc", "documentation", "third_party", "3rdparty", "third-party", "vendored", "site-packages"),
        *("node_modules", "example", "examples", "tutorial", "tutorials", "cookiecutter"),
        *("workshop", "workshops", "exercise", "exercises"),
        *("archived", ".archived", "_archived", ".archive", "_archive", "deprecated", "obsolete", "scratch"),
        *("dummy", "stub", "stubs", "mock", "mocks"),
        *(".devcontainer", ".claude", ".cursor", ".codex", ".gemini", ".agents", ".windsurf", ".opencode"),
    }
)
_ASIDE_AT_TOP = frozenset({"sample", "samples", "demo", "demos", "vendor", "archive", "playground"})
_ASIDE_FILE = re.compile(r"(docker-)?compose[.-]([\w-]+-)?(demos?|examples?|samples?|tests?)\.ya?ml", re.IGNORECASE)
_LOCAL_FILE = re.compile(r"([\w-]+-)?compose[.-]([\w-]+[.-])?(local|localhost)\.ya?ml", re.IGNORECASE)
_COMPOSE = re.compile(r"([\w-]+-)?compose([.-][\w.-]+)?\.ya?ml", re.IGNORECASE)
_STAND_IN = re.compile(r"(?:.+[-_.])?(?:stubs?|mocks?|fakes?|dummy)(?:[-_.].+)?\.ya?ml", re.IGNORECASE)
_COURSE = re.compile(r"(?:homework|(?:labs?|lessons?|lectures?|weeks?|days?)[-_ ]?\d).*")
"""Folders of a course, by their names: ``lab2-1_serving``, ``week3``, ``day1``."""
_SKILL = re.compile(r"(^|/)skills/[^/]+/(assets|examples|references|resources|scripts|templates)/")
"""What a coding agent is given to work with (https://agentskills.io/specification): its templates and helpers."""
_LOCAL = frozenset({"local", "localhost", "local-dev", "local_dev", "localdev", "local-development"})
_EXAMPLE = re.compile(r"examples?\.py|\w+_example\.py")
_EXAMPLE_DAG = re.compile(r"example[_-][\w-]+\.py")
"""What Airflow and the tools around it call the DAGs that they bring to look at."""
_EXAMPLE_WORKFLOW = re.compile(r"\.github/workflows/(example[_.-][\w.-]+|[\w.-]+[_-]example)\.ya?ml")
"""A workflow that is there to be copied into other repositories."""
_TESTS = frozenset({"test", "tests", "testing", "fixtures", "e2e", "integration_tests"})
_TEST_DATA = re.compile(r"(?:^|/)test[-_]?data/", re.IGNORECASE)
_DEPLOYED = re.compile(
    r"(^|/)(overlays?|env|envs|environments?|deploy|deployments?|k8s|kubernetes|manifests|helm|charts?|infra|values|conf|"
    r"config|configs|\.github|terraform|kustomize)/",
    re.IGNORECASE,
)


def chart_folders(paths: Iterable[str]) -> frozenset[str]:
    """Folders of Helm charts, each with a trailing ``/`` ("" for the root)."""
    return frozenset(p[: -len("Chart.yaml")] for p in paths if p == "Chart.yaml" or p.endswith("/Chart.yaml"))


def in_chart_templates(path: str, charts: frozenset[str]) -> bool:
    """Whether *path* is a template of a Helm chart: Go templates, which no YAML parser can be trusted with."""
    if "templates/" not in path:
        return False
    return any(path.startswith(f"{chart}templates/") for chart in charts)


def is_test_data(path: str) -> bool:
    """Whether *path* lies in a folder of data for tests (``testdata``, which Go's tools pass over as well, or
    ``test_data``): what a compiler is to write, or a parser to read. Such files are not read at all."""
    return _TEST_DATA.search(path) is not None


@functools.lru_cache(maxsize=100_000)
def aside(path: str) -> bool:
    """Whether *path* is a test, an example, documentation or somebody else's code: read, so that links are found,
    but nobody's production, so that nothing is reported about it. Placeholders of project templates count, too.

    A folder called ``test`` below a folder of deployments is an environment, and no test. A compose file in a folder
    ``local``, or that is called so, is for a developer's machine.
    """
    folders, _, name = path.rpartition("/")
    if name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py"):
        return True
    if is_test_data(path):
        return True
    if "{{" in path or "tutorial" in name or _ASIDE_FILE.fullmatch(name) or _EXAMPLE.fullmatch(name):
        return True
    if name.endswith((".yaml", ".yml")) and _STAND_IN.fullmatch(name):
        return True
    parts = folders.lower().split("/") if folders else []
    if parts and parts[0] in _ASIDE_AT_TOP:
        return True
    if _EXAMPLE_WORKFLOW.fullmatch(path) or is_local_compose(path) or _SKILL.search(path):
        return True
    if "dags" in parts and _EXAMPLE_DAG.fullmatch(name):
        return True
    return _is_aside(parts) or in_tests(path)


def in_tests(path: str) -> bool:
    """Whether *path* lies in a folder of tests, and not in an environment that is called ``test``."""
    return not _TESTS.isdisjoint(path.lower().split("/")[:-1]) and not _DEPLOYED.search(path)


def is_local_compose(path: str) -> bool:
    """Whether *path* is a compose file for a developer's machine, by its name or by a folder; what it builds may be
    run elsewhere, too, unless it `is_local` itself."""
    name = path.rpartition("/")[2]
    return _LOCAL_FILE.fullmatch(name) is not None or (is_local(path) and _COMPOSE.fullmatch(name) is not None)


def is_local(path: str) -> bool:
    """Whether *path* lies in a folder that is for a developer's machine."""
    return not _LOCAL.isdisjoint(path.lower().split("/")[:-1])


def _is_aside(folders: Iterable[str]) -> bool:
    return any(folder in _ASIDE or _COURSE.fullmatch(folder) for folder in folders)


def is_test_file(path: str) -> bool:
    """Whether *path* is a file that pytest collects by default (``test_*.py``, ``*_test.py``) of the code of the tree,
    and not of an example, documentation or somebody else's code."""
    folders, _, name = path.rpartition("/")
    if not name.endswith(".py") or not (name.startswith("test_") or name.endswith("_test.py")) or "{{" in path:
        return False
    parts = folders.lower().split("/") if folders else []
    return not (parts and parts[0] in _ASIDE_AT_TOP) and not _is_aside(parts) and not is_test_data(path)


def other_ci(paths: Iterable[str]) -> dict[str, str]:
    """The CI systems beside GitHub's that have files in the tree: by name, the first such file."""
    found: dict[str, str] = {}
    for path in sorted(path for path in paths if not path.endswith(_READ)):
        for kind, pattern in _OTHER_CI_FILES:
            if pattern.search(path):
                found.setdefault(kind, path)
    return found


def idle_notebooks(count: int) -> tuple[Recognised, ...]:
    """What is told of *count* notebooks that nothing runs; nothing where there is none."""
    reason = "read for what others need of them; nothing is reported about them"
    return (Recognised("notebooks that nothing runs", count, reason),) if count else ()


def local_files(count: int) -> tuple[Recognised, ...]:
    """What is told of *count* compose files and Dockerfiles whose first comment says that they are for local use;
    nothing where there is none."""
    reason = "read for what others need of them; nothing is reported about them"
    return (Recognised("files that say that they are for local use", count, reason),) if count else ()


def not_read(paths: Iterable[str], charts: frozenset[str]) -> tuple[Recognised, ...]:
    """What stands in the tree that no reader of ours knows, by kind, the most frequent first."""
    counts: Counter[str] = Counter()
    beside = data = 0
    for path in paths:
        if is_test_data(path):
            data += 1
            continue
        beside += aside(path)
        if in_chart_templates(path, charts) and not path.endswith((".yaml", ".yml")):
            counts["Helm helpers and notes"] += 1
            continue
        if path.endswith(_READ):
            continue  # most files: no pattern need be tried
        for kind, pattern in _NOT_READ:
            if pattern.search(path):
                counts[kind] += 1
                break
    found = [Recognised(kind, count, "not read yet") for kind, count in counts.most_common()]
    if beside:
        reason = "read for what others need of them; nothing is reported about them"
        found.append(Recognised("tests, examples, documentation, vendored code", beside, reason))
    if data:
        found.append(Recognised("data of tests", data, "not read: nothing runs or deploys it"))
    return tuple(found)
