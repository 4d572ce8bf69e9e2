"""Checks of the category data-join."""
