"""Every format and precision that can be written has its gates, each with a reason."""

from __future__ import annotations

import pytest

from tfxfer.catalogue.formats import (
    DEFAULT_GATES,
    FORMATS,
    artifact_path,
    default_gates,
)

KINDS = [(name, precision) for name, facts in FORMATS.items() for precision in facts.precisions]


@pytest.mark.parametrize(("name", "precision"), KINDS)
def test_every_kind_of_artifact_has_gates_with_reasons(name: str, precision: str) -> None:
    gates = DEFAULT_GATES[name, precision]
    assert {gate.name for gate in gates} >= {"min_top1_agreement", "max_accuracy_drop"}
    assert {gate.name for gate in gates} & {"max_abs_logit_error", "max_relative_logit_error"}, (
        "none on logits"
    )
    assert all(len(gate.reason) > 30 for gate in gates)
    assert default_gates(name, precision) == {gate.name: gate.limit for gate in gates}


def test_artifacts_lie_where_users_scripts_look() -> None:
    assert artifact_path("litert", "float32") == "litert/float32.tflite"
    assert artifact_path("onnx", "float32") == "onnx/float32.onnx"
    assert artifact_path("saved_model", "float32") == "saved_model"
