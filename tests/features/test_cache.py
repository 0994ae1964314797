"""Frozen features: computed once, kept under all they depend on, and only where that is right."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.training.tiny import tiny_images, tiny_model
from tfxfer.data.arrays import ArraySplit, ImageRows
from tfxfer.errors import FeaturesError
from tfxfer.features import engines, files, passes
from tfxfer.features.cache import FeatureCache
from tfxfer.features.engines import (
    Basis,
    Choice,
    EngineName,
    Facts,
    Opened,
    Wanted,
    choose_engine,
    facts_of,
    fastest_of,
)
from tfxfer.store.shared import SharedCache


def tiny_prefix() -> keras.Model:
    model = tiny_model()
    return keras.Model(model.input, model.get_layer("block1_relu").output, name="prefix")


def tiny_split(seed: int = 0, count: int = 20) -> ArraySplit:
    images, labels = tiny_images(count, seed)
    return ArraySplit(ImageRows(images, np.arange(count)), labels, tuple(map(str, range(count))))


def dataset(images: np.ndarray, labels: np.ndarray) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(6)


def sampled() -> tf.data.Dataset:
    """Nine examples of twenty, others in every pass."""
    return tf.data.Dataset.from_tensor_slices(tiny_images(20)).shuffle(20).take(9).batch(3)


def test_features_are_the_prefix_in_inference_mode(tmp_path: Path) -> None:
    prefix, split = tiny_prefix(), tiny_split(count=40)
    done: list[int] = []
    features = FeatureCache(tmp_path).keep(prefix, split, "train", done.append).features
    assert features is not None
    wanted = prefix(split.images[:], training=False)
    np.testing.assert_allclose(features.array, wanted, rtol=1e-5, atol=1e-6)
    assert done == [32, 8]
    assert (features.engine, features.array.dtype) == ("tensorflow", np.float32)
    (folder,) = tmp_path.iterdir()
    files_there = {path.name for path in folder.iterdir()}
    assert files_there == {"features.npy", "facts.json", "digests.npy", "files.json"}


def test_half_precision_is_half_the_size(tmp_path: Path) -> None:
    features = FeatureCache(tmp_path, dtype="float16").keep(tiny_prefix(), tiny_split(), "train").features
    assert features is not None
    assert features.array.dtype == np.float16
    (file,) = tmp_path.glob("*/features.npy")
    assert file.stat().st_size < 20 * 3 * 3 * 8 * 2 + 200


def test_a_second_phase_finds_them(tmp_path: Path) -> None:
    cache, prefix, split = FeatureCache(tmp_path), tiny_prefix(), tiny_split()
    first = cache.keep(prefix, split, "train").features
    second = FeatureCache(tmp_path).keep(prefix, split, "train").features
    assert first is not None
    assert second is not None
    assert (first.reused, second.reused, second.seconds) == (False, True, 0.0)
    np.testing.assert_array_equal(first.array, second.array)


def test_one_changed_image_is_one_computation_and_the_bytes_are_those_of_all(tmp_path: Path) -> None:
    prefix, split, shared = tiny_prefix(), tiny_split(), SharedCache(tmp_path / "shared", 10_000_000)
    first = FeatureCache(tmp_path / "one", shared=shared).keep(prefix, split, "train").features
    assert first is not None
    assert first.computed == 20
    split.images.store[7, 3, 3, 1] += 1e-3
    other = ArraySplit(ImageRows(split.images.store, np.arange(20)[::-1]), split.labels, split.paths)
    done: list[int] = []
    found = FeatureCache(tmp_path / "two", shared=shared).keep(prefix, other, "train", done.append).features
    alone = FeatureCache(tmp_path / "three").keep(prefix, other, "train").features
    assert found is not None
    assert alone is not None
    assert (found.computed, alone.computed, sum(done)) == (1, 20, 20)
    np.testing.assert_array_equal(found.array, alone.array)


@pytest.mark.parametrize("engine", ["tensorflow", "onnxruntime", "litert"])
@pytest.mark.parametrize("kind", ["arrays", "data set"])
def test_lower_prefixes_are_computed_in_the_same_pass_with_the_same_bytes(
    tmp_path: Path, engine: Wanted, kind: str
) -> None:
    split, whole = tiny_split(), tiny_model()
    data = split if kind == "arrays" else dataset(split.images[:], split.labels)
    high, low = (
        keras.Model(whole.input, whole.get_layer(name).output) for name in ("block1_relu", "block0_relu")
    )
    together, alone = (FeatureCache(tmp_path / name, engine=engine) for name in ("together", "alone"))
    first = together.keep(high, data, "train", also=[low]).features
    second = together.keep(low, data, "train").features
    assert first is not None
    assert second is not None
    assert (first.computed, second.computed, second.seconds) == (20, 0, 0.0)
    for prefix, found in ((high, first), (low, second)):
        wanted = alone.keep(prefix, data, "train").features
        assert wanted is not None
        assert (wanted.computed, wanted.engine) == (20, engine)
        np.testing.assert_array_equal(found.array, wanted.array)
    assert {folder.name for folder in (tmp_path / "together").iterdir()} == {
        folder.name for folder in (tmp_path / "alone").iterdir()
    }


def test_an_engine_is_opened_once_for_what_is_kept_and_for_what_later_phases_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[int] = []
    open_engine = passes.open_engine

    def counted(choice: Choice, prefix: keras.Model, probe: np.ndarray) -> Opened:
        opened.append(len(prefix.outputs))
        return open_engine(choice, prefix, probe)

    monkeypatch.setattr(passes, "open_engine", counted)
    whole, cache = tiny_model(), FeatureCache(tmp_path)
    high, low = (
        keras.Model(whole.input, whole.get_layer(name).output) for name in ("block1_relu", "block0_relu")
    )
    assert cache.keep(high, tiny_split(0), "test", also=[low], keep_also=False).features is not None
    assert len(list(tmp_path.iterdir())) == 1
    assert cache.keep(high, tiny_split(1), "train", also=[low]).features is not None
    assert len(list(tmp_path.iterdir())) == 3
    assert opened == [2]


def test_one_changed_image_is_one_computation_for_all_prefixes(tmp_path: Path) -> None:
    whole, split = tiny_model(), tiny_split()
    high, low = (
        keras.Model(whole.input, whole.get_layer(name).output) for name in ("block1_relu", "block0_relu")
    )
    assert FeatureCache(tmp_path).keep(high, split, "train", also=[low]).features is not None
    split.images.store[7, 3, 3, 1] += 1e-3
    done: list[int] = []
    again = FeatureCache(tmp_path).keep(high, split, "train", done.append, also=[low]).features
    lower = FeatureCache(tmp_path).keep(low, split, "train").features
    assert again is not None
    assert lower is not None
    assert (again.computed, lower.computed, sum(done)) == (1, 0, 20)
    np.testing.assert_allclose(lower.array, low(split.images[:]), rtol=1e-5, atol=1e-6)


def test_another_run_s_features_are_taken_whole_and_damaged_ones_are_not(tmp_path: Path) -> None:
    prefix, split, shared = tiny_prefix(), tiny_split(), SharedCache(tmp_path / "shared", 10_000_000)
    FeatureCache(tmp_path / "one", shared=shared).keep(prefix, split, "train")
    taken = FeatureCache(tmp_path / "two", shared=shared).keep(prefix, split, "train")
    assert taken.features is not None
    assert (taken.features.reused, taken.features.computed) == (True, 0)
    path = next((tmp_path / "shared").rglob("features.npy"))
    data = bytearray(path.read_bytes())
    path.unlink()  # another file from here on
    path.write_bytes(bytes([*data[:-5], data[-5] ^ 1, *data[-4:]]))
    again = FeatureCache(tmp_path / "three", shared=shared).keep(prefix, split, "train")
    assert again.features is not None
    assert again.features.computed == 20
    assert "features.npy" in again.why
    np.testing.assert_array_equal(again.features.array, taken.features.array)


@pytest.mark.parametrize("change", ["weight", "image", "dtype", "graph"])
def test_whatever_they_depend_on_is_in_the_key(tmp_path: Path, change: str) -> None:
    prefix, split = tiny_prefix(), tiny_split()
    FeatureCache(tmp_path).keep(prefix, split, "train")
    cache = FeatureCache(tmp_path, dtype="float16") if change == "dtype" else FeatureCache(tmp_path)
    if change == "weight":
        prefix.weights[-1].assign_add(np.full(prefix.weights[-1].shape, 1e-6, "float32"))
    if change == "image":
        split.images.store[7, 3, 3, 1] += 1e-3
    if change == "graph":
        prefix = keras.Model(prefix.input, keras.layers.Activation("tanh", name="more")(prefix.output))
    found = cache.keep(prefix, split, "train").features
    assert found is not None
    assert not found.reused
    assert found.computed == (1 if change == "image" else 20)


def test_damaged_features_are_computed_again(tmp_path: Path) -> None:
    prefix, split = tiny_prefix(), tiny_split()
    first = FeatureCache(tmp_path).keep(prefix, split, "train").features
    path = next(tmp_path.rglob("features.npy"))
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(bytes(data))
    again = FeatureCache(tmp_path).keep(prefix, split, "train").features
    assert first is not None
    assert again is not None
    assert not again.reused
    np.testing.assert_array_equal(first.array, again.array)


def test_a_full_disk_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MARGIN", 1e18)
    with pytest.raises(FeaturesError, match=r"20 images need .* GiB.*float16"):
        FeatureCache(tmp_path).keep(tiny_prefix(), tiny_split(), "train")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_computation_leaves_nothing(tmp_path: Path) -> None:
    def stop(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        FeatureCache(tmp_path).keep(tiny_prefix(), tiny_split(), "train", stop)
    assert list(tmp_path.iterdir()) == []


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    split = tiny_split()
    split.images.store[3] = np.nan
    with pytest.raises(FeaturesError, match="must be finite"):
        FeatureCache(tmp_path).keep(tiny_prefix(), split, "train")


def test_a_plain_data_set_is_kept_in_its_own_order(tmp_path: Path) -> None:
    images, labels = tiny_images(20)
    prefix = tiny_prefix()
    kept = FeatureCache(tmp_path).keep(prefix, dataset(images, labels), "train")
    assert kept.features is not None
    assert (kept.order, kept.rows, kept.batch_size) == ("given", None, 6)
    np.testing.assert_array_equal(kept.targets, labels)
    np.testing.assert_allclose(kept.features.array, prefix(images), rtol=1e-5, atol=1e-6)


def test_a_shuffled_data_set_is_kept_and_its_labels_stay_with_their_images(tmp_path: Path) -> None:
    images, labels = tiny_images(20)
    shuffled = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(20, seed=1).batch(6)
    prefix = tiny_prefix()
    kept = FeatureCache(tmp_path).keep(prefix, shuffled, "train")
    assert kept.order == "any"
    assert kept.features is not None
    assert kept.rows is not None
    assert kept.targets is not None
    wanted = np.asarray(prefix(images))
    for row, label in zip(kept.features.array[kept.rows], kept.targets, strict=True):
        nearest = int(np.abs(wanted - row).sum(axis=(1, 2, 3)).argmin())
        assert labels[nearest] == label


def noisy(images: tf.Tensor) -> tf.Tensor:
    """Other noise in every pass. TensorFlow's own would repeat itself where another test has set its global seed."""
    random = np.random.default_rng(0)

    def add(values: np.ndarray) -> np.ndarray:
        return values + random.normal(size=values.shape).astype(values.dtype)

    return tf.ensure_shape(tf.numpy_function(add, [images], images.dtype), images.shape)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda data: data.map(lambda x, y: (noisy(x), y)), "gave different examples"),
        (
            lambda data: tf.data.Dataset.from_tensor_slices(tiny_images(20)).shuffle(20).take(9).batch(3),
            "gave different examples",
        ),
        (lambda data: data.filter(lambda x, y: True), "does not know"),
        (lambda data: data.map(lambda x, y: ({"image": x}, y)), "plain"),
    ],
    ids=["augmented", "sampled", "unknown length", "dict"],
)
def test_other_data_sets_are_not_kept_and_it_says_why(tmp_path: Path, change: object, why: str) -> None:
    kept = FeatureCache(tmp_path).keep(tiny_prefix(), change(dataset(*tiny_images(20))), "train")  # type: ignore[operator]
    assert kept.features is None
    assert why in kept.why
    assert list(tmp_path.iterdir()) == []


