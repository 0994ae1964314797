"""The contract's resize rule is the one that the data room applies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tfxfer.bundle.contract import Contract, InputSpec
from tfxfer.bundle.reading import read_contract
from tfxfer.catalogue.grey import FORMULA
from tfxfer.catalogue.inputs import ResizeRule
from tfxfer.data.resize import RULES, resize_contract
from tfxfer.errors import BundleError


def test_grey_pictures_have_their_formula_and_are_read_back(tmp_path: Path) -> None:
    contract = Contract(InputSpec.of_pictures((8, 9), "pad", channels=1), ("a", "b"), (), ("golden/000.png",))
    told = contract.as_dict()
    assert isinstance(told["input"], dict)
    assert (told["input"]["colour_order"], told["input"]["shape"]) == ("GRAY", [None, 8, 9, 1])
    assert told["input"]["grey"] == {"formula": FORMULA, "after": "resize"}
    (tmp_path / "contract.json").write_text(json.dumps(told))
    assert read_contract(tmp_path) == contract
    told["input"]["shape"] = [None, 8, 9, 3]
    (tmp_path / "contract.json").write_text(json.dumps(told))
    with pytest.raises(BundleError, match="for GRAY pictures"):
        read_contract(tmp_path)


@pytest.mark.parametrize("rule", RULES)
def test_resize_rule_is_that_of_the_data(rule: ResizeRule) -> None:
    value = Contract(InputSpec((8, 8), rule), ("a", "b"), (), ("golden/000.png",)).as_dict()["input"]
    assert isinstance(value, dict)
    assert value["resize"] == resize_contract(rule)
