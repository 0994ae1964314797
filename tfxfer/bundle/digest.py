"""The digest by which contract and manifest say that they are whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping


def json_sha256(value: Mapping[str, object]) -> str:
    """The SHA-256 of a JSON object without spaces and with sorted keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