def test_a_cache_key_vouches_for_a_data_set(tmp_path: Path) -> None:
    data = dataset(*tiny_images(20)).filter(lambda x, y: True)
    assert FeatureCache(tmp_path, cache_key="mine").keep(tiny_prefix(), data, "train").features is not None
    other = dataset(*tiny_images(20, seed=5)).filter(lambda x, y: True)
    with pytest.raises(FeaturesError, match="same examples every time"):
        FeatureCache(tmp_path, cache_key="mine").keep(tiny_prefix(), other, "train")


def test_without_a_folder_nothing_stays() -> None:
    with FeatureCache().opened() as cache:
        assert cache.folder is not None
        assert cache.keep(tiny_prefix(), tiny_split(), "train").features is not None
    assert not cache.folder.exists()


def test_an_unknown_engine_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FeaturesError, match=r"engine must be one of .* Received: 'caffe'"):
        FeatureCache(tmp_path, engine="caffe").keep(tiny_prefix(), tiny_split(), "train")  # type: ignore[arg-type]


FACTS = Facts(
    multiplications=300_000_000, depthwise=True, images=10_000, cores=2, accelerators=0, dtype="float32"
)


@pytest.mark.parametrize(
    ("facts", "engine"),
    [
        (FACTS, "litert"),
        (replace(FACTS, depthwise=False), "onnxruntime"),
        (replace(FACTS, images=100), "tensorflow"),
        (replace(FACTS, accelerators=1), "tensorflow"),
        (replace(FACTS, dtype="float64"), "tensorflow"),
    ],
)
def test_the_rule_gives_the_same_engine_for_the_same_facts(facts: Facts, engine: str) -> None:
    assert choose_engine(facts) == choose_engine(facts)
    assert choose_engine(facts).engine == engine
    assert choose_engine(facts).why


