"""Classify pictures with the LiteRT file of a tfxfer bundle; no TensorFlow.

python predict.py BUNDLE PICTURE...      label and probability of each picture
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


class Classifier:
    """The first LiteRT file that the bundle's contract lists, with all that the contract says about it."""

    def __init__(self, bundle: Path) -> None:
        self.contract = json.loads((bundle / "contract.json").read_text("utf-8"))
        kinds = self.contract["quantization"]
        self.artifact = next((path for path, kind in kinds.items() if kind["format"] == FORMAT), None)
        if self.artifact is None:
            raise SystemExit(f"'{bundle}' must hold a {FORMAT} file. Received: {list(kinds)}. Export one.")
        self.labels = self.contract["outputs"][0]["labels"]
        self._run = Interpreter(str(bundle / self.artifact)).get_signature_runner("serving_default")

    def prepare(self, path: Path) -> np.ndarray:
        """The picture as the network takes it: (1, H, W, 3), RGB 0-255."""
        wanted = self.contract["input"]
        if wanted["colour_order"] != "RGB":
            raise SystemExit(
                "pictures go into a bundle that takes RGB 0-255. Received: one with inputs of its own."
            )
        _, height, width, _ = wanted["shape"]
        image = resized(opened(path), height, width, wanted["resize"]["rule"])
        return np.asarray(image, dtype=wanted["dtype"])[None]

    def outputs(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities and logits, each (labels,)."""
        found = self._run(image=image)
        return found["probabilities"][0], found["logits"][0]


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
    return image.resize((width, height), Image.Resampling.BILINEAR)


def rounded(numerator: int, denominator: int) -> int:
    """The quotient, halves up, at least 1."""
    return max(1, (2 * numerator + denominator) // (2 * denominator))


def check_golden(bundle: Path, classifier: Classifier) -> list[str]:
    """What differs here from the answers that the trained network gave when the bundle was written."""
    golden = classifier.contract["golden"]
    tolerance = classifier.contract["tolerances"][classifier.artifact]
    inputs, logits = np.load(bundle / golden["inputs"]), np.load(bundle / tolerance["reference"])
    expected = json.loads((bundle / golden["expected"]).read_text("utf-8"))
    failures = []
    for number, (entry, pixels, wanted) in enumerate(zip(expected, inputs, logits, strict=True)):
        picture = entry["picture"]  # null where the inputs are no pictures
        name = f"input {number}" if picture is None else picture
        image = pixels[None] if picture is None else classifier.prepare(bundle / picture)
        if not np.array_equal(image[0], pixels):
            failures.append(f"{name}: decoded or resized to other pixels")
        probabilities, found = classifier.outputs(image)
        if classifier.labels[int(probabilities.argmax())] != entry["label"]:
            failures.append(f"{name}: another label than '{entry['label']}'")
        error = float(np.abs(found - wanted).max())
        if not error <= tolerance["max_abs_logit_error"]:
            failures.append(f"{name}: logits {error:.2g} off")
    return failures


def main() -> int:
    parser = argparse.ArgumentParser(description="Classify pictures with a tfxfer bundle.")
    parser.add_argument("bundle", type=Path, help="folder with contract.json")
    parser.add_argument("pictures", type=Path, nargs="*")
    parser.add_argument("--golden", action="store_true", help="check against the bundle's own answers")
    options = parser.parse_args()
    classifier = Classifier(options.bundle)
    for path in options.pictures:
        probabilities, _ = classifier.outputs(classifier.prepare(path))
        best = int(probabilities.argmax())
        print(f"{path}\t{classifier.labels[best]}\t{probabilities[best]:.4f}")
    failures = check_golden(options.bundle, classifier) if options.golden else []
    print("\n".join(failures), file=sys.stderr, end="\n" if failures else "")
    if options.golden and not failures:
        print(f"golden answers hold: {classifier.artifact}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
