"""Writing what is handed over beside the artifacts: contract, labels, golden vectors, card, manifest."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from tfxfer.bundle.card import Card, render_card
from tfxfer.bundle.contract import Contract
from tfxfer.bundle.digest import json_sha256
from tfxfer.bundle.golden import Golden, write_golden
from tfxfer.bundle.manifest import (
    CONTRACT,
    Provenance,
    artifact_sha256,
    files_beside,
    provenance_dict,
    write_manifest,
)
from tfxfer.errors import BundleError


def write_bundle(
    folder: Path, contract: Contract, *, golden: Golden, card: Card, provenance: Provenance
) -> str:
    """Complete the bundle in `folder`, where the contract's artifacts already lie, and return the
    manifest's own SHA-256.

    The same values give the same bytes: no clock, host, user or absolute path is written. Write into a
    temporary folder and rename it, since this function does not.

    Raises:
        BundleError: an artifact is missing or has other bytes than the contract says, or values do not fit.
    """
    _check(folder, contract, golden)
    (folder / "labels.txt").write_bytes(("\n".join(contract.labels) + "\n").encode("utf-8"))
    write_golden(folder, golden, contract)
    (folder / "MODEL_CARD.md").write_bytes(render_card(card, contract).encode("utf-8"))
    complete = replace(
        contract,
        files=files_beside(folder, [entry.path for entry in contract.artifacts]),
        provenance=json_sha256(provenance_dict(provenance)),
    )
    text = json.dumps(complete.as_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    (folder / CONTRACT).write_bytes(text.encode("utf-8"))
    return write_manifest(folder, provenance)


def _check(folder: Path, contract: Contract, golden: Golden) -> None:
    for label in contract.labels:
        if not label or label != label.strip() or any(sign in label for sign in "\n\r\0"):
            raise BundleError(
                f"a label must be one line without blanks around it. Received: {label!r}. Rename the class."
            )
    for artifact in contract.artifacts:
        path = folder / artifact.path
        if not path.exists() or artifact_sha256(path) != artifact.sha256:
            raise BundleError(
                f"'{artifact.path}' must be the file that was measured. "
                f"Received: {'other bytes' if path.exists() else 'no such file'}. Export it again."
            )
    if golden.names != contract.pictures:
        raise BundleError(
            f"the contract must name the golden pictures {golden.names}. Received: {contract.pictures}."
        )
    expected, inputs = contract.input, golden.inputs
    if inputs.shape[1:] != (*expected.size, expected.channels) or inputs.dtype != expected.dtype:
        raise BundleError(
            f"golden inputs must have the contract's size {expected.size}, {expected.channels} channels and dtype "
            f"{expected.dtype}. Received: {inputs.shape} {inputs.dtype}."
        )
    if bool(golden.pictures) != expected.is_picture:
        raise BundleError(
            "golden pictures belong to a contract whose input is RGB or grey pictures, and to no other. "
            f"Received: {len(golden.pictures)} pictures, input values '{expected.values}'."
        )
