"""What a configuration can say of the bundle, beside its artifacts."""

from __future__ import annotations

from pydantic import Field

from tfxfer.catalogue.golden import GoldenSource
from tfxfer.config.section import Section


class BundleConfig(Section):
    """What is handed over beside the artifacts."""

    golden: GoldenSource = Field(
        default="held_out",
        description="the inputs that every file is proven on again: pictures of the test split, or generated ones, "
        "so that no picture leaves this machine",
    )
