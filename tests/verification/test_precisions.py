"""Every format and precision: proven, bundled, verified, and found out when its weights are changed."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from tensorflow.lite.python import schema_py_generated as schema

from tests.verification.making import LABELS, read_photos, train
from tests.verification.tampering import read, rehash_contract
from tfxfer.catalogue.formats import FORMATS, artifact_path
from tfxfer.errors import VerificationError
from tfxfer.stages.export_model import ExportReport, export
from tfxfer.verification.verify import inspect_bundle, verify_bundle

KINDS = [(name, precision) for name in ("litert", "onnx") for precision in FORMATS[name].precisions]


@pytest.fixture(scope="module")
def exported(colours: Path, tmp_path_factory: pytest.TempPathFactory) -> ExportReport:
    """One small trained network in all of them."""
    photos = read_photos(colours, "crop")
    model = train(photos.images[::2], photos.targets[::2], 0)
    return export(
        model,
        tmp_path_factory.mktemp("precisions") / "bundle",
        ["keras", *(f"{name}:{precision}" for name, precision in KINDS)],
        test=[(photos.images[1::2], photos.targets[1::2])],
        calibration=[(photos.images[::2], photos.targets[::2])],
        labels=LABELS,
    )


def test_the_bundle_is_verified(exported: ExportReport) -> None:
    assert {check.status for check in verify_bundle(exported.path).checks} == {"passed"}
    sizes = {(entry["format"], entry["precision"]): entry["size_bytes"] for entry in exported.artifacts}
    assert set(sizes) == {*KINDS, ("keras", "float32")}


@pytest.mark.parametrize(("name", "precision"), KINDS)
def test_weights_in_another_order_are_found_without_any_hash(
    name: str, precision: str, exported: ExportReport, tmp_path: Path
) -> None:
    bundle = Path(shutil.copytree(exported.path, tmp_path / "bundle"))
    path = bundle / artifact_path(name, precision)
    data, weights = path.read_bytes(), largest_constant(name, path.read_bytes())
    assert data.count(weights) == 1
    half = len(weights) // 8 * 4
    path.write_bytes(data.replace(weights, weights[half:] + weights[:half]))
    rehash_contract(bundle)
    (failure,) = inspect_bundle(bundle).failures
    assert (failure.name, failure.status) == (artifact_path(name, precision), "failed")
    assert "must give the golden logits" in failure.why
    with pytest.raises(VerificationError, match="a weight was changed"):
        verify_bundle(bundle)


def test_the_contract_says_how_far_each_may_be_off(exported: ExportReport) -> None:
    tolerances = read(exported.path)["tolerances"]
    paths = {kind: artifact_path(*kind) for kind in KINDS}
    assert set(tolerances) == {*paths.values(), "keras/float32.keras"}
    for (_, precision), path in paths.items():
        assert (tolerances[path]["reference"] == "golden/logits.npy") == (precision == "float32")


def largest_constant(name: str, data: bytes) -> bytes:
    """The bytes of a file's largest constant."""
    if name == "onnx":
        tensors = onnx.load_model_from_string(data).graph.initializer
        return max((tensor.raw_data for tensor in tensors), key=len)
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(data, 0))
    constants = [model.buffers[tensor.buffer].data for tensor in model.subgraphs[0].tensors]
    return max((np.asarray(one).tobytes() for one in constants if one is not None), key=len)
