"""Keys and values that the documents promise and this version does not have; each is refused by name."""

from __future__ import annotations

from collections.abc import Mapping

from tfxfer.catalogue.formats import PLANNED_FORMATS, PLANNED_PRECISIONS

# Dotted keys without indices.
PLANNED_KEYS = frozenset({"tracking"})
PLANNED_VALUES: Mapping[str, tuple[str, ...]] = {
    "exports.format": PLANNED_FORMATS,
    "exports.precision": PLANNED_PRECISIONS,
}
