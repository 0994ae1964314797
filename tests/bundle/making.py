"""A small bundle without any network: values as a caller of write_bundle would have them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from tfxfer.bundle.card import ArtifactFigures, Card
from tfxfer.bundle.contract import ArtifactSpec, Contract, InputSpec
from tfxfer.bundle.golden import Golden
from tfxfer.bundle.manifest import Provenance, artifact_sha256
from tfxfer.bundle.write import write_bundle

LABELS = ("blue", "red | green", "größe")
PROVENANCE = Provenance({"tfxfer": "0", "numpy": "2"}, "c" * 64, "d" * 64, 0.9, (0.8, 0.95), 50)


def make_golden(count: int = 3, size: tuple[int, int] = (8, 10), seed: int = 0) -> Golden:
    random = np.random.default_rng(seed)
    pictures = tuple(random.integers(0, 256, (20 + i, 30, 3), dtype=np.uint8) for i in range(count))
    inputs = [np.asarray(Image.fromarray(picture).resize(size[::-1])) for picture in pictures]
    logits = random.normal(size=(count, 3)).astype(np.float32)
    shifted = np.exp(logits)
    return Golden(
        pictures,
        np.stack(inputs),
        shifted / shifted.sum(axis=1, keepdims=True),
        logits,
        tuple(LABELS[i % 3] for i in range(count)),
    )


def make_card() -> Card:
    entry = {"precision": None, "f1": 0.5, "roc_auc": 0.9, "average_precision": None}
    return Card(
        name="flowers",
        backbone="keras/MobileNetV2",
        backbone_source="keras.applications",
        backbone_licence="Apache-2.0",
        recipe="head: 5 epochs\nlast 3 blocks: 2 epochs",
        data={"train": 70, "test": 50, "fingerprint": "d" * 64},
        test={
            "accuracy": 0.9,
            "accuracy_interval": [0.8, 0.95],
            "macro_f1": 0.88,
            "loss": 0.3,
            "expected_calibration_error": 0.02,
            "per_class": [
                {"label": label, "support": support, "recall": recall, **entry}
                for label, support, recall in zip(LABELS, (0, 5, 45), (None, 0.6, 0.95), strict=True)
            ],
        },
        artifacts=(ArtifactFigures("litert/float32.tflite", 9, 0.9, 1.0, 1e-6),),
        limits=("A sentence of the user.",),
    )


def make_contract(folder: Path, golden: Golden) -> Contract:
    spec = ArtifactSpec(
        path="litert/float32.tflite",
        format="litert",
        precision="float32",
        sha256=artifact_sha256(folder / "litert/float32.tflite"),
        max_abs_logit_error=1e-4,
        measured_abs_logit_error=1e-6,
    )
    return Contract(InputSpec((8, 10), "crop"), LABELS, (spec,), golden.names)


def make_bundle(folder: Path) -> Path:
    (folder / "litert").mkdir(parents=True)
    (folder / "litert/float32.tflite").write_bytes(b"TFL3 bytes")
    golden = make_golden()
    contract = make_contract(folder, golden)
    write_bundle(folder, contract, golden=golden, card=make_card(), provenance=PROVENANCE)
    return folder
