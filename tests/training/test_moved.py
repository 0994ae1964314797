"""How far blocks moved: what was frozen did not, what learnt did, and CKA is the textbook's."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from tests.training.test_fit import settled_model
from tests.training.tiny import tiny_dataset, tiny_images
from tfxfer.recipes.fine_tune import fine_tune
from tfxfer.training.history import History
from tfxfer.training.moved import Watch, linear_cka, watched_images
from tfxfer.training.phase import Phase

RANDOM = np.random.default_rng(0)
LAST = Phase("last", unfreeze="1 block")


def test_each_phase_says_which_blocks_moved_and_how_far() -> None:
    head = Phase("head", epochs=1, unfreeze="none")
    slow = Phase("slow", epochs=2, unfreeze="2 blocks", learning_rate=1e-4, keep="last", monitor="val_loss")
    fast = Phase("fast", epochs=6, unfreeze="2 blocks", learning_rate=0.03, keep="last")
    histories = fine_tune(settled_model(), tiny_dataset(96), tiny_dataset(seed=1), [head, slow, fast])
    moved = [[entry["block"] for entry in history.moved] for history in histories]
    assert moved[0] == []
    assert moved[2] == ["block1", "block2"]
    assert histories[2].best_epoch > 0
    little, much = (history.moved[-1] for history in histories[1:])
    assert 0 < little["weights"] < much["weights"]
    assert 1 >= little["features"] > much["features"] > 0
    assert History.of(json.loads(json.dumps(asdict(histories[2])))) == histories[2]


def test_weights_are_measured_by_their_relative_norm() -> None:
    model = settled_model()
    watch = Watch(model, LAST, tiny_images(8)[0])
    layer = model.get_layer("block2_conv")
    layer.kernel.assign(layer.kernel * 1.5)
    (entry,) = watch.moved()
    everything = [*layer.get_weights(), *model.get_layer("block2_norm").get_weights()]
    before = np.sqrt(
        sum(np.square(value).sum() for value in everything) - np.square(layer.kernel).sum() * (1 - 1 / 2.25)
    )
    assert entry["weights"] == pytest.approx(np.linalg.norm(layer.kernel.numpy() / 3) / before, rel=1e-4)


def test_a_phase_that_moves_nothing_is_not_watched() -> None:
    assert Watch(settled_model(), Phase("head", unfreeze="none"), tiny_images(8)[0]).moved() == ()
    assert Watch(settled_model(), LAST, tiny_images(8)[0]).moved() == ()


def test_cka_is_1_up_to_rotation_and_scale_and_about_0_of_nothing_in_common() -> None:
    x = RANDOM.normal(size=(64, 200))
    rotation = np.linalg.qr(RANDOM.normal(size=(200, 200)))[0]
    assert linear_cka(x, 3 * x @ rotation + 7) == pytest.approx(1)
    assert abs(linear_cka(x, RANDOM.normal(size=(64, 200))) or 1) < 0.1  # the biased estimate says 0.75
    assert linear_cka(x, np.ones((64, 3))) is None
    assert linear_cka(None, x) is None


def test_the_sample_is_spread_over_arrays_and_the_first_batch_of_a_stream() -> None:
    assert len(watched_images(tiny_dataset(48))) == 16
