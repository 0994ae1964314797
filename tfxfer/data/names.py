"""Which labels and file names are taken: what goes into labels.txt, CSV and HTML must be one plain line."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable

from tfxfer.data.problems import Problem, shown

# Control characters, lone surrogates (file names that are not UTF-8), line and paragraph separators.
REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Bidirectional overrides and isolates make a name look like another one (Unicode TR 36).
BIDIRECTIONAL = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
LONGEST_LABEL = 255  # characters


def escaped(text: str) -> str:
    """`text` with every character that may not be printed written as an escape."""
    return "".join(repr(character)[1:-1] if _refused(character) else character for character in text)


def name_fault(text: str) -> str | None:
    """Why this text cannot stand in one line of a UTF-8 file, or None."""
    found = next((character for character in text if _refused(character)), None)
    return None if found is None else f"the character {found!r}"


def label_fault(label: str) -> str | None:
    """Why this text cannot be a label, or None."""
    if not label.strip():
        return "an empty label"
    if label != label.strip():
        return "a space at its start or end"
    if "/" in label or "\\" in label:
        return "a path separator"
    if label in (".", ".."):
        return "the name of a folder that every folder has"
    if len(label) > LONGEST_LABEL:
        return f"{len(label)} characters, more than {LONGEST_LABEL}"
    return name_fault(label)


def similar_labels(labels: Iterable[str]) -> tuple[Problem, ...]:
    """Labels that look alike: an error where only the Unicode form differs, a warning where the case does."""
    ordered = sorted(labels)
    same_form = _alike(ordered, lambda label: unicodedata.normalize("NFC", label))
    same_case = _alike(ordered, lambda label: unicodedata.normalize("NFKC", label).casefold())
    known = {tuple(group) for group in same_form}
    forms = [
        Problem(
            "label_forms",
            "error",
            (),
            f"Labels must differ by more than their Unicode form. Received: {_code_points(group)}, which "
            "look the same. "
            "Give both the same spelling.",
        )
        for group in same_form
    ]
    cases = [
        Problem(
            "label_case",
            "warning",
            (),
            f"Labels should differ by more than upper and lower case. Received: {shown(group)}. "
            "Merge them if they mean the same.",
        )
        for group in same_case
        if tuple(group) not in known
    ]
    return (*forms, *cases)


def _alike(labels: list[str], key: Callable[[str], str]) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for label in labels:
        groups.setdefault(key(label), []).append(label)
    return [group for group in groups.values() if len(group) > 1]


def _code_points(labels: list[str]) -> str:
    return ", ".join(ascii(label) for label in labels)


def _refused(character: str) -> bool:
    return unicodedata.category(character) in REFUSED_CATEGORIES or character in BIDIRECTIONAL
