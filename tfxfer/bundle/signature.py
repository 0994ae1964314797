"""The signature of a bundle: Ed25519 over manifest.json, which holds the SHA-256 of every other file.

A manifest finds damage; who rewrites the bundle rewrites it too. A signature needs the private key, and is proven by a
public key that came another way.
"""

from __future__ import annotations

import base64
import importlib
import json
from pathlib import Path
from typing import Any

from tfxfer.bundle.manifest import NAME, SIGNATURE
from tfxfer.bundle.reading import read_json
from tfxfer.errors import BundleError, UsageError

ALGORITHM = "Ed25519"


def sign_bundle(folder: Path, key: Path) -> str:
    """Write manifest.sig with the private key of a PEM file; returns the public key in base64.

    Raises:
        UsageError: no private Ed25519 key there, or `cryptography` is not installed.
    """
    private = _private(key)
    public = _text(_raw(private.public_key()))
    value = {
        "algorithm": ALGORITHM,
        "public_key": public,
        "signature": _text(private.sign((folder / NAME).read_bytes())),
    }
    (folder / SIGNATURE).write_bytes(_bytes(value))
    return public


def check_signature(folder: Path, key: str | None) -> str:
    """The public key, in base64, that the bundle's own signature holds with; `key` is the one that it must be.

    Raises:
        BundleError: no signature, or one that does not hold.
        UsageError: `cryptography` is not installed.
    """
    path = folder / SIGNATURE
    if not path.is_file():
        raise BundleError(
            f"a bundle must be signed to be verified with a key. Received: no {SIGNATURE}. Ask its maker."
        )
    value = read_json(path)
    is_whole = isinstance(value, dict) and value.get("algorithm") == ALGORITHM and len(value) == 3
    if not is_whole or path.read_bytes() != _bytes(value):
        raise BundleError(f"'{SIGNATURE}' must be as it was written. Received: other bytes.")
    said = str(value.get("public_key"))
    if key is not None and said != key:
        raise BundleError(f"'{SIGNATURE}' must be of the key given. Received: that of the key {said}.")
    ed25519 = _crypto("asymmetric.ed25519")
    try:
        public = ed25519.Ed25519PublicKey.from_public_bytes(_decoded(said))
        public.verify(_decoded(str(value.get("signature"))), (folder / NAME).read_bytes())
    except (ValueError, importlib.import_module("cryptography.exceptions").InvalidSignature) as error:
        raise BundleError(
            f"'{SIGNATURE}' must be a signature of '{NAME}' by the key {said}. Received: one that is not; the bundle "
            "was changed after it was signed."
        ) from error
    return said


def public_key(key: Path) -> str:
    """The public key of a PEM file, in base64.

    Raises:
        UsageError: no public Ed25519 key there, or `cryptography` is not installed.
    """
    try:
        public = _crypto("serialization").load_pem_public_key(key.read_bytes())
    except (OSError, ValueError) as error:
        raise _no_key(key, "public", str(error)) from error
    if not isinstance(public, _crypto("asymmetric.ed25519").Ed25519PublicKey):
        raise _no_key(key, "public", f"a {type(public).__name__}")
    return _text(_raw(public))


def _private(key: Path) -> Any:
    try:
        private = _crypto("serialization").load_pem_private_key(key.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:  # TypeError: it is encrypted
        raise _no_key(key, "private", str(error)) from error
    if not isinstance(private, _crypto("asymmetric.ed25519").Ed25519PrivateKey):
        raise _no_key(key, "private", f"a {type(private).__name__}")
    return private


def _raw(public: Any) -> bytes:
    names = _crypto("serialization")
    return bytes(public.public_bytes(names.Encoding.Raw, names.PublicFormat.Raw))


def _crypto(name: str) -> Any:
    try:
        return importlib.import_module(f"cryptography.hazmat.primitives.{name}")
    except ImportError as error:
        raise UsageError(
            f"signatures need the package 'cryptography'. Received: {error}. Install it: pip install 'tfxfer[sign]'"
        ) from error


def _bytes(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, sort_keys=True) + "\n").encode()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decoded(text: str) -> bytes:
    """ValueError where it is not what `_text` writes: base64's last letter has bits that say nothing."""
    data = base64.b64decode(text, validate=True)
    if _text(data) != text:
        raise ValueError(f"not base64 as it is written: {text}")
    return data


def _no_key(key: Path, kind: str, received: str) -> UsageError:
    option = "" if kind == "private" else " -pubout"
    make = "openssl genpkey -algorithm ed25519" if kind == "private" else "openssl pkey -in PRIVATE.pem"
    return UsageError(
        f"a {kind} key is an unencrypted PEM file of {ALGORITHM}. Received: '{key}': {received}. "
        f"Make one: {make}{option} -out {kind.upper()}.pem"
    )
