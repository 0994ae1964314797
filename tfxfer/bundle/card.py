"""The model card: what the network is, what it was trained on, how good it is and where that ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from tfxfer.bundle.contract import Contract


@dataclass(frozen=True, slots=True)
class ArtifactFigures:
    """One row of the card's table of files; no latency, which would differ from run to run."""

    path: str
    size_bytes: int
    score: float | None  # the figure that the task is judged by
    agreement: float | None  # with the network's answers; None of a regression
    max_abs_logit_error: float | None


@dataclass(frozen=True, slots=True)
class Card:
    """What the card says beyond the contract; keys of the mappings become words of a table."""

    name: str
    backbone: str
    backbone_source: str
    backbone_licence: str
    recipe: str  # one line per phase
    data: Mapping[str, object]  # train, validation, test, bad_records, duplicates, fingerprint, ...
    test: Mapping[str, object]  # report.json's test
    artifacts: tuple[ArtifactFigures, ...]
    limits: tuple[str, ...] = ()  # sentences, beside those that the figures themselves say
    golden_names: tuple[str, ...] = ()  # of the golden inputs, as the data call them; () of generated ones
    score_name: str = "accuracy"  # the key of `test` that the task is judged by


SMALL_SUPPORT = 20  # test images; below it one image is 5 points of a class's recall
WEAK_RECALL = 0.7


def render_card(card: Card, contract: Contract) -> str:
    """The card as Markdown, the same for the same values."""
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
    )
    environment.filters.update(share=_share, plain=_plain, cell=_cell, figure=figure_text)
    template = environment.from_string(files("tfxfer.bundle").joinpath("model_card.md.j2").read_text("utf-8"))
    text = template.render(card=card, contract=contract, limits=(*measured_limits(card), *card.limits))
    return text.rstrip("\n") + "\n"


def measured_limits(card: Card) -> tuple[str, ...]:
    """What the figures say against the network, as sentences."""
    classes = card.test.get("per_class", card.test.get("per_label"))
    entries = [entry for entry in classes if isinstance(entry, Mapping)] if isinstance(classes, list) else []
    absent = [str(entry["label"]) for entry in entries if entry["support"] == 0]
    few = [str(entry["label"]) for entry in entries if 0 < entry["support"] < SMALL_SUPPORT]
    weak = [
        str(entry["label"])
        for entry in entries
        if entry["recall"] is not None and entry["recall"] < WEAK_RECALL
    ]
    sentences = (
        ("No test image shows: {}. Nothing is known about them.", absent),
        (f"Fewer than {SMALL_SUPPORT} test images show: {{}}. Their figures are rough.", few),
        (f"Recall is below {WEAK_RECALL} for: {{}}.", weak),
    )
    return tuple(text.format(", ".join(map(_cell, names))) for text, names in sentences if names)


def _share(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, (int, float)) else "not defined"


def figure_text(value: object) -> str:
    """A share, or a number of any size, with at least three decimals or four digits."""
    return f"{value:.3f}" if isinstance(value, float) and abs(value) <= 1 else _plain(value)


def _plain(value: object) -> str:
    """A figure in at most four digits, other values as text that cannot break a table."""
    if value is None:
        return "not measured"
    return f"{value:.4g}" if isinstance(value, float) else _cell(value)


def _cell(value: object) -> str:
    """Text that cannot end a table's cell, start a tag, a link, a picture or a line: users name labels and folders."""
    text = " ".join(str(value).split())
    for sign, safe in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|"), ("`", "\\`"), ("[", "\\[")):
        text = text.replace(sign, safe)
    return text
