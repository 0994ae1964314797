"""Whether a SavedModel says of picture files what it says of the pixels that they hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tfxfer.bundle.contract import Contract
from tfxfer.runtimes.runtime import Runtime
from tfxfer.runtimes.saved_model import BYTES_SIGNATURE, SavedModelRuntime
from tfxfer.verification.golden import Vectors

# Of the largest golden logit. TensorFlow's resize rounds once where Pillow's rounds twice, so that single pixels are
# one level off: 0.014 on photographs of flowers, 0.036 on small, grey ones of tiles (MobileNetV2 0.35 at 96 pixels).
# A nearest-neighbour kernel, or bilinear without antialiasing, is off by more than this.
BYTES_TOLERANCE = 0.1


def bytes_failures(folder: Path, runtime: Runtime, contract: Contract, vectors: Vectors) -> list[str]:
    """What is wrong with the answers to the golden pictures' own files; nothing where a file takes none."""
    if not isinstance(runtime, SavedModelRuntime) or not runtime.takes_bytes or not contract.pictures:
        return []
    found = runtime.predict_files([(folder / name).read_bytes() for name in contract.pictures]).logits
    error = float(np.abs(found.astype(np.float64) - vectors.logits).max())
    tolerance = BYTES_TOLERANCE * float(np.abs(vectors.logits).max())
    why = (
        f"the signature '{BYTES_SIGNATURE}' must give the golden logits to {tolerance:.3g} from the golden "
        f"pictures' files. Received: {error:.3g} off; it resizes by another rule."
    )
    return [] if error <= tolerance else [why]
