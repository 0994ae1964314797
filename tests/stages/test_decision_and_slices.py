"""A threshold and costs fixed on validation, and a slice that an artifact hurts, through whole runs."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tfxfer.bundle.reading import read_contract
from tfxfer.config.read import parse_config
from tfxfer.errors import ConfigError
from tfxfer.network.save import load_network
from tfxfer.stages.artifacts import Judged, Written
from tfxfer.stages.data import open_data
from tfxfer.stages.export import HandOver
from tfxfer.stages.pipeline import run_pipeline, transfer_pipeline
from tfxfer.stages.predict import predict
from tfxfer.stages.run_directory import open_run
from tfxfer.stages.stage import Pipeline, State
from tfxfer.store.journal import Journal
from tfxfer.verification.measure import measure
from tfxfer.verification.reference import Reference


def configuration(digits: Path, **evaluation: Any) -> dict[str, Any]:
    return {
        "data": {"path": str(digits), "splits": {"train": 0.5, "validation": 0.15, "test": 0.35}},
        "backbone": {"name": "embedded/small", "image_size": 32},
        "training": {"phases": [{"name": "head", "epochs": 5}]},
        "exports": ["litert"],
        "evaluation": {"slices": ["ink"], **evaluation},
    }


@pytest.fixture(scope="module")
def screening(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run whose answers are odd from a threshold on, at a specificity of 0.99."""
    config = configuration(digits, decision={"positive": "odd", "specificity": 0.99})
    config["gates"] = {"min_sensitivity": 0.5, "min_specificity": 0.9, "min_decision_agreement": 0.99}
    out = tmp_path_factory.mktemp("runs") / "screening"
    run_pipeline(parse_config(config), out)
    return out


