"""Checks of the category push-order."""
