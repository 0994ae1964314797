"""The promised names, and that naming them costs no TensorFlow."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys

import pytest

import tfxfer

PROMISED = {
    "Augment",
    "load_backbone", "attach_head", "freeze", "fit", "fine_tune", "evaluate", "export", "verify", "predict",
    "Phase", "FreezePolicy", "Stage", "Pipeline", "domain_gap", "frechet_distance", "maximum_mean_discrepancy",
    "find_learning_rate", "run", "rank_backbones", "Budget", "ExportOptions",
}  # fmt: skip

# Evaluates its argument with tfxfer imported, and prints which heavy packages that imported.
SPY = """
import json, sys
import tfxfer
eval(sys.argv[1])
print(json.dumps([name for name in ("tensorflow", "keras", "onnxruntime", "sklearn") if name in sys.modules]))
"""


def imported_by(expression: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", SPY, expression], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


@pytest.mark.parametrize(
    "expression",
    [
        "None",
        "(tfxfer.Phase('head', epochs=3), tfxfer.FreezePolicy('3 blocks'), tfxfer.Stage, tfxfer.Pipeline([]))",
        "(dir(tfxfer), tfxfer.__version__, tfxfer.__all__)",
    ],
)
def test_names_that_need_no_tensorflow(expression: str) -> None:
    assert imported_by(expression) == []


def test_every_promised_name_is_there() -> None:
    assert set(tfxfer.__all__) == PROMISED
    for name in PROMISED:
        assert callable(getattr(tfxfer, name)), name
        assert getattr(tfxfer, name).__doc__, name
        assert name in dir(tfxfer)


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="'tfxfer' has no attribute 'fit_everything'"):
        tfxfer.fit_everything  # noqa: B018
    assert tfxfer.__version__ == importlib.metadata.version("tfxfer")
