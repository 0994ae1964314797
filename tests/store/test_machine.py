"""The machine of a measurement."""

from __future__ import annotations

import os
import platform

from tfxfer.store.machine import machine


def test_a_machine_is_named_without_its_host() -> None:
    found = machine()
    assert platform.system() in found["system"]
    assert found["cpu_cores"] == os.cpu_count()
    assert platform.node() not in found.values()