def split_of(run: Path, name: str) -> tuple[list[str], np.ndarray]:
    """Paths of one split of a run, and whether each is odd."""
    with (run / "splits.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == name]
    return [row["path"] for row in rows], np.array([row["label"] == "odd" for row in rows])


def test_the_threshold_keeps_the_specificity_on_validation_and_no_lower_one_does(
    screening: Path, digits: Path
) -> None:
    paths, odd = split_of(screening, "validation")
    pictures = [digits.parent / path for path in paths]
    found = predict(screening, pictures)["predictions"]
    shares = np.array([entry["probabilities"]["odd"] for entry in found])
    contract = json.loads((screening / "bundle" / "contract.json").read_text())
    threshold = contract["threshold"]
    assert contract["decision"]["positive"] == "odd"
    assert np.mean(shares[~odd] < threshold) >= 0.99
    lower = shares[shares < threshold - 1e-6].max()
    assert np.mean(shares[~odd] < lower) < 0.99


def test_predict_says_odd_from_the_threshold_on_in_every_form(screening: Path, digits: Path) -> None:
    decision = read_contract(screening / "bundle").decision
    assert decision is not None
    paths, _ = split_of(screening, "test")
    pictures = [digits.parent / path for path in paths]
    differs = 0
    for model in (screening, screening / "bundle"):
        for entry in predict(model, pictures)["predictions"]:
            share = entry["probabilities"]["odd"]
            assert entry["label"] == ("odd" if share >= decision.thresholds[0] else "even")
            differs += (share >= 0.5) != (entry["label"] == "odd")
    assert differs  # the rule answers otherwise than the largest probability would


def test_network_and_file_are_scored_by_the_rule_and_held_to_its_gates(screening: Path) -> None:
    report = json.loads((screening / "report.json").read_text())
    (artifact,) = report["artifacts"]
    for figures in (report["test"]["decision"], artifact["decision"]):
        assert figures["specificity"] > 0.95
        assert 0.5 < figures["sensitivity"] < 1
    assert artifact["decision_agreement"] >= 0.99
    names = {gate["name"] for gate in report["gates"] if gate["passed"]}
    assert {"min_sensitivity", "min_specificity", "min_decision_agreement"} <= names
    assert load_network(screening / "network").decision == read_contract(screening / "bundle").decision


def test_costs_move_the_answer(digits: Path, tmp_path: Path) -> None:
    config = configuration(digits, decision={"costs": {"odd": {"even": 50}}})
    run_pipeline(parse_config(config), tmp_path / "run")
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    decided = report["test"]["decision"]
    assert decided["rule"] == "costs"
    assert decided["mean_cost"] < 1.0
    paths, odd = split_of(tmp_path / "run", "test")
    found = predict(tmp_path / "run" / "bundle", [digits.parent / path for path in paths])["predictions"]
    for entry in found:
        share = entry["probabilities"]["odd"]
        assert entry["label"] == ("odd" if 50 * share > 1 - share else "even")
    said = np.array([entry["label"] == "odd" for entry in found])
    assert np.mean(said[odd]) > 0.98  # it is dear to miss one


def test_a_rule_for_a_label_that_the_data_lack_is_refused_before_training(
    digits: Path, tmp_path: Path
) -> None:
    config = configuration(digits, decision={"positive": "prime", "specificity": 0.9})
    with pytest.raises(ConfigError, match="'prime'"):
        run_pipeline(parse_config(config), tmp_path / "run")


@dataclass(frozen=True, slots=True)
class Damage:
    """A stage of one's own, after the export: the first convolution's biases move by a little."""

    name: str = "damage"

    def __call__(self, state: State, /) -> State:
        (written,) = state.get("written", tuple)
        raise_biases(written.path, share=0.1)
        measured = measure("litert", written.path, state.get("reference", Reference).images)
        damaged: Written = replace(written, measured=measured)
        return state.having(written=(damaged,))


def raise_biases(path: Path, *, share: float) -> None:
    """Add to each bias of the first convolution a share of the largest."""
    from ai_edge_litert import schema_py_generated as schema

    data = path.read_bytes()
    model = schema.Model.GetRootAsModel(data, 0)
    graph = model.Subgraphs(0)
    operators = [graph.Operators(index) for index in range(graph.OperatorsLength())]
    codes = [model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode() for operator in operators]
    first = operators[codes.index(schema.BuiltinOperator.CONV_2D)]
    biases = model.Buffers(graph.Tensors(first.Inputs(2)).Buffer()).DataAsNumpy().view(np.float32)
    changed = (biases + share * np.abs(biases).max()).astype(np.float32)
    path.write_bytes(data.replace(biases.tobytes(), changed.tobytes(), 1))


def damaged_run(digits: Path, out: Path, gates: dict[str, float]) -> Judged:
    """The one artifact of a run in which it was damaged after it was written."""
    config = configuration(digits)
    config["exports"] = [{"format": "litert", "gates": gates}]
    parsed = parse_config(config)
    source = open_data(parsed)
    stages = transfer_pipeline(parsed, source).stages
    place = next(index for index, stage in enumerate(stages) if isinstance(stage, HandOver))
    with open_run(out, resume=False) as run:
        state = State(parsed, run, Journal(run.log, ()))
        (artifact,) = Pipeline([*stages[:place], Damage(), *stages[place:]])(state).get("artifacts", tuple)
    return artifact


def test_damage_to_a_slice_fails_its_gate_where_the_overall_gates_hold(digits: Path, tmp_path: Path) -> None:
    overall = {"max_accuracy_drop": 0.05, "min_top1_agreement": 0.9, "max_abs_logit_error": 50.0}
    artifact = damaged_run(digits, tmp_path / "run", {**overall, "max_slice_drop": 0.1})
    assert artifact.proof is not None
    gates = {gate.name: gate for gate in artifact.proof.gates}
    assert all(gates[name].passed for name in overall)
    assert not gates["max_slice_drop"].passed
    assert gates["max_slice_drop"].why.startswith("ink = faint")
    assert not artifact.passed
    assert (tmp_path / "run" / "bundle" / "litert" / "float32.tflite.rejected").is_file()
