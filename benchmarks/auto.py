"""`training: auto` beside every named recipe and the Keras guide's, several sets and seeds; resumable, then a table.

    python benchmarks/auto.py --assets ASSETS --out auto.jsonl [--size 96] [--sets flowers5 digits FOLDER]
        [--seeds 0 1 2 3 4] [--recipes auto guide full]
    python benchmarks/auto.py --out auto.jsonl --table

Each (set, seed, recipe) is a process of its own and one JSON line of `--out`; what is there already is not measured
again. The seconds are those from decoded pictures to the trained network, imports left out: building the network,
features, training. Beside the clock stand the process's CPU seconds, which busy neighbours disturb less. The splits
are tfxfer's own, the same for every recipe of a seed.

The score is test accuracy, of magnetic_tile_defects (32 to 250 pictures a class) macro F1. The table pools the test
pictures of all seeds and gives 95 % intervals of the paired bootstrap.

The guide: https://keras.io/guides/transfer_learning/ , 8 head epochs at 1e-3, then 5 epochs of everything at 1e-5.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tfxfer.data import ArraySplit

SETS = ("flowers5", "magnetic_tile_defects", "digits")
NAMED = ("feature_extraction", "partial", "gradual", "full", "lpft", "scratch")
RECIPES = ("auto", "guide", *NAMED)
MOBILENET = "keras_weights/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
BATCH, HEAD_EPOCHS, FULL_EPOCHS = 32, 8, 5
SCORES = {"magnetic_tile_defects": "macro_f1"}  # of the others: accuracy
RESAMPLES = 2_000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--assets", type=Path, default=os.environ.get("TFXFER_ASSETS"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument(
        "--sets", nargs="+", default=list(SETS), help=f"of {SETS}, or folders of pictures by class"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES), choices=RECIPES)
    parser.add_argument("--table", action="store_true", help="print the table of what is measured")
    parser.add_argument(
        "--one", nargs=3, metavar=("SET", "SEED", "RECIPE"), help="measure one, print its line"
    )
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(options.assets, options.size, options.one)))
    elif options.table:
        print_table(read_lines(options.out))
    else:
        run_all(options)


def run_all(options: argparse.Namespace) -> None:
    """Measure what has no line yet, seed by seed, so that an early end leaves whole seeds."""
    done = {(line["set"], line["seed"], line["recipe"], line["size"]) for line in read_lines(options.out)}
    for seed in options.seeds:
        for name in options.sets:
            for recipe in options.recipes:
                if (name, seed, recipe, options.size) in done:
                    continue
                command = [sys.executable, __file__, "--out", str(options.out), "--size", str(options.size)]
                command += ["--assets", str(options.assets), "--one", name, str(seed), recipe]
                output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
                line = output.splitlines()[-1]
                with options.out.open("a", encoding="utf-8") as file:
                    file.write(line + "\n")
                found = json.loads(line)
                print(name, seed, recipe, found["accuracy"], found["seconds"], found["why"], flush=True)


def read_lines(file: Path) -> list[dict[str, Any]]:
    if not file.is_file():
        return []
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def measure(assets: Path, size: int, one: Sequence[str]) -> dict[str, Any]:
    """One line: what one recipe gives on one set with one seed."""
    name, seed, recipe = one[0], int(one[1]), one[2]
    with tempfile.TemporaryDirectory(prefix="tfxfer-auto-") as folder:
        splits, labels = load_splits(assets, name, size, seed, Path(folder))
        train = train_guide if recipe == "guide" else train_recipe
        start, cpu = time.monotonic(), time.process_time()
        predicted, facts = train(backbone_of(assets, name, size, recipe), splits, labels, recipe, seed)
        found: dict[str, Any] = {"set": name, "seed": seed, "recipe": recipe, "size": size}
    targets = np.asarray(splits["test"].labels)
    return {
        **found,
        "accuracy": round(float(np.mean(predicted == targets)), 4),
        "macro_f1": round(macro_f1(predicted, targets), 4),
        "seconds": round(facts.pop("end") - start, 2),
        "cpu_seconds": round(facts.pop("cpu_end") - cpu, 2),
        **facts,
        "targets": targets.tolist(),
        "predicted": predicted.tolist(),
    }


def load_splits(
    assets: Path, name: str, size: int, seed: int, folder: Path
) -> tuple[dict[str, ArraySplit], tuple[str, ...]]:
    """Decoded pictures of the three splits, in memory-mapped files."""
    from tfxfer.data import admit, open_source, scan, split_records

    known = assets / "images" / name
    source = open_source("embedded/digits" if name == "digits" else str(known if name in SETS else name))
    side = 32 if name == "digits" else size
    found = scan(source, folder / "pictures", size=(side, side), rule="stretch")
    splits = split_records(admit(found.report).records, found.report.digests, seed=seed)
    return {key: found.select(part, splits.labels) for key, part in splits.named().items()}, splits.labels


def backbone_of(assets: Path, name: str, size: int, recipe: str) -> Any:
    """embedded/small for the digits, else MobileNetV2; with random weights from scratch."""
    import tfxfer

    weights = "none" if recipe == "scratch" else None
    if name == "digits":
        return tfxfer.load_backbone("embedded/small", image_size=32, weights=weights)
    weights = str(assets / MOBILENET) if weights is None else weights
    return tfxfer.load_backbone("keras/MobileNetV2", image_size=size, weights=weights)


def train_recipe(
    backbone: Any, splits: dict[str, ArraySplit], labels: tuple[str, ...], recipe: str, seed: int
) -> tuple[np.ndarray, dict[str, Any]]:
    """The network's answers on the test split, and how they came about."""
    import tfxfer
    from tfxfer.training.determinism import make_deterministic

    make_deterministic()
    events: list[dict[str, Any]] = []
    from tfxfer.store.journal import Journal

    network = tfxfer.attach_head(backbone, labels, seed=seed)
    histories = tfxfer.fine_tune(
        network,
        splits["train"],
        splits["validation"],
        recipe,
        seed=seed,
        journal=Journal(None, (events.append,)),
    )
    end, cpu_end = time.monotonic(), time.process_time()
    plan = next(event for event in events if event["event"] == "plan")
    validated = [history.before["val_accuracy"] for history in histories]
    # Of heads solved at several depths, the one on the whole backbone comes first.
    whole = next(
        (value for key, value in plan["figures"].items() if key.startswith("validation_of_head")), 0.0
    )
    last = histories[-1]
    final = last.history["val_accuracy"][last.best_epoch - 1] if last.best_epoch else validated[-1]
    facts = {
        "chosen": plan["recipe"],
        "why": plan["why"],
        "solved_validation": max(whole, validated[1] if len(validated) > 1 else final),
        "validation": final,
        "until": network.backbone.until,
        "best_epochs": [history.best_epoch for history in histories],
        "end": end,
        "cpu_end": cpu_end,
    }
    return network.predict(splits["test"].images[:]).logits.argmax(axis=1), facts


