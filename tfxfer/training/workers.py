"""What several workers need beyond one: the same start, the same data, and a clear end when one of them is lost."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf

from tfxfer.errors import TrainingError
from tfxfer.network.workers import several_workers

SUM = tf.distribute.ReduceOp.SUM
# What collective operations raise when a process or the way to it is gone.
LOST = (
    *(tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError),
    *(tf.errors.DeadlineExceededError, tf.errors.InternalError, tf.errors.FailedPreconditionError),
)


def refuse_workers(what: str, strategy: tf.distribute.Strategy) -> None:
    """Refuse what only a single process can do.

    Raises:
        TrainingError: the strategy has several workers.
    """
    if several_workers(strategy):
        raise TrainingError(
            f"{what} need a training in one process. Received: several workers. Leave them out, or unset TF_CONFIG."
        )


def require_same(what: str, *parts: object) -> None:
    """Refuse workers that bring different things; each tells the others a digest of its own.

    Raises:
        TrainingError: they differ; in every worker.
    """
    if not several_workers():
        return
    digest = float(
        zlib.crc32("\n".join(map(_text, parts)).encode()) & 0xFFFFFF
    )  # whose square a float64 holds
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    total, squares = (float(added_up(tf.constant(value, tf.float64))) for value in (digest, digest**2))
    if replicas * squares != total**2:
        raise TrainingError(
            f"every worker must have the same {what}. Received: different ones. Give all of them the same "
            "configuration, seed and data; a shuffled tf.data.Dataset needs a seed."
        )


def take_from_chief(variables: Sequence[keras.Variable]) -> None:
    """Give every worker the chief's values, bit by bit; machines of two kinds may round differently."""
    if not several_workers():
        return
    kinds: dict[str, list[keras.Variable]] = {}
    for variable in variables:
        if keras.backend.is_float_dtype(variable.dtype):
            kinds.setdefault(str(variable.dtype), []).append(variable)
    for members in kinds.values():
        values = [keras.ops.convert_to_numpy(variable) for variable in members]
        flat = added_up(
            tf.constant(np.concatenate([value.ravel() for value in values])), chief_only=True
        ).numpy()
        ends = np.cumsum([value.size for value in values])[:-1]
        for variable, value, part in zip(members, values, np.split(flat, ends), strict=True):
            variable.assign(part.reshape(value.shape))


def chief_says(value: bool) -> bool:
    """The chief's value in every worker; called by all of them."""
    return bool(float(added_up(tf.constant(float(value), tf.float64), chief_only=True)) > 0)


def added_up(value: tf.Tensor, *, chief_only: bool = False) -> tf.Tensor:
    """The sum over all replicas of what their workers bring, or the first replica's alone."""
    strategy = tf.distribute.get_strategy()

    def mine() -> tf.Tensor:
        first = tf.distribute.get_replica_context().replica_id_in_sync_group
        counts = tf.logical_or(tf.equal(first, 0), not chief_only)
        return tf.where(counts, value, tf.zeros_like(value))

    return strategy.reduce(SUM, strategy.run(mine), axis=None)


@contextmanager
def lost_workers_told(phase: str) -> Iterator[None]:
    """Say what it means when a collective operation fails, where there are several workers.

    Raises:
        TrainingError: a worker was lost in the block.
    """
    try:
        yield
    except LOST as error:
        if not several_workers():
            raise
        raise TrainingError(
            f"every worker must live until the training is done. Received: another one was lost, or could not be "
            f"reached, in phase '{phase}' ({_reason(error)}). See its own log for why; then start all workers again."
        ) from error


def _reason(error: tf.errors.OpError) -> str:
    """The line of TensorFlow's message that says what happened, without the operations it happened to."""
    lines = [line.strip() for line in error.message.splitlines() if line.strip()]
    aborted = [line for line in lines if "Collective ops is aborted" in line]
    return (aborted or lines or [type(error).__name__])[0].removesuffix(":")


def _text(part: object) -> str:
    return (
        str(zlib.crc32(np.ascontiguousarray(part).tobytes())) if isinstance(part, np.ndarray) else repr(part)
    )
