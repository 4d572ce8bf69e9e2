"""Formats: how files are parsed, once, for all readers."""
