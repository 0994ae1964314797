"""Whether a bundle's files are those that its manifest lists."""

from __future__ import annotations

from pathlib import Path

from tfxfer.bundle.manifest import NAME, Manifest, bundle_files, file_entry
from tfxfer.verification.report import Findings

MADE_BY_OTHERS = "Copy the bundle again from where it was written."


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
