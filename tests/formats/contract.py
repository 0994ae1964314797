"""What every format must hold: the contract test of the seam `Format`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.formats.models import LABELS, images
from tfxfer.errors import DataError, ExportError
from tfxfer.formats.trace import Traced
from tfxfer.formats.write import write_artifact
from tfxfer.runtimes import Runtime, format_of, open_runtime
from tfxfer.store.fingerprint import path_sha256, path_size_bytes


def check_format(name: str, traced: Traced, path: Path) -> None:
    """Write the traced classifier of tests/formats/models.py at `path`, and run it."""
    artifact = write_artifact(name, traced, path)
    assert (artifact.format, artifact.precision, artifact.path) == (name, "float32", path)
    assert artifact.size_bytes == path_size_bytes(path)
    assert artifact.sha256 == path_sha256(path)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name], "something is left over"
    with pytest.raises(ExportError, match="is there"):
        write_artifact(name, traced, path)
    assert format_of(path) == name
    check_runtime(open_runtime(name, path), traced)


def check_runtime(runtime: Runtime, traced: Traced) -> None:
    assert isinstance(runtime, Runtime)
    assert runtime.labels == LABELS
    assert runtime.input_shape == traced.input_shape
    assert runtime.input_dtype == traced.input_dtype
    check_answers(runtime, traced)
    check_refusals(runtime)


def check_answers(runtime: Runtime, traced: Traced) -> None:
    batch = images(5)
    expected = traced.function(batch)
    outputs = runtime.predict(batch)
    logits = expected["logits"].numpy()
    assert np.ptp(logits, axis=0).max() > 1e-2 * np.abs(logits).max(), "a constant network proves nothing"
    for found, wanted in (
        (outputs.logits, logits),
        (outputs.probabilities, expected["probabilities"].numpy()),
    ):
        assert found.dtype == np.float32
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, atol=1e-5 * np.abs(logits).max())
    np.testing.assert_allclose(outputs.probabilities.sum(axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(runtime.predict(batch[3:4]).logits, outputs.logits[3:4], atol=1e-4)


def check_refusals(runtime: Runtime) -> None:
    with pytest.raises(DataError, match=r"\(N, 24, 32, 3\).*Received: shape \(1, 32, 24, 3\)"):
        runtime.predict(images(1).transpose(0, 2, 1, 3))
    with pytest.raises(DataError, match=r"dtype uint8.*Received: .*float32"):
        runtime.predict(images(1).astype(np.float32))
    with pytest.raises(DataError, match="N at least 1"):
        runtime.predict(images(1)[:0])
