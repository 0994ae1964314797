"""Heads, build, freezing, splitting, float32 rebuild."""
