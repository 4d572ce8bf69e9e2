"""Judging: which findings are silenced, were there before, or do not count yet."""
