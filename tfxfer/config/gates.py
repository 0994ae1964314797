"""Which limits an artifact must keep: its own, else those for all, else the default of its kind."""

from __future__ import annotations

from tfxfer.catalogue.formats import default_gates
from tfxfer.catalogue.ladder import CHOICES
from tfxfer.config.schema import Config, ExportConfig


def gate_limits(config: Config, export: ExportConfig, precision: str | None = None) -> dict[str, float]:
    """Name and limit of every gate of one artifact; the nearest place that sets a limit wins.

    `precision` is that of a rung of its ladder, None its own. What is to be chosen has no defaults itself.
    """
    precision = export.precision if precision is None else precision
    decided = config.evaluation.decision is not None
    common: dict[str, float] = config.gates.model_dump(exclude_none=True)
    own: dict[str, float] = export.gates.model_dump(exclude_none=True)
    defaults = (
        {}
        if precision in CHOICES
        else default_gates(export.format, precision, config.head.task, decided=decided)
    )
    return {
        **defaults,
        **common,
        **own,
    }
