"""The contract's resize rule is the one that the data room applies."""

from __future__ import annotations

import pytest

from tfxfer.bundle.contract import Contract, InputSpec
from tfxfer.catalogue.inputs import ResizeRule
from tfxfer.data.resize import RULES, resize_contract


@pytest.mark.parametrize("rule", RULES)
def test_resize_rule_is_that_of_the_data(rule: ResizeRule) -> None:
    value = Contract(InputSpec((8, 8), rule), ("a", "b"), (), ("golden/000.png",)).as_dict()["input"]
    assert isinstance(value, dict)
    assert value["resize"] == resize_contract(rule)