def train_guide(
    backbone: Any, splits: dict[str, ArraySplit], labels: tuple[str, ...], recipe: str, seed: int
) -> tuple[np.ndarray, dict[str, Any]]:
    """The guide's recipe, as its page writes it, on the same decoded pictures."""
    import keras

    from tfxfer.network.preprocess import Preprocess

    keras.utils.set_random_seed(seed)
    base = backbone.model
    base.trainable = False
    image = keras.Input((*backbone.input.size, 3))
    features = base(Preprocess.of(backbone.input.pixels)(image), training=False)
    pooled = keras.layers.Dropout(0.2)(keras.layers.GlobalAveragePooling2D()(features))
    model = keras.Model(image, keras.layers.Dense(len(labels))(pooled))
    for rate, epochs, trainable in ((1e-3, HEAD_EPOCHS, False), (1e-5, FULL_EPOCHS, True)):
        base.trainable = trainable
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
        history = model.fit(
            *arrays(splits["train"]), BATCH, epochs, validation_data=arrays(splits["validation"]), verbose=0
        )
    end, cpu_end = time.monotonic(), time.process_time()
    facts = {
        "chosen": recipe,
        "why": "",
        "validation": history.history["val_accuracy"][-1],
        "end": end,
        "cpu_end": cpu_end,
    }
    return model.predict(arrays(splits["test"])[0], verbose=0).argmax(axis=1), facts


def arrays(split: ArraySplit) -> tuple[np.ndarray, np.ndarray]:
    return split.images[:], np.asarray(split.labels)


def macro_f1(predicted: np.ndarray, targets: np.ndarray) -> float:
    """The mean over the classes that the targets have."""
    f1 = []
    for label in np.unique(targets):
        right = np.sum((predicted == label) & (targets == label))
        f1.append(2 * right / (np.sum(predicted == label) + np.sum(targets == label)))
    return float(np.mean(f1))


