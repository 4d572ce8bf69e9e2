"""Writes the feature views that an installed Feast makes of its shipped templates, as JSON. Run by that Feast's Python.

Usage: ``python dump_feast.py OUTPUT``. Nothing but Feast's package is imported, its templates included.
"""

from __future__ import annotations

import importlib
import json
import os
import pathlib
import runpy
import sys
from typing import Any


def _source(view: Any) -> str:
    """The path, table or topic behind a view; "" where it has none of its own."""
    source = getattr(view, "batch_source", None)
    for name in ("path", "table", "topic"):
        text = getattr(source, name, "") if source is not None else ""
        if text:
            return str(text)
    return ""


def _told(view: Any) -> dict[str, Any]:
    return {
        "name": view.name,
        "features": sorted(feature.name for feature in view.features),
        "columns": sorted(column.name for column in getattr(view, "entity_columns", ())),
        "source": _source(view),
    }


def main(output: str) -> None:
    """Load every module of every template, and write what came of it to *output*."""
    feast = importlib.import_module("feast")
    services = importlib.import_module("feast.feature_service")
    views = (feast.FeatureView, importlib.import_module("feast.on_demand_feature_view").OnDemandFeatureView)
    root = pathlib.Path(str(feast.__file__)).parent / "templates"
    files: dict[str, Any] = {}
    failed: dict[str, str] = {}
    for path in sorted(root.rglob("*.py")):
        if b"FeatureView(" not in path.read_bytes() or path.name in ("bootstrap.py", "test_workflow.py"):
            continue
        os.chdir(path.parent)
        sys.path.insert(0, str(path.parent))
        try:
            values = list({id(v): v for v in runpy.run_path(str(path)).values()}.values())
        except Exception as error:
            failed[str(path)] = f"{type(error).__name__}: {error}".splitlines()[0]
            continue
        finally:
            sys.path.pop(0)
        files[str(path)] = {
            "views": [_told(value) for value in values if isinstance(value, views)],
            "services": {
                value.name: sorted(p.name for p in value.feature_view_projections)
                for value in values
                if isinstance(value, services.FeatureService)
            },
        }
    version = importlib.import_module("importlib.metadata").version("feast")
    pathlib.Path(output).write_text(json.dumps({"version": version, "files": files, "failed": failed}), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
