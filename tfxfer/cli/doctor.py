"""`tfxfer doctor`: what is installed, what is missing, and what each gap makes impossible."""

from __future__ import annotations

import importlib
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

import click

from tfxfer.cli.environment import backend_problems, prepare_tensorflow
from tfxfer.cli.options import json_option
from tfxfer.cli.output import print_json, print_page
from tfxfer.errors import RuntimeUnavailableError

# distribution: what cannot be done without it
REQUIRED = {
    "tensorflow": "nothing can be trained or exported",
    "keras": "nothing can be trained or exported",
    "numpy": "nothing can be trained or exported",
    "pillow": "no image can be read",
    "scikit-learn": "nothing can be evaluated",
    "onnx": "ONNX files cannot be written",
    "tf2onnx": "ONNX files cannot be written",
    "onnxruntime": "ONNX files cannot be verified",
    "ai-edge-litert": "LiteRT files cannot be verified",
    "safetensors": "networks cannot be saved",
    "pydantic": "configurations cannot be read",
    "ruamel.yaml": "configurations cannot be read",
}
EXTRAS = {
    "kaggle": ("kagglehub", "Kaggle handles cannot be fetched as hub/ backbones"),
    "kerashub": ("keras_hub", "KerasHub's presets cannot be backbones"),
    "tensorboard": ("tensorboard", "tracking: [tensorboard] cannot be asked for"),
    "openvino": ("openvino", "OpenVINO's files can be neither written nor verified"),
    "sign": ("cryptography", "bundles cannot be signed, nor signatures checked"),
    "mlflow": ("mlflow", "tracking: [mlflow] cannot be asked for"),
}
PYTHON = ((3, 11), (3, 14))  # from, and below


@click.command("doctor", short_help="Show versions, and what is missing here.")
@click.option("--devices", is_flag=True, help="Also list what TensorFlow can train on; takes seconds.")
@json_option
def command(*, devices: bool, as_json: bool) -> None:
    """Show versions, problems, and what missing extras make impossible.

    Exit code 1 where the main job cannot be done here.
    """
    report = diagnose()
    if devices and not report["problems"]:
        report["devices"] = _devices()
    if as_json:
        print_json(report)
    else:
        print_page(report)
    if report["problems"]:
        raise RuntimeUnavailableError("the main job cannot be done here; see the problems above.")


def diagnose() -> dict[str, object]:
    """Versions, problems and missing extras, found without importing any of them."""
    versions = {name: _version(name) for name in ("tfxfer", *REQUIRED)}
    return {
        "versions": {"python": platform.python_version(), **versions},
        "machine": {"system": f"{platform.system()} {platform.machine()}", "cpu_cores": os.cpu_count()},
        "problems": [*_problems(versions), *backend_problems()],
        "missing_extras": [
            f"{extra}: {lost}; install it with: pip install 'tfxfer[{extra}]'"
            for extra, (distribution, lost) in EXTRAS.items()
            if _version(distribution) is None
        ],
    }


def _problems(versions: dict[str, str | None]) -> list[str]:
    found = [
        f"{name} is not installed: {lost}. Install it with: pip install {name}"
        for name, lost in REQUIRED.items()
        if versions[name] is None
    ]
    if not PYTHON[0] <= sys.version_info[:2] < PYTHON[1]:
        found.append(f"Python must be 3.11 to 3.13. Received: {platform.python_version()}.")
    return found


def _devices() -> list[str]:
    prepare_tensorflow()
    tensorflow = importlib.import_module("tensorflow")
    return [f"{device.device_type} {device.name}" for device in tensorflow.config.list_physical_devices()]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
