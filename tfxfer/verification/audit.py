"""Which operations a file needs beyond what every runtime of its format brings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tfxfer.errors import VerificationError

BUILTIN_DOMAINS = ("", "ai.onnx")  # the same domain, spelled in two ways


def ops_outside_builtins(format: str, path: Path) -> tuple[str, ...]:
    """The names of a file's operations outside its format's own set, sorted; empty is good.

    LiteRT: custom and Flex operations. ONNX: operations of a domain other than ai.onnx, as `domain::Name`,
    in sub-graphs and local functions too. A SavedModel runs in TensorFlow, which brings all of them.

    Raises:
        VerificationError: the file cannot be read as that format.
    """
    if format == "litert":
        return _litert(path)
    return _onnx(path) if format == "onnx" else ()


def _litert(path: Path) -> tuple[str, ...]:
    # Read from the file, not asked of an interpreter: one that lacks an operation cannot be made.
    from ai_edge_litert import schema_py_generated as schema

    data = path.read_bytes()
    if data[4:8] != b"TFL3":
        raise VerificationError(
            f"'{path.name}' must be a LiteRT file. Received: bytes without the mark TFL3."
        )
    model = schema.Model.GetRootAsModel(data, 0)
    custom = schema.BuiltinOperator.CUSTOM
    codes = [model.OperatorCodes(index) for index in range(model.OperatorCodesLength())]
    return tuple(sorted({_custom_name(code) for code in codes if code.BuiltinCode() == custom}))


def _custom_name(code: Any) -> str:
    name = code.CustomCode()
    return "CUSTOM" if name is None else str(name.decode("utf-8", "replace"))


def _onnx(path: Path) -> tuple[str, ...]:
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except DecodeError as error:
        raise VerificationError(f"'{path.name}' must be an ONNX file. Received: {error}.") from error
    if not model.graph.node:
        raise VerificationError(f"'{path.name}' must be an ONNX file. Received: one without a node.")
    graphs = [model.graph, *model.functions]
    nodes = [node for graph in graphs for node in _nodes(graph)]
    return tuple(sorted({f"{n.domain}::{n.op_type}" for n in nodes if n.domain not in BUILTIN_DOMAINS}))


def _nodes(graph: Any) -> Iterator[Any]:
    """Every node of a graph or function, those inside If, Loop and Scan included."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                yield from _nodes(inner)
