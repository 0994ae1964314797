"""Pretrained feature extractors, their contracts and their blocks."""
