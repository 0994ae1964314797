"""fine_tune: all phases of a recipe, one after the other."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.training.test_fit import settled_model
from tests.training.tiny import tiny_dataset, tiny_images
from tfxfer.backbones.backbone import load_backbone
from tfxfer.errors import TrainingError
from tfxfer.network.network import Network, attach_head
from tfxfer.recipes.facts import Plan
from tfxfer.recipes.fine_tune import facts_of, fine_tune
from tfxfer.store.journal import Journal
from tfxfer.training.phase import Phase


def small_network() -> Network:
    return attach_head(load_backbone("embedded/small", weights="none", seed=1), ["a", "b", "c"])


def pictures(network: Network, count: int, seed: int) -> tf.data.Dataset:
    """uint8 pictures of the network's size."""
    images, labels = tiny_images(count, seed)
    large = tf.image.resize(images, network.input.size).numpy()
    pixels = np.clip(large * 40 + 120, 0, 255).astype("uint8")
    return tf.data.Dataset.from_tensor_slices((pixels, labels)).batch(16)


def test_phases_follow_each_other_and_never_lose() -> None:
    network, events = small_network(), []
    train, validation = pictures(network, 60, 0), pictures(network, 30, 1)
    histories = fine_tune(
        network,
        train,
        validation,
        [Phase("head", unfreeze="none"), Phase("blocks", epochs=2, unfreeze="1 block", learning_rate=1e-3)],
        journal=Journal(None, (events.append,)),
    )
    assert [history.phase for history in histories] == ["head", "blocks"]
    assert [history.solver for history in histories] == ["lbfgs", "gradient"]
    kept = histories[0].history["val_accuracy"][histories[0].best_epoch - 1]
    assert histories[1].before["val_accuracy"] == pytest.approx(kept)
    assert [event["event"] for event in events if event["event"] in ("plan", "phase")] == [
        "plan",
        "phase",
        "phase",
    ]


def test_gradual_adds_a_block_every_epoch() -> None:
    histories = fine_tune(settled_model(), tiny_dataset(96), tiny_dataset(seed=1), "gradual")
    assert [history.unfrozen_blocks for history in histories] == [(), ("block2",), ("block1", "block2")]
    assert [history.epochs for history in histories] == [1, 1, 9]
    rates = histories[-1].learning_rates
    assert list(rates) == ["head", "block2", "block1"]
    assert rates["head"] / rates["block2"] == pytest.approx(2.6)
    assert rates["block2"] / rates["block1"] == pytest.approx(2.6**0.5)


def test_lpft_solves_the_head_and_then_moves_everything() -> None:
    head, blocks = fine_tune(settled_model(), tiny_dataset(96), tiny_dataset(seed=1), "lpft")
    assert (head.solver, head.unfrozen_blocks, blocks.solver) == ("lbfgs", (), "gradient")
    assert len(set(blocks.learning_rates.values())) == 1
    assert len(blocks.unfrozen_blocks) == 3


def test_auto_starts_random_backbones_from_scratch() -> None:
    network = small_network()
    facts = facts_of(network, pictures(network, 60, 0))
    assert (facts.images, facts.classes, facts.pretrained, facts.frozen_only) == (60, 3, False, False)
    assert facts.smallest_class == np.bincount(tiny_images(60, 0)[1]).min()


def test_labels_that_are_no_whole_numbers_are_refused() -> None:
    network = small_network()
    data = pictures(network, 8, 0).map(lambda x, y: (x, tf.one_hot(y, 3)))
    with pytest.raises(TrainingError, match="whole-number labels"):
        fine_tune(network, data, data)


def test_a_plain_model_goes_through_a_recipe() -> None:
    histories = fine_tune(settled_model(), tiny_dataset(90), tiny_dataset(seed=1), "partial")
    assert [history.phase for history in histories] == ["head", "last blocks"]
    assert histories[1].before["val_accuracy"] >= histories[0].before["val_accuracy"]


def test_a_loss_and_metrics_of_the_callers_own_reach_every_phase() -> None:
    """The loss says 7 whatever the answers are, which no other loss does."""
    model, data = settled_model(), tiny_dataset()
    histories = fine_tune(
        model,
        data,
        data,
        [Phase("one", epochs=1, unfreeze="none"), Phase("two", epochs=1, unfreeze="1 block")],
        loss=lambda labels, outputs: 0.0 * tf.reduce_sum(outputs, axis=-1) + 7.0,
        metrics=[keras.metrics.SparseCategoricalCrossentropy(name="entropy", from_logits=True)],
    )
    for history in histories:
        assert history.history["val_loss"] == pytest.approx([7.0])
        assert "val_entropy" in history.history


@pytest.mark.parametrize(
    ("enough", "phases"), [(0.05, ["head"]), (1.01, ["head", "blocks"]), (None, ["head", "blocks"])]
)
def test_a_plan_ends_where_validation_has_nothing_left_to_choose_by(
    enough: float | None, phases: list[str]
) -> None:
    events: list[dict[str, object]] = []
    head, blocks = Phase("head", epochs=1, unfreeze="none"), Phase("blocks", epochs=1, unfreeze="1 block")
    plan = Plan("auto", (head, blocks), "why", enough=enough)
    data = tiny_dataset(96)
    histories = fine_tune(settled_model(), data, data, plan, journal=Journal(None, (events.append,)))
    assert [history.phase for history in histories] == phases
    told = [
        event["text"]
        for event in events
        if event["event"] == "decision" and "not begun" in str(event["text"])
    ]
    assert len(told) == 2 - len(phases)
