"""Labels as the files hold them: one a line."""

from __future__ import annotations


def labels_text(labels: tuple[str, ...]) -> str:
    """The text of labels.txt: one label a line, in the order of the outputs."""
    return "".join(f"{label}\n" for label in labels)


def parse_labels(text: str) -> tuple[str, ...]:
    """The labels of a labels.txt; only line feeds separate, so that a label may hold any other sign."""
    return tuple(text.removesuffix("\n").split("\n")) if text else ()
