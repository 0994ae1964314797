"""What a careless or hostile hand does to a bundle, hashes recomputed."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from tfxfer.bundle.digest import json_sha256
from tfxfer.bundle.manifest import artifact_sha256, bundle_files, file_entry, files_beside


def rehash(bundle: Path) -> None:
    """Make the contract's hashes of all files but the artifacts' fit again, and then the manifest."""
    with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError, OSError):
        value = read(bundle)
        value["files"] = files_beside(bundle, value["tolerances"])
        manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
        told = {key: manifest[key] for key in manifest if key not in ("schema_version", "files", "sha256")}
        value["provenance"] = json_sha256(told)
        write(bundle, value)
    rehash_manifest(bundle)


def rehash_manifest(bundle: Path) -> None:
    """Make the manifest fit the files again, its own SHA-256 included."""
    value = json.loads((bundle / "manifest.json").read_text("utf-8"))
    entries = {name: file_entry(path) for name, path in bundle_files(bundle).items()}
    value["files"] = {
        name: {"sha256": entry.sha256, "size_bytes": entry.size_bytes} for name, entry in entries.items()
    }
    (bundle / "manifest.json").write_text(json.dumps(value), encoding="utf-8")
    reseal_manifest(bundle)


def reseal_manifest(bundle: Path) -> None:
    """Make the manifest's own SHA-256 fit what it says."""
    value = json.loads((bundle / "manifest.json").read_text("utf-8"))
    value.pop("sha256", None)
    value["sha256"] = json_sha256(value)
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
    """With its own SHA-256 made to fit."""
    contract.pop("sha256", None)
    contract["sha256"] = json_sha256(contract)
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


def first_convolution(bundle: Path, artifact: str = "onnx/float32.onnx") -> np.ndarray:
    """The weights of the first convolution, as that file holds them."""
    if artifact == "saved_model":
        return _of_saved_model(bundle / artifact)
    return (_of_onnx if artifact.endswith(".onnx") else _of_litert)(bundle / artifact)


def _of_onnx(path: Path) -> np.ndarray:
    import onnx
    from onnx import numpy_helper

    model = onnx.load(str(path))
    node = next(node for node in model.graph.node if node.op_type == "Conv")
    return numpy_helper.to_array(next(w for w in model.graph.initializer if w.name == node.input[1]))


def _of_litert(path: Path) -> np.ndarray:
    from ai_edge_litert import schema_py_generated as schema

    model = schema.Model.GetRootAsModel(path.read_bytes(), 0)
    graph = model.Subgraphs(0)
    operators = [graph.Operators(index) for index in range(graph.OperatorsLength())]
    codes = [model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode() for operator in operators]
    first = operators[codes.index(schema.BuiltinOperator.CONV_2D)]
    return model.Buffers(graph.Tensors(first.Inputs(1)).Buffer()).DataAsNumpy().view(np.float32)


def _of_saved_model(path: Path) -> np.ndarray:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))  # owns the variables
    variables = loaded.signatures["serving_default"].variables
    return next(variable.numpy() for variable in variables if len(variable.shape) == 4)


def change_one_weight(bundle: Path, artifact: str, weight: np.float32, factor: float) -> None:
    """Multiply one number of an artifact: `weight`, where its bytes are first found."""
    changed = np.float32(weight * np.float32(factor))
    if artifact == "saved_model":
        _change_checkpoint(bundle / artifact / "variables/variables", weight, changed)
        return
    data, old = (bundle / artifact).read_bytes(), np.float32(weight).tobytes()
    assert old in data
    (bundle / artifact).write_bytes(data.replace(old, changed.tobytes(), 1))


def _change_checkpoint(prefix: Path, weight: np.float32, changed: np.float32) -> None:
    """Write the checkpoint again with one number changed, so that TensorFlow's own checksums hold."""
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(prefix))
    tensors = {name: reader.get_tensor(name) for name in sorted(reader.get_variable_to_dtype_map())}
    kernel = next(tensor for tensor in tensors.values() if np.ndim(tensor) == 4 and weight in tensor)
    kernel.flat[np.flatnonzero(kernel == weight)[0]] = changed
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=list(tensors),
        shape_and_slices=[""] * len(tensors),
        tensors=list(tensors.values()),
    )
