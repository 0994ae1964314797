"""A stage of your own in the standard pipeline: what the network says of every test picture, in a table.

    python own_stage.py [CONFIG] [--out runs/own_stage]

Everything else is what `tfxfer run CONFIG` does: the stage comes after "evaluate" and sees what has been found so far.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from typing import Any

import tfxfer

DIGITS = {"data": "embedded/digits", "backbone": "embedded/small", "exports": ["litert"]}


@dataclass(frozen=True)
class WriteAnswers:
    """Any class with a name that takes a state and returns it is a stage."""

    name: str = "answers"

    def __call__(self, state: Any, /) -> Any:
        reference, data = state.results["reference"], state.results["data"]
        probabilities = reference.outputs.probabilities  # (test pictures, labels)
        labels = reference.labels
        wrong = 0
        with (state.run.path / "answers.csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(["path", "label", "answer", "probability"])
            for record, row in zip(data.splits.test, probabilities, strict=True):
                answer = labels[row.argmax()]
                wrong += answer != record.label
                table.writerow([record.path, record.label, answer, f"{row.max():.4f}"])
        state.journal.write(
            "decision", text=f"{wrong} of {len(probabilities)} test pictures answered wrongly"
        )
        return state.having(answers=wrong)


def main() -> None:
    parser = argparse.ArgumentParser(description="Run a configuration and list every answer.")
    parser.add_argument(
        "config", nargs="?", help="a configuration; scikit-learn's digits where none is given"
    )
    parser.add_argument("--out", default="runs/own_stage", help="the run's folder, which must be new")
    options = parser.parse_args()
    report = tfxfer.run(options.config or DIGITS, options.out, after={"evaluate": WriteAnswers()})
    print(f"test accuracy {report['test']['accuracy']:.4f}; every answer: {options.out}/answers.csv")


if __name__ == "__main__":
    main()
