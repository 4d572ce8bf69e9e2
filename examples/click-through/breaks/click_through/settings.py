"""What differs between environments; everything else is in params.yaml."""

from __future__ import annotations

import os

import yaml

WAREHOUSE_URL = os.environ.get("WAREHOUSE_URL", "postgresql+psycopg://dev-warehouse.internal/dev")
MODEL_NAME = "click-through"


def model_uri() -> str:
    """The version that this process serves, such as models:/click-through/17."""
    return os.environ["MODEL_URI"]


def params(section: str) -> dict[str, float]:
    with open("params.yaml", encoding="utf-8") as file:
        return yaml.safe_load(file)[section]
