"""One network of each task and each decision rule, for what every consumer must answer alike."""

from __future__ import annotations

from tfxfer.catalogue.decision import Decision
from tfxfer.catalogue.decoding import Decoding

THREE = ("a", "b", "c")
RULES_OF_ANSWERS = {
    "classification": (Decoding(), None),
    "threshold": (Decoding(), Decision("threshold", THREE, (0.2,), positive="b")),
    "costs": (Decoding(), Decision("costs", THREE, costs=((0, 1, 9), (4, 0, 1), (1, 2, 0)))),
    "multi_label": (Decoding("multi_label"), None),
    "thresholds": (Decoding("multi_label"), Decision("thresholds", THREE, (0.1, 0.5, 0.9))),
    "regression": (Decoding("regression", (1.0,) * 3, (0.0,) * 3), None),
}
