"""Augmentation in training: other images in every epoch, or views of them kept; labels follow, validation does not."""

from __future__ import annotations

import functools
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.training.test_balance import difference
from tests.training.test_fit import fresh_split, settled_model
from tests.training.tiny import CLASSES, tiny_dataset, tiny_images, weights_by_name
from tfxfer.backbones.backbone import load_backbone
from tfxfer.catalogue.augmentation import CHANGES, PRESETS, Augment
from tfxfer.catalogue.tasks import TaskName
from tfxfer.errors import TrainingError, UsageError
from tfxfer.features.cache import FeatureCache
from tfxfer.features.views import Views
from tfxfer.network.head import Head
from tfxfer.network.network import attach_head
from tfxfer.training.augmented import Augmentation
from tfxfer.training.examples import ArrayExamples
from tfxfer.training.fit import fit
from tfxfer.training.history import History
from tfxfer.training.imbalance import Imbalance
from tfxfer.training.losses import SmoothedCrossentropy, StandardisedSquaredError
from tfxfer.training.mixed_targets import mixed_targets
from tfxfer.training.phase import Phase

MOVED = Augment(crop=0.5, horizontal_flip=True)
SPLIT = fresh_split(*tiny_images())


class Last(keras.callbacks.Callback):
    """The weights after the last step, whatever the phase keeps."""

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        self.weights = weights_by_name(self.model)


@functools.cache
def trained(
    augment: Augment, *, unfreeze: str = "1 block", seed: int = 0, data: object = SPLIT, **more: object
) -> tuple[dict[str, np.ndarray], History]:
    """Weights at the end of two epochs, and what the phase says."""
    phase = Phase("p", epochs=2, unfreeze=unfreeze, learning_rate=0.01, augment=augment, **more)  # type: ignore[arg-type]
    last, validation = Last(), fresh_split(*tiny_images(20, 1))
    history = fit(settled_model(), data, validation, phase, callbacks=[last], seed=seed)  # type: ignore[arg-type]
    return last.weights, history


def test_the_same_seed_gives_the_same_weights_and_none_of_it_is_without_effect() -> None:
    plain, without = trained(Augment())
    weights, history = trained(MOVED)
    assert difference(weights, trained.__wrapped__(MOVED)[0]) == 0
    assert difference(weights, plain) > 1e-4
    assert history.before == without.before  # validation is of the images as they are
    assert (without.cached_boundary, history.cached_boundary) == ("block1_relu", None)
    assert "other images in every epoch, and no views of them: crop 0.5" in history.why[0]


@pytest.mark.parametrize(
    "name", [name for name in CHANGES if name not in ("randaugment", "rotation", "zoom", "vertical_flip")]
)
def test_every_change_reaches_the_training_batches(name: str) -> None:
    value = True if CHANGES[name].off is False else 0.4
    images, labels = SPLIT.images[:], SPLIT.labels
    augment = Augment(value_range=(-4, 4), **{name: value})  # type: ignore[arg-type]
    batches = [Augmentation(augment, 0, "p", CLASSES).batch((images, labels, None), e, 0) for e in (1, 1, 2)]
    np.testing.assert_array_equal(batches[0][0], batches[1][0])
    assert (batches[0][0] != images).any()
    assert (batches[0][0] != batches[2][0]).any()
    assert (batches[0][1].shape == (48, CLASSES)) == (name in ("mixup", "cutmix"))


def test_a_preset_by_name_is_that_preset() -> None:
    assert Phase("p", augment="medium").augmentation.active == PRESETS["medium"]
    with pytest.raises(UsageError, match="'augment' of phase 'p' must be an Augment, or one of none, light"):
        Phase("p", augment="strong")  # type: ignore[arg-type]


def test_a_dataset_is_augmented_like_arrays() -> None:
    images, labels = tiny_images()
    data = tf.data.Dataset.from_tensor_slices((images, labels)).batch(32)
    weights, history = trained(MOVED, data=data)
    assert difference(weights, trained(Augment(), data=data)[0]) > 1e-4
    assert history.cached_boundary is None


def test_views_are_kept_and_trained_on() -> None:
    views = Augment(crop=0.5, horizontal_flip=True, views=2)
    weights, history = trained(views)
    assert difference(weights, trained(Augment())[0]) > 1e-4
    assert history.cached_boundary == "block1_relu"
    assert history.why[0].startswith("features: 2 augmented views of each image")


