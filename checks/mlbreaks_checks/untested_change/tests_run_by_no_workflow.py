"""The repository has tests and deploys itself, and no workflow runs them.

A test file that nothing runs stops no change; the workflow that deploys does so whatever the tests would have said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlbreaks_checks import _ci
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Pipeline,
    Place,
    Severity,
    Unjudged,
    Verdict,
    facts,
    is_test_file,
    other_ci,
)

check = Check(__name__, severity=Severity.HIGH, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")

_TEST_FOLDER = re.compile(r"^(?:tests?|testing|unit[-_]?tests?|integration[-_]?tests?|e2e)$", re.IGNORECASE)
_ROUTE = re.compile(r"\.(?:get|post|put|patch|delete|route)$")
"""Decorators of what answers requests, also where it is called after a test."""
_ASYNC_EVENTS = frozenset(
    {"push", "pull_request", "pull_request_target", "merge_group", "workflow_run", "workflow_call"}
)


def _ships(pipeline: Pipeline, _: Pipeline) -> bool:
    """Whether there are tests at all, and a workflow that deploys by itself."""
    return bool(_tests(pipeline)) and bool(_deploying(pipeline))


@check.over(Pipeline, where=_ships, given=(facts.Workflow,))
def find(pipeline: Pipeline, _: Pipeline, *, elsewhere: bool = False) -> Iterator[Verdict]:
    """Looks at the test folders of a repository that deploys itself.

    Options: ``elsewhere``, true where the tests run in a CI system outside the repository.
    """
    if elsewhere:
        return
    job, deploy = _deploying(pipeline)[0]
    for name, path in other_ci(pipeline.paths).items():
        if name == "GitLab CI" and _ci.gitlab_runs_tests(pipeline):
            return
        yield Unjudged(Place(path), f"{name} is not read" if name != "GitLab CI" else "GitLab CI may run them")
        return
    jobs = pipeline.all(facts.WorkflowJob)
    if any(_ci.job_runs_tests(one, pipeline) is not None for one in jobs):
        return
    for one in jobs:
        for opaque in _ci.opaque(one, pipeline):
            yield Unjudged(opaque.place, opaque.reason)
            return
    hidden = _hidden_tests(pipeline)
    if hidden is not None:
        yield Unjudged(hidden, "the image's build may run tests")
        return
    roots = {root: files for root, files in _roots(pipeline).items() if _reaches(pipeline, files, job)}
    if not roots:
        return
    root = max(roots, key=lambda one: len(roots[one]))
    files = roots.pop(root)
    yield Finding(
        at=job.place,
        message=(
            f"Job {job.id!r} brings out {deploy.what}, and no workflow runs the tests: {root or 'the root'} holds "
            f"{_many(files)}, and no command of the {_count(pipeline)} names a test runner."
        ),
        because=(
            (Place(files[0], 1), f"the first of {_many(files)}"),
            *((Place(more[0], 1), f"{other or 'the root'} holds {_many(more)}") for other, more in roots.items()),
            (deploy.place, f"{deploy.what} is brought out here"),
        ),
        about=(root,),
    )


def _many(files: list[str]) -> str:
    return f"{len(files)} test files" if len(files) > 1 else "one test file"


def _deploying(pipeline: Pipeline) -> list[tuple[facts.WorkflowJob, _ci.Deploy]]:
    """Jobs that deploy when a change comes in, or a release is made."""
    found = []
    for job in pipeline.all(facts.WorkflowJob):
        workflow = _ci.workflow_of(job, pipeline)
        events = {event.event for event in workflow.events} if workflow is not None else set()
        if not events & (_ASYNC_EVENTS | {"release", "schedule", "workflow_dispatch"}) or events <= {"pull_request"}:
            continue
        for deploy in _ci.deploys(job, pipeline)[:1]:
            found.append((job, deploy))
    found.sort(key=lambda pair: (pair[1].image, pair[0].place.sort_key))
    return found


def _tests(pipeline: Pipeline) -> list[str]:
    """The files that pytest collects something from: a function or a class called like a test."""
    return [path for path in sorted(pipeline.paths) if is_test_file(path) and _holds_tests(path, pipeline)]


def _holds_tests(path: str, pipeline: Pipeline) -> bool:
    if any(module.tests for module in pipeline.index(facts.PythonModule, "path").get(path, ())):
        return True
    functions = pipeline.index(facts.Function, "path").get(path, ())
    return any(
        function.name.rpartition(".")[2].startswith("test") and not any(map(_ROUTE.search, function.decorators))
        for function in functions
    )


def _roots(pipeline: Pipeline) -> dict[str, list[str]]:
    """Test files by the outermost folder that is called tests, else by their own folder."""
    roots: dict[str, list[str]] = {}
    for path in _tests(pipeline):
        parts = path.split("/")[:-1]
        depth = next((i for i, part in enumerate(parts) if _TEST_FOLDER.match(part)), len(parts) - 1)
        roots.setdefault("/".join(parts[: depth + 1]), []).append(path)
    return roots


def _reaches(pipeline: Pipeline, files: list[str], job: facts.WorkflowJob) -> bool:
    """Whether the tests are about what the job brings out: below the folders that it builds from, where these are
    told, and importing code of the tree."""
    builds = pipeline.index(facts.ImageBuild, "owner").get(job.step, ())
    contexts = [_folder(_ci.text_of(build.context)) for build in builds]
    if contexts and not any(
        not context or path.startswith(f"{context}/") or "{*}" in context for context in contexts for path in files
    ):
        return False
    return any(_imports_own_code(pipeline, path) for path in files)


def _folder(context: str) -> str:
    return context.removeprefix("./").strip("/").removeprefix(".")


def _imports_own_code(pipeline: Pipeline, path: str) -> bool:
    for module in pipeline.index(facts.PythonModule, "path").get(path, ()):
        for imported in module.imports:
            if imported.level or _is_own(pipeline, imported.target.partition(".")[0]):
                return True
    return False


def _is_own(pipeline: Pipeline, package: str) -> bool:
    """Whether a top-level name is a module or package of the tree, outside its tests."""
    candidates = (
        *pipeline.paths_named(f"{package}.py"),
        *(path for path in pipeline.paths_named("__init__.py") if path.split("/")[-2:-1] == [package]),
    )
    return any(not is_test_file(path) for path in candidates) or pipeline.has_folder(package)


def _hidden_tests(pipeline: Pipeline) -> Place | None:
    """A build instruction of an image that names a test runner."""
    for dockerfile in pipeline.all(facts.Dockerfile):
        for stage in dockerfile.stages:
            for run in stage.runs:
                text = _ci.text_of(run.shell) or " ".join(_ci.text_of(word) for word in run.argv or ())
                if re.search(
                    r"(?:^|&&|;|\s)(?:python\d?\s+-m\s+)?(?:pytest|unittest|tox)\b(?!\s*[=<>])", text
                ) and not (re.search(r"\binstall\b", text)):
                    return run.place
    return None


def _count(pipeline: Pipeline) -> str:
    count = len(pipeline.all(facts.Workflow))
    return f"{count} workflows" if count != 1 else "one workflow"
