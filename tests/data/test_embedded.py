"""scikit-learn's digits come through the same interface as files."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from sklearn.datasets import load_digits

from tfxfer.data import decode_image, open_source
from tfxfer.errors import DataError, UsageError


def test_digits_are_all_there() -> None:
    source = open_source("embedded/digits")
    records = source.records()
    assert len(records) == 1797
    assert {record.label for record in records} == set("0123456789")
    digits = load_digits()
    record = next(record for record in records if record.path == f"{digits.target[42]}/0042.png")
    image = decode_image(source.read(record))
    np.testing.assert_array_equal(image[..., 0], np.rint(digits.images[42] * 255 / 16))


def test_the_bytes_are_the_same_everywhere() -> None:
    source = open_source("embedded/digits")
    joined = b"".join(source.read(record) for record in source.records())
    assert (
        hashlib.sha256(joined).hexdigest()
        == "81fbfecfa5e137c174bc2434852057fca008c3907c33cb6949920d2fd78544dd"
    )


def test_another_name_is_refused() -> None:
    with pytest.raises(DataError, match="Did you mean 'embedded/digits'"):
        open_source("embedded/digit")


def test_groups_are_refused() -> None:
    with pytest.raises(UsageError, match="group_by must be left out"):
        open_source("embedded/digits", group_by="(a)")
