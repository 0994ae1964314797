"""Quantised exports need training images, are held against their own answers, and say how many they saw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import tfxfer
from tests.conftest import make_photos
from tests.stages.running import report_of, run_process, write_config
from tests.verification.making import Photos, make_three_colours, read_photos, train
from tfxfer.bundle.reading import read_contract
from tfxfer.errors import DataError, UsageError, VerificationError
from tfxfer.stages.calibration import choose_calibration

LABELS = ["blue", "green", "red"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Photos:
    return read_photos(make_three_colours(tmp_path_factory.mktemp("photos")), "stretch")


def half(photos: Photos, start: int) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices((photos.images[start::2], photos.targets[start::2])).batch(8)


def test_an_int8_bundle_is_proven_and_a_changed_weight_is_found(photos: Photos, tmp_path: Path) -> None:
    model, bundle = train(photos.images[::2], photos.targets[::2], 0), tmp_path / "bundle"
    report = tfxfer.export(
        model,
        bundle,
        ["litert:int8", "onnx"],
        calibration=half(photos, 0),
        test=half(photos, 1),
        labels=LABELS,
    )
    assert [entry.get("calibration_images") for entry in report.artifacts] == [30, None]
    tfxfer.verify(bundle)
    spec = read_contract(bundle).artifacts[0]
    assert spec.reference == "golden/logits-litert-int8.npy"
    file = bundle / "litert/int8.tflite"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(VerificationError, match=r"int8\.tflite"):
        tfxfer.verify(bundle)


@pytest.mark.parametrize(
    ("calibration", "error", "message"),
    [
        (None, UsageError, "'litert:int8' needs training images"),
        ([], DataError, "Received: no batch"),
        ([np.zeros((2, 8, 8, 3), np.uint8)], DataError, "calibration images must be batches"),
        ([np.full((2, 24, 32, 3), 0.5, np.float32)], DataError, "whole numbers 0-255"),
    ],
)
def test_nothing_is_calibrated_with_what_is_no_training_data(
    calibration: object, error: type[Exception], message: str, photos: Photos, tmp_path: Path
) -> None:
    model = train(photos.images[::2], photos.targets[::2], 0)
    with pytest.raises(error, match=message):
        tfxfer.export(model, tmp_path / "b", ["litert:int8"], calibration=calibration, test=half(photos, 1))
    assert not (tmp_path / "b").exists()


def test_each_class_has_its_turn_by_the_seed() -> None:
    labels = np.array([0] * 90 + [1] * 5 + [2] * 5)
    chosen = choose_calibration(labels, 12, seed=1)
    assert np.bincount(labels[chosen]).tolist() == [4, 4, 4]
    assert choose_calibration(labels, 12, seed=1).tolist() == chosen.tolist()
    assert choose_calibration(labels, 12, seed=2).tolist() != chosen.tolist()
    assert len(choose_calibration(labels, 1000, seed=1)) == 100


def test_a_run_calibrates_with_its_training_split_or_refuses_before_training(tmp_path: Path) -> None:
    make_photos(tmp_path / "photos", per_class=24)
    rest = "training: feature_extraction\nexports: [litert, {format: litert, precision: int8%s}]\n"
    write_config(tmp_path / "many.yaml", "photos", rest=rest % ", calibration_images: 5000")
    refused = run_process("run", "many.yaml", "--out", "many", cwd=tmp_path)
    assert refused.returncode == 1
    assert "exports[1].calibration_images must be at most" in refused.stderr
    write_config(tmp_path / "run.yaml", "photos", rest=rest % ", calibration_images: 12")
    done = run_process("run", "run.yaml", "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [entry.get("calibration_images") for entry in report_of(tmp_path / "out")["artifacts"]] == [
        None,
        12,
    ]
    verified = run_process("verify", "out/bundle", cwd=tmp_path)
    assert verified.returncode == 0, verified.stderr
