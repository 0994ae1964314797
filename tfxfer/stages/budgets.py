"""What to change where no precision fits a budget: the width, the cut, the picture's size, the backbone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfxfer.catalogue.backbones import BACKBONES
from tfxfer.catalogue.sizes import WIDTHS

if TYPE_CHECKING:
    from tfxfer.network.network import Network

SIDE_STEP = 32  # pixels: strides of the usual networks
SMALLEST_SIDE = 32


@dataclass(frozen=True, slots=True)
class Overrun:
    """One budget that even the best file does not keep."""

    gate: str  # one of BUDGETS
    limit: float
    best: float  # of the files that hold all other gates

    @property
    def share(self) -> float:
        """How much smaller the network must be."""
        return self.limit / self.best


def remedy(overrun: Overrun, network: Network) -> str:
    """A sentence: what would fit, by the counts of weights (size) or of pixels (time and memory)."""
    found = f"{overrun.gate} {overrun.limit:g} needs {overrun.share:.2f} of what there is ({overrun.best:g})"
    fits = _by_weights(overrun, network) if overrun.gate == "max_size_bytes" else _by_pixels(overrun, network)
    return f"{found}. {'; or '.join(fits) if fits else 'No backbone of the catalogue is that small'}"


def _by_weights(overrun: Overrun, network: Network) -> list[str]:
    """A file's size goes with its weights."""
    origin = network.backbone
    total = network.model.count_params()
    allowed = int(overrun.share * total) - (total - origin.parameters)  # for the backbone; the head stays
    fits = []
    widths = [alpha for alpha, size in WIDTHS.get(origin.name, {}).items() if size <= allowed]
    if widths:
        fits.append(f"set backbone.options.alpha: {max(widths):g}")
    cut = _cut(network, allowed)
    if cut is not None:
        fits.append(f"set backbone.until: {cut}")
    smaller = {name: facts.parameters for name, facts in BACKBONES.items() if facts.parameters <= allowed}
    if smaller:
        fits.append(f"take the backbone {max(smaller, key=lambda name: smaller[name])}")
    return fits


def _cut(network: Network, allowed: int) -> str | None:
    """The last block up to which the backbone's weights are no more than `allowed`."""
    name, held = None, 0
    for block in network.blocks[:-1]:
        held += block.parameters
        if held > allowed:
            break
        name = block.name
    return name


def _by_pixels(overrun: Overrun, network: Network) -> list[str]:
    """Time and the memory of activations go with the number of pixels, and about with the square of alpha."""
    height, width = network.input.size
    side = int(min(height, width) * overrun.share**0.5) // SIDE_STEP * SIDE_STEP
    fits = [f"set backbone.image_size: {side} (estimated)"] if side >= SMALLEST_SIDE else []
    widths = WIDTHS.get(network.backbone.name, {})
    current = _width(widths, network.backbone.parameters)
    smaller = [alpha for alpha in widths if current is not None and alpha <= current * overrun.share**0.5]
    return [*fits, *([f"set backbone.options.alpha: {max(smaller):g} (estimated)"] if smaller else [])]


def _width(widths: Mapping[float, int], parameters: int) -> float | None:
    """The alpha at which a backbone has this many parameters."""
    return next((alpha for alpha, size in widths.items() if size == parameters), None)
