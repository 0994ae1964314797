"""Whether training fits into this machine, known before it starts; what cannot fit is refused with what would."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import psutil

from tfxfer.errors import ConfigError
from tfxfer.stages.estimates import Workload

if TYPE_CHECKING:
    import keras

    from tfxfer.network.network import Network

LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)  # containers
FLOAT = 4  # bytes
SLOTS = 4  # a weight that learns, its gradient, and two moments


def memory_bytes() -> int:
    """Of this machine, or of the container that this process runs in."""
    found = [int(psutil.virtual_memory().total)]
    for file in LIMITS:
        try:
            found.append(int(file.read_text(encoding="ascii")))
        except (OSError, ValueError):  # no container, or one without a limit
            continue
    return min(found)


def require_memory(
    network: Network, workloads: Sequence[Workload], batch_size: int, *, available: int | None = None
) -> int:
    """The bytes that the largest phase surely needs: weights, and the activations of one batch; 0 with a GPU.

    Raises:
        ConfigError: the machine does not have them.
    """
    limit = memory_bytes() if available is None else available
    if available is None and _accelerated():
        return 0  # what counts is the accelerator's memory, and TensorFlow does not tell how much is free
    most = 0
    for work in workloads:
        fixed = FLOAT * (network.model.count_params() + (SLOTS - 1) * work.boundary.trainable_parameters)
        each = FLOAT * _activations(network, work)
        most = max(most, fixed + batch_size * each)
        if fixed + batch_size * each > limit:
            fitting = max(limit - fixed, 0) // max(each, 1)
            repair = (
                f"Set training.batch_size to at most {fitting:,}" if fitting else "Choose a smaller network"
            )
            raise ConfigError(
                f"training must fit into the memory of this machine, {_gib(limit)}. Received: phase "
                f"'{work.phase.name}' needs at least {_gib(fixed + batch_size * each)} with training.batch_size "
                f"{batch_size:,}. {repair}, or a smaller backbone.image_size, or unfreeze fewer blocks."
            )
    return most


def require_disk(folder: Path, workloads: Sequence[Workload], images: Mapping[str, int], size: int) -> None:
    """Refuse features of all phases together, of numbers of `size` bytes, that the disk has no room for.

    Raises:
        ConfigError: there is not enough of it.
    """
    needed = sum(size * work.images_kept(images) * work.feature_size for work in workloads)
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ConfigError(
            f"the features of all phases must fit on the disk of '{folder}', where {_gib(free)} are free. Received: "
            f"{_gib(needed)}. Set features.dtype to float16, take fewer views, unfreeze fewer blocks, or choose "
            "another --out."
        )


def _accelerated() -> bool:
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def _activations(network: Network, work: Workload) -> int:
    """Numbers that the layers which learn, and those above them, put out for one image."""
    from tfxfer.backbones.graph import flat_model
    from tfxfer.network.split import split_model

    whole = network.model
    part = flat_model(whole) if work.boundary.tensor is None else split_model(whole, work.boundary.tensor)[1]
    return sum(_outputs(layer) for layer in part.layers)


def _outputs(layer: keras.layers.Layer) -> int:
    import keras

    if isinstance(layer, keras.layers.InputLayer) or not isinstance(layer.output, keras.KerasTensor):
        return 0
    return int(np.prod([side for side in layer.output.shape[1:] if side is not None]))


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / 2**30:,.1f} GiB"
