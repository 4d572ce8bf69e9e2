"""pytest-mlbreaks: finds, before the deploy, the ways in which machine-learning pipelines really break."""
