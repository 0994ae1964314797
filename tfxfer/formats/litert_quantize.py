"""Quantised LiteRT files, made by litert-quantizer of the converted float32 one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tfxfer.catalogue.write_options import WriteOptions
from tfxfer.formats.litert_entry import Entry
from tfxfer.formats.litert_flatbuffer import read_flatbuffer
from tfxfer.formats.litert_int8 import allow_any_scale, name_outputs, repair_sigmoids, repair_small_scales
from tfxfer.formats.litert_io import give_bytes, take_bytes
from tfxfer.formats.litert_recipes import STATIC, keep_float_input, recipe_of, static_recipe
from tfxfer.runtimes.runtime import INPUT, SIGNATURE

CALIBRATION_THREADS = 2  # a fixed number: the bytes must not depend on the machine's cores


@dataclass(eq=False)
class Original:
    """A converted float32 model with its signature, and what is needed to quantise it in any way."""

    data: bytes
    outputs: tuple[str, ...]
    entry: Entry | None  # of a graph whose preprocessing was cut out
    calibration: np.ndarray | None  # (N, H, W, channels) of the network's input dtype

    @cached_property
    def ranges(self) -> dict[str, Any]:
        """The smallest and largest value of every tensor over the calibration images."""
        assert self.calibration is not None
        whole = static_recipe(WriteOptions(output_dtype="int8"))  # the softmax as well, for who asks for it
        return _calibrate(self.data, whole, self.entry, self.calibration)


def quantise(original: Original, precision: str, options: WriteOptions) -> Any:
    """The model in another precision, with the same input and outputs.

    Raises:
        ValueError, RuntimeError: litert-quantizer refuses an operation.
    """
    return apply_recipe(original, recipe_of(precision, options), options, is_static=precision in STATIC)


def apply_recipe(original: Original, recipe: Any, options: WriteOptions, *, is_static: bool) -> Any:
    """The model that a recipe makes, with what the quantizer leaves to be done."""
    # Importing it takes a third of a second, so it waits until something is quantised.
    from litert_quantizer.quantizer import Quantizer

    if is_static and original.entry is None and options.input_dtype != "int8":
        keep_float_input(recipe)
    quantizer = Quantizer(original.data, recipe.get_quantization_recipe())
    found = original.ranges if is_static else None
    result = quantizer.quantize(found, enable_progress_bar=False, enable_progress_report=False)
    quantised = read_flatbuffer(bytes(result.quantized_model))
    name_outputs(quantised, original.outputs)
    if is_static:
        repair_small_scales(quantised, read_flatbuffer(original.data))
        repair_sigmoids(quantised)
        allow_any_scale(quantised)
    if original.entry is not None and options.input_dtype == "uint8":
        take_bytes(quantised, original.entry)
    if options.output_dtype == "uint8":
        give_bytes(quantised)
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
        return {INPUT: image if self._entry is None else self._entry.values(image)}
