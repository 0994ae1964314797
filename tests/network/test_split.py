"""Splits that cannot be are refused."""

from __future__ import annotations

import pytest

from tests.backbones.models import residual_model
from tfxfer.errors import BlockError
from tfxfer.network.split import split_model


def test_a_tensor_that_a_path_goes_around_is_refused() -> None:
    model = residual_model()
    with pytest.raises(BlockError, match="every path passes"):
        split_model(model, model.get_layer("first_a_conv").output)


def test_a_tensor_of_another_model_is_refused() -> None:
    with pytest.raises(BlockError, match="another graph"):
        split_model(residual_model(), residual_model().get_layer("pool").output)
