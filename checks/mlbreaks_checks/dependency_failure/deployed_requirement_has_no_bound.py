"""A deployed image installs a package of its code with neither a lock nor an upper bound.

The next build takes the newest release there is, also when nothing of the team's changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from packaging.specifiers import SpecifierSet

from mlbreaks_checks import _installs, _network
from pytest_mlbreaks.api import (
    Check,
    Confidence,
    Finding,
    Install,
    Pipeline,
    Place,
    Process,
    Severity,
    Unjudged,
    Verdict,
)
from pytest_mlbreaks.api import facts as f

check = Check(__name__, severity=Severity.MEDIUM, confidence=Confidence.MEDIUM, since="0.1", evidence="cross-artifact")

_BOUNDS = frozenset({"<", "<=", "==", "===", "~="})
# Whose major releases change what a model learns or answers, or what a saved one loads into: named first.
_FIRST = (
    *("numpy", "pandas", "scikit-learn", "torch", "tensorflow", "transformers", "xgboost", "lightgbm", "catboost"),
    *("scipy", "keras", "polars", "pyarrow", "mlflow", "pyspark", "ray", "feast", "sentence-transformers", "langchain"),
)
# The tools that build, test and look at a project: another version of them does not run in production.
_TOOLS = frozenset(
    {
        *(
            "pip",
            "setuptools",
            "wheel",
            "build",
            "twine",
            "uv",
            "poetry",
            "pip-tools",
            "pipenv",
            "pdm",
            "cython",
            "ninja",
            "pre-commit",
        ),
        *("pytest", "pytest-cov", "pytest-asyncio", "coverage", "tox", "nox", "mock", "hypothesis", "locust"),
        *("black", "ruff", "flake8", "isort", "mypy", "pylint", "bandit", "autopep8", "yapf", "debugpy", "ipdb"),
        *("jupyter", "jupyterlab", "notebook", "ipykernel", "ipython", "ipywidgets", "sphinx", "mkdocs"),
    }
)
# Whose last major release that broke its users is ten years ago and more: the next one is not what brings a build down
# (pypi.org/project/boto3/#history, and so for each), or who has no releases any more (pypi.org/project/influxdb).
_STEADY = frozenset(
    {
        *("boto3", "botocore", "requests", "psycopg2", "psycopg2-binary", "python-dateutil"),
        *("pytz", "tzdata", "certifi", "six", "tqdm", "influxdb"),
    }
)
# What a release of a package keeps below its next major release: a bound on the first bounds the others. Read in the
# metadata of fastapi 0.110.0, gradio 4.20.0, langchain 0.2.0, openai 1.30.0, prefect 2.19.0, streamlit 1.30.0,
# tensorflow 2.15.0 and transformers 4.40.0 (pypi.org/pypi/NAME/VERSION/json), whose other releases do so, too;
# github.com/mlflow/mlflow/blob/v2.13.2/pyproject.toml; of scipy only one release says so.
_HOLDS = {
    "fastapi": frozenset({"pydantic", "starlette"}),
    "gradio": frozenset({"jinja2", "matplotlib", "numpy", "orjson", "pandas", "pillow", "pyyaml", "typer"}),
    "langchain": frozenset({"aiohttp", "langchain-core", "numpy", "pydantic", "sqlalchemy", "tenacity"}),
    "mlflow": frozenset(
        {
            *("numpy", "pandas", "scipy", "scikit-learn", "pyarrow", "matplotlib", "gunicorn", "flask", "sqlalchemy"),
            *("alembic", "cloudpickle", "docker"),
        }
    ),
    "openai": frozenset({"httpx", "pydantic"}),
    "prefect": frozenset(
        {"alembic", "cloudpickle", "croniter", "jinja2", "pendulum", "pydantic", "pyyaml", "sqlalchemy", "uvicorn"}
    ),
    "scipy": frozenset({"numpy"}),
    "streamlit": frozenset({"altair", "cachetools", "numpy", "pandas", "pillow", "protobuf", "rich", "tenacity"}),
    "tensorflow": frozenset({"grpcio", "keras", "numpy", "protobuf", "tensorboard"}),
    "transformers": frozenset({"huggingface-hub", "tokenizers"}),
}
# Folders of images that show a package, and serve nobody.
_ASIDE = re.compile(r"(^|/)(examples?|demos?|tutorials?|docs?|benchmarks?|tests?|samples?|notebooks?)/", re.IGNORECASE)
_FEW = 5
"""One requirement without a bound among this many, all others pinned, was forgotten rather than left open."""
_PUBLISHES = re.compile(r"\btwine\s+upload|\b(uv|poetry|flit|hatch|pdm)\s+publish")


def _deployed_file(file: f.RequirementFile, pipeline: Pipeline) -> bool:
    return any(
        _installs.deployed(install, pipeline) and not (file.package and _ASIDE.search(install.place.path))
        for install in _installs_of(file, pipeline)
    )


@check.over(Install, where=_installs.deployed)
def find_in_commands(install: Install, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at the packages that a command of a Dockerfile names itself."""
    if install.fixed:
        return
    if install.unknown:
        yield Unjudged(install.place, install.unknown)
        return
    reason = _may_hold_more((install,), pipeline)
    own = [r for r in install.requirements if r.path == install.place.path]
    if reason and _loose(own, (install,), pipeline):
        yield Unjudged(install.place, reason)
        return
    yield from _finding(own, install.place, "", (install,), pipeline)