def print_table(lines: list[dict[str, Any]]) -> None:
    """Each recipe beside `auto` on the seeds that both have; the best named one, the guide and the solved head."""
    differences: dict[str, list[float]] = {"guide": [], "feature_extraction": []}
    for name in dict.fromkeys(row["set"] for row in lines):
        found = {
            recipe: [row for row in lines if row["set"] == name and row["recipe"] == recipe]
            for recipe in RECIPES
        }
        if not found["auto"]:
            continue
        print(f"\n{name}, {SCORES.get(name, 'accuracy')}")
        print("| recipe | seeds | test pictures | score | `auto` | seconds, median | CPU seconds, median "
              "| auto minus it, points (95 % interval) |\n|---|---|---|---|---|---|---|---|")  # fmt: skip
        compared = {
            recipe: beside(name, found["auto"], rows)
            for recipe, rows in found.items()
            if rows and recipe != "auto"
        }
        for recipe, (line, gain, _) in compared.items():
            print(f"| {recipe} | {line} |")
            if recipe in differences:
                differences[recipe].append(gain)
        named = [recipe for recipe in NAMED if recipe in compared]
        if named:
            best = min(named, key=lambda recipe: compared[recipe][1])
            wholly = "yes" if compared[best][2] < -1 else "no"
            print(f"best named recipe: {best}; interval wholly below -1 point: {wholly}")
        below = [row["seed"] for row in found["auto"] if row["validation"] < row["solved_validation"]]
        chose = sorted({row["chosen"] for row in found["auto"]})
        print(f"auto below the solved head on validation: {below or 'never'}; chose {chose}")
    for recipe, points in differences.items():
        if points:
            print(f"\nmean over {len(points)} sets, auto minus {recipe}: {np.mean(points):+.2f} points")
    print_times(lines)


def beside(name: str, autos: list[dict[str, Any]], rows: list[dict[str, Any]]) -> tuple[str, float, float]:
    """A recipe's line of the table, `auto` minus it in points, and that interval's upper end."""
    seeds = {row["seed"] for row in rows} & {row["seed"] for row in autos}
    if not seeds:
        return "none that `auto` has | | | | | |", float("nan"), float("nan")
    (targets, own), (_, other) = pool(autos, seeds), pool(rows, seeds)
    low, mean, high = difference(name, targets, own, other)
    seconds, cpu = (
        np.median([row[key] for row in rows if row["seed"] in seeds]) for key in ("seconds", "cpu_seconds")
    )
    scores = " | ".join(f"{score(name, answers, targets):.4f}" for answers in (other, own))
    told = ", ".join(map(str, sorted(seeds)))
    line = f"{told} | {len(targets)} | {scores} | {seconds:.1f} | {cpu:.1f} | {mean:+.1f} ({low:+.1f} to {high:+.1f})"
    return line, mean, high


def print_times(lines: list[dict[str, Any]]) -> None:
    """Seconds of `auto` over those of the guide, where both are measured, by the clock and of the CPU."""
    rows = {(row["set"], row["seed"], row["recipe"]): row for row in lines}
    pairs = [
        (row, rows[(*key[:2], "guide")])
        for key, row in rows.items()
        if key[2] == "auto" and (*key[:2], "guide") in rows
    ]
    for key, words in (("seconds", "seconds"), ("cpu_seconds", "CPU seconds")):
        if pairs:
            ratios = sorted(ours[key] / guides[key] for ours, guides in pairs)
            whole = sum(ours[key] for ours, _ in pairs) / sum(guides[key] for _, guides in pairs)
            print(
                f"{words}, auto / guide: {whole:.3f} of the sums, {ratios[0]:.3f} to {ratios[-1]:.3f}, "
                f"median {np.median(ratios):.3f} of {len(pairs)} pairs"
            )


def pool(rows: list[dict[str, Any]], seeds: set[int]) -> tuple[np.ndarray, np.ndarray]:
    """(targets, answers) of all seeds, seed by seed."""
    chosen = sorted((row for row in rows if row["seed"] in seeds), key=lambda row: row["seed"])
    targets = [row["targets"] for row in chosen]
    return np.concatenate(targets), np.concatenate([row["predicted"] for row in chosen])


def score(name: str, predicted: np.ndarray, targets: np.ndarray) -> float:
    if SCORES.get(name) == "macro_f1":
        return macro_f1(predicted, targets)
    return float(np.mean(predicted == targets))


def difference(
    name: str, targets: np.ndarray, first: np.ndarray, second: np.ndarray
) -> tuple[float, float, float]:
    """(low, difference, high) in points, by resampling test pictures, the same ones for both."""
    random = np.random.default_rng(0)
    found = []
    for _ in range(RESAMPLES):
        rows = random.integers(0, len(targets), len(targets))
        found.append(score(name, first[rows], targets[rows]) - score(name, second[rows], targets[rows]))
    low, high = np.percentile(found, (2.5, 97.5))
    mean = score(name, first, targets) - score(name, second, targets)
    return 100 * float(low), 100 * mean, 100 * float(high)


if __name__ == "__main__":
    main()
