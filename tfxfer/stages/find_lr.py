"""`tfxfer find-lr`: a learning-rate range test of the first phase that learns by gradient, with its plot."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfxfer.config.schema import Config
from tfxfer.errors import UsageError
from tfxfer.report.rate_plot import plot_rate_curve
from tfxfer.stages.cached import Cached
from tfxfer.stages.configured import build_network, require_blocks, run_plan
from tfxfer.stages.data import RunData, ScanData, SplitData, open_data, require_data_kind
from tfxfer.stages.run_directory import open_run
from tfxfer.stages.stage import Pipeline, State
from tfxfer.stages.training import feature_cache, training_device
from tfxfer.store.atomic import write_json
from tfxfer.store.journal import Journal, Listener
from tfxfer.store.writable import require_writable

CURVE, PLOT = "find_lr.json", "find_lr.png"


def find_lr(
    config: Config,
    out: Path | None,
    *,
    steps: int,
    overwrite: bool = False,
    listeners: Sequence[Listener] = (),
) -> dict[str, Any]:
    """The curve and its suggestions as JSON values; with `out`, find_lr.json and find_lr.png are written there.

    Raises:
        UsageError: `out` holds one already and `overwrite` is false, or cannot be written.
        DataError: the data are refused.
    """
    _refuse(out, overwrite)
    source = open_data(config)
    require_data_kind(config.backbone.name, source)
    with (
        tempfile.TemporaryDirectory(prefix="tfxfer-find-lr-") as folder,
        open_run(Path(folder), resume=True) as run,
    ):
        state = State(config, run, Journal(run.log, tuple(listeners)))
        state = Pipeline([Cached(ScanData(source)), SplitData(source)])(state)
        result = _tested(state, steps)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_json(out / CURVE, result)
        plot_rate_curve(result, out / PLOT)
    return result


def _refuse(out: Path | None, overwrite: bool) -> None:
    if out is None:
        return
    require_writable(out)
    if not overwrite and any((out / name).exists() for name in (CURVE, PLOT)):
        raise UsageError(
            f"--out must be a folder without a range test. Received: '{out}', which has one. "
            "Add --overwrite, or choose another folder."
        )


def _tested(state: State, steps: int) -> dict[str, Any]:
    from tfxfer.recipes.domain_gap import domain_gap
    from tfxfer.recipes.first_rate import find_first_rate

    config, data = state.config, state.get("data", RunData)
    cache = feature_cache(state)
    with training_device(config):
        network = build_network(config, data.splits.labels, data.train.labels)
        plan = run_plan(config, network, data, domain_gap(network, data.train.images))
        require_blocks(network, plan, len(data.train))
        found = find_first_rate(
            network,
            data.train,
            data.validation,
            plan.phases,
            steps=steps,
            seed=config.seed,
            cache=cache,
            journal=state.journal,
        )
    return {"schema_version": 1, "name": config.name, "recipe": plan.recipe, **found.as_dict()}
