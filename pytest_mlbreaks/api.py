"""All that a pack imports. What is here stays; the rest of the engine may change from one version to the next."""

from __future__ import annotations

from pytest_mlbreaks import conditions, references
from pytest_mlbreaks.check import Check, Confidence, Finding, Severity, Unjudged, Verdict
from pytest_mlbreaks.formats.python import PYTHON, PythonFile
from pytest_mlbreaks.formats.text import TEXT, TextFile
from pytest_mlbreaks.formats.yaml import YAML, YamlFile, YamlNode
from pytest_mlbreaks.hookspecs import hookimpl
from pytest_mlbreaks.model import (
    Alternative,
    Answer,
    Dataset,
    Diagnostic,
    Entry,
    Environment,
    Fact,
    Host,
    Image,
    Install,
    Installed,
    JobRun,
    Model,
    Origin,
    Packages,
    Pipeline,
    Place,
    Process,
    Setting,
    Tier,
    Twin,
    Value,
    expr,
    facts,
)
from pytest_mlbreaks.model.near import one_namespace
from pytest_mlbreaks.reading import Format, Reader, Source, Unreadable, Wanted
from pytest_mlbreaks.recognised import aside, is_test_file, other_ci
from pytest_mlbreaks.report import Report, Reporter, Shown
from pytest_mlbreaks.restarts import pod_restart

__all__ = [
    "PYTHON",
    "TEXT",
    "YAML",
    "Alternative",
    "Answer",
    "Check",
    "Confidence",
    "Dataset",
    "Diagnostic",
    "Entry",
    "Environment",
    "Fact",
    "Finding",
    "Format",
    "Host",
    "Image",
    "Install",
    "Installed",
    "JobRun",
    "Model",
    "Origin",
    "Packages",
    "Pipeline",
    "Place",
    "Process",
    "PythonFile",
    "Reader",
    "Report",
    "Reporter",
    "Setting",
    "Severity",
    "Shown",
    "Source",
    "TextFile",
    "Tier",
    "Twin",
    "Unjudged",
    "Unreadable",
    "Value",
    "Verdict",
    "Wanted",
    "YamlFile",
    "YamlNode",
    "aside",
    "conditions",
    "expr",
    "facts",
    "hookimpl",
    "is_test_file",
    "one_namespace",
    "other_ci",
    "pod_restart",
    "references",
]
