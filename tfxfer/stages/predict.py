"""What a run, a bundle, a file or a network says about pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxfer.bundle.contract import Contract
from tfxfer.bundle.reading import read_contract
from tfxfer.catalogue.inputs import ResizeRule, Size
from tfxfer.data import open_unlabelled
from tfxfer.errors import UsageError
from tfxfer.evaluation.predictions import Predictor
from tfxfer.runtimes.opening import format_of, open_runtime
from tfxfer.verification.reference import BATCH_SIZE

if TYPE_CHECKING:
    from tfxfer.network.network import Network

PREFERRED = ("litert", "onnx", "saved_model")  # of a bundle's artifacts, the one that starts fastest first


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """Something that predicts, and how pictures are brought to its size."""

    predictor: Predictor
    labels: tuple[str, ...]
    size: Size
    rule: ResizeRule
    dtype: np.dtype


def predict(model: Network | Path | str, data: Path | str | Sequence[Path | str]) -> dict[str, Any]:
    """The label and all probabilities of every picture: {"predictions": [{path, label, probabilities}]}.

    `model` is a Network, a run directory, a bundle, or one of its files; `data` are files or folders, which
    are searched for pictures. Pictures are resized by the rule of the bundle's contract; a Network or a file
    that stands alone is given them stretched.

    Raises:
        UsageError: `model` is nothing that predicts.
        DataError: no picture there, or one that cannot be read; the message names it.
    """
    loaded = load_predictor(model)
    paths = [data] if isinstance(data, str | Path) else list(data)
    pictures = open_unlabelled(paths, size=loaded.size, rule=loaded.rule)
    predictions = []
    for names, images in pictures.batches(BATCH_SIZE):
        probabilities = loaded.predictor.predict(images.astype(loaded.dtype, copy=False)).probabilities
        for name, row in zip(names, probabilities, strict=True):
            predictions.append(_entry(name, row, loaded.labels))
    return {"predictions": predictions}


def load_predictor(model: Network | Path | str) -> Loaded:
    """Open what `predict` and `evaluate` accept.

    Raises:
        UsageError: it is neither a run, a bundle, a file of one, nor a Network.
    """
    if not isinstance(model, str | Path):
        return Loaded(model, model.labels, model.input.size, "stretch", np.dtype(np.uint8))
    path = Path(model)
    if is_run(path):
        return _run(path)
    if (path / "contract.json").is_file():
        return _bundle(path)
    if not path.exists():
        raise UsageError(f"--model must be a run, a bundle or a file. Received: '{path}', where nothing is.")
    return _file(path)


def is_run(path: Path) -> bool:
    """Whether a trained network lies there, as in a run directory."""
    return (path / "network" / "network.json").is_file()


def _run(path: Path) -> Loaded:
    """The trained network of a run, with the resize rule of its configuration."""
    from tfxfer.config.read import read_resolved
    from tfxfer.network.save import load_network

    network = load_network(path / "network")
    rule = read_resolved(path / "config.yaml").data.resize
    return Loaded(network, network.labels, network.input.size, rule, np.dtype(np.uint8))


def _bundle(path: Path) -> Loaded:
    contract = read_contract(path)
    for format in PREFERRED:
        for artifact in contract.artifacts:
            if artifact.format == format:
                runtime = open_runtime(format, path / artifact.path)
                rule = _rule(contract, path)
                return Loaded(runtime, contract.labels, contract.input.size, rule, runtime.input_dtype)
    raise UsageError(f"a bundle must hold an artifact. Received: '{path}', which holds none that passed.")


def _file(path: Path) -> Loaded:
    runtime = open_runtime(format_of(path), path)
    labels = runtime.labels
    if labels is None:
        raise UsageError(
            f"'{path}' must hold its labels. Received: none in it. Give the bundle it belongs to."
        )
    height, width, channels = runtime.input_shape
    if channels != 3:
        raise _no_pictures(path)
    return Loaded(runtime, labels, (height, width), _rule_beside(path), runtime.input_dtype)


def _rule_beside(path: Path) -> ResizeRule:
    """The resize rule of the bundle that a file lies in, or `stretch` where it lies in none."""
    for folder in (path.parent, path.parent.parent):
        if (folder / "contract.json").is_file():
            return _rule(read_contract(folder), path)
    return "stretch"


def _rule(contract: Contract, path: Path) -> ResizeRule:
    if contract.input.values != "rgb" or contract.input.resize_rule is None:
        raise _no_pictures(path)
    return contract.input.resize_rule


def _no_pictures(path: Path) -> UsageError:
    return UsageError(
        f"predict needs a model that takes RGB pictures 0-255. Received: '{path}', which takes inputs of its own. "
        "Run it in its runtime on inputs prepared as in its training."
    )


def _entry(path: str, row: np.ndarray, labels: tuple[str, ...]) -> dict[str, Any]:
    probabilities = {label: float(value) for label, value in zip(labels, row, strict=True)}
    return {"path": path, "label": labels[int(row.argmax())], "probabilities": probabilities}
