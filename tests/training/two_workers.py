"""A program: one worker of several, or the only one; prints what came of some phases as JSON.

    python -m tests.training.two_workers OUT.json [die=BATCHES] PHASE...

TF_CONFIG says which worker this is. Each step's loss is among the results, so that the first steps can be compared.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tests.training.test_fit import fresh_split, settled_model
from tests.training.tiny import tiny_dataset, tiny_images, weights_by_name
from tfxfer.backbones.backbone import load_backbone
from tfxfer.data import ArraySplit, open_source, scan, split_records
from tfxfer.errors import FeaturesError, TfxferError
from tfxfer.features.cache import FeatureCache
from tfxfer.network.network import Network, attach_head
from tfxfer.training.carry import Carry
from tfxfer.training.cluster import cluster_of
from tfxfer.training.devices import open_devices
from tfxfer.training.fit import Data, fit
from tfxfer.training.phase import Phase

SIZE = 96  # pixels, of the main job

SMALL = {
    "head": Phase("head", epochs=2, unfreeze="none", solver="gradient", learning_rate=0.01, batch_size=16),
    "solved": Phase("solved", unfreeze="none", solver="lbfgs"),
    "blocks": Phase(
        "blocks", epochs=2, unfreeze="2 blocks", learning_rate=0.01, learning_rate_decay=0.5, weight_decay=0.1,
        gradient_clip=0.05, schedule="cosine", warmup_steps=2, batch_size=16,
    ),
    "streamed": Phase("streamed", epochs=1, unfreeze="all", optimizer="sgd", learning_rate=0.05),
    "summed": Phase("summed", epochs=1, unfreeze="all", learning_rate=0.01, l2_sp=0.5, gradient_accumulation=2,
                    ema_momentum=0.9, batch_size=16),
    "long": Phase("long", epochs=10_000, unfreeze="none", solver="gradient", batch_size=16),
}  # fmt: skip
MAIN = {
    "main head": Phase("main head", epochs=2, unfreeze="none", solver="gradient", batch_size=64),
    "main solved": Phase("main solved", unfreeze="none", batch_size=64),
    "main blocks": Phase("main blocks", epochs=1, unfreeze="2 blocks", learning_rate=1e-4, batch_size=64),
}


class Steps(keras.callbacks.Callback):
    """The loss of every step; ends the process without a word after some, as a crash does."""

    def __init__(self, die_after: int | None) -> None:
        super().__init__()
        self.losses: list[float] = []
        self.die_after = die_after

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self.losses.append(float((logs or {})["loss"]))  # the mean so far
        if self.die_after is not None and len(self.losses) == self.die_after:
            os.kill(os.getpid(), signal.SIGKILL)


def small_data(name: str) -> tuple[Data, Data]:
    """41 examples leave a last batch of 9 or 7, which two replicas share unevenly."""
    images, labels = tiny_images(41, dtype="float64")
    weights = np.linspace(0.2, 1.8, 41)
    if name == "streamed":
        data = tf.data.Dataset.from_tensor_slices((images, labels, weights)).batch(17)
        return data, tiny_dataset(40, 1, dtype="float64")
    return fresh_split(images, labels, weights), fresh_split(*tiny_images(40, 1, dtype="float64"))


def main_data(folder: Path) -> tuple[ArraySplit, ArraySplit]:
    """The digits, as the main job has them."""
    found = scan(open_source("embedded/digits"), folder, size=(SIZE, SIZE))
    drawn = split_records(found.report.good, found.report.digests)
    return found.select(drawn.train, drawn.labels), found.select(drawn.validation, drawn.labels)


def main_network() -> Network:
    """embedded/small without dropout, whose masks are others on another number of replicas."""
    labels = [str(digit) for digit in range(10)]
    return attach_head(load_backbone("embedded/small", image_size=SIZE), labels, dropout=0.0)


def trained(names: Sequence[str], folder: Path, die_after: int | None) -> dict[str, Any]:
    """The phases, one after the other, on one network."""
    small = names[0] in SMALL
    network = settled_model("float64") if small else main_network()
    data = None if small else main_data(folder)
    model, carry, found = network.model if isinstance(network, Network) else network, Carry(), {}
    for name in names:
        steps = Steps(die_after)
        given = small_data(name) if data is None else data
        cache = FeatureCache(use="never") if name == "streamed" else None
        callbacks = () if "solved" in name else (steps,)
        phase = (SMALL | MAIN)[name]
        history = fit(network, *given, phase, callbacks=callbacks, cache=cache, carry=carry)
        found[name] = {
            "history": history.before | history.history,
            "steps": steps.losses,
            "weights": {path: value.tolist() for path, value in weights_by_name(model).items()}
            if small
            else {},
            "kept": max(history.history["val_accuracy"] + [history.before["val_accuracy"]]),
        }
    return found


def timed_engines_refused(folder: Path) -> str:
    """What `features.engine: fastest` is told where there are several workers."""
    cache = FeatureCache(folder / "fastest", engine="fastest")
    try:
        fit(settled_model("float64"), *small_data("head"), SMALL["head"], cache=cache)
    except FeaturesError as error:
        return str(error)
    return "it was not refused"


def main() -> None:
    """Train as TF_CONFIG says and write what came of it; a loss of a worker ends with its message and code 1."""
    to, *names = sys.argv[1:]
    die_after = int(names.pop(0).removeprefix("die=")) if names[0].startswith("die=") else None
    devices = open_devices("cpu", cluster_of())
    with devices.scope(), tempfile.TemporaryDirectory() as folder:
        try:
            found = trained(names, Path(folder), die_after)
            if names[0] == "head":
                found["fastest"] = timed_engines_refused(Path(folder))
        except TfxferError as error:
            sys.exit(str(error))
    Path(to).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
