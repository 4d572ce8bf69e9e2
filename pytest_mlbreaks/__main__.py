"""``python -m pytest_mlbreaks`` is the command ``mlbreaks``."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    if not sys.flags.safe_path:
        del sys.path[0]  # the current folder, where the judged tree may have modules called like those that we import
    from pytest_mlbreaks.cli import run

    run()
