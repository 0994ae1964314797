"""How soon the command line answers when it need not think: `tfxfer --help` and an error in a config.

    python benchmarks/command_line.py [--runs 11]

Whole processes, from start to end; medians.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BAD = "data: embedded/digits\nbackbone: embedded/small\ntraining: {recipe: auto, epoch: 3}\n"


def seconds(command: list[str], expected_code: int) -> float:
    """Wall clock of one process that must end with `expected_code`."""
    start = time.perf_counter()
    code = subprocess.run(command, capture_output=True, check=False).returncode
    assert code == expected_code, code
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=11)
    runs = parser.parse_args().runs
    tfxfer = str(Path(sys.executable).with_name("tfxfer"))
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "bad.yaml")
        config.write_text(BAD, encoding="utf-8")
        commands = {
            "tfxfer --help": ([tfxfer, "--help"], 0),
            "tfxfer run, unknown key": ([tfxfer, "run", str(config), "--out", f"{folder}/run"], 2),
        }
        for name, (command, code) in commands.items():
            found = [seconds(command, code) for _ in range(runs)]
            print(
                f"{name}: median {statistics.median(found):.3f} s (min {min(found):.3f}, max {max(found):.3f})"
            )


if __name__ == "__main__":
    main()