def test_each_epoch_takes_another_view_and_all_come_equally_often() -> None:
    examples = ArrayExamples(np.zeros((12, 2)), np.arange(4), None, 2, prepared=True, views=3, view_seed=5)
    places = np.stack([examples.places(epoch) for epoch in range(6)])
    np.testing.assert_array_equal(places % 4, np.tile(np.arange(4), (6, 1)))
    np.testing.assert_array_equal(np.sort(places[:3], axis=0), np.arange(12).reshape(3, 4))
    np.testing.assert_array_equal(places[:3], places[3:])
    assert len({tuple(row // 4) for row in places[:3]}) == 3
    assert len(set(places[0] // 4)) > 1  # not the same view of every image
    whole = examples.every_view()
    assert (len(whole.targets), whole.views) == (12, 1)
    np.testing.assert_array_equal(whole.targets, np.tile(np.arange(4), 3))


def test_the_views_are_the_augmented_images_features(tmp_path: Path) -> None:
    model = settled_model()
    prefix = keras.Model(model.input, model.get_layer("block1_relu").output)
    views = Views(Augment(crop=0.5, views=3), seed=4)
    kept = FeatureCache(tmp_path).keep(prefix, SPLIT, "train", views=views).features
    assert kept is not None
    assert kept.array.shape[0] == 3 * 48
    wanted = [
        prefix(views.of(SPLIT.images[start : start + 32], view, start // 32), training=False)
        for view in range(3)
        for start in (0, 32)
    ]
    np.testing.assert_allclose(kept.array, np.concatenate(wanted), rtol=1e-4, atol=1e-5)
    assert np.abs(kept.array[:48] - kept.array[48:96]).max() > 0.01


@pytest.mark.parametrize("other", [Augment(crop=0.4, views=3), Augment(crop=0.5, views=2), "seed"])
def test_the_key_of_views_holds_augmentation_count_and_seed(tmp_path: Path, other: Augment | str) -> None:
    model, first = settled_model(), Augment(crop=0.5, views=3)
    prefix = keras.Model(model.input, model.get_layer("block1_relu").output)
    reused = []
    for views in (
        Views(first, 0),
        Views(first, 0),
        Views(other, 0) if isinstance(other, Augment) else Views(first, 1),
    ):
        kept = FeatureCache(tmp_path).keep(prefix, SPLIT, "train", views=views).features
        assert kept is not None
        reused.append(kept.reused)
    assert reused == [False, True, False]


def test_a_head_is_solved_on_all_views() -> None:
    phase = Phase("p", epochs=1, unfreeze="none", augment=Augment(crop=0.3, horizontal_flip=True, views=4))
    model, plain = settled_model(), settled_model()
    history = fit(model, SPLIT, SPLIT, phase)
    fit(plain, SPLIT, SPLIT, Phase("p", epochs=1, unfreeze="none"))
    assert history.solver == "lbfgs"
    assert difference(weights_by_name(model), weights_by_name(plain)) > 1e-3


@pytest.mark.slow
def test_a_dataset_has_views_too() -> None:
    images, labels = tiny_images()
    data = tf.data.Dataset.from_tensor_slices((images, labels)).batch(32)
    views = Augment(crop=0.5, horizontal_flip=True, views=2)
    weights, history = trained(views, data=data)
    assert history.cached_boundary == "block1_relu"
    assert history.why[0].startswith("features: 2 augmented views of each image; two passes")
    assert difference(weights, trained(Augment(), data=data)[0]) > 1e-4


@pytest.mark.parametrize(
    ("unfreeze", "data", "message"),
    [
        ("all", SPLIT, "nothing is frozen"),
        ("none", tiny_dataset().filter(lambda x, y: True), "does not know how many batches it has"),
    ],
)
def test_views_of_what_cannot_be_kept_are_refused(unfreeze: str, data: object, message: str) -> None:
    with pytest.raises(TrainingError, match=rf"augment.views of phase 'p' .*{message}"):
        trained(Augment(crop=0.5, views=2), unfreeze=unfreeze, data=data)


def test_a_mixture_is_learnt_from_as_the_mixture_of_both_losses() -> None:
    random = np.random.default_rng(0)
    logits = tf.constant(random.normal(size=(4, CLASSES)), tf.float32)
    first, second, own = np.array([0, 1, 2, 0]), np.array([1, 1, 0, 2]), random.uniform(size=4)
    shares = (own[:, None] * np.eye(CLASSES)[first] + (1 - own)[:, None] * np.eye(CLASSES)[second]).astype(
        "float32"
    )
    for loss in (keras.losses.SparseCategoricalCrossentropy(from_logits=True), SmoothedCrossentropy(0.1)):
        loss.reduction = "none"
        mixed = mixed_targets(loss, tf.TensorSpec((None,), tf.int32), None)
        wanted = own * loss(first, logits) + (1 - own) * loss(second, logits)
        np.testing.assert_allclose(mixed.loss(shares, logits), wanted, rtol=1e-5)
    assert mixed.answers(tf.constant([[0.2, 0.7, 0.1]])).numpy().tolist() == [1]


def test_labels_and_values_keep_their_loss() -> None:
    spec = tf.TensorSpec((None, 2), tf.float32)
    entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    labels = mixed_targets(entropy, spec, Head(task="multi_label"))
    assert labels.loss is entropy
    assert labels.answers(tf.constant([[0.3, 0.8]])).numpy().tolist() == [[0, 1]]
    squares = StandardisedSquaredError([2.0, 2.0], [0.0, 1.0])
    values = mixed_targets(squares, spec, Head(task="regression", scale=(2.0, 2.0), offset=(0.0, 1.0)))
    assert values.answers(tf.constant([[0.3, 0.8]])).numpy().tolist() == [[np.float32(0.3), np.float32(0.8)]]


@pytest.mark.parametrize("name", ["mixup", pytest.param("cutmix", marks=pytest.mark.slow)])
def test_mixtures_train_with_class_weights_and_accumulation(name: str) -> None:
    augment = Augment(**{name: 1.0})  # type: ignore[arg-type]
    more = {"imbalance": Imbalance(class_weights="balanced"), "gradient_accumulation": 2, "batch_size": 8}
    weights, history = trained(augment, **more)  # type: ignore[arg-type]
    assert difference(weights, trained(Augment(), **more)[0]) > 1e-4  # type: ignore[arg-type]
    assert 0 <= history.history["accuracy"][0] <= 1
    assert history.history["loss"][0] > 0


def test_a_loss_of_whole_numbers_is_refused_for_mixtures() -> None:
    phase = Phase("p", epochs=1, unfreeze="none", augment=Augment(mixup=0.2))
    with pytest.raises(TrainingError, match=r"shares of classes.*one-hot"):
        fit(settled_model(), SPLIT, SPLIT, phase, loss=lambda y, x: tf.reduce_sum(x))
    with pytest.raises(UsageError, match="without mixup and cutmix beside a focal loss"):
        Phase("p", augment=Augment(cutmix=1.0), imbalance=Imbalance(focal_gamma=2.0))
    with pytest.raises(UsageError, match="beside augment without views"):
        Phase("p", unfreeze="none", solver="lbfgs", augment="light")


def test_inputs_that_are_no_pictures_are_refused_before_anything_is_computed() -> None:
    with pytest.raises(UsageError, match="range of the images for brightness, contrast"):
        fit(settled_model(), SPLIT, SPLIT, Phase("p", unfreeze="all", augment="light"))


@pytest.mark.parametrize("task", ["multi_label", "regression"])
def test_labels_and_values_are_mixed_in_training(task: TaskName) -> None:
    """Labels become shares and values are blended; metrics and validation go on as without."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (24, 32, 32, 3), dtype=np.uint8)
    labels = random.integers(0, 2, (24, 2)) if task == "multi_label" else random.normal(5, 2, (24, 1))
    split = fresh_split(images, labels.astype("float32"))
    backbone = load_backbone("embedded/small", image_size=32, weights="none")
    names = ["a", "b"] if task == "multi_label" else ["value"]
    losses = []
    for augment in (Augment(), Augment(mixup=1.0)):
        network = attach_head(backbone, names, task=task, targets=labels)
        phase = Phase("p", epochs=1, unfreeze="none", solver="gradient", augment=augment, batch_size=12)
        history = fit(network, split, split, phase)
        assert {"binary_accuracy", "mean_absolute_error"} & set(history.history)
        losses.append((history.history["loss"], history.before))
    assert losses[0][0] != losses[1][0]
    assert losses[0][1] == losses[1][1]
