"""Seeds for the random operations of a SavedModel, such as dropout, that were exported without one.

TensorFlow draws those anew in every process, and under deterministic operations refuses them in the middle of a step.
"""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tfxfer.catalogue.formats import GRAPH_FILE

RANDOM = frozenset(
    {
        *("RandomUniform", "RandomUniformInt", "RandomStandardNormal", "TruncatedNormal"),
        *("ParameterizedTruncatedNormal", "RandomGamma", "RandomPoisson", "RandomPoissonV2"),
        *("Multinomial", "RandomShuffle"),
    }
)


@contextmanager
def seeded(
    folder: Path, described: Any, nodes: Iterable[tuple[str, Any]], *, seed: int = 0
) -> Iterator[Path]:
    """The folder itself, or for the length of the block another whose random operations have seeds.

    `nodes` are those of `described`, each with the name of its function. A seed follows from `seed` and the place of
    the operation, so that it is the same in every process. A SavedModel with assets is left as it is: once loaded, it
    goes on reading them from the folder it came from.
    """
    seedless = [(place, node) for place, node in nodes if _is_seedless(node)]
    if not seedless or _has_assets(folder):
        yield folder
        return
    for place, node in seedless:
        node.attr["seed"].i = seed + 1  # 0 and 0 would be none
        node.attr["seed2"].i = zlib.crc32(f"{place}/{node.name}".encode())
    with tempfile.TemporaryDirectory() as temporary:
        copied = Path(temporary)
        (copied / GRAPH_FILE).write_bytes(described.SerializeToString())
        for path in folder.resolve().iterdir():
            if path.name not in (GRAPH_FILE, "fingerprint.pb"):  # which is of the graph as it was
                (copied / path.name).symlink_to(path)
        yield copied


def _is_seedless(node: Any) -> bool:
    return node.op in RANDOM and not (_number(node, "seed") or _number(node, "seed2"))


def _number(node: Any, name: str) -> int:
    """An attribute that is left out is 0."""
    return int(node.attr[name].i) if name in node.attr else 0


def _has_assets(folder: Path) -> bool:
    assets = folder / "assets"
    return assets.is_dir() and any(assets.iterdir())
