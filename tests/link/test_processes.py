"""Processes: what they start, reach and are given."""

from __future__ import annotations

import pytest

from pytest_mlbreaks.model import Image, Process, Setting
from pytest_mlbreaks.testing import linked


def process(files: dict[str, str], name: str = "api") -> Process:
    """The one process of that name."""
    (found,) = [p for p in linked(files).all(Process) if p.name == name]
    return found


def built(dockerfile: str, service: str = "", **files: str) -> Process:
    """A service built by *dockerfile*; double underscores in names of files are slashes, ``_py`` ends them."""
    named = {f"{k.replace('__', '/').rpartition('_')[0]}.{k.rpartition('_')[2]}": v for k, v in files.items()}
    return process({"Dockerfile": dockerfile, "compose.yaml": f"services:\n  api:\n    build: .\n{service}", **named})


def starts(found: Process) -> list[str | None]:
    """The files of its entries."""
    return [entry.path for entry in found.entries]


BASE = "FROM python:3.11\nWORKDIR /app\nCOPY . .\n"


@pytest.mark.parametrize(
    ("started", "service", "path"),
    [
        ('ENTRYPOINT ["python"]\nCMD ["a.py"]', "", "a.py"),
        ('CMD ["a.py"]\nENTRYPOINT ["python"]', "", "a.py"),
        ('ENTRYPOINT ["python"]\nCMD ["a.py"]', "    command: b.py\n", "b.py"),
        ('ENTRYPOINT ["python", "a.py"]', "    entrypoint: python b.py\n", "b.py"),
        ("CMD python a.py", "", "a.py"),
        ("ENTRYPOINT exec python a.py\nCMD b.py", "", "a.py"),
        ("CMD cd /app && python a.py", "", "a.py"),
        ('CMD ["uvicorn", "a:app"]', "", "a.py"),
        ('CMD ["python", "-m", "a"]', "", "a.py"),
    ],
)
def test_entrypoint_and_command(started: str, service: str, path: str) -> None:
    """How the two of an image and those of a service go together."""
    assert starts(built(f"{BASE}{started}\n", service, a_py="", b_py="")) == [path]


def test_an_image_without_a_command_of_its_own() -> None:
    """What a base image starts is no file of the tree."""
    (entry,) = built(BASE).entries
    assert entry.external


def test_a_folder_that_cannot_be_told_makes_nothing_absent() -> None:
    """``cd $X`` leads anywhere."""
    (entry,) = built(f"{BASE}CMD cd $X && python b.py\n", a_py="").entries
    assert not entry.absent


def test_scripts_are_followed() -> None:
    """What an entrypoint script starts, with the arguments that it is given, and the scripts that it calls."""
    script = (
        '#!/bin/sh\nset -e\ncd "$(dirname "$0")"\nif [ -n "$M" ]; then python migrate.py; fi\nsh more.sh\nexec "$@"\n'
    )
    found = built(
        BASE + 'ENTRYPOINT ["/app/run.sh"]\nCMD ["python", "serve.py"]\n',
        run_sh=script,
        more_sh="python -m jobs.more\nsh run.sh $@\n",
        migrate_py="",
        serve_py="import lib\n",
        lib_py="",
        jobs__more_py="",
    )
    assert set(starts(found)) == {"run.sh", "more.sh", "migrate.py", "serve.py", "jobs/more.py"}
    assert "lib.py" in found.modules
    assert not found.closed


def test_a_script_of_a_job_is_followed() -> None:
    """A workflow's step that runs a shell script of the checkout."""
    workflow = "on: push\njobs:\n  train:\n    runs-on: x\n    steps:\n      - run: bash ci/run.sh a.py\n"
    files = {".github/workflows/t.yml": workflow, "ci/run.sh": "python $@\n", "a.py": ""}
    assert starts(process(files, "train")) == ["ci/run.sh", "a.py"]


def test_what_a_script_may_start_is_never_absent() -> None:
    """A branch of it may never be taken."""
    found = built(f'{BASE}CMD ["sh", "run.sh"]\n', run_sh="test -f x && python gone.py\n")
    assert starts(found) == ["run.sh"]


def test_python_path() -> None:
    """Folders of PYTHONPATH are searched; what can't be told in it leaves the rest."""
    text = "FROM python:3.11\nENV PYTHONPATH=/srv/src:$PYTHONPATH\nWORKDIR /srv\nCOPY . .\n"
    assert starts(built(f'{text}CMD ["python", "-m", "jobs.a"]\n', src__jobs__a_py="")) == ["src/jobs/a.py"]


def test_packages_of_a_module_run_first() -> None:
    """``python -m pkg.mod`` runs the package's ``__init__``."""
    files = {
        "Dockerfile": f'{BASE}CMD ["python", "-m", "pkg.mod"]\n',
        "compose.yaml": "services:\n  api:\n    build: .\n",
        "pkg/__init__.py": "import boot\n",
        "pkg/mod.py": "",
        "boot.py": "",
    }
    assert set(process(files).modules) == {"pkg/mod.py", "pkg/__init__.py", "boot.py"}


