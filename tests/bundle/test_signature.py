"""A signed bundle: what proves whose it is, and what a rewritten one fails at."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from tests.cli.running import call
from tfxfer.bundle.manifest import NAME, SIGNATURE, Provenance, write_manifest
from tfxfer.bundle.signature import check_signature, public_key, sign_bundle
from tfxfer.errors import BundleError, UsageError
from tfxfer.verification.verify import inspect_bundle


def keys(folder: Path, name: str, private: object = None) -> tuple[Path, Path]:
    """PEM files of a new pair."""
    pair = ed25519.Ed25519PrivateKey.generate() if private is None else private
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    own, given = folder / f"{name}.pem", folder / f"{name}_public.pem"
    own.write_bytes(pair.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))  # type: ignore[attr-defined]
    shape = serialization.PublicFormat.SubjectPublicKeyInfo
    given.write_bytes(pair.public_key().public_bytes(pem, shape))  # type: ignore[attr-defined]
    return own, given


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """The files that a signature is about: a manifest over one other file."""
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "labels.txt").write_text("daisy\nrose\n", encoding="utf-8")
    write_manifest(folder, Provenance({}, "0" * 64, "1" * 64))
    return folder


def test_a_signature_holds_for_its_key_alone(bundle: Path, tmp_path: Path) -> None:
    (private, public), (_, other) = keys(tmp_path, "mine"), keys(tmp_path, "other")
    with pytest.raises(BundleError, match="must be signed"):
        check_signature(bundle, public_key(public))
    signer = sign_bundle(bundle, private)
    assert check_signature(bundle, public_key(public)) == check_signature(bundle, None) == signer
    with pytest.raises(BundleError, match="must be of the key given"):
        check_signature(bundle, public_key(other))


def test_a_bundle_rewritten_with_its_hashes_is_found(bundle: Path, tmp_path: Path) -> None:
    private, public = keys(tmp_path, "mine")
    sign_bundle(bundle, private)
    (bundle / "labels.txt").write_text("rose\ndaisy\n", encoding="utf-8")
    write_manifest(bundle, Provenance({}, "0" * 64, "1" * 64))
    with pytest.raises(BundleError, match="changed after it was signed"):
        check_signature(bundle, public_key(public))
    report = inspect_bundle(bundle, key=public)
    assert {"signature": "failed", "files": "passed"}.items() <= {
        check.name: check.status for check in report.checks
    }.items()


def test_one_flipped_bit_of_the_signature_is_found_without_a_key(bundle: Path, tmp_path: Path) -> None:
    sign_bundle(bundle, keys(tmp_path, "mine")[0])
    whole = (bundle / SIGNATURE).read_bytes()
    for place in range(len(whole)):
        (bundle / SIGNATURE).write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(BundleError):
            check_signature(bundle, None)


def test_keys_of_another_kind_are_refused(bundle: Path, tmp_path: Path) -> None:
    private, public = keys(tmp_path, "rsa", rsa.generate_private_key(65537, 2048))
    with pytest.raises(UsageError, match=r"a private key is .*Received: .*openssl genpkey"):
        sign_bundle(bundle, private)
    with pytest.raises(UsageError, match=r"a public key is "):
        inspect_bundle(bundle, key=public)
    with pytest.raises(UsageError, match=r"a private key is "):
        sign_bundle(bundle, bundle / NAME)


def test_the_command_refuses_what_is_no_bundle(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    private, _ = keys(tmp_path, "mine")
    assert call("sign", str(bundle), "--key", str(private)) == 1
    assert "contract.json" in capsys.readouterr().err
    assert not (bundle / SIGNATURE).exists()
