"""How an artifact is run, one engine each."""
