"""Judging: which findings are silenced, were there before, or do not count yet. Between the engine and the reporters."""
