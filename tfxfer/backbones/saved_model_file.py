"""A SavedModel on disk: complete, and free of operations that reach out of the graph, before it is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from tfxfer.backbones.random_seeds import seeded
from tfxfer.catalogue.formats import GRAPH_FILE
from tfxfer.errors import BackboneError

VARIABLES = Path("variables/variables")
# Operations that run Python, or read and write files, from inside a graph.
REACHING_OUT = frozenset(
    {
        *("PyFunc", "PyFuncStateless", "EagerPyFunc", "ReadFile", "WriteFile", "MatchingFiles"),
        *("WholeFileReader", "WholeFileReaderV2", "TextLineReader", "TextLineReaderV2"),
        *("FixedLengthRecordReader", "FixedLengthRecordReaderV2", "TFRecordReader", "TFRecordReaderV2"),
        *("TextLineDataset", "TFRecordDataset", "TFRecordDatasetV2", "FixedLengthRecordDataset"),
        *("FixedLengthRecordDatasetV2", "SqlDataset", "LMDBDataset", "SaveDataset", "SaveDatasetV2"),
        *("LoadDataset", "SnapshotDataset", "SnapshotDatasetV2", "PrintV2", "RpcCall", "RpcServer"),
        *(
            "CreateSummaryFileWriter",
            "CreateSummaryDbWriter",
            "DebugIdentity",
            "DebugIdentityV2",
            "XlaLaunch",
        ),
    }
)
# A checkpoint's own saver holds these; nothing else may.
CHECKPOINTING = frozenset({"Save", "SaveSlices", "SaveV2", "MergeV2Checkpoints"})
# What TensorFlow raises on a damaged SavedModel, or one with operations that this version does not have.
LOADING_ERRORS = (
    *(OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RuntimeError),
    tf.errors.OpError,
)
SAVERS = ("__inference__traced_save", "__inference__traced_restore")


def load_saved_model(folder: Path, *, seed: int = 0) -> Any:
    """The loaded SavedModel of a folder; random operations without a seed of their own follow `seed`.

    Raises:
        BackboneError: it holds none, a damaged one, or one that would read or write files or run Python.
    """
    described = check_saved_model(folder)
    try:
        with seeded(folder, described, _nodes(described), seed=seed) as place:
            return tf.saved_model.load(str(place))
    except LOADING_ERRORS as error:
        raise BackboneError(
            f"{folder} must be a readable SavedModel. Received: {_first_line(error)} Fetch it again."
        ) from error


def check_saved_model(folder: Path) -> SavedModel:
    """The description of a SavedModel whose files are all there, read without running any of it.

    Raises:
        BackboneError: what is missing, damaged or not allowed.
    """
    if not (folder / GRAPH_FILE).is_file():
        raise BackboneError(
            f"a SavedModel folder must hold {GRAPH_FILE}. Received: {folder}, which does not."
        )
    described = _read(folder / GRAPH_FILE)
    if not described.meta_graphs:
        raise BackboneError(
            f"{folder} must hold a graph. Received: {GRAPH_FILE} without one. Fetch it again."
        )
    _check_variables(folder)
    for place, node in _nodes(described):
        if node.op in REACHING_OUT or (node.op in CHECKPOINTING and not _is_saver(place)):
            raise BackboneError(
                f"a SavedModel must only compute. Received: {folder} with the operation {node.op} "
                f"('{node.name}' in {place or 'its graph'}), which reaches out of the graph. Do not load it; "
                "ask whoever made it for an export without that."
            )
    return described


def is_tf1_style(described: SavedModel) -> bool:
    """Whether it was written by TensorFlow 1's exporter: a graph and signatures, and no objects."""
    return not described.meta_graphs[0].HasField("object_graph_def")


def _read(file: Path) -> SavedModel:
    described = SavedModel()
    try:
        described.ParseFromString(file.read_bytes())
    except (DecodeError, OSError) as error:
        raise BackboneError(
            f"{file} must be a whole SavedModel. Received: {file.stat().st_size:,} bytes that are none ({error}). "
            "Fetch it again."
        ) from error
    return described


def _check_variables(folder: Path) -> None:
    """Every shard that its index names by number is there."""
    shards = sorted((folder / VARIABLES.parent).glob(f"{VARIABLES.name}.data-*-of-*"))
    index = folder / f"{VARIABLES}.index"
    if not index.is_file() and not shards:
        return  # a module may have no variables; one that needs them says so when it is loaded
    expected = int(shards[0].name.rpartition("-of-")[2]) if shards else 1
    if not index.is_file() or len(shards) != expected:
        raise BackboneError(
            f"{folder} must hold {VARIABLES}.index and every shard of its variables. Received: "
            f"{'an' if index.is_file() else 'no'} index and {len(shards)} of {expected} shards. Fetch it again."
        )


def _nodes(described: SavedModel) -> Iterator[tuple[str, Any]]:
    """(function's name, node) of every graph; the name of the outer graph is empty."""
    for meta_graph in described.meta_graphs:
        for node in meta_graph.graph_def.node:
            yield "", node
        for function in meta_graph.graph_def.library.function:
            for node in function.node_def:
                yield function.signature.name, node


def _is_saver(place: str) -> bool:
    return place == "" or place.startswith(SAVERS)


def _first_line(error: BaseException) -> str:
    line = str(error).strip().partition("\n")[0] or type(error).__name__
    return line if line.endswith(".") else f"{line}."
