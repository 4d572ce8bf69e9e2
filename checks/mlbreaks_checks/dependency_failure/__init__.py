"""Checks of the category dependency-failure."""
