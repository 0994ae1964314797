"""Which limits an artifact must keep: its own, else those for all, else the default of its kind."""

from __future__ import annotations

from tfxfer.catalogue.formats import default_gates
from tfxfer.config.schema import Config, ExportConfig


def gate_limits(config: Config, export: ExportConfig) -> dict[str, float]:
    """Name and limit of every gate of one artifact; the nearest place that sets a limit wins."""
    decided = config.evaluation.decision is not None
    common: dict[str, float] = config.gates.model_dump(exclude_none=True)
    own: dict[str, float] = export.gates.model_dump(exclude_none=True)
    return {
        **default_gates(export.format, export.precision, config.head.task, decided=decided),
        **common,
        **own,
    }
