"""Fingerprints depend on what is fingerprinted and on nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfxfer.store.fingerprint import folder_sha256, path_size_bytes, value_sha256


def test_order_of_keys_does_not_matter() -> None:
    assert value_sha256({"a": 1, "b": [2]}) == value_sha256({"b": [2], "a": 1})
    assert value_sha256({"a": 1}) != value_sha256({"a": 2})


def test_what_is_not_json_is_refused() -> None:
    with pytest.raises(TypeError):
        value_sha256({"path": Path("a")})


def test_a_folder_is_its_names_and_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / "file").write_bytes(b"abc")
    assert folder_sha256(tmp_path / "one") == folder_sha256(tmp_path / "two")
    assert path_size_bytes(tmp_path / "one") == 3
    (tmp_path / "two" / "sub" / "file").rename(tmp_path / "two" / "file")
    assert folder_sha256(tmp_path / "one") != folder_sha256(tmp_path / "two")