def test_main_of_an_installed_package() -> None:
    """``python -m pkg`` starts the package's ``__main__``, also where only an installation brings it into the image."""
    files = {
        "Dockerfile": (
            "FROM python:3.12 AS builder\nCOPY . /src\nRUN pip install --target /opt/lib /src\n"
            'FROM python:3.12\nCOPY --from=builder /opt/lib /opt/lib\nCMD ["python", "-m", "agents.one"]\n'
        ),
        "compose.yaml": "services:\n  api:\n    build: .\n",
        "agents/one/__init__.py": "",
        "agents/one/__main__.py": "",
    }
    assert starts(process(files)) == ["agents/one/__main__.py"]


def test_variables() -> None:
    """The service's over the env file's over the image's."""
    files = {
        "Dockerfile": f"{BASE}ENV A=image B=image C=image\nCMD python a.py\n",
        "compose.yaml": "services:\n  api:\n    build: .\n    env_file: x.env\n    environment:\n      A: service\n",
        "x.env": "A=file\nB=file\n",
        "a.py": "",
    }
    assert {k: v.text for k, v in process(files).variables.items()} == {"A": "service", "B": "file", "C": "image"}


def test_build_arguments() -> None:
    """What the build is given goes before the default."""
    service = "    build:\n      context: .\n      args:\n        PORT: '9000'\n"
    text = f"{BASE}ARG PORT=8000\nENV PORT=$PORT\nCMD python a.py\n"
    files = {"Dockerfile": text, "a.py": "", "compose.yaml": "services:\n  api:\n" + service}
    assert process(files).variables["PORT"].text == "9000"
    files["compose.yaml"] = "services:\n  api:\n    build: .\n"
    assert process(files).variables["PORT"].text == "8000"


def test_settings() -> None:
    """What the code asks for, given or by its default."""
    files = {
        "Dockerfile": f"{BASE}ENV A=1\nCMD python a.py\n",
        "compose.yaml": "services:\n  api:\n    build: .\n",
        "a.py": 'import os\nX = os.environ["A"]\nY = os.environ.get("B", "b")\n',
    }
    settings = {s.name: s for s in linked(files).all(Setting)}
    assert (settings["A"].value.text, settings["A"].given) == ("1", True)
    assert (settings["B"].value.text, settings["B"].given, settings["B"].known) == ("b", False, True)


def test_images_and_their_users() -> None:
    """One image of a Dockerfile that two services build."""
    files = {
        "Dockerfile": f"{BASE}CMD python a.py\n",
        "compose.yaml": "services:\n  a:\n    build: .\n    image: team/x:1\n  b:\n    build: .\n",
        "a.py": "",
    }
    (image,) = linked(files).all(Image)
    assert {p.name for p in image.processes} == {"a", "b"}
    assert "team/x" in image.repositories


def test_arguments_of_a_foreign_image() -> None:
    """Arguments of an image that is not built here are no file."""
    found = process(
        {"compose.yaml": "services:\n  api:\n    image: prom/prometheus\n    command: [--config=/etc/p.yml]\n"}
    )
    assert [e.external for e in found.entries] == [True]


def test_a_short_name_ties_no_image_to_a_dockerfile() -> None:
    """Two names of up to three letters are not one name: an image ``api`` is not what the service ``web`` builds."""
    compose = "services:\n  api: {image: registry.example.com/api:1}\n  web: {build: ./web}\n"
    found = process({"compose.yaml": compose, "web/Dockerfile": f'{BASE}CMD ["python", "a.py"]', "web/a.py": ""})
    assert found.dockerfile is None
    assert found.modules == ()


def test_a_module_that_its_package_lacks() -> None:
    """In a job of CI, ``python -m`` looks in the package of the working directory, or in the one of its ``src``."""

    def absent(command: str, *files: str, **more: str) -> bool:
        text = "on: push\njobs:\n  api:\n    steps:\n      - uses: actions/checkout@v4\n"
        text += f"      - run: |\n          {command}\n"
        text += "".join(f"        {key}: {value}\n" for key, value in more.items())
        paths = ("churn/__init__.py", "part/load.py", *files)
        found = process({".github/workflows/go.yml": text, **dict.fromkeys(paths, "")})
        return any(entry.absent for entry in found.entries)

    assert absent("python -m churn.train")
    assert absent("python -m churn.jobs.train", "churn/jobs/__init__.py")
    assert absent("python -m core.train", "src/core/__init__.py")
    assert not absent("python -m churn.train", "churn/train.py")
    assert not absent("python -m churn.train", "churn/train.pyx")
    assert not absent("python -m churn.jobs.train", "churn/jobs/load.py")
    assert not absent("python -m part.train")
    assert not absent("python -m pytest.train")
    assert not absent("python -m churn.train || true")
    assert not absent("python -m churn.train", **{"if": "hashFiles('churn/*') != ''"})
    assert not absent("python -m churn.train", ".gitmodules")
