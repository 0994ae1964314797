"""What `auto` can only know from the network itself: the domain gap, and at which depth its head stands best."""

from __future__ import annotations

from dataclasses import replace

import keras

from tfxfer.features.fingerprints import Images
from tfxfer.network.network import Network
from tfxfer.network.shorten import shorten
from tfxfer.recipes.auto import choose
from tfxfer.recipes.depth import Depth, best_depth, probe_depths
from tfxfer.recipes.domain_gap import DomainGap, domain_gap
from tfxfer.recipes.facts import Facts, Plan
from tfxfer.training.prepared import Data


def measured(facts: Facts, network: Network | keras.Model, gap: DomainGap) -> Facts:
    """The facts with the domain gap, and whether the head may move to an earlier block."""
    free = (
        isinstance(network, Network)
        and network.backbone.until is None
        and not any(block.opaque or block.module is not None for block in network.blocks)
    )
    return replace(facts, gap=gap.distance, why_no_gap=gap.why, can_be_cut=free)


def gap_for(facts: Facts, network: Network | keras.Model, images: Images) -> DomainGap:
    """The domain gap where `auto` would look at it."""
    if facts.frozen_only or not facts.pretrained:
        return DomainGap(None, why="the backbone can only be frozen, or is random")
    return domain_gap(network, images)


def refined(
    plan: Plan, facts: Facts, network: Network | keras.Model, train: Data, validation: Data, *, seed: int
) -> Plan:
    """The plan after a look at lower features where it asks for one; the network then ends at the best block.

    A head is solved at a few depths. An earlier one is taken only where it validates better by more than one standard
    error, so that no solved head at the top would have validated better than the one that training starts from.
    """
    if not plan.seeks_depth or not isinstance(network, Network):
        return plan
    depths = probe_depths(network, train, validation)
    if not depths:
        return replace(plan, seeks_depth=False)
    best = best_depth(depths)
    if best is not depths[0]:
        shorten(network, best.block, seed=seed)
        facts = replace(facts, blocks=best.blocks)
    new = choose(replace(facts, can_be_cut=False))
    figures = {**plan.figures, **{f"validation_of_head_on_{depth.block}": depth.score for depth in depths}}
    return replace(new, why=f"{plan.why}. {_words(best, depths)}", figures=figures)


def _words(best: Depth, depths: tuple[Depth, ...]) -> str:
    scores = ", ".join(f"{depth.block} {depth.score:.3f}" for depth in depths)
    end = (
        "The backbone stays whole"
        if best is depths[0]
        else f"The backbone ends at block '{best.block}' ({best.blocks} of {depths[0].blocks} blocks)"
    )
    return f"{end}: solved heads validate {scores}"
