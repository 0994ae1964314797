"""What an artifact does in its own runtime: its answers on held-out pictures, its latency, its foreign operations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from tfxfer.errors import VerificationError
from tfxfer.runtimes.opening import open_runtime
from tfxfer.runtimes.outputs import Outputs
from tfxfer.verification.audit import ops_outside_builtins
from tfxfer.verification.benchmark import Load, measure_alone
from tfxfer.verification.delegates import float_islands, not_delegated, runs_integers
from tfxfer.verification.latency import Latency, measure_latency
from tfxfer.verification.reference import Images, image_batches

FIGURES = "measured.json"
OUTPUTS = "outputs.npz"


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One artifact, run: nothing here is judged yet."""

    outputs: Outputs  # on every held-out picture
    latency: Latency
    ops_outside_builtins: tuple[str, ...]
    not_delegated: Mapping[str, int] = field(
        default_factory=dict
    )  # LiteRT: operations that XNNPACK did not take
    float_islands: tuple[str, ...] = ()  # LiteRT in integers: what computes in floats all the same
    peak_memory_bytes: int | None = None  # that came with the file and one prediction; None: not measured


def measure(format: str, path: Path, images: Images, *, memory: bool = False) -> Measured:
    """Open the file in its own runtime and run it on `images`; its `memory`, in a process of its own.

    Raises:
        RuntimeUnavailableError: the runtime is not installed, or refuses the file.
        DataError: the file takes other pictures than these.
    """
    runtime = open_runtime(format, path)
    parts = [
        runtime.predict(batch.astype(runtime.input_dtype, copy=False)) for batch in image_batches(images)
    ]
    outputs = Outputs(
        np.concatenate([part.probabilities for part in parts]),
        np.concatenate([part.logits for part in parts]),
    )
    latency = measure_latency(runtime, images[0:1][0].astype(runtime.input_dtype, copy=False))
    peak = _peak_memory(format, path) if memory else None
    litert = format == "litert"
    return Measured(
        outputs,
        latency,
        ops_outside_builtins(format, path),
        not_delegated(path) if litert else {},
        float_islands(path) if litert and runs_integers(path) else (),
        peak,
    )


def _peak_memory(format: str, path: Path) -> int | None:
    (found,) = measure_alone(format, path, Load(threads=(1,), batches=(1,), runs=1, warm_up=1), threads=1)
    return found.model_memory_bytes


def write_measured(folder: Path, measured: Measured) -> None:
    """Keep what was measured beside the artifact."""
    np.savez(folder / OUTPUTS, probabilities=measured.outputs.probabilities, logits=measured.outputs.logits)
    figures = {
        "latency": asdict(measured.latency),
        "ops_outside_builtins": list(measured.ops_outside_builtins),
        "not_delegated": dict(measured.not_delegated),
        "float_islands": list(measured.float_islands),
        "peak_memory_bytes": measured.peak_memory_bytes,
    }
    (folder / FIGURES).write_text(json.dumps(figures), encoding="utf-8")


def read_measured(folder: Path) -> Measured:
    """What `write_measured` kept.

    Raises:
        VerificationError: it is missing or damaged.
    """
    try:
        figures = json.loads((folder / FIGURES).read_text(encoding="utf-8"))
        with np.load(folder / OUTPUTS, allow_pickle=False) as arrays:
            outputs = Outputs(arrays["probabilities"], arrays["logits"])
        latency = Latency(**figures["latency"])
        return Measured(
            outputs,
            latency,
            tuple(figures["ops_outside_builtins"]),
            figures["not_delegated"],
            tuple(figures["float_islands"]),
            figures["peak_memory_bytes"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise VerificationError(
            f"'{folder}' must hold what was measured of an artifact. Received: {error}. Delete it and run again."
        ) from error