@check.over(f.RequirementFile, where=_deployed_file)
def find_in_files(file: f.RequirementFile, pipeline: Pipeline) -> Iterator[Verdict]:
    """Looks at each list of dependencies that a deployed image is built from."""
    loose = [i for i in _installs_of(file, pipeline) if _installs.deployed(i, pipeline) and not (i.fixed or i.unknown)]
    if not loose or file.compiled:
        return
    wanted = [r for r in loose[0].requirements if r.path == file.path]
    reason = _may_hold_more(tuple(loose), pipeline)
    if reason and _loose(wanted, tuple(loose), pipeline):
        yield Unjudged(file.place, reason)
        return
    yield from _finding(wanted, file.place, file.path, tuple(loose), pipeline)


def _finding(
    wanted: list[f.Requirement], place: Place, file: str, installs: tuple[Install, ...], pipeline: Pipeline
) -> Iterator[Finding]:
    processes = _processes(installs)
    loose = _loose(wanted, installs, pipeline)
    if not loose:
        return
    names = sorted({r.name for r in loose}, key=lambda name: (_rank(name), name))
    first = next(r for r in loose if r.name == names[0]) if not file else min(loose, key=lambda r: r.place.sort_key)
    runs = _installs.who(processes, pipeline)
    because: list[tuple[Place, str]] = []
    if file:
        because.append((installs[0].place, "this command installs the list, without a lock, constraints or hashes"))
    because += _installs.run_by(processes, pipeline)
    assumed = bool(processes) and all(process.assumed for process in processes)
    mixed = any(_bounded(r) and r.source == "index" for r in wanted)
    lowered = "what else is bounded there may hold them back" if mixed else ""
    held = len(loose) * _FEW <= len(wanted) and all(_pinned(r) for r in wanted if r not in loose)
    if held:
        lowered = "all else in the list is pinned, and mostly holds it back"
    if assumed:
        lowered = f"that {processes[0].name} runs this image is assumed: {processes[0].assumed}"
    published = _is_published(file, installs, pipeline)
    if published:
        lowered = lowered or published
    be = "has" if len(names) == 1 else "have"
    yield Finding(
        at=first.place if file else place,
        message=(
            f"{_installs.listed(names)} {be} no upper bound where {runs} is built, and nothing locks the versions: "
            "the next build takes the newest release, a new major one too."
        ),
        because=tuple(because),
        about=(file or "command",),
        severity=Severity.LOW if published else None,
        confidence=Confidence.LOW if held else Confidence.MEDIUM if mixed or assumed else None,
        lowered=lowered,
        group="lists",
        note=f"{_installs.listed(names)} {be} no upper bound where {runs} is built",
    )


