"""Checks of the category work-assignment."""
