"""Whether a bundle's files are those that its manifest lists."""

from __future__ import annotations

from pathlib import Path

from tfxfer.bundle.contract import Contract
from tfxfer.bundle.manifest import CONTRACT, NAME, Manifest, bundle_files, file_entry, files_beside
from tfxfer.verification.report import Findings

MADE_BY_OTHERS = "Copy the bundle again from where it was written."


def check_contract(folder: Path, contract: Contract, manifest: Manifest, findings: Findings) -> None:
    """What the contract says of the other files and of the manifest holds.

    A manifest that was made again for changed files fits them, and the contract still does not.
    """
    present = files_beside(folder, [entry.path for entry in contract.artifacts])
    failures = [
        f"'{name}' must have the bytes that {CONTRACT} names. Received: {_told(present.get(name))}. {MADE_BY_OTHERS}"
        for name in sorted({*present, *contract.files})
        if present.get(name) != contract.files.get(name)
    ]
    if manifest.provenance != contract.provenance:
        failures.append(
            f"'{NAME}' must name the versions, fingerprints and figures that {CONTRACT} stands for. Received: others."
        )
    findings.result("contract", failures, f"{len(present)} files and the manifest are those that it names")


def _told(digest: str | None) -> str:
    return "no such file" if digest is None else "others"


def check_files(folder: Path, manifest: Manifest, findings: Findings) -> None:
    """Every listed file is there with its bytes, and nothing else is.

    Raises:
        BundleError: a link, or something that is neither file nor folder.
    """
    present, failures = bundle_files(folder), []
    if not manifest.intact:
        failures.append(f"'{NAME}' must end with its own SHA-256. Received: another one; it was edited.")
    for name in sorted({*present, *manifest.files}):
        path, listed = present.get(name), manifest.files.get(name)
        if path is None:
            failures.append(f"'{name}' is listed in {NAME} but missing. {MADE_BY_OTHERS}")
        elif listed is None:
            failures.append(f"'{name}' is not listed in {NAME}. Remove it, or export again.")
        elif file_entry(path) != listed:
            failures.append(
                f"'{name}' must have the bytes that {NAME} lists. Received: others. {MADE_BY_OTHERS}"
            )
    findings.result("files", failures, f"{len(present)} files with the listed SHA-256")
