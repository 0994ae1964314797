"""The layer that a tensor of a LiteRT file belongs to."""

from __future__ import annotations

import re


def layer_name(tensor: str) -> str:
    """The layer in a tensor's name: `network_1/block_2_add_1/Add;…` is of block_2_add."""
    parts = tensor.split(";")[0].split("/")
    return re.sub(r"_\d+$", "", parts[1]) if len(parts) > 2 else parts[-1]
