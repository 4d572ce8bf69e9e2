"""Checks of the pack."""
