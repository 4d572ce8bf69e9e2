"""Checks of the category example-order."""