def _processes(installs: tuple[Install, ...]) -> list[Process]:
    return list(dict.fromkeys(process for install in installs for process in install.processes))


def _loose(wanted: list[f.Requirement], installs: tuple[Install, ...], pipeline: Pipeline) -> list[f.Requirement]:
    """Those of *wanted* that the deployed code needs and that nothing holds back."""
    held = {name for install in installs for name in _held(install, pipeline)}
    used = _used(_processes(installs), pipeline)
    return [
        r
        for r in wanted
        if r.source == "index"
        and not _bounded(r)
        and r.name not in _TOOLS
        and r.name not in _STEADY
        and r.name not in held
        and (used is None or r.name in used)
    ]


def _may_hold_more(installs: tuple[Install, ...], pipeline: Pipeline) -> str:
    """Why the versions may be decided by another command that ends up in the same image; "" where none may."""
    for install in installs:
        for other in pipeline.index(Install, _dockerfile).get(install.place.path, ()):
            if other is not install and other.unknown and not other.fixed and set(other.images) & set(install.images):
                return f"another command of the image may hold them: {other.unknown}"
    return ""


def _is_published(file: str, installs: tuple[Install, ...], pipeline: Pipeline) -> str:
    """Why *file* is the list of a package for others, which has to be wide; "" where it is not."""
    if not any(listed.path == file and listed.package for install in installs for listed in install.files):
        return ""
    folder = file.rpartition("/")[0]
    if not any(install.place.path.rpartition("/")[0] == folder for install in installs):
        return "it is the list of a package, and the image is built in another folder"
    if any(_publishes(job) for job in pipeline.all(f.WorkflowJob)):
        return "it is the list of a package that CI publishes"
    return ""


def _publishes(job: f.WorkflowJob) -> bool:
    return any(
        step.uses.startswith("pypa/gh-action-pypi-publish")
        or (step.run is not None and bool(_PUBLISHES.search(_network.plain(step.run.shell))))
        for step in job.steps
    )


def _installs_of(file: f.RequirementFile, pipeline: Pipeline) -> tuple[Install, ...]:
    return pipeline.index(Install, _paths, each=True).get(file.path, ())


def _paths(install: Install) -> list[str]:
    return [file.path for file in install.files]


def _dockerfile(install: Install) -> str:
    return install.place.path


def _held(install: Install, pipeline: Pipeline) -> set[str]:
    """Names that another command or list of the same Dockerfile bounds: pip leaves alone what is there and will do. And
    those that a package bounds that is bounded itself."""
    installs = pipeline.index(Install, _dockerfile).get(install.place.path, ())
    found = {
        requirement.name
        for other in installs
        for requirement in other.requirements
        if _bounded(requirement) or requirement.source != "index" or other.fixed
    }
    for requirement in (one for other in installs for one in other.requirements):
        if _pinned(requirement) or (requirement.name == "mlflow" and _bounded(requirement)):
            found |= _HOLDS.get(requirement.name, frozenset())
    return found


def _bounded(requirement: f.Requirement) -> bool:
    return any(specifier.operator in _BOUNDS for specifier in SpecifierSet(requirement.specifier))


def _used(processes: list[Process], pipeline: Pipeline) -> set[str] | None:
    """Distributions that the processes' own code imports; None where not all of that code can be told."""
    if not processes or not all(process.modules for process in processes):
        return None
    if any(entry.path is None and not entry.external for process in processes for entry in process.entries):
        return None
    modules = pipeline.index(f.PythonModule, "path")
    found: set[str] = set()
    for path in {path for process in processes for path in process.modules}:
        for module in modules.get(path, ()):
            for imported in module.imports:
                if not imported.level:
                    found |= _installs.distributions(imported.target)
    return found


def _pinned(requirement: f.Requirement) -> bool:
    return any(specifier.operator in ("==", "===") for specifier in SpecifierSet(requirement.specifier))


def _rank(name: str) -> int:
    return _FIRST.index(name) if name in _FIRST else len(_FIRST)
