"""Checks of the category slow-inference."""
