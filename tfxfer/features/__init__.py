"""The frozen boundary, computed once."""
