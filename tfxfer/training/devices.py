"""Devices: what trains, as a strategy, and in words why."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import tensorflow as tf

from tfxfer.errors import RuntimeUnavailableError, UsageError
from tfxfer.training.cluster import Cluster

DeviceName = Literal["auto", "cpu", "gpu", "tpu"]
TPU_NAME = "TPU_NAME"  # as Google Cloud sets it; "local" is the machine's own
TPU_DEVICE = Path("/dev/accel0")


@dataclass(frozen=True, slots=True, eq=False)
class Devices:
    """A strategy to make the network in and to train with."""

    strategy: tf.distribute.Strategy
    words: str
    device: str | None = None  # where a strategy of one device puts it; None: TensorFlow's own choice

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Variables are made here, and training runs here."""
        with self.strategy.scope(), tf.device(self.device):
            yield


def open_devices(
    wanted: DeviceName = "auto", cluster: Cluster | None = None, environment: Mapping[str, str] = os.environ
) -> Devices:
    """What was asked for, or under "auto" the best that is here: a TPU, every GPU, or the CPU; in every worker.

    With a `cluster` it must be called before TensorFlow has computed anything, and returns when all workers are there.

    Raises:
        RuntimeUnavailableError: what was asked for is not here.
        UsageError: no such device, or a cluster of TPUs.
    """
    if wanted not in get_args(DeviceName):
        raise UsageError(
            f"device must be one of {', '.join(get_args(DeviceName))}. Received: '{wanted}'. Take one of them."
        )
    has_tpu = bool(environment.get(TPU_NAME)) or TPU_DEVICE.exists()
    if wanted == "tpu" or (wanted == "auto" and has_tpu and cluster is None):
        return _tpu(cluster, environment)
    graphics = [] if wanted == "cpu" else tf.config.list_physical_devices("GPU")
    if wanted == "gpu" and not graphics:
        raise RuntimeUnavailableError(
            "device 'gpu' needs a GPU that TensorFlow can use. Received: none. Install tfxfer[gpu] and a driver "
            "(tfxfer doctor --devices shows what is seen), or use device 'auto'."
        )
    if cluster is not None:
        return _workers(cluster, len(graphics), hide_gpus=wanted == "cpu")
    if len(graphics) > 1:
        return Devices(tf.distribute.MirroredStrategy(), f"{len(graphics)} GPUs, MirroredStrategy")
    if graphics:
        return Devices(tf.distribute.get_strategy(), "1 GPU")
    why = "asked for" if wanted == "cpu" else "no GPU or TPU is here"
    return Devices(
        tf.distribute.get_strategy(),
        f"CPU, {os.cpu_count() or 1} cores: {why}",
        "/CPU:0" if wanted == "cpu" else None,
    )


def _workers(cluster: Cluster, gpus: int, *, hide_gpus: bool) -> Devices:
    try:
        if hide_gpus:
            tf.config.set_visible_devices([], "GPU")
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:
        raise UsageError(
            f"several workers must be joined before TensorFlow computes anything in this process. Received: {error} "
            "Call this first, or run `tfxfer run`."
        ) from error
    each = f"{gpus} GPUs" if gpus > 1 else "1 GPU" if gpus else "1 CPU"
    words = f"{len(cluster.addresses)} workers with {each} each, MultiWorkerMirroredStrategy; this is {cluster.words}"
    return Devices(strategy, words)


def _tpu(cluster: Cluster | None, environment: Mapping[str, str]) -> Devices:
    if cluster is not None:
        raise UsageError(
            "a TPU brings its workers itself. Received: device 'tpu' and TF_CONFIG. Unset TF_CONFIG."
        )
    name = environment.get(TPU_NAME) or "local"
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu=name)
        if name != "local":
            tf.config.experimental_connect_to_cluster(resolver)
        tf.tpu.experimental.initialize_tpu_system(resolver)
        strategy = tf.distribute.TPUStrategy(resolver)
    except (ValueError, RuntimeError, OSError, tf.errors.OpError) as error:
        raise RuntimeUnavailableError(
            f"device 'tpu' needs a TPU that TensorFlow can use. Received: none under the name '{name}' "
            f"({str(error).strip().splitlines()[0]}). Set {TPU_NAME}, run on the TPU's own machine with libtpu, or use "
            "device 'auto'."
        ) from error
    return Devices(strategy, f"TPU '{name}' with {strategy.num_replicas_in_sync} cores, TPUStrategy")
