"""Ask the LiteRT file of a tfxfer bundle about pictures; no TensorFlow.

python predict.py BUNDLE PICTURE...      what the network says of each picture
python predict.py BUNDLE --golden        check this machine against the bundle's own answers
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image, ImageOps

FORMAT = "litert"


class Model:
    """The first LiteRT file that the bundle's contract lists, with all that the contract says about it."""

    def __init__(self, bundle: Path) -> None:
        self.contract = json.loads((bundle / "contract.json").read_text("utf-8"))
        kinds = self.contract["quantization"]
        self.artifact = next((path for path, kind in kinds.items() if kind["format"] == FORMAT), None)
        if self.artifact is None:
            raise SystemExit(f"'{bundle}' must hold a {FORMAT} file. Received: {list(kinds)}. Export one.")
        self.output = self.contract["outputs"][0]["name"]  # probabilities, or values
        self.tensors = kinds[self.artifact].get("tensors", {})  # how the file stores its input and outputs
        self._run = Interpreter(str(bundle / self.artifact)).get_signature_runner("serving_default")

    def prepare(self, path: Path) -> np.ndarray:
        """The picture as the network takes it: (1, H, W, 3) RGB or (1, H, W, 1) grey, 0-255."""
        wanted = self.contract["input"]
        if wanted["colour_order"] not in ("RGB", "GRAY"):
            raise SystemExit(
                "pictures go into a bundle that takes RGB or grey 0-255. Received: one with inputs of its own."
            )
        _, *shape = wanted["shape"]
        image = resized(opened(path), shape[0], shape[1], wanted["resize"]["rule"])
        if wanted["colour_order"] == "GRAY":
            image = image.convert("L")  # the contract's formula: (19595 R + 38470 G + 7471 B + 32768) >> 16
        return np.asarray(image, dtype=wanted["dtype"]).reshape(1, *shape)

    def outputs(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities or values, and logits, each (labels,)."""
        found = self._run(image=self._stored(image))
        return self._floats(found, self.output), self._floats(found, "logits")

    def _stored(self, image: np.ndarray) -> np.ndarray:
        """The picture as the file takes it: of one with a signed input, the pixel less 128."""
        is_signed = self.tensors.get("image", {}).get("dtype") == "int8"
        return (image ^ np.uint8(128)).view(np.int8) if is_signed else image

    def _floats(self, found: dict[str, np.ndarray], name: str) -> np.ndarray:
        """What an output's integers stand for, (labels,); floats as they are."""
        row, tensor = found[name][0], self.tensors.get(name, {})
        if tensor.get("scale") is None:
            return row
        return (row.astype(np.float32) - tensor["zero_point"]) * np.float32(tensor["scale"])


def opened(path: Path) -> Image.Image:
    """The picture as RGB, upright: transparency over white, of 16 bits the high byte."""
    image = ImageOps.exif_transpose(Image.open(path))
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image).astype(np.int64) >> 8).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def resized(image: Image.Image, height: int, width: int, rule: str) -> Image.Image:
    """The contract's resize rule, to the byte: `stretch`, `crop` (centred) or `pad` (centred on black)."""
    wide = image.width * height > image.height * width
    if rule == "crop":
        columns = rounded(image.height * width, height) if wide else image.width
        rows = image.height if wide else rounded(image.width * height, width)
        left, top = (image.width - columns) // 2, (image.height - rows) // 2
        return stretched(image.crop((left, top, left + columns, top + rows)), height, width)
    if rule == "pad":
        columns = width if wide else rounded(image.width * height, image.height)
        rows = rounded(image.height * width, image.width) if wide else height
        canvas = Image.new("RGB", (width, height))
        canvas.paste(stretched(image, rows, columns), ((width - columns) // 2, (height - rows) // 2))
        return canvas
    return stretched(image, height, width)


def stretched(image: Image.Image, height: int, width: int) -> Image.Image:
    """Along the width, then along the height, as every Pillow does when it is asked for one after the other."""
    across = image.resize((width, image.height), Image.Resampling.BILINEAR)
    return across.resize((width, height), Image.Resampling.BILINEAR)


def rounded(numerator: int, denominator: int) -> int:
    """The quotient, halves up, at least 1."""
    return max(1, (2 * numerator + denominator) // (2 * denominator))


def answer(row: np.ndarray, contract: dict) -> str | list[str] | None:
    """The label, the labels that apply, or None of a regression: the contract's task and rule on (labels,)."""
    labels, rule = contract["outputs"][0]["labels"], contract["decision"]
    if contract["task"] == "regression":
        return None
    if contract["task"] == "multi_label":
        least = dict.fromkeys(labels, 0.5) if rule is None else rule["thresholds"]
        return [label for label, share in zip(labels, row, strict=True) if share >= least[label]]
    if rule is None:
        return labels[int(row.argmax())]
    if rule["rule"] == "costs":
        costs = np.array([rule["costs"][label] for label in labels])  # [true label][answer]
        return labels[int((row.astype(np.float64) @ costs).argmin())]
    positive = labels.index(rule["positive"])
    if row[positive] >= rule["threshold"]:
        return rule["positive"]
    return labels[int(np.where(np.arange(len(labels)) == positive, -1.0, row).argmax())]


def line(path: Path, row: np.ndarray, contract: dict) -> str:
    """The path, then each label that the answer names with its probability or value, tabs between."""
    found = dict(zip(contract["outputs"][0]["labels"], row, strict=True))
    said = answer(row, contract)
    named = list(found) if said is None else [said] if isinstance(said, str) else said
    return "\t".join([str(path), *(f"{label}\t{found[label]:.4f}" for label in named)])


def check_golden(bundle: Path, model: Model) -> list[str]:
    """What differs here from the answers that the trained network gave when the bundle was written."""
    contract = model.contract
    golden, tolerance = contract["golden"], contract["tolerances"][model.artifact]
    inputs, logits = np.load(bundle / golden["inputs"]), np.load(bundle / tolerance["reference"])
    expected = json.loads((bundle / golden["expected"]).read_text("utf-8"))
    key = "labels" if contract["task"] == "multi_label" else "label"
    failures = []
    for number, (entry, pixels, wanted) in enumerate(zip(expected, inputs, logits, strict=True)):
        picture = entry["picture"]  # null where the inputs are no pictures
        name = f"input {number}" if picture is None else picture
        image = pixels[None] if picture is None else model.prepare(bundle / picture)
        if not np.array_equal(image[0], pixels):
            failures.append(f"{name}: decoded or resized to other pixels")
        row, found = model.outputs(image)
        if answer(row, contract) != entry.get(key):
            failures.append(f"{name}: another {key} than {entry[key]!r}")
        error = float(np.abs(found - wanted).max())
        if not error <= tolerance["max_abs_logit_error"]:
            failures.append(f"{name}: logits {error:.2g} off")
    return failures


def main() -> int:
    parser = argparse.ArgumentParser(description="Ask a tfxfer bundle about pictures.")
    parser.add_argument("bundle", type=Path, help="folder with contract.json")
    parser.add_argument("pictures", type=Path, nargs="*")
    parser.add_argument("--golden", action="store_true", help="check against the bundle's own answers")
    options = parser.parse_intermixed_args()
    model = Model(options.bundle)
    for path in options.pictures:
        print(line(path, model.outputs(model.prepare(path))[0], model.contract))
    failures = check_golden(options.bundle, model) if options.golden else []
    print("\n".join(failures), file=sys.stderr, end="\n" if failures else "")
    if options.golden and not failures:
        print(f"golden answers hold: {model.artifact}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
