"""Checks of the category data-structure."""
