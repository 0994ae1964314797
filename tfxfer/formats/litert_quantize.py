"""Quantised LiteRT files, made by litert-quantizer of the converted float32 one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tfxfer.catalogue.write_options import Granularity
from tfxfer.formats.litert_entry import Entry
from tfxfer.formats.litert_file import add_signature
from tfxfer.formats.litert_flatbuffer import pack_flatbuffer, read_flatbuffer
from tfxfer.formats.litert_int8 import name_outputs, repair_sigmoids, repair_small_scales, take_bytes
from tfxfer.runtimes.runtime import INPUT, SIGNATURE

CALIBRATION_THREADS = 2  # a fixed number: the bytes must not depend on the machine's cores


def quantise(
    model: Any,
    kind: tuple[str, Granularity],
    outputs: tuple[str, ...],
    *,
    entry: Entry | None,
    calibration: np.ndarray | None,
) -> Any:
    """A converted float32 model in another precision, with the same input and outputs.

    `kind` is the precision and the granularity of its weights.

    int8 needs `calibration`, (N, H, W, channels) of the network's input dtype. Its activations are scaled
    to the smallest and largest value that any of these images gives.

    Raises:
        ValueError, RuntimeError: litert-quantizer refuses an operation.
    """
    # Importing it takes a third of a second, so it waits until something is quantised.
    from litert_quantizer.quantizer import Quantizer

    add_signature(model, outputs)
    data = pack_flatbuffer(model)
    precision, granularity = kind
    recipe = RECIPES[precision](_granularity(granularity))
    found = (
        None if calibration is None or precision != "int8" else _calibrate(data, recipe, entry, calibration)
    )
    quantizer = Quantizer(data, recipe.get_quantization_recipe())
    result = quantizer.quantize(found, enable_progress_bar=False, enable_progress_report=False)
    quantised = read_flatbuffer(bytes(result.quantized_model))
    name_outputs(quantised, outputs)
    if precision == "int8":
        repair_small_scales(quantised, read_flatbuffer(data))
        repair_sigmoids(quantised)
    if entry is not None:
        take_bytes(quantised, entry)
    return quantised


def _calibrate(data: bytes, recipe: Any, entry: Entry | None, images: np.ndarray) -> dict[str, Any]:
    """The range of every tensor over the images, and of the input as its scale and zero point say it."""
    from litert_quantizer.calibrator import CalibrationMode, Calibrator
    from litert_quantizer.utils.qsv_utils import min_max_update

    calibrator = Calibrator(
        data,
        num_threads=CALIBRATION_THREADS,
        mode=CalibrationMode.CALIBRATION_PRESERVE_ALL_TENSORS,
        qsv_update_func=min_max_update,
    )
    calibrator.calibrate({SIGNATURE: _Samples(images, entry)}, recipe)
    found: dict[str, Any] = calibrator.get_model_qsvs()
    if entry is not None:
        for key, pixel in (("min", 0), ("max", 255)):
            found[INPUT][key] = np.full_like(found[INPUT][key], entry.values(np.array([pixel]))[0])
    return found


class _Samples:
    """One image at a time, as the network without its preprocessing takes it."""

    def __init__(self, images: np.ndarray, entry: Entry | None) -> None:
        self._images = images
        self._entry = entry

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        image = self._images[index : index + 1]
        if not len(image):
            raise IndexError(index)
        return {INPUT: image.astype(np.float32) if self._entry is None else self._entry.values(image)}


def _granularity(name: Granularity) -> Any:
    from litert_quantizer.qtyping import QuantGranularity

    return QuantGranularity.CHANNELWISE if name == "channel" else QuantGranularity.TENSORWISE


def _static(granularity: Any) -> Any:
    """Weights by channel and activations in int8; the softmax, over as many numbers as there are classes, in float.

    In integers it would know 256 probabilities, and small ones would all be 0.
    """
    from litert_quantizer.algorithm_manager import AlgorithmName
    from litert_quantizer.qtyping import TFLOperationName
    from litert_quantizer.recipe_manager import RecipeManager

    recipe = RecipeManager()
    recipe.add_static_config(".*", TFLOperationName.ALL_SUPPORTED, 8, 8, granularity)
    for name in (TFLOperationName.SOFTMAX, TFLOperationName.OUTPUT):
        recipe.add_quantization_config(".*", name, algorithm_key=AlgorithmName.NO_QUANTIZE)
    return recipe


def _dynamic(granularity: Any) -> Any:
    """Weights in int8, and every layer's input quantised as it comes."""
    from litert_quantizer.qtyping import TFLOperationName
    from litert_quantizer.recipe_manager import RecipeManager

    recipe = RecipeManager()
    recipe.add_dynamic_config(".*", TFLOperationName.ALL_SUPPORTED, 8, granularity)
    return recipe


def _weight_only(granularity: Any) -> Any:
    """Weights in int8, arithmetic in float32."""
    from litert_quantizer.qtyping import TFLOperationName
    from litert_quantizer.recipe_manager import RecipeManager

    recipe = RecipeManager()
    recipe.add_weight_only_config(".*", TFLOperationName.ALL_SUPPORTED, 8, granularity)
    return recipe


def _float16(granularity: Any) -> Any:
    """Weights in float16, arithmetic as the device likes it, on a CPU in float32."""
    from litert_quantizer import qtyping
    from litert_quantizer.algorithm_manager import AlgorithmName
    from litert_quantizer.recipe_manager import RecipeManager

    half = qtyping.TensorQuantizationConfig(num_bits=16, dtype=qtyping.TensorDataType.FLOAT)
    config = qtyping.OpQuantizationConfig(
        weight_tensor_config=half, compute_precision=qtyping.ComputePrecision.FLOAT, explicit_dequantize=True
    )
    recipe = RecipeManager()
    recipe.add_quantization_config(
        ".*", qtyping.TFLOperationName.ALL_SUPPORTED, config, AlgorithmName.FLOAT_CASTING
    )
    return recipe


RECIPES: Mapping[str, Callable[[Any], Any]] = {
    "float16": _float16,
    "int8": _static,
    "dynamic_int8": _dynamic,
    "weight_only_int8": _weight_only,
}
PRECISIONS = tuple(RECIPES)
