"""Metrics: one function for the trained network and for every artifact."""
