"""Checks of the category label-availability."""
