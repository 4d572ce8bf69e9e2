"""The model: the one thing that readers, link, checks and reporters all know."""

from pytest_mlbreaks.model.facts import Fact
from pytest_mlbreaks.model.place import Diagnostic, Place

__all__ = ["Diagnostic", "Fact", "Place"]
