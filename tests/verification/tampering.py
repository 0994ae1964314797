"""What a careless or hostile hand does to a bundle, hashes recomputed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from tfxfer.bundle.manifest import artifact_sha256, bundle_files, file_entry, manifest_sha256


def rehash(bundle: Path) -> None:
    """Make the manifest fit the files again, its own SHA-256 included."""
    value = json.loads((bundle / "manifest.json").read_text("utf-8"))
    entries = {name: file_entry(path) for name, path in bundle_files(bundle).items()}
    value["files"] = {
        name: {"sha256": entry.sha256, "size_bytes": entry.size_bytes} for name, entry in entries.items()
    }
    value.pop("sha256")
    value["sha256"] = manifest_sha256(value)
    (bundle / "manifest.json").write_text(json.dumps(value), encoding="utf-8")


def rehash_contract(bundle: Path) -> None:
    """Make the contract's own hashes of the artifacts fit too, and then the manifest."""
    value = read(bundle)
    for path, tolerance in value["tolerances"].items():
        tolerance["sha256"] = artifact_sha256(bundle / path)
    write(bundle, value)
    rehash(bundle)


def read(bundle: Path) -> dict[str, Any]:
    return json.loads((bundle / "contract.json").read_text("utf-8"))


def write(bundle: Path, contract: dict[str, Any]) -> None:
    (bundle / "contract.json").write_text(json.dumps(contract, ensure_ascii=False), encoding="utf-8")


def swap_labels_txt(bundle: Path, first: int = 0, second: int = 2) -> None:
    lines = (bundle / "labels.txt").read_text("utf-8").splitlines()
    lines[first], lines[second] = lines[second], lines[first]
    (bundle / "labels.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def swap_contract(bundle: Path, first: int = 0, second: int = 2) -> None:
    value = read(bundle)
    for output in value["outputs"]:
        labels = output["labels"]
        labels[first], labels[second] = labels[second], labels[first]
    write(bundle, value)


def swap_expected(bundle: Path, first: str, second: str) -> None:
    """Exchange two labels in the golden answers as well, numbers and all."""
    path = bundle / "golden/expected.json"
    swapped = {first: second, second: first}
    entries = json.loads(path.read_text("utf-8"))
    for entry in entries:
        entry["target"] = swapped.get(entry["target"], entry["target"])
        entry["label"] = swapped.get(entry["label"], entry["label"])
        entry["probabilities"] = {swapped.get(k, k): v for k, v in entry["probabilities"].items()}
    path.write_text(json.dumps(entries), encoding="utf-8")


def first_convolution(bundle: Path) -> np.ndarray:
    """The weights of the first convolution, as the ONNX file holds them."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(str(bundle / "onnx/float32.onnx"))
    node = next(node for node in model.graph.node if node.op_type == "Conv")
    return numpy_helper.to_array(next(w for w in model.graph.initializer if w.name == node.input[1]))


def change_one_weight(file: Path, weight: np.float32, factor: float) -> None:
    """Multiply the first place in `file` where the bytes of `weight` are by `factor`."""
    data, old = file.read_bytes(), np.float32(weight).tobytes()
    assert old in data
    file.write_bytes(data.replace(old, np.float32(weight * np.float32(factor)).tobytes(), 1))
