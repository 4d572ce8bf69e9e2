"""Checks of the category embedding-space."""
