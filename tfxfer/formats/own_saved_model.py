"""A user's SavedModel: its serving signature as a function, and as operations inside another graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.framework.types_pb2 import DT_BFLOAT16, DT_HALF
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from tfxfer.backbones.saved_model_file import load_saved_model
from tfxfer.catalogue.pixels import RAW, Pixels
from tfxfer.errors import ExportError, UsageError
from tfxfer.formats.captured import captured_output
from tfxfer.formats.graph_calls import inlined_calls
from tfxfer.network.preprocess import Preprocess
from tfxfer.runtimes.runtime import SIGNATURE

HALF = (DT_HALF, DT_BFLOAT16)
SCOPE = "network"  # of every operation of a traced network


@dataclass(frozen=True, slots=True, eq=False)
class OwnSavedModel:
    """One batch of images in, one array (N, outputs) out; called, it is the SavedModel itself that answers."""

    path: Path
    loaded: Any  # owns the variables: without it the signature's are deleted
    signature: Any  # ConcreteFunction
    input: str
    output: str
    pixels: Pixels = RAW  # what RGB 0-255 become in front of it

    @property
    def name(self) -> str:
        return self.path.resolve().name

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one image: (H, W, channels)."""
        return tuple(self._image.shape.as_list()[1:])

    @property
    def dtype(self) -> str:
        """Of what the signature takes."""
        return str(self._image.dtype.name)

    @property
    def outputs(self) -> int:
        """How many numbers it gives for one image."""
        found = self.signature.structured_outputs[self.output].shape
        if found.rank == 2 and found[-1] is not None:
            return int(found[-1])
        shape = self(np.zeros((1, *self.shape), self.dtype)).shape
        if len(shape) != 2:
            raise _not_one(self.path, f"an output of shape {shape}")
        return int(shape[-1])

    @property
    def _image(self) -> Any:
        return self.signature.structured_input_signature[1][self.input]

    def __call__(self, images: Any) -> np.ndarray:
        """(N, outputs) of a batch of images."""
        found = self.signature(**{self.input: self._prepared(tf.convert_to_tensor(images))})
        return np.asarray(found[self.output])

    def within(self, image: tf.Tensor) -> tf.Tensor:
        """The output for `image` inside the graph that is being traced, with constants in place of variables.

        Raises:
            ExportError: it computes in half precision, which no format but its own can hold.
        """
        with captured_output(), tf.init_scope():
            frozen = convert_variables_to_constants_v2(self.signature)
        graph = inlined_calls(frozen.graph.as_graph_def())
        _refuse_half(graph, self.path)
        mapping = {frozen.inputs[0].name: self._prepared(image)}
        (output,) = tf.graph_util.import_graph_def(
            graph, input_map=mapping, return_elements=[self._output_of(frozen)], name=SCOPE
        )
        return output

    def _prepared(self, images: tf.Tensor) -> tf.Tensor:
        prepared = images if self.pixels == RAW else Preprocess.of(self.pixels)(images)
        return tf.cast(prepared, self._image.dtype)

    def _output_of(self, frozen: Any) -> str:
        """The name of the one output; a signature of TensorFlow 1 hands on what else it fetched."""
        names = sorted(self.signature.structured_outputs)
        return str(frozen.outputs[names.index(self.output)].name)


def open_own_saved_model(path: Path, pixels: Pixels = RAW) -> OwnSavedModel:
    """The SavedModel in a folder, as a model of images of one size.

    Raises:
        BackboneError: it is damaged, or reaches out of its graph.
        UsageError: its serving signature does not take one batch of images of one size and give one output.
    """
    loaded = load_saved_model(path)
    function = loaded.signatures.get(SIGNATURE)
    if function is None:
        raise _not_one(path, f"signatures {sorted(loaded.signatures)}")
    inputs: Mapping[str, Any] = function.structured_input_signature[1]
    outputs = sorted(function.structured_outputs)
    if len(inputs) != 1 or len(outputs) != 1:
        raise _not_one(path, f"inputs {sorted(inputs)} and outputs {outputs}")
    ((name, image),) = inputs.items()
    shape = tuple(image.shape.as_list()) if image.shape.rank is not None else ()
    if len(shape) != 4 or None in shape[1:] or shape[0] is not None:
        raise UsageError(
            f"'{path}' must take batches of images of one size, (None, H, W, channels). Received: {shape}. "
            "Give its input a fixed height and width, and no fixed batch."
        )
    return OwnSavedModel(path, loaded, function, name, outputs[0], pixels)


def _refuse_half(graph: GraphDef, path: Path) -> None:
    for node in graph.node:
        kinds = {node.attr[key].type for key in ("T", "dtype", "DstT") if key in node.attr}
        if kinds & set(HALF):
            raise ExportError(
                f"a SavedModel must compute in float32 to be exported. Received: '{path}', whose '{node.name}' "
                "computes in half precision. Give the .keras file, which tfxfer builds again in float32, or save "
                "the model with a float32 policy."
            )


def _not_one(path: Path, received: str) -> UsageError:
    return UsageError(
        f"a model of your own must have one input and one output (a SavedModel: in its signature '{SIGNATURE}'). "
        f"Received: '{path}' with {received}. Save it as a classifier of one image."
    )
