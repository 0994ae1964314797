"""Labels as the files hold them: one a line, or a JSON list."""

from __future__ import annotations

import json
from pathlib import Path

from tfxfer.errors import RuntimeUnavailableError


def labels_text(labels: tuple[str, ...]) -> str:
    """The text of labels.txt: one label a line, in the order of the outputs."""
    return "".join(f"{label}\n" for label in labels)


def parse_labels(text: str) -> tuple[str, ...]:
    """The labels of a labels.txt; only line feeds separate, so that a label may hold any other sign."""
    return tuple(text.removesuffix("\n").split("\n")) if text else ()


def json_labels(text: str | None, path: Path) -> tuple[str, ...] | None:
    """The labels that a file holds as a JSON list; None where it holds none.

    Raises:
        RuntimeUnavailableError: it is no list of texts.
    """
    if text is None:
        return None
    try:
        labels = json.loads(text)
    except ValueError:
        labels = None
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise RuntimeUnavailableError(
            f"'{path}' must hold its labels as a JSON list of texts. Received: {text[:80]!r}. Export it again."
        )
    return tuple(labels)
