"""Checks of the trial pack."""
