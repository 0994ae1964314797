"""`tfxfer backbones` lists the catalogue and shows one entry."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.cli.running import call
from tfxfer.catalogue.backbones import BACKBONES


def test_the_list_holds_every_backbone(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("backbones") == 0
    table = capsys.readouterr().out
    assert all(name in table for name in BACKBONES)
    assert call("backbones", "--json") == 0
    assert [entry["name"] for entry in json.loads(capsys.readouterr().out)] == list(BACKBONES)


@pytest.mark.parametrize("name", ["keras/MobileNetV2", "MobileNetV2"])
def test_one_backbone_is_shown_with_its_facts(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("backbones", name) == 0
    page = capsys.readouterr().out
    assert "keras/MobileNetV2" in page
    assert "licence:" in page
    assert call("backbones", name, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["image_size"] == [224, 224]
    assert (len(facts["blocks"]), facts["blocks"][0], facts["blocks"][-1]) == (19, "Conv1", "Conv_1")
    assert [entry["format"] for entry in facts["exports"]] == ["saved_model", "litert", "onnx"]
    assert "19 from the input: Conv1, expanded_conv, block_1" in page
    assert "onnx known to work, off by" in page
    assert "alpha 1" in page
    assert "min size:" in page


def test_a_well_known_hub_module_is_shown_with_its_contract(capsys: pytest.CaptureFixture[str]) -> None:
    address = "https://tfhub.dev/google/imagenet/mobilenet_v2_035_224/feature_vector/5"
    assert call("backbones", address, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["image_size"] == [224, 224]
    assert facts["pixels"]["scale"] == [1 / 255] * 3
    assert call("backbones", facts["kaggle"]) == 0
    assert "MobileNet v2" in capsys.readouterr().out


def test_no_network_is_built_to_show_one() -> None:
    code = (
        "import sys; from tfxfer.cli.main import main; sys.argv = ['tfxfer', 'backbones', 'VGG16']\n"
        "try: main()\nexcept SystemExit: pass\nsys.exit('tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "5 from the input: block1, block2, block3, block4, block5" in done.stdout