def test_the_rule_knows_the_work_of_a_prefix() -> None:
    convolutions = 6 * 6 * (3 * 3 * 3 * 6) + 3 * 3 * (3 * 3 * 6 * 8)
    prefix = tiny_prefix()
    assert facts_of(prefix, Basis(prefix, 5)).multiplications == convolutions


def test_the_fastest_is_the_one_that_took_the_least() -> None:
    seconds: dict[EngineName, float] = {"tensorflow": 0.017, "onnxruntime": 0.009, "litert": 0.007}
    choice = fastest_of(seconds, 32)
    assert choice.engine == "litert"
    assert choice.why.endswith("32 images: litert 7.00 ms, onnxruntime 9.00 ms, tensorflow 17.00 ms")
    assert fastest_of({**seconds, "tensorflow": 0.001}, 32).engine == "tensorflow"


def test_engines_are_timed_once_and_the_choice_is_kept(tmp_path: Path) -> None:
    prefix, (train, validation) = tiny_prefix(), (tiny_split(0), tiny_split(1))
    cache = FeatureCache(tmp_path, engine="fastest")
    first, second = (cache.keep(prefix, split, "any").features for split in (train, validation))
    assert first is not None
    assert second is not None
    assert all(f"{name} " in first.why for name in ("tensorflow", "onnxruntime", "litert"))
    assert (second.engine, second.why) == (first.engine, first.why)
    (kept,) = tmp_path.glob("fastest-*.json")
    slower = "onnxruntime" if first.engine != "onnxruntime" else "litert"
    kept.write_text(json.dumps({"engine": slower, "why": "kept"}), encoding="utf-8")
    again = FeatureCache(tmp_path, engine="fastest").keep(prefix, train, "any").features
    assert again is not None
    assert (again.engine, again.why) == (slower, "kept")  # another engine's features are other features
    streamed = FeatureCache(tmp_path / "stream", engine="fastest")
    assert streamed.keep(prefix, dataset(*tiny_images(20)), "any").features is not None
    empty = FeatureCache(tmp_path / "empty", engine="fastest").keep(
        prefix, ArraySplit(ImageRows(tiny_images(1)[0], np.arange(0)), np.zeros(0, np.int32), ()), "any"
    )
    assert empty.features is not None
    assert empty.features.engine == "tensorflow"


