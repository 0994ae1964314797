"""Lower features: where the top of a backbone is worth nothing, the head moves down, network and export with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.training.test_fit import fresh_split
from tests.training.tiny import tiny_images
from tfxfer.backbones.backbone import load_backbone
from tfxfer.data.arrays import ArraySplit
from tfxfer.errors import BlockError
from tfxfer.network.network import Network, attach_head
from tfxfer.network.save import load_network, save_network
from tfxfer.network.shorten import shorten
from tfxfer.recipes.auto import choose
from tfxfer.recipes.depth import Depth, best_depth, probe_depths
from tfxfer.recipes.facts import Facts
from tfxfer.recipes.fine_tune import fine_tune
from tfxfer.recipes.refine import refined
from tfxfer.store.journal import Journal
from tfxfer.training.fit import fit
from tfxfer.training.phase import Phase

LABELS = ("a", "b", "c")
FEW_FAR = Facts(images=60, classes=3, smallest_class=15, blocks=4, gap=0.9)


def split(count: int, seed: int) -> ArraySplit:
    """uint8 pictures of 32 pixels whose colour is mostly their class."""
    images, labels = tiny_images(count, seed)
    large = np.repeat(np.repeat(images, 3, axis=1), 3, axis=2)[:, :32, :32]
    return fresh_split(np.clip(large * 40 + 120, 0, 255).astype(np.uint8), labels)


@pytest.fixture
def train() -> ArraySplit:
    return split(60, 0)


@pytest.fixture
def validation() -> ArraySplit:
    return split(40, 1)


def network(until: str | None = None) -> Network:
    return attach_head(load_backbone("embedded/small", image_size=32, until=until), LABELS, seed=3)


def without_top() -> Network:
    """A network whose last block gives the same for every picture."""
    broken = network()
    for name in ("block_3_2_bn", "block_3_shortcut_bn"):
        layer = broken.model.get_layer(name)
        layer.gamma.assign(tf.zeros_like(layer.gamma))
    return broken


def test_a_shortened_network_is_one_built_that_short() -> None:
    cut, built = network(), network("block_2")
    cut.predict(split(2, 0).images[:])  # traces the long one
    shorten(cut, "block_2", seed=3)
    images = split(5, 0).images[:]
    np.testing.assert_array_equal(cut.predict(images).logits, built.predict(images).logits)
    assert (cut.backbone, cut.model.count_params()) == (built.backbone, built.model.count_params())
    assert [block.name for block in cut.blocks] == ["stem", "block_1", "block_2"]
    with pytest.raises(BlockError, match="Did you mean 'block_2'"):
        shorten(cut, "block_9")


def test_the_score_of_a_depth_is_what_a_solved_head_validates_there(
    train: ArraySplit, validation: ArraySplit
) -> None:
    depths = probe_depths(network(), train, validation)
    assert [(depth.block, depth.blocks) for depth in depths] == [
        ("block_3", 4),
        ("block_2", 3),
        ("block_1", 2),
    ]
    cut = network()
    shorten(cut, "block_2")
    history = fit(cut, train, validation, Phase("head", unfreeze="none"))
    assert max(history.before["val_accuracy"], *history.history["val_accuracy"]) == pytest.approx(
        depths[1].score
    )
    stream = [data.batches(16) for data in (train, validation)]
    as_dataset = [tf.data.Dataset.from_tensor_slices(tuple(map(np.concatenate, zip(*batches, strict=True)))).batch(16)
                  for batches in stream]  # fmt: skip
    assert [depth.score for depth in probe_depths(network(), *as_dataset)] == [
        depth.score for depth in depths
    ]


def test_a_few_validation_images_are_no_reason_to_cut() -> None:
    top = Depth("top", 4, np.array([1, 1, 0, 0, 1, 0, 1, 1.0]))
    luck = Depth("lower", 3, np.array([1, 1, 1, 0, 1, 0, 1, 1.0]))  # one image more: a standard error
    better = Depth("low", 2, np.ones(8))
    assert best_depth([top, luck]) is top
    assert best_depth([top, luck, better]) is better
    assert best_depth([top, Depth("same", 1, top.gains)]) is top


@pytest.mark.slow
def test_auto_moves_the_head_down_where_the_top_is_worth_nothing(
    train: ArraySplit, validation: ArraySplit, tmp_path: Path
) -> None:
    broken = without_top()
    plan = refined(choose(FEW_FAR), FEW_FAR, broken, train, validation, seed=0)
    assert broken.backbone.until in ("block_1", "block_2")
    assert "ends at block" in plan.why
    assert (
        plan.figures["validation_of_head_on_block_3"]
        < plan.figures[f"validation_of_head_on_{broken.backbone.until}"]
    )
    assert len(broken.blocks) < 4
    assert plan.phases[1].unfreeze == f"{len(broken.blocks) - 1} blocks"
    fit(broken, train, validation, plan.phases[0])
    saved = load_network(save_network(broken, tmp_path / "network"))
    images = validation.images[:8]
    np.testing.assert_allclose(saved.predict(images).logits, broken.predict(images).logits, atol=1e-6)


@pytest.mark.parametrize("other", [{"gap": 0.1}, {"can_be_cut": False}])
def test_other_cases_leave_the_backbone_whole(
    other: dict[str, Any], train: ArraySplit, validation: ArraySplit
) -> None:
    broken, facts = without_top(), replace(FEW_FAR, **other)
    refined(choose(facts), facts, broken, train, validation, seed=0)
    assert broken.backbone.until is None


def test_fine_tune_measures_the_gap_itself_and_says_what_it_chose(
    train: ArraySplit, validation: ArraySplit
) -> None:
    events: list[dict[str, object]] = []
    broken = without_top()  # noise is far from glyphs
    histories = fine_tune(broken, train, validation, journal=Journal(None, (events.append,)))
    plan = next(event for event in events if event["event"] == "plan")
    assert plan["figures"]["domain_gap"] > 0.4  # type: ignore[index]
    assert str(plan["why"]).startswith("few and far")
    assert broken.backbone.until is not None
    assert histories[0].phase == "head"
    last = histories[-1]
    end = (
        last.history["val_accuracy"][last.best_epoch - 1] if last.best_epoch else last.before["val_accuracy"]
    )
    assert end >= plan["figures"]["validation_of_head_on_block_3"]  # type: ignore[index]
