"""`tfxfer verify`: is this bundle whole, consistent, and does every file in it still give the right answers?

Three kinds of evidence, since each alone can be deceived. The manifest's hashes find damage. The contract's
own hash of each artifact and of each other file, and the golden answers that name labels in words, find files and
labels that were exchanged and hashed again. Running every artifact on golden pictures finds what no hash can say:
that the file computes what the trained network computed. Who rewrites all of it, golden answers included, makes
another bundle: that is found by `data`, or by the manifest's SHA-256 kept elsewhere.
"""

from __future__ import annotations

from pathlib import Path

from tfxfer.bundle.card import figure_text
from tfxfer.bundle.contract import ArtifactSpec, Contract
from tfxfer.bundle.manifest import SIGNATURE, Manifest, artifact_sha256, read_manifest
from tfxfer.bundle.reading import read_contract, read_text
from tfxfer.bundle.signature import check_signature, public_key
from tfxfer.errors import BundleError, RuntimeUnavailableError, VerificationError
from tfxfer.runtimes.opening import open_runtime, stored_tensors
from tfxfer.runtimes.runtime import Runtime
from tfxfer.verification.encoded import bytes_failures
from tfxfer.verification.golden import (
    Vectors,
    check_artifact,
    check_labels,
    check_pictures,
    check_tolerances,
    check_vectors,
    read_vectors,
)
from tfxfer.verification.listing import check_contract, check_files
from tfxfer.verification.report import Findings, VerifyReport
from tfxfer.verification.rescoring import check_data

UNPROVEN = "; whose that is, only --key can tell"


def verify_bundle(path: Path | str, data: str | None = None, *, key: Path | None = None) -> VerifyReport:
    """Check a bundle; with `data`, a labelled folder or manifest, its accuracy too; with a public `key`, its signature.

    Artifacts whose runtime is not installed are skipped, and the report says so.

    Raises:
        VerificationError: the bundle fails; the message lists every failure.
    """
    report = inspect_bundle(path, data, key=key)
    if not report.passed:
        lines = "\n".join(f"- {check.name}: {check.why}" for check in report.failures)
        raise VerificationError(f"'{path}' is not verified; failed checks: {len(report.failures)}.\n{lines}")
    return report


def inspect_bundle(path: Path | str, data: str | None = None, *, key: Path | None = None) -> VerifyReport:
    """As `verify_bundle`, but what failed is in the report instead of an error.

    Raises:
        BundleError: there is no bundle at `path`.
        UsageError: `key` is no public key.
    """
    path = Path(path)
    if not (path / "manifest.json").is_file():
        inside = path / "bundle"
        repair = (
            f"verify '{inside}'" if (inside / "manifest.json").is_file() else "name a run's bundle folder"
        )
        raise BundleError(
            f"a bundle is a folder with manifest.json. Received: '{path}', which has none. To go on, {repair}."
        )
    findings = Findings()
    if key is not None or (path / SIGNATURE).is_file():
        wanted = None if key is None else public_key(key)
        with findings.guard("signature"):
            signer = check_signature(path, wanted)
            findings.result(
                "signature", [], f"{SIGNATURE} holds, by the key {signer}{'' if key else UNPROVEN}"
            )
    with findings.guard("bundle"):
        manifest = read_manifest(path)
        check_files(path, manifest, findings)  # a link ends it here: nothing is read through one
        _check_contents(path, manifest, data, findings)
    return VerifyReport(path.name, tuple(findings.checks))


def _check_contents(path: Path, manifest: Manifest, data: str | None, findings: Findings) -> None:
    contract = read_contract(path)
    check_contract(path, contract, manifest, findings)
    _check_card(path, manifest, findings)
    vectors = read_vectors(path, contract)
    check_labels(path, contract, vectors, findings)
    if not check_vectors(contract, vectors, findings):
        return
    check_pictures(path, contract, vectors, findings)
    check_tolerances(contract, vectors, findings)
    runtimes = _check_artifacts(path, contract, vectors, findings)
    if data is not None:
        with findings.guard("data"):
            check_data(data, contract, manifest, runtimes, findings)


def _check_card(path: Path, manifest: Manifest, findings: Findings) -> None:
    scores = {name: value for name, value in manifest.test.items() if isinstance(value, float)}
    if len(scores) != 1:
        findings.skip("card", "the manifest says no score")
        return
    ((name, value),) = scores.items()
    words, figure = name.replace("_", " "), figure_text(value)
    said = f"| {words} | {figure}," in read_text(path / "MODEL_CARD.md")
    wrong = [f"MODEL_CARD.md must say the manifest's {words}, {figure}. Received: another."]
    findings.result("card", [] if said else wrong, f"{words} {figure}, as in the manifest")


def _check_artifacts(
    path: Path, contract: Contract, vectors: Vectors, findings: Findings
) -> dict[str, Runtime]:
    """The runtimes that could be opened, by artifact path."""
    runtimes = {}
    for artifact in contract.artifacts:
        with findings.guard(artifact.path):
            same_bytes = _check_bytes(path, artifact, findings)
            runtime = _opened(path, artifact, findings)
            if runtime is None:
                continue
            runtimes[artifact.path] = runtime
            failures, error = check_artifact(runtime, artifact, contract, vectors)
            failures += _tensor_failures(runtime, artifact)
            failures += bytes_failures(path, runtime, contract, vectors)
            if failures or same_bytes:
                passed = f"golden logits to {error:.2g}, tolerance {artifact.max_abs_logit_error:.2g}"
                findings.result(artifact.path, failures, passed)
    if contract.artifacts and not runtimes:
        findings.result("artifacts", ["none of the bundle's artifacts could be run here"], "")
    return runtimes


def _tensor_failures(runtime: Runtime, artifact: ArtifactSpec) -> list[str]:
    """Whether an app that goes by the contract's scales and zero points reads what the file says."""
    found = stored_tensors(runtime)
    if not artifact.tensors or artifact.tensors == found:
        return []
    return [f"must store its tensors as the contract says, {artifact.tensors}. Received: {found}."]


def _check_bytes(path: Path, artifact: ArtifactSpec, findings: Findings) -> bool:
    """Whether the artifact has the bytes that its tolerance was measured on; a failed check where not."""
    if artifact_sha256(path / artifact.path) == artifact.sha256:
        return True
    why = "must have the bytes that the contract names. Received: others; it was changed or exchanged."
    findings.result(artifact.path, [why], "")
    return False


def _opened(path: Path, artifact: ArtifactSpec, findings: Findings) -> Runtime | None:
    """The artifact in its runtime; None, and a skipped check, where that is not installed."""
    try:
        return open_runtime(artifact.format, path / artifact.path)
    except RuntimeUnavailableError as error:
        if not isinstance(error.__cause__, ImportError):  # the engine is there and refuses the file
            raise
        findings.skip(artifact.path, str(error))
        return None
