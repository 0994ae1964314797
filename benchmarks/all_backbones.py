"""Every constructor of keras.applications in every format: does it export, and does the file say the same?

    python -m benchmarks.all_backbones --rows ROWS.csv [--table TABLE.md] [--blocks BLOCKS.json] [--only NAME ...]

To be run from the root of a checkout. Each network is built with random weights and the BatchNorm statistics of
32 photographs, written as SavedModel, LiteRT and ONNX in float32, run in each format's own runtime on the
same photographs, and held against Keras. One process for each network, smallest first, so that memory is returned
and a failure costs one row. Rows that are in ROWS.csv are kept: stop it and start it again at will.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.rows import Row, read_rows, write_rows
from tfxfer.catalogue.backbones import BACKBONES, BackboneFacts
from tfxfer.catalogue.formats import USUAL_FORMATS

COLUMNS = (
    *("backbone", "format", "image_size", "relative_error", "size_bytes", "seconds"),
    *("peak_memory_bytes", "why"),
)
LIMIT = 1e-4  # relative error above which a row is printed bold


def main() -> int:
    options = _options()
    if options.one is not None:
        print(json.dumps(measure(options.one)))
        return 0
    rows = read_rows(options.rows)
    blocks = json.loads(options.blocks.read_text()) if options.blocks and options.blocks.is_file() else {}
    for facts in _wanted(options.only):
        if any(row["backbone"] == facts.name for row in rows):
            continue
        found = _in_a_process(facts)
        rows += found["rows"]
        write_rows(options.rows, rows, COLUMNS)
        if options.blocks and found["blocks"]:
            blocks[facts.name] = found["blocks"]
            _write_blocks(options.blocks, blocks)
        print(f"{facts.name}: {[row['relative_error'] or row['why'] for row in found['rows']]}", flush=True)
    table = "\n".join(markdown(rows)) + "\n"
    if options.table:
        options.table.write_text(table, encoding="utf-8")
    else:
        print(table)
    return 0


def measure(name: str) -> dict[str, object]:
    """The rows and the names of the blocks of one backbone."""
    # Imported in the process of each network alone.
    from tests.backbones.lively import lively, measure_exports, photographs
    from tfxfer.errors import ExportError

    photos = photographs(name)
    network = lively(name, photos)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for format, found in zip(USUAL_FORMATS, measure_exports(network, photos, Path(folder)), strict=True):
            row = dict.fromkeys(COLUMNS, "") | {
                "backbone": name,
                "format": format,
                "image_size": photos.shape[1],
            }
            if isinstance(found, ExportError):
                row["why"] = " ".join(str(found).split())
            else:
                row["relative_error"] = f"{found.relative_error:.1e}"
                row["size_bytes"] = found.size_bytes
                row["seconds"] = f"{found.seconds:.1f}"
            row["peak_memory_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            rows.append(row)
    return {"rows": rows, "blocks": [block.name for block in network.blocks]}


def _in_a_process(facts: BackboneFacts) -> dict[str, list[Any]]:
    """What `measure` finds in a process of its own; a failure becomes three rows that say why."""
    command = [sys.executable, "-m", "benchmarks.all_backbones", "--one", facts.name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        found: dict[str, list[Any]] = json.loads(done.stdout.splitlines()[-1])
        return found
    failed = {"backbone": facts.name, "image_size": facts.image_size[0], "why": _why(done)}
    return {
        "rows": [dict.fromkeys(COLUMNS, "") | failed | {"format": name} for name in USUAL_FORMATS],
        "blocks": [],
    }


def _why(done: subprocess.CompletedProcess[str]) -> str:
    if done.returncode < 0:
        return f"ended by signal {-done.returncode}; 9 is what the system sends where memory is used up"
    return f"exit code {done.returncode}: {(done.stderr.strip().splitlines() or ['nothing was printed'])[-1]}"


def markdown(rows: list[Row]) -> Iterator[str]:
    """The table: one line for each backbone, relative error, seconds and megabytes of each format."""
    yield (
        "| backbone | pixels | "
        + " | ".join(f"{name}: error, s, MB" for name in USUAL_FORMATS)
        + " | peak memory, GB |"
    )
    yield "|" + "---|" * (len(USUAL_FORMATS) + 3)
    by_name: dict[str, list[Row]] = {}
    for row in rows:
        by_name.setdefault(str(row["backbone"]), []).append(row)
    for name, entries in by_name.items():
        cells = [_cell(row) for row in entries]
        peak = max(float(str(row["peak_memory_bytes"] or 0)) for row in entries) / 1e9
        yield f"| {name} | {entries[0]['image_size']} | {' | '.join(cells)} | {peak:.1f} |"


def _cell(row: Row) -> str:
    if row["why"]:
        return f"**{row['why']}**"
    error = str(row["relative_error"])
    shown = error if float(error) <= LIMIT else f"**{error}**"
    return f"{shown}, {row['seconds']}, {int(str(row['size_bytes'])) / 1e6:.1f}"


def _wanted(only: list[str] | None) -> list[BackboneFacts]:
    wanted = [facts for name, facts in BACKBONES.items() if only is None or name in only]
    return sorted(wanted, key=lambda facts: facts.parameters)


def _write_blocks(file: Path, blocks: dict[str, list[str]]) -> None:
    lines = [f"{json.dumps(name)}: {json.dumps(names)}" for name, names in blocks.items()]
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=Path, help="finished rows, read and extended")
    parser.add_argument("--table", type=Path, help="where the table goes; printed unless given")
    parser.add_argument("--blocks", type=Path, help="a JSON file of the names of blocks, extended")
    parser.add_argument("--only", nargs="+", help="names such as keras/VGG16")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is None and options.rows is None:
        parser.error("--rows is needed")
    return options


if __name__ == "__main__":
    sys.exit(main())
