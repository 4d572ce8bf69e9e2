"""``python -m pytest_mlbreaks`` is the command ``mlbreaks``."""

from __future__ import annotations

import sys

from pytest_mlbreaks.cli import main

if __name__ == "__main__":
    sys.exit(main())
