"""Memory that runs out within a step: said with what would fit, and the model is as it was."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfxfer.errors import TrainingError
from tfxfer.training.fit import fit
from tfxfer.training.phase import Phase

FAR_TOO_MANY = 1 << 21  # copies of a row and of a column: some 70 TB for a batch, which no machine has


def test_a_step_that_no_memory_holds_names_what_would_fit() -> None:
    inputs = keras.Input((2, 2, 1))
    grown = keras.layers.UpSampling2D(FAR_TOO_MANY)(keras.layers.Conv2D(1, 1)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(grown)))
    before = [weight.numpy() for weight in model.weights]
    pairs = (np.zeros((8, 2, 2, 1), "float32"), np.arange(8, dtype="int32") % 2)
    data = tf.data.Dataset.from_tensor_slices(pairs).batch(4)
    with pytest.raises(TrainingError, match=r"of a step\. Received: .*Lower the batch size"):
        fit(model, data, data, Phase("wide", unfreeze="all"))
    assert all(np.array_equal(weight.numpy(), old) for weight, old in zip(model.weights, before, strict=True))
