"""Serve the SavedModel of a tfxfer bundle over REST, with the addresses and JSON of TensorFlow Serving.

python serve.py BUNDLE [--port 8501]      until Ctrl-C
python serve.py BUNDLE --golden           check this machine against the bundle's own answers, over HTTP
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import tensorflow as tf

MODEL = "/v1/models/tfxfer"
LARGEST_REQUEST = 64_000_000  # bytes


class Model:
    """The bundle's SavedModel: JPEG or PNG files in, its outputs by name out; and the contract that explains them."""

    def __init__(self, bundle: Path) -> None:
        self.contract = json.loads((bundle / "contract.json").read_text("utf-8"))
        if not (bundle / "saved_model").is_dir():
            raise SystemExit(f"'{bundle}' must hold a saved_model. Received: none. Export one.")
        self._loaded = tf.saved_model.load(str(bundle / "saved_model"))
        self._signatures = self._loaded.signatures

    def predict(self, request: dict) -> dict:
        """TensorFlow Serving's answer, `{"predictions": [{name: values}]}`, to `{"signature_name", "instances"}`."""
        name = request.get("signature_name", "serving_bytes")
        if name not in self._signatures:
            raise ValueError(
                f"signature_name must be one of {', '.join(self._signatures)}. Received: '{name}'."
            )
        instances = request.get("instances")
        if not isinstance(instances, list) or not instances:
            raise ValueError(
                "instances must be a list of pictures: {'b64': ...}, or pixels for serving_default."
            )
        if name == "serving_bytes":
            files = [base64.b64decode(entry["b64"], validate=True) for entry in instances]
            found = self._signatures[name](image_bytes=tf.constant(files))
        else:
            found = self._signatures[name](image=tf.constant(self._pixels(instances)))
        arrays = {output["name"]: found[output["name"]].numpy() for output in self.contract["outputs"]}
        return {
            "predictions": [
                {key: array[row].tolist() for key, array in arrays.items()} for row in range(len(instances))
            ]
        }

    def _pixels(self, instances: list) -> np.ndarray:
        """Checked before TensorFlow sees it, which may end the process on a tensor of another shape."""
        wanted = self.contract["input"]
        pixels = np.asarray(instances, wanted["dtype"])
        if list(pixels.shape[1:]) != wanted["shape"][1:]:
            raise ValueError(
                f"instances must be pictures of shape {wanted['shape']}, {wanted['dtype']}. "
                f"Received: {list(pixels.shape)} in all."
            )
        return pixels


def handler(model: Model) -> type[BaseHTTPRequestHandler]:
    """Answers of the model's addresses: its contract by GET, predictions by POST."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == MODEL:
                state = {"model_version_status": [{"version": "1", "state": "AVAILABLE"}]}
                self.answer(200, {**state, "contract": model.contract})
            else:
                self.answer(404, {"error": f"ask for {MODEL} or {MODEL}:predict"})

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            if self.path != f"{MODEL}:predict" or not 0 < length <= LARGEST_REQUEST:
                self.answer(
                    404, {"error": f"post up to {LARGEST_REQUEST:,} bytes of JSON to {MODEL}:predict"}
                )
                return
            try:
                self.answer(200, model.predict(json.loads(self.rfile.read(length))))
            except (ValueError, KeyError, TypeError, AttributeError, tf.errors.OpError) as error:
                self.answer(400, {"error": str(error)})

        def answer(self, status: int, value: dict) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def check_golden(bundle: Path, contract: dict, address: str) -> list[str]:
    """What the server answers otherwise than the trained network did when the bundle was written.

    The golden inputs are sent as they are; the golden pictures as files, which TensorFlow resizes to within a level of
    a pixel of what the network was trained on, so that of them the answers alone are compared.
    """
    golden, tolerance = contract["golden"], contract["tolerances"]["saved_model"]
    inputs, logits = np.load(bundle / golden["inputs"]), np.load(bundle / tolerance["reference"])
    found = post(address, {"signature_name": "serving_default", "instances": inputs.tolist()})
    errors = [np.abs(np.array(entry["logits"]) - row).max() for entry, row in zip(found, logits, strict=True)]
    failures = [
        f"input {number}: logits {error:.2g} off"
        for number, error in enumerate(errors)
        if not error <= tolerance["max_abs_logit_error"]
    ]
    pictures = [(bundle / name).read_bytes() for name in golden["pictures"]]
    if pictures and contract["task"] == "classification":
        sent = [{"b64": base64.b64encode(picture).decode()} for picture in pictures]
        answers = post(address, {"instances": sent})
        for name, entry, row in zip(golden["pictures"], answers, logits, strict=True):
            if np.argmax(entry["logits"]) != np.argmax(row):
                failures.append(f"{name}: another label")
    return failures


def post(address: str, value: dict) -> list[dict]:
    request = urllib.request.Request(f"{address}{MODEL}:predict", json.dumps(value).encode())
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)["predictions"]


def main() -> int:
    parser = argparse.ArgumentParser(description="Serve a tfxfer bundle over REST.")
    parser.add_argument("bundle", type=Path, help="folder with contract.json")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 serves every network")
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--golden", action="store_true", help="check against the bundle's own answers")
    options = parser.parse_args()
    model = Model(options.bundle)
    place = ("127.0.0.1", 0) if options.golden else (options.host, options.port)
    with ThreadingHTTPServer(place, handler(model)) as server:
        address = f"http://{place[0]}:{server.server_address[1]}"
        if not options.golden:
            print(f"{address}{MODEL}:predict", flush=True)
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                return 0
        threading.Thread(target=server.serve_forever, daemon=True).start()
        failures = check_golden(options.bundle, model.contract, address)
        server.shutdown()
    print(
        "\n".join(failures) or "golden answers hold: saved_model", file=sys.stderr if failures else sys.stdout
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
