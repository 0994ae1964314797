"""What a run, a bundle, a file or a network says about pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tfxfer.bundle.contract import Contract
from tfxfer.bundle.reading import read_contract
from tfxfer.catalogue.decision import Decision
from tfxfer.catalogue.decoding import answer
from tfxfer.catalogue.grey import FROM_FILES
from tfxfer.catalogue.inputs import ResizeRule, Size, channels_of
from tfxfer.catalogue.tasks import TaskName
from tfxfer.data import open_unlabelled, picture_files
from tfxfer.errors import BundleError, UsageError
from tfxfer.evaluation.predictions import Predictor
from tfxfer.runtimes.opening import format_of, open_runtime
from tfxfer.runtimes.runtime import Runtime
from tfxfer.verification.reference import BATCH_SIZE

if TYPE_CHECKING:
    from tfxfer.network.network import Network

PREFERRED = (
    "litert",
    "onnx",
    "openvino",
    "saved_model",
    "keras",
)  # of a bundle's artifacts, the one that starts fastest first


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """Something that predicts, and how pictures are brought to its size."""

    predictor: Predictor
    labels: tuple[str, ...]
    size: Size
    rule: ResizeRule
    dtype: np.dtype
    task: TaskName = "classification"
    decision: Decision | None = None
    channels: int = 3


def predict(model: Network | Path | str, data: Path | str | Sequence[Path | str]) -> dict[str, Any]:
    """The answer and all numbers of every picture: {"predictions": [{path, label, probabilities}]}.

    A multi-label network gives `labels`, those that apply, instead of `label`; a regression gives
    {path, value, values}. The decision rule of a run or a contract is used; a bare file has none.

    `model` is a Network, a run directory, a bundle, or one of its files; `data` are files or folders, which
    are searched for pictures. Pictures are resized by the rule of the bundle's contract; a Network or a file
    that stands alone is given them stretched.

    Raises:
        UsageError: `model` is nothing that predicts.
        DataError: no picture there, or one that cannot be read; the message names it.
    """
    files = picture_files(
        [data] if isinstance(data, str | Path) else data
    )  # before the model, which takes seconds
    loaded = load_predictor(model)
    pictures = open_unlabelled(files, size=loaded.size, rule=loaded.rule, channels=loaded.channels)
    predictions = []
    for names, images in pictures.batches(BATCH_SIZE):
        probabilities = loaded.predictor.predict(images.astype(loaded.dtype, copy=False)).probabilities
        for name, row in zip(names, probabilities, strict=True):
            predictions.append(_entry(name, row, loaded))
    return {"predictions": predictions}


def load_predictor(model: Network | Path | str) -> Loaded:
    """Open what `predict` and `evaluate` accept.

    Raises:
        UsageError: it is neither a run, a bundle, a file of one, nor a Network.
    """
    if not isinstance(model, str | Path):
        return _network(model, "stretch")
    path = Path(model)
    if is_run(path):
        return _run(path)
    if (path / "contract.json").is_file():
        return _bundle(path)
    if (path / "manifest.json").is_file():
        raise BundleError(
            f"a bundle holds contract.json. Received: '{path}', which has manifest.json but no contract.json. "
            f"Copy the bundle again from where it was written; `tfxfer verify {path}` tells what is missing."
        )
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
    return _network(network, read_resolved(path / "config.yaml").data.resize)


def _network(network: Network, rule: ResizeRule) -> Loaded:
    contract, dtype = network.input, np.dtype(np.uint8)
    task, decision, channels = network.task, network.decision, channels_of(contract)
    return Loaded(network, network.labels, contract.size, rule, dtype, task, decision, channels)


def _bundle(path: Path) -> Loaded:
    contract = read_contract(path)
    for format in PREFERRED:
        for artifact in contract.artifacts:
            if artifact.format == format:
                return _artifact(open_runtime(format, path / artifact.path), contract, path)
    raise UsageError(f"a bundle must hold an artifact. Received: '{path}', which holds none that passed.")


def _artifact(runtime: Runtime, contract: Contract, path: Path) -> Loaded:
    """A file with what the contract of its bundle says of it."""
    size, rule = contract.input.size, _rule(contract, path)
    task, decision, channels = contract.task, contract.decision, contract.input.channels
    return Loaded(runtime, contract.labels, size, rule, runtime.input_dtype, task, decision, channels)


def _file(path: Path) -> Loaded:
    runtime, contract = open_runtime(format_of(path), path), _contract_beside(path)
    if contract is not None and contract.labels == runtime.labels:
        return _artifact(runtime, contract, path)
    labels = runtime.labels
    if labels is None:
        raise UsageError(
            f"'{path}' must hold its labels. Received: none in it. Give the bundle it belongs to."
        )
    height, width, channels = runtime.input_shape
    if channels not in FROM_FILES:
        raise _no_pictures(path)
    size, dtype = (height, width), runtime.input_dtype
    return Loaded(runtime, labels, size, "stretch", dtype, runtime.task, channels=channels)


def _contract_beside(path: Path) -> Contract | None:
    """The contract of the bundle that a file lies in; None where it lies in none."""
    for folder in (path.parent, path.parent.parent):
        if (folder / "contract.json").is_file():
            return read_contract(folder)
    return None


def _rule(contract: Contract, path: Path) -> ResizeRule:
    if not contract.input.is_picture or contract.input.resize_rule is None:
        raise _no_pictures(path)
    return contract.input.resize_rule


def _no_pictures(path: Path) -> UsageError:
    return UsageError(
        f"predict needs a model that takes RGB or grey pictures 0-255. Received: '{path}', which takes inputs of its "
        "own. Run it in its runtime on inputs prepared as in its training."
    )


def _entry(path: str, row: np.ndarray, loaded: Loaded) -> dict[str, Any]:
    numbers = {label: float(value) for label, value in zip(loaded.labels, row, strict=True)}
    said = answer(row, loaded.labels, loaded.task, loaded.decision)
    if loaded.task == "regression":
        return {"path": path, "value": float(row[0]), "values": numbers}
    return {"path": path, "label" if isinstance(said, str) else "labels": said, "probabilities": numbers}
