"""Checks of the category distribution-shift."""
