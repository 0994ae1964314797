"""Every format and precision of one backbone of each family: is it written, does it run, what does it cost?

    python -m benchmarks.all_precisions --rows ROWS.csv [--table TABLE.md] [--only keras/MobileNetV2 ...]

To be run from the root of a checkout. The networks are those of benchmarks/all_backbones.py: random weights, BatchNorm
statistics of 32 photographs, which also calibrate. One process for each network; rows that are there are kept.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from benchmarks.rows import Row, read_rows, write_rows

COLUMNS = (
    *("backbone", "format", "precision", "mean_error", "agreement", "size_bytes", "p50_ms", "seconds"),
    *("left", "islands", "why"),
)


def main() -> int:
    options = _options()
    if options.one is not None:
        print(json.dumps(measure(options.one)))
        return 0
    from tests.backbones.test_blocks import FAMILIES

    rows = read_rows(options.rows)
    for name in options.only or [f"keras/{family}" for family in FAMILIES]:
        if any(row["backbone"] == name for row in rows):
            continue
        rows += _in_a_process(name)
        write_rows(options.rows, rows, COLUMNS)
        print(f"{name}: done", flush=True)
    table = "\n".join(markdown(rows)) + "\n"
    if options.table:
        options.table.write_text(table, encoding="utf-8")
    else:
        print(table)
    return 0


def measure(name: str) -> list[Row]:
    """The rows of one backbone."""
    # Imported in the process of each network alone.
    from tests.backbones.lively import lively, photographs
    from tests.backbones.lively_precisions import measure_kinds

    photos = photographs(name)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in measure_kinds(lively(name, photos), photos, Path(folder)):
            figures = asdict(kind)
            left = ", ".join(f"{key} {count}" for key, count in kind.left.items())
            told = {"backbone": name, "left": left, "islands": len(kind.islands)}
            rows.append({column: (figures | told)[column] for column in COLUMNS})
    return rows


def _in_a_process(name: str) -> list[Row]:
    """What `measure` finds in a process of its own; a failure becomes one row that says why."""
    command = [sys.executable, "-m", "benchmarks.all_precisions", "--one", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        found: list[Row] = json.loads(done.stdout.splitlines()[-1])
        return found
    last = (done.stderr.strip().splitlines() or ["nothing was printed"])[-1]
    failed: Row = {
        **dict.fromkeys(COLUMNS, ""),
        "backbone": name,
        "why": f"exit code {done.returncode}: {last}",
    }
    return [failed]


def markdown(rows: list[Row]) -> Iterator[str]:
    """One line for each file."""
    yield "| backbone | file | mean logit error | same answers | MB | ms | not taken by XNNPACK | failure |"
    yield "|" + "---|" * 8
    for row in rows:
        name = f"{row['format']}:{row['precision']}"
        if row["why"]:
            yield f"| {row['backbone']} | {name} | | | | | | **{row['why']}** |"
            continue
        size, error, same, p50 = (
            float(str(row[key])) for key in ("size_bytes", "mean_error", "agreement", "p50_ms")
        )
        yield (
            f"| {row['backbone']} | {name} | {error:.1e} | {same:.2f} | {size / 1e6:.2f} | {p50:.2f} "
            f"| {row['left']} | |"
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=Path, help="finished rows, read and extended")
    parser.add_argument("--table", type=Path, help="where the table goes; printed unless given")
    parser.add_argument("--only", nargs="+", help="names such as keras/VGG16")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is None and options.rows is None:
        parser.error("--rows is needed")
    return options


if __name__ == "__main__":
    sys.exit(main())
