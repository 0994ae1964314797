"""The names of the training recipes, and what each does in one line."""

from __future__ import annotations

from collections.abc import Mapping

RECIPES: Mapping[str, str] = {
    "auto": "chooses what learns from the examples per class and the measured domain gap, and says why",
    "feature_extraction": "the backbone stays as it is; only the head learns, on features computed once",
    "partial": "the head first, then the last blocks of the backbone at a lower rate",
    "gradual": "the head first, then one block more every epoch, each at a lower rate than the one above it",
    "full": "the head first, then the whole backbone at a lower rate",
    "lpft": "the head is solved first, then everything learns at one small rate",
    "scratch": "everything learns from random weights; the yardstick for what transfer gains",
}
