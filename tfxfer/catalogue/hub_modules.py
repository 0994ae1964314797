"""What a hub/ backbone can be asked: facts, no TensorFlow."""

from __future__ import annotations

HUB_OPTIONS = ("signature", "output")  # which of a SavedModel's functions, and which of its outputs