@pytest.mark.parametrize("engine", ["onnxruntime", "litert"])
def test_other_engines_agree(tmp_path: Path, engine: Wanted) -> None:
    prefix, split = tiny_prefix(), tiny_split()
    features = FeatureCache(tmp_path, engine=engine).keep(prefix, split, "train").features
    wanted = np.asarray(prefix(split.images[:]))
    assert features is not None
    assert features.engine == engine
    assert np.abs(features.array - wanted).max() < 1e-5 * np.abs(wanted).max()


def test_an_engine_that_disagrees_is_refused_or_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        engines, "_converted", lambda engine, prefix: lambda images: (np.zeros((len(images), 3, 3, 8)),)
    )
    with pytest.raises(FeaturesError, match="off by"):
        FeatureCache(tmp_path, engine="litert").keep(tiny_prefix(), tiny_split(), "train")
    monkeypatch.setattr(engines, "WORTH_IT", 1)
    features = FeatureCache(tmp_path).keep(tiny_prefix(), tiny_split(), "train").features
    assert features is not None
    assert features.engine == "tensorflow"
    assert "onnxruntime cannot be taken: it is off by" in features.why


def test_one_conversion_serves_both_splits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    conversions: list[str] = []
    convert = engines._converted
    monkeypatch.setattr(engines, "_converted", lambda *given: conversions.append("one") or convert(*given))
    cache, prefix = FeatureCache(tmp_path, engine="onnxruntime"), tiny_prefix()
    for seed in (0, 1):
        assert cache.keep(prefix, tiny_split(seed), "any").features is not None
    assert conversions == ["one"]


def test_the_engine_is_that_of_the_whole_network_whatever_is_frozen_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that one pass can compute what every phase keeps."""
    whole, split = tiny_model(), tiny_split()
    work = facts_of(whole, Basis(whole, 20)).multiplications * 20
    monkeypatch.setattr(engines, "WORTH_IT", work)
    low = keras.Model(whole.input, whole.get_layer("block0_relu").output)
    for data in (split, dataset(split.images[:], split.labels)):
        alone, part = (
            FeatureCache(tmp_path / f"{basis is None} {data is split}")
            .keep(low, data, "any", basis=basis)
            .features
            for basis in (None, Basis(whole))
        )
        assert alone is not None
        assert part is not None
        assert (alone.engine, part.engine) == ("tensorflow", "onnxruntime")
