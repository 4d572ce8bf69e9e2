"""Checks of the category overloaded-backend."""
