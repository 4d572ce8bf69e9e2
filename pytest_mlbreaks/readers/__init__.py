"""Readers: what the files of each tool mean, one module a tool."""
