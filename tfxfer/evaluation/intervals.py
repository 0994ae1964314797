"""What a number of test images can prove: confidence intervals of proportions and of their difference."""

from __future__ import annotations

import math

import numpy as np

Interval = tuple[float, float]  # (low, high)

Z95 = 1.959963984540054  # standard normal quantile of a two-sided 95 % interval


def effective_sample_size(weights: np.ndarray) -> float:
    """How many equally weighted samples say as much: Kish 1965, (sum of w)^2 / sum of w^2."""
    return float(weights.sum() ** 2 / np.square(weights).sum())


def wilson_interval(successes: float, n: float, *, z: float = Z95) -> Interval:
    """The score interval of a proportion, which stays inside [0, 1] and is sound at 0 and at n successes.

    Wilson 1927, "Probable inference, the law of succession, and statistical inference", JASA 22.
    With weighted samples, pass the effective sample size as `n`.
    """
    if n <= 0:
        return 0.0, 1.0
    share = min(max(successes / n, 0.0), 1.0)
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low = 0.0 if share == 0.0 else max(0.0, centre - half)
    high = 1.0 if share == 1.0 else min(1.0, centre + half)
    return low, high


def share_interval(correct: np.ndarray, weights: np.ndarray) -> Interval:
    """The Wilson interval of the weighted share of (N,) bool that is true; (0, 1) of none."""
    if not len(correct) or weights.sum() <= 0:
        return 0.0, 1.0
    effective = effective_sample_size(weights)
    return wilson_interval(float(np.average(correct, weights=weights)) * effective, effective)


def rate_upper_bound(events: float, n: float, *, confidence: float = 0.95) -> float:
    """The largest rate that `events` among `n` trials leave believable, one-sided and exact.

    Clopper & Pearson 1934, Biometrika 26. Without events it is 1 - 0.05^(1/n), about 3/n: the rule of
    three of Hanley & Lippman-Hand 1983, JAMA 249.
    """
    if n <= 0 or events >= n:
        return 1.0
    if events == 0:
        return 1.0 - (1.0 - confidence) ** (1.0 / n)
    from scipy.stats import beta

    return float(beta.ppf(confidence, events + 1, n - events))


def paired_difference_interval(
    only_first: float, only_second: float, n: float, *, z: float = Z95
) -> Interval:
    """The interval of (share right in the first) - (share right in the second), over the same n samples.

    `only_first` and `only_second` count the samples that one of the two got right and the other did not.
    Bonett & Price 2012, "Adjusted Wald confidence interval for a difference of binomial proportions based
    on paired data", J. Educ. Behav. Stat. 37; recommended by Fagerland, Lydersen & Laake 2014.
    """
    if n <= 0:
        return -1.0, 1.0
    first, second = (only_first + 1) / (n + 2), (only_second + 1) / (n + 2)
    difference = first - second
    half = z * math.sqrt(max(first + second - difference * difference, 0.0) / (n + 2))
    return max(-1.0, difference - half), min(1.0, difference + half)


def mean_interval(values: np.ndarray, weights: np.ndarray, *, z: float = Z95) -> Interval:
    """The interval of a weighted mean of (N,) values by the central limit theorem; n is Kish's effective size."""
    mean = float(np.average(values, weights=weights))
    effective = effective_sample_size(weights)
    if effective <= 1:
        return -math.inf, math.inf
    variance = float(np.average(np.square(values - mean), weights=weights)) * effective / (effective - 1)
    half = z * math.sqrt(variance / effective)
    return mean - half, mean + half


def difference_interval(first: Interval, second: Interval, values: tuple[float, float]) -> Interval:
    """The interval of values[0] - values[1], two independent figures with intervals of their own.

    Newcombe 1998, "Interval estimation for the difference between independent proportions", Statistics in
    Medicine 17, method 10: the squares of the two distances to the limits add up.
    """
    difference = values[0] - values[1]
    below = math.hypot(values[0] - first[0], second[1] - values[1])
    above = math.hypot(first[1] - values[0], values[1] - second[0])
    return difference - below, difference + above
