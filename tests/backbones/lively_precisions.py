"""Every format and precision of one lively network: written, loaded, audited, compared."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tfxfer.catalogue.formats import FORMATS, artifact_path
from tfxfer.errors import ExportError, RuntimeUnavailableError
from tfxfer.formats.trace import trace
from tfxfer.formats.write import write_artifact
from tfxfer.network.network import Network
from tfxfer.runtimes import open_runtime
from tfxfer.verification.audit import ops_outside_builtins
from tfxfer.verification.delegates import float_islands, not_delegated, runs_integers
from tfxfer.verification.latency import measure_latency

KINDS = [(facts.name, precision) for facts in FORMATS.values() for precision in facts.precisions]
RUNS = 20  # predictions that are timed
FEW_RUNS = (
    3  # of a file that takes longer than SLOW for a photo: int16x8 is VGG16's 2.8 billion products one by one
)
SLOW = 0.5  # seconds


@dataclass(frozen=True, slots=True)
class Kind:
    """One format and precision beside the network; `why` says what kept it from being measured."""

    format: str
    precision: str
    why: str = ""
    mean_error: float = float("nan")  # of the logits, as a share of the largest
    agreement: float = float("nan")  # share of the photos with the network's best class
    size_bytes: int = 0
    p50_ms: float = float("nan")
    seconds: float = 0.0
    foreign: tuple[str, ...] = ()  # operations outside the format's own
    left: dict[str, int] = field(default_factory=dict)  # LiteRT: not taken by XNNPACK
    islands: tuple[str, ...] = ()  # LiteRT in integers: computed in floats


def measure_kinds(network: Network, photos: np.ndarray, folder: Path) -> Iterator[Kind]:
    """Every kind, calibrated with the photos themselves: whether it works is asked, not how well it generalises."""
    expected = np.asarray(network.model(photos, training=False))
    traced = trace(network)
    for format, precision in KINDS:
        path = folder / artifact_path(format, precision)
        try:
            artifact = write_artifact(format, traced, path, precision=precision, calibration=photos)
            runtime = open_runtime(format, path)
            start = time.perf_counter()
            found = runtime.predict(photos).logits
            seconds_a_photo = (time.perf_counter() - start) / len(photos)
        except (ExportError, RuntimeUnavailableError) as error:
            yield Kind(format, precision, " ".join(str(error).split())[:300])
            continue
        is_litert = format == "litert"
        yield Kind(
            format,
            precision,
            "" if np.isfinite(found).all() else "answers that are not finite",
            float(np.abs(found - expected).mean() / np.abs(expected).max()),
            float((found.argmax(axis=1) == expected.argmax(axis=1)).mean()),
            artifact.size_bytes,
            measure_latency(runtime, photos[0], runs=RUNS if seconds_a_photo < SLOW else FEW_RUNS).p50_ms,
            artifact.seconds,
            ops_outside_builtins(format, path),
            not_delegated(path) if is_litert else {},
            float_islands(path) if is_litert and runs_integers(path) else (),
        )
