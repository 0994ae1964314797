"""How far an artifact's logits may lie from the recorded ones when `verify` runs it again, anywhere.

The tolerance must be wide enough for a sound file on another machine and narrow enough that one changed
weight shows. What differs between machines is the order in which float32 sums are taken: tiles of another
width (AVX2, AVX-512, NEON), fused multiply-add or not, another number of threads. That is the same cause
as the difference between two engines on one machine, and of the same size: the recorded logits come from
TensorFlow's kernels, the measured error is what XNNPACK and ONNX Runtime made of the same weights. So the
measured error of the worst engine is the scale, for all float32 artifacts of the bundle alike (a
SavedModel differs by nothing where it was written, and by as much as the others elsewhere), and eight
times it the limit. The floor, 1e-5 of the largest golden logit, is 84 units in the last place of that
logit: a few pictures may by chance agree better than the next machine will. Where no other engine was
measured there is no scale, and the widest difference seen between engines on a live float32 network
(2.4e-5 of the largest logit, EfficientNetV2S) is taken four times.

What it catches, on MobileNetV2 0.35 with ImageNet weights, a linear head and 8 photos: one weight of the
first convolution changed by 1 % shows in 80 % of the weights, by 0.1 in 75 %; a tolerance of 2e-6 would
show it in 85 % and 75 %. The others sit in channels that ReLU6 holds at zero, where no picture shows
anything; those are found by the contract's hash of the artifact.

Arithmetic of less precision than float32 (TF32 on a GPU, bfloat16 fast-math) is 1e-3 off and fails this
tolerance by design: verify on the CPU, where no engine uses it unless asked.
"""

from __future__ import annotations

from collections.abc import Iterable

from tfxfer.errors import VerificationError

MARGIN = 8.0
FLOOR = 1e-5  # of the largest golden logit
UNMEASURED = 1e-4  # of the largest golden logit, where no engine but the network's own was run
LOOSEST = 1e-2  # of the largest golden logit; a float32 bundle that asks for more hides something


# A quantised file is held against its own recorded logits, since what its precision costs is known already.
# Weights of fewer bits leave float32 arithmetic: the order of sums, as above. Where activations are integers,
# engines round them differently by one unit, layer after layer: XNNPACK and LiteRT's own kernels differ by
# 0.028 (int8) and 0.019 (dynamic int8) of the largest logit on MobileNetV2 1.0, with any number of threads
# alike. Twice that is allowed; what is smaller, the contract's hash of the file finds.
QUANTISED = {
    **dict.fromkeys(("float16", "weight_only_int8", "weight_only_int4"), UNMEASURED),
    **dict.fromkeys(("int8", "mixed_int8", "dynamic_int8"), 0.06),
    "int16x8": 1e-3,  # the same rounding, in units 256 times smaller
}
FARTHEST = 0.25  # of the largest golden logit: mean distance of a file's own logits from the network's


def quantised_tolerance(precision: str, largest_logit: float) -> float:
    """The tolerance on a quantised file's own golden logits, whose largest is `largest_logit`.

    Raises:
        VerificationError: no such precision.
    """
    if precision not in QUANTISED:
        raise VerificationError(
            f"a precision must be one of {', '.join(QUANTISED)}. Received: '{precision}'."
        )
    return QUANTISED[precision] * largest_logit


def logit_tolerance(measured_errors: Iterable[float], largest_logit: float) -> float:
    """The tolerance on golden logits, from the largest errors measured on them, one per float32 artifact.

    Raises:
        VerificationError: a measured error or logit that is not a number of 0 or more.
    """
    errors = list(measured_errors)
    if not all(0 <= value < float("inf") for value in (*errors, largest_logit)):
        raise VerificationError(
            f"a tolerance needs finite errors of 0 or more. Received: {errors}, logits to {largest_logit}."
        )
    worst = max(errors, default=0.0)
    return max(MARGIN * worst, (FLOOR if worst > 0 else UNMEASURED) * largest_logit)
