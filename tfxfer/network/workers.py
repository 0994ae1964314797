"""Several workers: whether what runs here has replicas in other processes."""

from __future__ import annotations

import tensorflow as tf


def several_workers(strategy: tf.distribute.Strategy | None = None) -> bool:
    """Whether the strategy, by default that in whose scope this runs, has replicas in other processes."""
    strategy = tf.distribute.get_strategy() if strategy is None else strategy
    return bool(strategy.extended._in_multi_worker_mode())
