"""Full int8 with the blocks that suffer most from it kept in float, found by measuring each."""

from __future__ import annotations

from typing import Any

import numpy as np

from tfxfer.catalogue.tasks import LOGITS
from tfxfer.catalogue.write_options import WriteOptions
from tfxfer.errors import ExportError
from tfxfer.formats.litert_blocks import GraphBlock, graph_blocks
from tfxfer.formats.litert_file import add_signature
from tfxfer.formats.litert_flatbuffer import pack_flatbuffer, read_flatbuffer
from tfxfer.formats.litert_quantize import Original, apply_recipe
from tfxfer.formats.litert_recipes import static_recipe
from tfxfer.runtimes.engines import engine_module
from tfxfer.runtimes.runtime import INPUT, SIGNATURE

MEASURED_IMAGES = 32  # of the calibration images
TARGET = 0.05  # mean error on them, of the largest logit: half of what the default gate allows
STEPS = (1, 2, 3, 4, 6, 8, 12, 16)  # blocks kept in float


def quantise_mixed(original: Original, options: WriteOptions) -> Any:
    """The int8 model with as few blocks in float as bring its error to TARGET, and to half of full int8's.

    How much a block suffers is the error of the model in which it alone is int8; training images tell it, so
    that the test images still judge.

    Raises:
        ExportError: no mixture is that good.
    """
    search = _Search(original, options)
    target = min(TARGET, search.error(()) / 2)
    blocks = search.blocks
    ordered = [block for block, _ in sorted(search.suffering(), key=lambda found: -found[1])]
    for count in STEPS:
        if count >= len(blocks):
            break
        if search.error(ordered[:count]) <= target:
            return search.model(ordered[:count])
    raise ExportError(
        f"a mixture of int8 and float blocks must come within {target:.3g} of the largest logit on average. "
        f"Received: more, with up to {min(len(blocks) - 1, STEPS[-1])} of {len(blocks)} blocks in float. "
        "Take another precision."
    )


def block_errors(original: Original, options: WriteOptions) -> tuple[tuple[str, float], ...]:
    """(block, error) in the order of the network: what int8 does to the logits where it is in that block alone.

    The error is the mean difference on some calibration images, as a share of the largest logit.
    """
    return tuple((block.name, error) for block, error in _Search(original, options).suffering())


class _Search:
    """Builds mixtures and measures them on a few calibration images."""

    def __init__(self, original: Original, options: WriteOptions) -> None:
        assert original.calibration is not None
        self._original, self._options = original, options
        self._images = original.calibration[:: max(1, len(original.calibration) // MEASURED_IMAGES)]
        entry = original.entry
        floats = self._images if entry is None else entry.values(self._images)
        self._expected = _logits(original.data, floats)
        self.blocks = graph_blocks(read_flatbuffer(original.data))

    def suffering(self) -> list[tuple[GraphBlock, float]]:
        """Each block with the error of the model in which it alone is int8."""
        return [
            (block, self.error([other for other in self.blocks if other is not block]))
            for block in self.blocks
        ]

    def model(self, floats: list[GraphBlock] | tuple[()]) -> Any:
        """The model with these blocks in float."""
        names = [name for block in floats for name in block.outputs]
        recipe = static_recipe(self._options, floats=names)
        return apply_recipe(self._original, recipe, self._options, is_static=True)

    def error(self, floats: list[GraphBlock] | tuple[()]) -> float:
        """Mean difference of the logits, as a share of the largest."""
        model = self.model(floats)
        add_signature(model, self._original.outputs)
        found = _logits(pack_flatbuffer(model), self._images)
        return float(np.abs(found - self._expected).mean() / np.abs(self._expected).max())


def _logits(data: bytes, images: np.ndarray) -> np.ndarray:
    module = engine_module("ai_edge_litert.interpreter", "ai-edge-litert")
    runner = module.Interpreter(model_content=data, num_threads=1).get_signature_runner(SIGNATURE)
    details = runner.get_output_details()[LOGITS]
    rows = [runner(**{INPUT: images[index : index + 1]})[LOGITS] for index in range(len(images))]
    found = np.concatenate(rows)
    if found.dtype == np.float32:
        return found
    scale, zero_point = details["quantization"]
    return np.asarray((found.astype(np.float32) - zero_point) * scale)
