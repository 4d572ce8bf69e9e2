"""The model: the one thing that readers, link, checks and reporters all know."""

from pytest_mlbreaks.model.facts import FACTS, Fact
from pytest_mlbreaks.model.linked import (
    Application,
    Dataset,
    DbtModel,
    DbtTree,
    Endpoint,
    Entry,
    Host,
    Image,
    Install,
    Installed,
    JobRun,
    Model,
    Packages,
    Process,
    Reached,
    Setting,
    Twin,
)
from pytest_mlbreaks.model.pipeline import Pipeline
from pytest_mlbreaks.model.place import Diagnostic, Place
from pytest_mlbreaks.model.value import Alternative, Answer, Environment, Origin, Tier, Value

__all__ = [
    "FACTS",
    "Alternative",
    "Answer",
    "Application",
    "Dataset",
    "DbtModel",
    "DbtTree",
    "Diagnostic",
    "Endpoint",
    "Entry",
    "Environment",
    "Fact",
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
    "Reached",
    "Setting",
    "Tier",
    "Twin",
    "Value",
]
