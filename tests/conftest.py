"""What all tests share."""

from __future__ import annotations

from hypothesis import settings

pytest_plugins = ("pytester",)

# A failure must come back when the same command is run again, and a busy machine is not a failure.
settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("repeatable")
