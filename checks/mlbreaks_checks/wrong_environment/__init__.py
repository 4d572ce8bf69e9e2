"""Checks of the category wrong-environment."""
