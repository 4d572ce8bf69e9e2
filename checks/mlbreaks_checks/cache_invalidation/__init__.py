"""Checks of the category cache-invalidation."""
