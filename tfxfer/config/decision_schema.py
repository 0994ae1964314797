"""What a configuration can say of the decision rule: how probabilities become an answer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tfxfer.config.section import Section, Share, Text

Cost = Annotated[float, Field(ge=0, le=1e9)]


class DecisionConfig(Section):
    """One of: a positive label with a specificity or a sensitivity, costs, or the thresholds of labels."""

    positive: Text | None = Field(
        default=None, description="the label that a threshold is chosen for, on the validation images"
    )
    specificity: Share | None = Field(
        default=None, description="the least share of the other images that must not be called positive"
    )
    sensitivity: Share | None = Field(
        default=None, description="or the least share of the positive images that must be called so"
    )
    costs: dict[Text, dict[Text, Cost]] | None = Field(
        default=None,
        description="true label, answer, cost: a right answer costs 0 and a wrong one 1 unless said",
    )
    thresholds: Literal["best_f1", "even"] | None = Field(
        default=None,
        description="of a multi-label network: those of the best F1 on validation (the default), or 0.5",
    )
