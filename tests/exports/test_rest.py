"""The REST server answers a bundle's golden pictures and inputs over HTTP, and refuses what it cannot take."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import ROOT
from tfxfer.config.read import parse_config
from tfxfer.stages.pipeline import run_pipeline

SERVER = ROOT / "exports" / "saved_model_rest" / "serve.py"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = {
        "data": "embedded/digits",
        "backbone": {"name": "embedded/small", "image_size": 16},
        "training": "feature_extraction",
        "exports": ["saved_model"],
        "evaluation": {"baselines": False},
    }
    out = tmp_path_factory.mktemp("runs") / "digits"
    run_pipeline(parse_config(config), out)
    return out / "bundle"


@pytest.fixture(scope="module")
def address(bundle: Path) -> Iterator[str]:
    command = [sys.executable, str(SERVER), str(bundle), "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert server.stdout is not None
    yield server.stdout.readline().strip()
    server.terminate()
    server.wait(timeout=30)


def post(address: str, value: Any) -> Any:
    with urllib.request.urlopen(urllib.request.Request(address, json.dumps(value).encode())) as response:
        return json.load(response)


def test_files_and_pixels_get_the_golden_answers(address: str, bundle: Path) -> None:
    expected = json.loads((bundle / "golden" / "expected.json").read_text())
    files = [base64.b64encode((bundle / entry["picture"]).read_bytes()).decode() for entry in expected]
    found = post(address, {"instances": [{"b64": file} for file in files]})["predictions"]
    labels = json.loads((bundle / "contract.json").read_text())["outputs"][0]["labels"]
    for entry, wanted in zip(found, expected, strict=True):
        assert labels[int(np.argmax(entry["probabilities"]))] == wanted["label"]
        for label, share in zip(labels, entry["probabilities"], strict=True):
            assert share == pytest.approx(wanted["probabilities"][label], abs=0.02)
    pixels = np.load(bundle / "golden" / "inputs.npy")
    exact = post(address, {"signature_name": "serving_default", "instances": pixels.tolist()})["predictions"]
    logits = np.load(bundle / "golden" / "logits.npy")
    np.testing.assert_allclose([entry["logits"] for entry in exact], logits, atol=1e-4)


def test_golden_answers_hold_and_a_changed_logit_breaks_them(bundle: Path, tmp_path: Path) -> None:
    import shutil

    command = [sys.executable, str(SERVER)]
    held = subprocess.run(
        [*command, str(bundle), "--golden"], capture_output=True, text=True, check=True, timeout=120
    )
    assert held.stdout == "golden answers hold: saved_model\n"
    copy = Path(shutil.copytree(bundle, tmp_path / "bundle"))
    np.save(copy / "golden" / "logits.npy", np.load(copy / "golden" / "logits.npy") + 0.01)
    broken = subprocess.run(
        [*command, str(copy), "--golden"], capture_output=True, text=True, check=False, timeout=120
    )
    assert broken.returncode == 1
    assert "input 0: logits 0.01 off" in broken.stderr


@pytest.mark.parametrize(
    "value",
    [
        {"instances": []},
        {"instances": [{"b64": "no base64!"}]},
        {"instances": [{"b64": base64.b64encode(b"no picture").decode()}]},
        {"instances": [{"file": "x"}]},
        {"instances": [[1, 2]], "signature_name": "serving_default"},
        {"signature_name": "nothing", "instances": [1]},
        [],
    ],
)
def test_what_it_cannot_take_is_a_400_with_the_reason(address: str, value: Any) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        post(address, value)
    assert caught.value.code == 400
    assert json.load(caught.value)["error"]


def test_the_contract_is_served_and_other_addresses_are_not(address: str) -> None:
    with urllib.request.urlopen(address.removesuffix(":predict")) as response:
        assert json.load(response)["contract"]["task"] == "classification"
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(address.split("/v1/")[0] + "/etc/passwd")
    assert caught.value.code == 404
