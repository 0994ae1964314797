"""Which machine a time was measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

CPU_FACTS = Path("/proc/cpuinfo")


def machine() -> dict[str, str | int | None]:
    """System, processor and number of cores; never the host's name."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cpu_cores": os.cpu_count(),
    }


def _processor() -> str:
    try:
        lines = CPU_FACTS.read_text(encoding="utf-8").splitlines()
    except OSError:  # not a Linux
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
