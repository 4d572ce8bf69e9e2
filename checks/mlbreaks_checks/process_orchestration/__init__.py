"""Checks of the category process-orchestration."""
