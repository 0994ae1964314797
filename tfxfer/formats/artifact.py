"""One exported file, and the seam behind which every format writes one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from tfxfer.catalogue.write_options import DEFAULTS, WriteOptions
from tfxfer.formats.trace import Traced


@dataclass(frozen=True, slots=True)
class Artifact:
    """One exported file (or folder) and how it came to be."""

    format: str
    precision: str
    path: Path
    size_bytes: int
    sha256: str  # of the file; of a folder, over the names and bytes of its files
    seconds: float  # that writing took


class Format(Protocol):
    """Writes one kind of file. Bytes depend on the traced network alone: no clock, path or host name."""

    @property
    def name(self) -> str: ...

    @property
    def precisions(self) -> tuple[str, ...]: ...

    def write(
        self,
        traced: Traced,
        to: Path,
        precision: str,
        *,
        calibration: np.ndarray | None = None,
        options: WriteOptions = DEFAULTS,
    ) -> None:
        """Write a file (or a folder) at `to`, which is not there yet.

        `calibration`, (N, H, W, channels) of the network's input dtype, are training images, for a precision
        that needs to know how large the activations become.

        Raises:
            ExportError: the format cannot hold this network; the message quotes the converter.
        """
        ...
