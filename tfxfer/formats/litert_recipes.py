"""What litert-quantizer is told for each precision of a LiteRT file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tfxfer.catalogue.write_options import Granularity, WriteOptions


def _granularity(name: Granularity) -> Any:
    from litert_quantizer.qtyping import QuantGranularity

    return QuantGranularity.CHANNELWISE if name == "channel" else QuantGranularity.TENSORWISE


def recipe_of(precision: str, options: WriteOptions) -> Any:
    """A litert-quantizer recipe."""
    if precision in STATIC:
        return static_recipe(options, activation_bits=STATIC[precision])
    return RECIPES[precision](_granularity(options.granularity))


def static_recipe(options: WriteOptions, *, activation_bits: int = 8, floats: Iterable[str] = ()) -> Any:
    """Weights in int8 and activations in integers; operations whose output is one of `floats` stay in float.

    So do the outputs, and the softmax, unless `options` ask for integers there.
    """
    from litert_quantizer.algorithm_manager import AlgorithmName
    from litert_quantizer.qtyping import TFLOperationName
    from litert_quantizer.recipe_manager import RecipeManager

    recipe = RecipeManager()
    every = TFLOperationName.ALL_SUPPORTED
    recipe.add_static_config(".*", every, activation_bits, 8, _granularity(options.granularity))
    ends = (
        (TFLOperationName.SOFTMAX, TFLOperationName.OUTPUT)
        if options.output_dtype in (None, "float32")
        else ()
    )
    if activation_bits == 16:  # LiteRT has no step from bytes to 16 bits: pixels become floats on the way
        ends = (*ends, TFLOperationName.INPUT)
    for name in ends:
        recipe.add_quantization_config(".*", name, algorithm_key=AlgorithmName.NO_QUANTIZE)
    for name in floats:
        pattern = f"^{re.escape(name)}(;|$)"
        recipe.add_quantization_config(pattern, every, algorithm_key=AlgorithmName.NO_QUANTIZE)
    return recipe


def keep_float_input(recipe: Any) -> None:
    """The network's own float32 input stays what it is, and becomes integers inside the file."""
    from litert_quantizer.algorithm_manager import AlgorithmName
    from litert_quantizer.qtyping import TFLOperationName

    recipe.add_quantization_config(".*", TFLOperationName.INPUT, algorithm_key=AlgorithmName.NO_QUANTIZE)


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


def _weight_only_int4(granularity: Any) -> Any:
    """Weights of convolutions and dense layers in 4 bits, of depthwise ones in 8; arithmetic in float32.

    LiteRT has no depthwise convolution of 4 bits; those weights are few.
    """
    from litert_quantizer.qtyping import TFLOperationName
    from litert_quantizer.recipe_manager import RecipeManager

    recipe = RecipeManager()
    recipe.add_weight_only_config(".*", TFLOperationName.ALL_SUPPORTED, 8, granularity)
    for name in (TFLOperationName.CONV_2D, TFLOperationName.FULLY_CONNECTED):
        recipe.add_weight_only_config(".*", name, 4, granularity)
    return recipe


RECIPES: Mapping[str, Callable[[Any], Any]] = {
    "float16": _float16,
    "dynamic_int8": _dynamic,
    "weight_only_int8": _weight_only,
    "weight_only_int4": _weight_only_int4,
}
STATIC: Mapping[str, int] = {"int8": 8, "int16x8": 16}  # bits of activations
MIXED = "mixed_int8"
PRECISIONS = ("float16", "int8", MIXED, "int16x8", "dynamic_int8", "weight_only_int8", "weight_only_int4")
