"""What learns: the grammar of `unfreeze`, and what BatchNorm does; no TensorFlow."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tfxfer.errors import BlockError, ConfigError

BatchNorm = Literal["frozen", "learn"]
USUAL_UNFREEZE = '"none", "all", "3 blocks", "30%" or "from NAME"'


@dataclass(frozen=True, slots=True)
class Unfreeze:
    """A parsed `unfreeze`: which end of the backbone learns."""

    kind: Literal["none", "all", "blocks", "share", "from"]
    blocks: int = 0  # for "blocks"
    share: float = 0.0  # for "share": of the backbone's parameters, 0 to 1
    name: str = ""  # for "from": of a block


@dataclass(frozen=True, slots=True)
class FreezePolicy:
    """Which blocks of the backbone learn, counted from the head, and what BatchNorm does; the head learns.

    "30%" unfreezes the fewest blocks that hold at least that share of the backbone's parameters.
    BatchNorm layers stay frozen wherever they are unless `batch_norm` is "learn", and then only those in
    blocks that learn, and in the head.

    Raises:
        ConfigError: `unfreeze` or `batch_norm` is none of the answers.
    """

    unfreeze: str = "none"
    batch_norm: BatchNorm = "frozen"

    def __post_init__(self) -> None:
        parse_unfreeze(self.unfreeze)
        if self.batch_norm not in ("frozen", "learn"):
            raise ConfigError(f"batch_norm must be 'frozen' or 'learn'. Received: {self.batch_norm!r}.")


def parse_unfreeze(text: str) -> Unfreeze:
    """Read "none", "all", "3 blocks", "30%" or "from NAME".

    Raises:
        ConfigError: it is none of these.
    """
    words = text.strip() if isinstance(text, str) else ""
    if words in ("none", "all"):
        return Unfreeze("none" if words == "none" else "all")
    if match := re.fullmatch(r"(\d+)\s+blocks?", words):
        return Unfreeze("blocks", blocks=int(match[1]))
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", words):
        return _share(float(match[1]) / 100, text)
    if match := re.fullmatch(r"from\s+(\S+)", words):
        return Unfreeze("from", name=match[1])
    raise ConfigError(f"unfreeze must be {USUAL_UNFREEZE}. Received: {text!r}.")


def _share(share: float, text: str) -> Unfreeze:
    if share > 1:
        raise ConfigError(f"unfreeze must be at most 100%. Received: {text!r}. Write 'all' for everything.")
    return Unfreeze("share", share=share)


def learning_blocks(policy: FreezePolicy, names: Sequence[str], parameters: Sequence[int]) -> int:
    """How many blocks, counted from the head, learn; names and parameters are in order from input to output.

    Raises:
        BlockError: the model has no such block, or fewer than asked for.
    """
    wanted = parse_unfreeze(policy.unfreeze)
    if wanted.kind == "none":
        return 0
    if wanted.kind == "all":
        return len(names)
    if wanted.kind == "blocks":
        return _by_count(wanted.blocks, names)
    if wanted.kind == "from":
        return _by_name(wanted.name, names)
    return _by_share(wanted.share, parameters)


def _by_count(count: int, names: Sequence[str]) -> int:
    if count > len(names):
        raise BlockError(
            f"unfreeze asks for {count} blocks. Received: a backbone of {len(names)}: {_listed(names)}. "
            "Write 'all' to unfreeze every block."
        )
    return count


def _by_name(name: str, names: Sequence[str]) -> int:
    if name in names:
        return len(names) - list(names).index(name)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise BlockError(
        f"unfreeze must name a block of the backbone: {_listed(names)}. Received: {name!r}.{hint}"
    )


def _by_share(share: float, parameters: Sequence[int]) -> int:
    needed = share * sum(parameters)
    held, count = 0, 0
    while count < len(parameters) and held < needed and not math.isclose(held, needed):
        count += 1
        held += parameters[-count]
    return count


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
