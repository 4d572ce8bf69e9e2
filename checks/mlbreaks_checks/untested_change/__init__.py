"""Checks of the category untested-change."""
