"""Sources, checks, splits, decoding."""
