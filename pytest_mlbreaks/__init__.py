"""pytest-mlbreaks: finds, before the deploy, the ways in which machine-learning pipelines really break."""

__version__ = "0.1.0"
