"""Several workers, one run: they train together, and the chief alone has a run directory."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tfxfer.config.schema import Config
from tfxfer.data import Source
from tfxfer.stages.cached import Cached
from tfxfer.stages.data import ScanData, SplitData
from tfxfer.stages.run_directory import open_run
from tfxfer.stages.stage import Pipeline, Stage, State
from tfxfer.stages.training import Train
from tfxfer.store.journal import Journal, Listener
from tfxfer.training.cluster import Cluster

if TYPE_CHECKING:
    from tfxfer.training.devices import Devices

AGREED = "trained_before"


@dataclass(frozen=True, slots=True)
class AgreeToTrain:
    """The chief tells the others whether its run has the trained network already; alone, nothing happens."""

    devices: Devices
    train: Cached
    name: str = "workers"

    def __call__(self, state: State, /) -> State:
        from tfxfer.training.workers import chief_says, lost_workers_told

        with self.devices.scope(), lost_workers_told("before the first"):
            return state.having(**{AGREED: chief_says(self.train.ready(state))})


def early_devices(config: Config, cluster: Cluster | None) -> Devices | None:
    """What must be opened before anything else: other workers, and devices that may not be there; else None.

    Raises:
        RuntimeUnavailableError: the device that the configuration asks for is not here.
        UsageError: this process cannot join the cluster.
    """
    if cluster is None and config.device in ("auto", "cpu"):
        return None
    from tfxfer.training.devices import open_devices

    return open_devices(config.device, cluster)


def train_as_worker(
    config: Config, source: Source, cluster: Cluster, listeners: tuple[Listener, ...] = ()
) -> None:
    """Do one worker's part of the training, in a folder that is gone afterwards.

    Raises:
        TrainingError: another worker was lost, or has other data.
    """
    devices = early_devices(config, cluster)
    assert devices is not None
    train = Train(devices)
    before: list[Stage] = [Cached(ScanData(source)), SplitData(source), AgreeToTrain(devices, Cached(train))]
    with (
        tempfile.TemporaryDirectory(prefix="tfxfer-worker-") as folder,
        open_run(Path(folder) / "run", resume=False) as run,
    ):
        state = Pipeline(before, name="prepare")(State(config, run, Journal(run.log, listeners)))
        if not state.results[AGREED]:  # then also where an earlier run of this worker's has a result
            train.compute(state, Path(folder))
