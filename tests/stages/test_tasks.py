"""Multi-label and regression, from a manifest to verified files: trained, exported, scored, predicted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tfxfer
from tests.exports import consumers
from tests.pipelines.programs import program
from tests.verification import tampering
from tfxfer.bundle.reading import read_contract
from tfxfer.config.read import parse_config
from tfxfer.errors import ConfigError, VerificationError
from tfxfer.network.save import load_network
from tfxfer.runtimes.opening import open_runtime
from tfxfer.stages.pipeline import run_pipeline
from tfxfer.stages.predict import predict
from tfxfer.stages.tools import evaluate_path, export_path
from tfxfer.verification.verify import verify_bundle

FILES = ["saved_model", "litert", "onnx", "litert:int8"]


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(program("digit_scenes").write_scenes(tmp_path_factory.mktemp("data") / "scenes", 500))


@pytest.fixture(scope="module", params=["multi_label", "regression"])
def task(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def run(task: str, scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = {
        "data": str(scenes),
        "backbone": {"name": "embedded/small", "image_size": 64},
        "head": task,
        "training": {
            "phases": [
                {"name": "head", "epochs": 5},
                {"name": "last block", "epochs": 2, "unfreeze": "1 blocks", "learning_rate": 3e-4},
            ]
        },
        "exports": FILES,
        "evaluation": {"slices": ["light"]},
    }
    out = tmp_path_factory.mktemp("runs") / task
    run_pipeline(parse_config(config), out)
    return out


@pytest.fixture(scope="module")
def report(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / "report.json").read_text()))


def test_it_learns_and_every_file_says_so(task: str, report: dict[str, Any]) -> None:
    test = report["test"]
    assert report["task"] == task
    if task == "multi_label":
        assert test["mean_average_precision"] > 0.7
        assert test["f1"] > 0.6
    else:
        assert test["r2"] > 0.8
        assert test["mean_absolute_error"] < test["root_mean_squared_error"]
    assert [entry["status"] for entry in report["artifacts"]] == ["passed"] * 4
    for entry in report["artifacts"]:
        assert {row["value"] for row in entry["slices"]} == {"bright", "dark"}
    assert {row["value"] for row in test["slices"]} == {"bright", "dark"}


def test_the_first_phase_is_solved_and_no_phase_makes_it_worse(report: dict[str, Any]) -> None:
    head, last = report["phases"]
    assert head["solver"] == "lbfgs"
    assert last["before"]["val_loss"] == pytest.approx(head["history"]["val_loss"][0], rel=1e-3)
    kept = last["best_epoch"]  # 0: the state before
    assert kept == 0 or last["history"]["val_loss"][kept - 1] <= last["before"]["val_loss"]


def test_the_worst_mistakes_are_kept_as_pictures_with_what_speaks_for_them(
    task: str, run: Path, report: dict[str, Any]
) -> None:
    mistakes = report["test"]["mistakes"]
    assert mistakes
    for entry in mistakes:
        plain, heat = (Image.open(run / entry[key]) for key in ("picture", "heat_map"))
        assert plain.size == heat.size == (64, 64)
    plains, heats = (
        [(run / entry[key]).read_bytes() for entry in mistakes] for key in ("picture", "heat_map")
    )
    assert not set(plains) & set(heats)
    if task == "regression":
        assert len(report["test"]["points"]) == report["test"]["n"]
        assert abs(mistakes[0]["error"]) >= abs(mistakes[-1]["error"])
    else:
        assert sum(row["n"] for row in report["test"]["reliability"]) == report["test"]["n"] * 10
        assert mistakes[0]["confidence"] >= mistakes[-1]["confidence"]


def test_the_contract_says_how_to_read_the_outputs(task: str, run: Path) -> None:
    contract = read_contract(run / "bundle")
    outputs = json.loads((run / "bundle" / "contract.json").read_text())["outputs"]
    network = load_network(run / "network")
    assert contract.task == network.task == task
    assert contract.decoding == network.head.decoding
    assert contract.decision == network.decision
    assert [entry["name"] for entry in outputs] == [
        "values" if task == "regression" else "probabilities",
        "logits",
    ]
    if task == "multi_label":
        assert contract.decision is not None
        assert len(set(contract.decision.thresholds)) > 3  # each label its own


def test_each_file_knows_its_task_and_decodes_its_own_logits(task: str, run: Path) -> None:
    contract = read_contract(run / "bundle")
    images = np.load(run / "bundle" / "golden" / "inputs.npy")
    for entry in contract.artifacts:
        runtime = open_runtime(entry.format, run / "bundle" / entry.path)
        outputs = runtime.predict(images)
        assert runtime.task == task
        unit = contract.decoding.scale[0] if task == "regression" else 1.0
        room = 1e-5 if entry.precision == "float32" else 0.1
        assert np.abs(outputs.probabilities - contract.decoding(outputs.logits)).max() < room * unit


def test_verify_runs_it_again_and_scores_it_on_data(run: Path, scenes: Path) -> None:
    report = verify_bundle(run / "bundle", str(scenes))
    assert sum(check.name.startswith("data: ") for check in report.checks) == 4


def test_verify_finds_values_under_another_label_or_unit(task: str, run: Path, tmp_path: Path) -> None:
    bundle = Path(shutil.copytree(run / "bundle", tmp_path / "bundle"))
    contract = tampering.read(bundle)
    if task == "regression":
        contract["outputs"][0]["scale"] = [2 * contract["outputs"][0]["scale"][0]]
    else:
        contract["task"], contract["decision"], contract["threshold"] = "classification", None, None
    tampering.write(bundle, contract)
    tampering.rehash(bundle)
    with pytest.raises(VerificationError):
        verify_bundle(bundle)


@pytest.mark.parametrize("consumer", consumers.CONSUMERS)
def test_the_consumers_give_the_golden_answers(task: str, run: Path, consumer: str, tmp_path: Path) -> None:
    bundle = run / "bundle"
    expected = json.loads((bundle / "golden" / "expected.json").read_text())
    pictures = [bundle / entry["picture"] for entry in expected]
    found = consumers.run(consumer, bundle, "--golden", *pictures, blocked=tmp_path / "blocked")
    assert found.returncode == 0, found.stderr
    *rows, last = [line.split("\t") for line in found.stdout.splitlines()]
    assert last == [f"golden answers hold: {consumers.CONSUMERS[consumer]}"]
    for row, entry in zip(rows, expected, strict=True):
        outputs = entry["values" if task == "regression" else "probabilities"]
        assert row[1::2] == entry.get("labels", list(outputs))
        for label, number in zip(row[1::2], row[2::2], strict=True):
            assert float(number) == pytest.approx(outputs[label], abs=1e-3)


def test_predict_answers_alike_from_run_bundle_and_file(task: str, run: Path, scenes: Path) -> None:
    pictures = sorted(scenes.parent.glob("*.png"))[:3]
    answers = [
        predict(model, pictures)["predictions"]
        for model in (run, run / "bundle", run / "bundle" / "onnx" / "float32.onnx")
    ]
    key = "value" if task == "regression" else "labels"
    for first, *others in zip(*answers, strict=True):
        assert set(first) == {"path", key, "values" if task == "regression" else "probabilities"}
        for other in others:
            assert (
                other[key] == pytest.approx(first[key], abs=1e-3)
                if key == "value"
                else other[key] == first[key]
            )


def test_a_file_far_from_its_bundle_still_knows_its_task(task: str, run: Path, tmp_path: Path) -> None:
    import shutil

    file = shutil.copy(run / "bundle" / "litert" / "float32.tflite", tmp_path / "alone.tflite")
    (entry,) = predict(file, [sorted(Path(run).glob("bundle/golden/*.png"))[0]])["predictions"]
    assert ("value" if task == "regression" else "labels") in entry


def test_evaluate_and_export_of_the_run_use_its_own_test_split(
    task: str, run: Path, report: dict[str, Any], tmp_path: Path
) -> None:
    name = "mean_absolute_error" if task == "regression" else "mean_average_precision"
    assert evaluate_path(run, None)[name] == pytest.approx(report["test"][name], rel=1e-6)
    exported = export_path(run, None, tmp_path / "again", formats=("onnx",))
    assert exported["passed"]


def test_the_card_is_of_the_task(task: str, run: Path) -> None:
    card = (run / "bundle" / "MODEL_CARD.md").read_text()
    wanted = "mean absolute error" if task == "regression" else "| mean average precision |"
    assert wanted in card
    assert "| accuracy |" not in card


def test_from_python_with_a_model_of_ones_own(scenes: Path, tmp_path: Path) -> None:
    """A plain Keras regressor is exported as one, and its values are the files' values."""
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            keras.layers.Conv2D(8, 3, strides=2, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(1),
        ]
    )
    random = np.random.default_rng(0)
    images = random.random((40, 16, 16, 3)).astype(np.float32)
    data = [(images, model.predict(images, verbose=0) + random.normal(0, 0.1, (40, 1)))]
    report = tfxfer.export(
        model,
        tmp_path / "bundle",
        ["litert", "onnx", "saved_model"],
        test=data,
        labels=["height"],
        task="regression",
    )
    assert report.passed
    assert report.test["r2"] is not None
    expected = json.loads((tmp_path / "bundle" / "golden" / "expected.json").read_text())
    assert set(expected[0]) == {"picture", "target", "values"}
    verify_bundle(tmp_path / "bundle")


def test_a_folder_has_no_labels_for_the_other_tasks(task: str, scenes: Path) -> None:
    with pytest.raises(ConfigError, match="manifest"):
        parse_config({"data": str(scenes.parent), "backbone": "embedded/small", "head": task})
