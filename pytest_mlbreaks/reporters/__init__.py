"""Reporters: how a report is said, one module a format."""
