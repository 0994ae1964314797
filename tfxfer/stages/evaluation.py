"""The trained network on the test split: its figures, and the answers that every artifact is held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfxfer.config.schema import Config
from tfxfer.evaluation.predictions import Predictions, collect
from tfxfer.runtimes.outputs import Outputs
from tfxfer.stages.data import RunData
from tfxfer.stages.stage import State
from tfxfer.stages.training import TrainedNetwork
from tfxfer.verification.gates import Evidence, GateResult, check_gates
from tfxfer.verification.parity import parity
from tfxfer.verification.reference import BATCH_SIZE, Reference

OUTPUTS = "outputs.npz"


@dataclass(frozen=True, slots=True)
class Evaluate:
    """Run the trained network on every test picture."""

    name: str = "evaluate"

    def key(self, state: State) -> Mapping[str, object]:
        trained, data = state.get("trained", TrainedNetwork), state.get("data", RunData)
        return {"network": trained.fingerprint, "data": data.fingerprint, "test": list(data.test.paths)}

    def compute(self, state: State, folder: Path) -> None:
        trained, data = state.get("trained", TrainedNetwork), state.get("data", RunData)
        found = collect(trained.network, data.test.batches(BATCH_SIZE))
        np.savez(folder / OUTPUTS, probabilities=found.outputs.probabilities, logits=found.outputs.logits)

    def load(self, state: State, folder: Path) -> State:
        data = state.get("data", RunData)
        with np.load(folder / OUTPUTS, allow_pickle=False) as arrays:
            outputs = Outputs(arrays["probabilities"], arrays["logits"])
        weights = np.ones(len(data.test)) if data.test.weights is None else data.test.weights
        predictions = Predictions(outputs, data.test.labels.astype(np.int64), weights.astype(np.float64))
        reference = Reference(data.test.images, predictions, data.splits.labels)
        metrics = reference.metrics
        low, high = metrics.accuracy_interval
        state.journal.write(
            "decision",
            text=f"test accuracy {metrics.accuracy:.4f} on {metrics.n} pictures, 95 % interval {low:.4f} to {high:.4f}",
        )
        return state.having(reference=reference, network_gates=network_gates(state.config, reference))


def network_gates(config: Config, reference: Reference) -> tuple[GateResult, ...]:
    """The gates that the trained network itself must hold, whether or not anything is exported."""
    if config.gates.min_accuracy is None:
        return ()
    predictions = reference.predictions
    itself = parity(reference.outputs, reference.outputs, predictions.targets, weights=predictions.weights)
    limits = {"min_accuracy": config.gates.min_accuracy}
    return check_gates(limits, Evidence(itself, reference.metrics, size_bytes=0))
