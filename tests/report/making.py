"""Reports as a run writes them, small and complete, to be spoilt on purpose."""

from __future__ import annotations

import copy
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tfxfer.report.finished import FinishedRun

HOSTILE = "<img src=x onerror=alert(1)>"
LABELS = ("daisy", HOSTILE, "$x^2$ \u82b1")


def phase(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "epochs": 3,
        "seconds": 12.5,
        "seconds_per_epoch": 4.0,
        "trainable_parameters": 1290,
        "unfrozen_blocks": [],
        "cached_boundary": "head_pooling",
        "feature_engine": "litert",
        "feature_seconds": 2.5,
        "learning_rates": {"head": 0.001},
        "best_epoch": 3,
        "history": {
            "loss": [0.9, 0.6, 0.5],
            "val_loss": [0.8, 0.6, 0.55],
            "accuracy": [0.7, 0.82, 0.86],
            "val_accuracy": [0.72, 0.8, 0.84],
            "learning_rate": [0.001, 0.0005, 0.0001],
        },
        "solver": "gradient",
        "before": {"val_loss": 1.2, "val_accuracy": 0.3},
        "monitor": "val_accuracy",
        "why": ["solver gradient: asked for"],
        **more,
    }


def artifact(format: str, precision: str, **more: Any) -> dict[str, Any]:
    return {
        "format": format,
        "precision": precision,
        "path": f"bundle/{format}/{precision}",
        "size_bytes": 1_000_000,
        "sha256": "0" * 64,
        "status": "passed",
        "why": "",
        "accuracy": 0.9,
        "accuracy_drop": 0.0,
        "top1_agreement": 1.0,
        "max_abs_logit_error": 1e-6,
        "mean_abs_logit_error": 1e-7,
        "latency_ms_p50": 1.0,
        "latency_ms_p95": 1.5,
        "seconds": 1.0,
        **more,
    }


def report() -> dict[str, Any]:
    """A good classifier of 300 test pictures, with nothing to remark on."""
    fine = phase(
        "last blocks",
        trainable_parameters=230_666,
        unfrozen_blocks=["block_2", "block_3"],
        learning_rates={"head": 0.001, "block_3": 0.0005, "block_2": 0.0003},
        before={"val_loss": 0.55, "val_accuracy": 0.84},
    )
    fine["history"]["val_accuracy"] = [0.84, 0.88, 0.9]
    fine["history"]["accuracy"] = [0.86, 0.9, 0.93]
    return copy.deepcopy(
        {
            "schema_version": 1,
            "name": f"flowers {HOSTILE}",
            "seed": 0,
            "seconds": 62.0,
            "versions": {"python": "3.11.7", "tfxfer": "0.1.0"},
            "task": "classification",
            "data": {
                "train": 700,
                "validation": 150,
                "test": 300,
                "classes": 3,
                "labels": list(LABELS),
                "bad_records": 0,
                "duplicates": 0,
                "fingerprint": "f" * 64,
                "problems": [
                    {
                        "kind": "imbalance",
                        "severity": "warning",
                        "count": 0,
                        "message": f"Few of '{HOSTILE}'.",
                    }
                ],
                "class_counts": {"train": [300, 300, 100], "validation": [60, 60, 30], "test": [100] * 3},
            },
            "backbone": {
                "name": "embedded/small",
                "source": "here",
                "licence": "Apache-2.0",
                "weights": "glyphs",
                "until": None,
                "parameters": 307_048,
                "blocks": 4,
                "image_size": [32, 32],
            },
            "phases": [phase("head"), fine],
            "test": {
                "accuracy": 0.9,
                "accuracy_interval": [0.86, 0.929],
                "loss": 0.3,
                "macro_f1": 0.9,
                "expected_calibration_error": 0.03,
                "per_class": [class_row(label) for label in LABELS],
                "confusion": [[90, 5, 5], [4, 92, 4], [6, 6, 88]],
                "n": 300,
                "reliability": [
                    {"low": 0.4, "high": 0.5, "n": 20, "confidence": 0.45, "accuracy": 0.4},
                    {"low": 0.9, "high": 1.0, "n": 280, "confidence": 0.97, "accuracy": 0.95},
                ],
                "mistakes": [
                    {
                        "path": f"{HOSTILE}/1.jpg",
                        "picture": "mistakes/00.jpg",
                        "heat_map": "mistakes/00-heat.jpg",
                        "truth": HOSTILE,
                        "answer": "daisy",
                        "confidence": 0.99,
                        "error": None,
                    }
                ],
                "slices": [
                    {
                        "name": "light",
                        "value": HOSTILE,
                        "n": 120,
                        "score": 0.8,
                        "interval": [0.7, 0.87],
                        "gap": -0.16,
                        "gap_interval": [-0.2, -0.1],
                    }
                ],
            },
            "temperature": {
                "value": 1.25,
                "folded": False,
                "why": "the lowest loss on 150 validation images",
                "images": 150,
                "validation_loss": {"before": 0.32, "after": 0.3},
                "test": {
                    "before": {"loss": 0.3, "expected_calibration_error": 0.03, "reliability": []},
                    "after": {
                        "loss": 0.29,
                        "expected_calibration_error": 0.012,
                        "reliability": [
                            {"low": 0.8, "high": 0.9, "n": 300, "confidence": 0.9, "accuracy": 0.91}
                        ],
                    },
                },
            },
            "baselines": {
                "details": [
                    baseline("majority", 0.33),
                    baseline("raw_pixels", 0.6),
                    baseline("linear_probe", 0.88),
                ]
            },
            "verdict": {
                "transfer": "helps",
                "gain": 0.3,
                "interval": [0.2, 0.4],
                "against": "raw_pixels",
                "why": "against thumbnails: +30 points",
            },
            "label_issues": {
                "count": 1,
                "path": "label_issues.csv",
                "top": [
                    {
                        "path": "daisy/7.jpg",
                        "split": "train",
                        "label": "daisy",
                        "suggested_label": HOSTILE,
                        "probability": 0.06,
                    }
                ],
                "why": None,
            },
            "domain_gap": [gap_row(f"block_{number}", 0.3) for number in range(6)],
            "domain_gap_summary": {"distance": 0.3, "images": 128, "why": None, "formula": ""},
            "artifacts": [
                artifact("saved_model", "float32"),
                artifact("litert", "float32"),
                artifact(
                    "litert",
                    "int8",
                    size_bytes=300_000,
                    accuracy=0.89,
                    accuracy_drop=0.01,
                    latency_ms_p50=0.5,
                ),
            ],
            "gates": [gate("max_accuracy_drop", "litert:int8")],
            "bundle": {"manifest_sha256": "a" * 64},
        }
    )


