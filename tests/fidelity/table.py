"""The fidelity of all readers at once: what the real tools make of their own examples, against what we say of them.

Usage: ``python tests/fidelity/table.py WORK [--only NAME]``. Below WORK, an environment with the tool is made for each
row (``environments/NAME``), and its examples are cloned (``examples/OWNER+REPOSITORY``); what is there is used as is.
Then the comparison of that tool is run (``compare_*.py``), and its figures become a row. What can't be had is told, and
the others go on.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


@dataclass(frozen=True)
class Row:
    """A tool. *requires*: what pip installs into its environment; *arguments*: what the comparison is given, with
    ``{OWNER+REPOSITORY}`` in the place of a checkout."""

    name: str
    script: str
    requires: tuple[str, ...]
    arguments: tuple[str, ...] = ()


ROWS = (
    Row("airflow-2.10", "compare_airflow.py", ("apache-airflow==2.10.5",)),
    Row("airflow-3", "compare_airflow.py", ("apache-airflow==3.0.6", "apache-airflow-providers-standard")),
    Row(
        "kfp-2.17",
        "compare_kfp.py",
        ("kfp==2.17.3", "kfp-kubernetes", "google-cloud-pipeline-components"),
        ("--tree", "{kubeflow+pipelines}"),
    ),
    Row("metaflow", "compare_metaflow.py", ("metaflow==2.19.39",), ("--flows", "{Netflix+metaflow}/test")),
    Row(
        "prefect-3",
        "compare_prefect.py",
        ("prefect==3.9.1",),
        ("--examples", "{PrefectHQ+prefect}/examples", "--examples", "{PrefectHQ+prefect}/docs"),
    ),
    Row("flyte", "compare_flyte.py", ("flytekit==1.16.31",), ("--examples", "{flyteorg+flytesnacks}/examples")),
    Row(
        "dagster",
        "compare_dagster.py",
        ("dagster==1.13.27", "dagster-duckdb", "geopandas", "matplotlib", "eventregistry"),
        ("--examples", "{dagster-io+project-dagster-university}"),
    ),
    Row(
        "kedro",
        "compare_kedro.py",
        ("kedro==1.7.0", "kedro-datasets", "pandas", "scikit-learn", "matplotlib", "seaborn", "plotly"),
        ("--examples", "{kedro-org+kedro-starters}"),
    ),
    Row(
        "dvc",
        "compare_dvc.py",
        ("dvc==3.67.1",),
        ("--examples", "{iterative+example-get-started}", "--examples", "{iterative+example-dvc-experiments}"),
    ),
    Row(
        "dbt",
        "compare_dbt.py",
        ("dbt-core==1.10.23", "dbt-duckdb<1.11"),
        ("--examples", "{dbt-labs+jaffle_shop_duckdb}", "--examples", "{dbt-labs+dbt-starter-project}"),
    ),
)


def main() -> int:
    """Print the table; 1 where a comparison found a mistake of ours, 2 where one could not be made."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--only", action="append", choices=[row.name for row in ROWS])
    options = parser.parse_args()
    work = options.work.resolve()
    figures: list[dict[str, Any]] = []
    wrong = missing = False
    for row in ROWS:
        if options.only and row.name not in options.only:
            continue
        tell(row.name)
        try:
            python = environment(row, work)
            arguments = [placed(text, work) for text in row.arguments]
            found, code = compare(row, python, arguments)
        except (subprocess.SubprocessError, OSError) as error:
            tell(f"{row.name}: could not be compared: {error}")
            missing = True
            continue
        figures += found
        wrong = wrong or code != 0
    sys.stdout.write("\n".join(table(figures)) + "\n")
    return 2 if missing else int(wrong)


def environment(row: Row, work: pathlib.Path) -> pathlib.Path:
    """The interpreter of an environment that has the tool."""
    folder = work / "environments" / row.name
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        quiet = ("-m", "pip", "--quiet", "--disable-pip-version-check", "install")
        subprocess.run([python, *quiet, *row.requires], check=True)
    return python


def placed(text: str, work: pathlib.Path) -> str:
    """An argument with the checkout that it names."""
    before, brace, rest = text.partition("{")
    if not brace:
        return text
    name, _, after = rest.partition("}")
    checkout = work / "examples" / name
    if not checkout.exists():
        checkout.parent.mkdir(parents=True, exist_ok=True)
        origin = f"https://github.com/{name.replace('+', '/')}"
        subprocess.run(["git", "clone", "--quiet", "--depth=1", origin, checkout], check=True)
    return f"{before}{checkout}{after}"


def compare(row: Row, python: pathlib.Path, arguments: list[str]) -> tuple[list[dict[str, Any]], int]:
    """The figures of a comparison, one for each version, and its exit code. Raises SubprocessError without any."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "checks")))}
    command = [sys.executable, str(HERE / row.script), "--json", *arguments, str(python)]
    done = subprocess.run(command, env=environ, stdout=subprocess.PIPE, text=True, check=False, timeout=3600)
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if not found:
        raise subprocess.CalledProcessError(done.returncode, command)
    return found, done.returncode


def table(figures: list[dict[str, Any]]) -> Iterator[str]:
    """Markdown: a line for each tool and kind, then why what is open is so."""
    yield "| tool | | known | found | missed | open | invented | invented in open | not loaded by the tool |"
    yield "|---|---|---|---|---|---|---|---|---|"
    reasons: Counter[str] = Counter()
    for one in figures:
        head = f"{one['tool']} {one['version']}"
        reasons.update({f"{head}: {reason}": count for reason, count in one["open_reasons"].items()})
        for number, (kind, counts) in enumerate(one["kinds"].items()):
            told = [counts[name] for name in ("known", "found", "missed", "open", "invented", "invented_open")]
            cells = [head if not number else "", kind, *told, one["not_loaded"] if not number else ""]
            yield f"| {' | '.join(map(str, cells))} |"
    yield ""
    for reason, count in reasons.most_common(20):
        yield f"- {count} open: {reason}"


def tell(text: str) -> None:
    """To standard error, so that standard output is the table."""
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
