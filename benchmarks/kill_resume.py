"""SIGKILL at random moments over a run's whole length, then `--resume`: do all of them end with the same bytes?

    python benchmarks/kill_resume.py --work DIR [--kills 50] [--seed 0]

The run is small (48 generated photos, the embedded backbone, three phases of gradient steps, two exported files), so
that every stage is hit: data, features, training with a checkpoint after every few batches, export, bundle, report.
A moment is one of the unkilled run's events, any with the same chance, and a random share of the time to the next
one; it is found again in the log of the run that is killed, so that busy cores do not move all kills to its start.
Each kill has a cache of its own. DIR/kills.jsonl holds one line for each; called again, the ones that are there are
not repeated. Exit code 1 where one does not finish or differs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image

CONFIG = """
data: photos
backbone: {name: embedded/small, image_size: 32}
exports: [litert, onnx]
training:
  batch_size: 8
  checkpoint_minutes: 0.0005
  phases:
    - {name: head, epochs: 4, unfreeze: none, solver: gradient}
    - {name: fine, epochs: 8, unfreeze: 2 blocks, learning_rate: 0.001, ema_momentum: 0.9}
    - {name: more, epochs: 8, unfreeze: all, learning_rate: 0.0001, schedule: cosine}
"""
LIMIT_S = 600  # for one process


@dataclass(frozen=True, slots=True)
class Moment:
    """When a process is killed: after so many steady events of its log, and so many seconds more."""

    events: int
    delay_s: float


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    work: Path = arguments.work
    _prepare(work)
    whole, seconds = _unkilled(work)
    times = [0.0, *(float(event["seconds"]) for event in _steady(work / "unkilled" / "log.jsonl"))]
    times[0] = times[-1] - seconds  # the process began before its log
    done = _lines(work / "kills.jsonl")
    for number in range(len(done), arguments.kills):
        random = Random(f"{arguments.seed} {number}")
        events = random.randrange(len(times) - 1)
        moment = Moment(events, (times[events + 1] - times[events]) * random.random())
        killed = _killed(work, number, moment, whole)
        entry = {"number": number, "after_event": events, "and_s": round(moment.delay_s, 3), **killed}
        done.append(entry)
        with (work / "kills.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        print(json.dumps(entry), flush=True)
    good = [entry for entry in done if entry["finished"] and entry["same_bytes"]]
    print(
        f"{len(good)} of {len(done)} finished with the unkilled run's bytes; the whole run takes {seconds:.1f} s"
    )
    print("killed in:", dict(Counter(entry["stage"] for entry in done)))
    print("went on from a checkpoint:", sum(entry["from_checkpoint"] for entry in done))
    sys.exit(0 if len(good) == len(done) else 1)


def _prepare(work: Path) -> None:
    if (work / "run.yaml").is_file():
        return
    generator = np.random.default_rng(0)
    for index, label in enumerate(("red", "blue")):
        (work / "photos" / label).mkdir(parents=True)
        for number in range(24):
            pixels = generator.integers(0, 120, (40, 48, 3), dtype=np.uint8)
            pixels[..., index] += 120
            Image.fromarray(pixels).save(work / "photos" / label / f"{number:03d}.png")
    (work / "run.yaml").write_text(CONFIG, encoding="utf-8")


def _unkilled(work: Path) -> tuple[dict[str, str], float]:
    """The digests of a run that nobody kills, and how long it takes."""
    kept = work / "unkilled.json"
    if not kept.is_file():
        start = time.monotonic()
        _started(work, "unkilled").wait(LIMIT_S)
        value = {"seconds": time.monotonic() - start, "digests": _digests(work / "unkilled")}
        kept.write_text(json.dumps(value), encoding="utf-8")
    value = json.loads(kept.read_text(encoding="utf-8"))
    assert value["digests"], f"the unkilled run failed: see {work}/unkilled.txt"
    return value["digests"], value["seconds"]


def _killed(work: Path, number: int, moment: Moment, whole: dict[str, str]) -> dict[str, object]:
    name = f"kill-{number:03d}"
    for path in (work / name, work / f"{name} cache"):
        shutil.rmtree(path, ignore_errors=True)
    process = _started(work, name)
    _kill(process, work / name / "log.jsonl", moment)
    stage = _last(work / name)
    start = time.monotonic()
    code = _started(work, name).wait(LIMIT_S)
    events = _lines(work / name / "log.jsonl")
    digests = _digests(work / name)
    result = {
        "stage": stage,
        "from_checkpoint": any("goes on" in str(event.get("text")) for event in events),
        "finished": code == 0,
        "same_bytes": digests == whole,
        "resume_s": round(time.monotonic() - start, 2),
    }
    if result["finished"] and result["same_bytes"]:
        shutil.rmtree(work / name)
    shutil.rmtree(work / f"{name} cache", ignore_errors=True)
    return result


def _kill(process: subprocess.Popen[bytes], log: Path, moment: Moment) -> None:
    """SIGKILL, unless the process is done by then."""
    while process.poll() is None and len(_steady(log)) < moment.events:
        time.sleep(0.002)
    try:
        process.wait(moment.delay_s)
    except subprocess.TimeoutExpired:
        process.kill()
    process.wait(LIMIT_S)


def _started(work: Path, name: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tfxfer", "run", "run.yaml", "--out", name, "--resume"]
    with (work / f"{name}.txt").open("ab") as told:
        environment = {**os.environ, "TFXFER_CACHE": str(work / f"{name} cache")}
        return subprocess.Popen(command, cwd=work, env=environment, stdout=told, stderr=told)


def _digests(out: Path) -> dict[str, str]:
    """Of the network and of every exported file; none where the run is not finished."""
    if not (out / "report.json").is_file():
        return {}
    files = [path for folder in ("network", "bundle") for path in sorted((out / folder).rglob("*"))]
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.is_file()
    }


def _last(out: Path) -> str:
    """The stage that was under way, by the last whole event of the log."""
    started = [event for event in _lines(out / "log.jsonl") if event["event"] == "stage"]
    if not started:
        return "before the first stage"
    return str(started[-1]["name"]) + ("" if started[-1]["status"] == "start" else ", done")


def _steady(log: Path) -> list[dict[str, Any]]:
    """The events that every run has, however fast it is: not those written by the clock."""
    return [event for event in _lines(log) if event["event"] in ("stage", "phase", "epoch")]


def _lines(file: Path) -> list[dict[str, Any]]:
    found = []
    for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else ():
        try:
            found.append(json.loads(line))
        except ValueError:  # cut off by the kill
            continue
    return found


if __name__ == "__main__":
    main()
