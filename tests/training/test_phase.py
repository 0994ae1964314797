"""Phase: a value that refuses what cannot be meant, without TensorFlow."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tfxfer.errors import TfxferError
from tfxfer.training.phase import Phase


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", ""),
        ("epochs", 0),
        ("epochs", True),
        ("epochs", 2.5),
        ("unfreeze", "3 blocs"),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("learning_rate", "fast"),
        ("head_learning_rate", -1.0),
        ("learning_rate_decay", 1.5),
        ("batch_norm", "melt"),
        ("optimizer", "adamx"),
        ("weight_decay", -0.1),
        ("schedule", "sine"),
        ("warmup_steps", -1),
        ("label_smoothing", 1.0),
        ("gradient_clip", 0.0),
        ("ema_momentum", 1.0),
        ("early_stopping_patience", 0),
        ("solver", "newton"),
        ("batch_size", 0),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(key: str, value: object) -> None:
    with pytest.raises(TfxferError) as refusal:
        Phase(**({"name": "head"} | {key: value}))  # type: ignore[arg-type]
    assert key in str(refusal.value)
    assert refusal.value.exit_code == 2


def test_lbfgs_solves_only_a_head_without_smoothing() -> None:
    for options in ({"unfreeze": "all"}, {"label_smoothing": 0.1}):
        with pytest.raises(TfxferError, match="solver"):
            Phase("p", solver="lbfgs", **options)  # type: ignore[arg-type]


def test_phases_and_recipes_need_no_tensorflow() -> None:
    code = "import tfxfer.training.phase, tfxfer.recipes.plan, sys; print('tensorflow' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "False\n"
    )
