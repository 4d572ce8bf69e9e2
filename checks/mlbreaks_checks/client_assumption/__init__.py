"""Checks of the category client-assumption."""
