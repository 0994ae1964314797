"""Plots as SVG that takes the colours of the page it stands in."""
