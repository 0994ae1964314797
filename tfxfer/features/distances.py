"""How far two sets of features are from each other: maximum mean discrepancy and Fréchet distance; no TensorFlow."""

from __future__ import annotations

import numpy as np

from tfxfer.catalogue.spread import spread_rows
from tfxfer.errors import UsageError

ROWS = 2_000  # of each set, spaced evenly: the discrepancy compares every row with every other


def maximum_mean_discrepancy(
    first: np.ndarray, second: np.ndarray, *, bandwidth: float | None = None
) -> float:
    """The squared discrepancy of (N, D) and (M, D) features, without bias: about 0, and as often below, where they
    are from one distribution.

    Gretton et al. 2012 (JMLR 13), equation 3, with the kernel exp(-|x - y|^2 / (2 bandwidth^2)); without a `bandwidth`
    it is the median distance between the rows of both sets. At most 2,000 rows of each set are used.

    Raises:
        UsageError: the sets are not two tables of as many columns, with two rows or more each.
    """
    x, y = (_spaced(rows) for rows in _pair(first, second))
    squared = _squared_distances(np.concatenate([x, y]))
    if bandwidth is None:
        bandwidth = float(np.sqrt(np.median(squared[np.triu_indices(len(squared), 1)])))
    kernel = np.exp(-squared / (2 * max(bandwidth, 1e-30) ** 2))
    n, m = len(x), len(y)
    within_x, within_y, between = kernel[:n, :n], kernel[n:, n:], kernel[:n, n:]
    return float(
        (within_x.sum() - n) / (n * (n - 1)) + (within_y.sum() - m) / (m * (m - 1)) - 2 * between.mean()
    )


def frechet_distance(first: np.ndarray, second: np.ndarray) -> float:
    """The squared Fréchet distance of the Gaussians with the means and covariances of (N, D) and (M, D) features.

    |m1 - m2|^2 + trace(S1 + S2 - 2 (S1 S2)^(1/2)) (Dowson & Landau 1982; on features: Heusel et al. 2017). The trace of
    the root is the sum of the singular values of the product of both centred tables, so no root of a singular matrix is
    taken. It falls with the number of rows where they are few: compare sets of equal size.

    Raises:
        UsageError: as above.
    """
    x, y = _pair(first, second)
    means = np.square(x.mean(axis=0) - y.mean(axis=0)).sum()
    a, b = (_centred(rows) for rows in (x, y))
    cross = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    return float(max(means + np.square(a).sum() + np.square(b).sum() - 2 * cross, 0.0))


def _centred(rows: np.ndarray) -> np.ndarray:
    """A table whose product with itself is the covariance, of no more rows than columns."""
    table = (rows - rows.mean(axis=0)) / np.sqrt(len(rows) - 1)
    return np.asarray(np.linalg.qr(table, mode="r")) if len(table) > table.shape[1] else table


def _squared_distances(rows: np.ndarray) -> np.ndarray:
    rows = rows - rows.mean(axis=0)  # smaller numbers, less cancellation
    lengths = np.square(rows).sum(axis=1)
    return np.maximum(lengths[:, None] + lengths[None] - 2 * rows @ rows.T, 0.0)


def _spaced(rows: np.ndarray) -> np.ndarray:
    return rows[spread_rows(len(rows), ROWS)]


def _pair(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or min(len(x), len(y)) < 2:
        raise UsageError(
            "features must be two tables (N, D) and (M, D) of two rows or more each. "
            f"Received: {x.shape} and {y.shape}. Pool feature maps to vectors first."
        )
    return x, y
