"""The grammar of `unfreeze`, and which blocks it means."""

from __future__ import annotations

import pytest

from tfxfer.errors import BlockError, ConfigError
from tfxfer.network.policy import FreezePolicy, learning_blocks

NAMES = ("stem", "first", "second", "top")
PARAMETERS = (10, 20, 30, 40)


@pytest.mark.parametrize(
    ("unfreeze", "count"),
    [
        ("none", 0),
        ("all", 4),
        ("0 blocks", 0),
        ("1 block", 1),
        ("3 blocks", 3),
        ("4 blocks", 4),
        ("0%", 0),
        ("1%", 1),
        ("40%", 1),
        ("41%", 2),
        ("70 %", 2),
        ("99.9%", 4),
        ("100%", 4),
        ("from top", 1),
        ("from first", 3),
        ("from stem", 4),
    ],
)
def test_blocks_are_counted_from_the_head(unfreeze: str, count: int) -> None:
    assert learning_blocks(FreezePolicy(unfreeze), NAMES, PARAMETERS) == count


@pytest.mark.parametrize(
    "unfreeze", ["some", "3", "blocks", "-1 blocks", "1.5 blocks", "101%", "from", "", 3, None]
)
def test_anything_else_is_refused(unfreeze: object) -> None:
    with pytest.raises(ConfigError, match="unfreeze must be"):
        FreezePolicy(unfreeze)  # type: ignore[arg-type]


def test_an_unknown_block_is_answered_with_the_list_and_the_nearest() -> None:
    with pytest.raises(
        BlockError, match=r"stem, first, second, top\. Received: 'frist'\. Did you mean 'first'"
    ):
        learning_blocks(FreezePolicy("from frist"), NAMES, PARAMETERS)


def test_too_many_blocks_are_refused() -> None:
    with pytest.raises(BlockError, match=r"5 blocks\. Received: a backbone of 4"):
        learning_blocks(FreezePolicy("5 blocks"), NAMES, PARAMETERS)


def test_batch_norm_is_a_named_choice() -> None:
    with pytest.raises(ConfigError, match="'frozen' or 'learn'"):
        FreezePolicy("all", batch_norm="yes")  # type: ignore[arg-type]