def class_row(label: str, **more: Any) -> dict[str, Any]:
    return {
        "label": label,
        "precision": 0.9,
        "recall": 0.9,
        "f1": 0.9,
        "support": 100,
        "roc_auc": 0.98,
        "average_precision": 0.95,
        **more,
    }


def baseline(name: str, accuracy: float) -> dict[str, Any]:
    return {
        "name": name,
        "accuracy": accuracy,
        "accuracy_interval": [accuracy - 0.05, accuracy + 0.05],
        "why": f"a {name}",
        "validation_accuracy": accuracy,
    }


def gap_row(block: str, distance: float) -> dict[str, Any]:
    return {"block": block, "distance": distance, "mean_shift": 0.2, "spread_ratio": 1.1, "layers": 3}


def gate(name: str, artifact: str | None, *, passed: bool = True) -> dict[str, Any]:
    return {"name": name, "limit": 0.02, "value": 0.01, "passed": passed, "why": "few", "artifact": artifact}


def multi_label() -> dict[str, Any]:
    """The same as a multi-label task."""
    found = report()
    found["task"] = "multi_label"
    del found["temperature"]
    test = found["test"]
    for key in ("accuracy", "accuracy_interval", "per_class", "confusion", "expected_calibration_error"):
        del test[key]
    test |= {
        "mean_average_precision": 0.91,
        "f1": 0.85,
        "exact_match": 0.7,
        "exact_match_interval": [0.66, 0.74],
        "label_accuracy": 0.95,
        "per_label": [class_row(label, threshold=0.4) for label in LABELS],
    }
    for entry in found["artifacts"]:
        del entry["accuracy"], entry["accuracy_drop"], entry["top1_agreement"]
        entry |= {
            "mean_average_precision": 0.9,
            "mean_average_precision_drop": 0.01,
            "exact_match": 0.69,
            "decision_agreement": 0.99,
        }
    found["baselines"]["details"], found["verdict"] = [], {"transfer": None, "why": "no baselines"}
    return found


def regression() -> dict[str, Any]:
    """The same as a regression."""
    found = report()
    found["task"] = "regression"
    del found["temperature"]
    found["data"] |= {"labels": ["value"], "classes": 1, "class_counts": dict.fromkeys(("train", "test"))}
    found["test"] = {
        "mean_absolute_error": 1.25,
        "mean_absolute_error_interval": [1.1, 1.4],
        "root_mean_squared_error": 1.6,
        "r2": 0.93,
        "per_value": [{"label": "value", "mean_absolute_error": 1.25, "r2": 0.93}],
        "n": 300,
        "points": [[float(x), x + (-1.0) ** x] for x in range(30)],
        "mistakes": [
            {
                "path": "7.png",
                "picture": "mistakes/00.jpg",
                "heat_map": None,
                "truth": "3.5",
                "answer": "9.1",
                "confidence": None,
                "error": 5.6,
            }
        ],
    }
    for entry in found["phases"]:
        entry["history"] = {"loss": [0.9, 0.6, 0.5], "val_loss": [0.8, 0.6, 0.55]}
        entry["monitor"], entry["before"] = "val_loss", {"val_loss": 0.9}
    for entry in found["artifacts"]:
        del entry["accuracy"], entry["accuracy_drop"], entry["top1_agreement"]
        entry |= {"mean_absolute_error": 1.26, "mean_absolute_error_rise": 0.01, "r2": 0.93}
    found["baselines"]["details"], found["verdict"] = [], {"transfer": None, "why": "no baselines"}
    return found


TASKS = {"classification": report, "multi_label": multi_label, "regression": regression}


def jpeg(shade: int = 128) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((24, 32, 3), shade, np.uint8)).save(stream, "JPEG")
    return stream.getvalue()


def finished(value: dict[str, Any]) -> FinishedRun:
    return FinishedRun(
        value, f"name: '{HOSTILE}'\n", {"mistakes/00.jpg": jpeg(), "mistakes/00-heat.jpg": jpeg(200)}
    )


def write_run(folder: Path, value: dict[str, Any]) -> Path:
    """A run directory as far as the page needs one."""
    (folder / "mistakes").mkdir(parents=True)
    (folder / "mistakes" / "00.jpg").write_bytes(jpeg())
    (folder / "mistakes" / "00-heat.jpg").write_bytes(jpeg(200))
    (folder / "report.json").write_text(json.dumps(value), encoding="utf-8")
    (folder / "config.yaml").write_text(f"name: '{HOSTILE}'\ndata: photos\n", encoding="utf-8")
    return folder
