"""`evaluation.source_data`: what the backbone has forgotten of the task it came from."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tfxfer.data import admit, open_source, scan, split_records
from tfxfer.stages.configured import load_configured_backbone
from tfxfer.stages.data import input_channels, input_size, listing_key
from tfxfer.stages.stage import State
from tfxfer.stages.training import TrainedNetwork, training_device
from tfxfer.store.atomic import write_json

FIGURES = "forgetting.json"


@dataclass(frozen=True, slots=True)
class MeasureForgetting:
    """The source task's accuracy before and after, by solved heads."""

    path: str  # the source data
    name: str = "forgetting"

    def key(self, state: State) -> Mapping[str, object]:
        return {
            "network": state.get("trained", TrainedNetwork).fingerprint,
            "source": listing_key(open_source(self.path), self.path),
            "path": self.path,
            "seed": state.config.seed,
            "resize": state.config.data.resize,
            **state.config.model_dump(mode="json", include={"backbone"}),
        }

    def compute(self, state: State, folder: Path) -> None:
        from tfxfer.network.network import attach_head
        from tfxfer.network.shorten import shorten
        from tfxfer.recipes.forgetting import forgetting

        config, after = state.config, state.get("trained", TrainedNetwork).network
        source = open_source(self.path)
        with tempfile.TemporaryDirectory(prefix="tfxfer-source-") as pictures, training_device(config):
            found = scan(
                source,
                Path(pictures),
                size=input_size(config.backbone),
                rule=config.data.resize,
                channels=input_channels(config.backbone),
            )
            records = admit(found.report, config.data.on_bad_record).records
            splits = split_records(records, found.report.digests, seed=config.seed)
            before = attach_head(
                load_configured_backbone(config.backbone), splits.labels, pooling=after.head.pooling
            )
            if after.backbone.until not in (None, before.backbone.until):
                shorten(before, after.backbone.until)  # by `auto`
            parts = {str(name): found.select(rows, splits.labels) for name, rows in splits.named().items()}
            figures = forgetting(before, after, parts, len(splits.labels))
        write_json(folder / FIGURES, figures.as_dict())

    def load(self, state: State, folder: Path) -> State:
        figures = json.loads((folder / FIGURES).read_text(encoding="utf-8"))
        text = (
            f"source task: {figures['before']:.4f} before, {figures['after']:.4f} after with a head of its own, "
            f"{figures['after_same_head']:.4f} with the head of before"
        )
        state.journal.write("decision", text=text)
        return state.having(forgetting=figures)
