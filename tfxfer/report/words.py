"""Figures as people read them."""

from __future__ import annotations

from collections.abc import Sequence

UNITS = ("B", "kB", "MB", "GB")
DASH = "–"


def share(value: float | None, digits: int = 1) -> str:
    """0.888 -> "88.8 %"."""
    return DASH if value is None else f"{100 * value:.{digits}f} %"


def points(value: float | None) -> str:
    """A difference of shares: -0.012 -> "-1.2 points"."""
    return DASH if value is None else f"{100 * value:+.1f} points"


def distance(value: float | None) -> str:
    """A difference of shares whose direction is clear: 0.012 -> "1.2 points"."""
    return points(value).lstrip("+")


def figure(value: float | None, digits: int = 4) -> str:
    """Four significant digits, or as many as asked for; thousands separated."""
    if value is None:
        return DASH
    return f"{value:,.{digits}g}" if abs(value) < 10**digits else f"{value:,.0f}"


def count(value: float | None) -> str:
    """A whole number, thousands separated; a weighted one with its decimals."""
    if value is None:
        return DASH
    return f"{int(value):,}" if float(value).is_integer() else figure(value)


def size(value: float | None) -> str:
    """Bytes in the unit that suits: 8_912_345 -> "8.9 MB"."""
    if value is None:
        return DASH
    for unit in UNITS:
        if value < 1000 or unit == UNITS[-1]:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    raise AssertionError


def seconds(value: float | None) -> str:
    """ "0.64 s", "13 s", "2 min 5 s"."""
    if value is None:
        return DASH
    if value < 120:
        return f"{value:.2g} s" if value < 10 else f"{value:.0f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s"


def milliseconds(value: float | None) -> str:
    """Two digits below ten, else whole."""
    if value is None:
        return DASH
    return f"{value:.2f} ms" if value < 10 else f"{value:.0f} ms"


def interval(bounds: Sequence[float], *, shares: bool) -> str:
    """ "83.1 to 92.8 %", or the bounds in the target's unit."""
    if len(bounds) != 2:
        return DASH
    low, high = bounds
    return f"{100 * low:.1f} to {100 * high:.1f} %" if shares else f"{figure(low)} to {figure(high)}"


def named(count_: int, noun: str) -> str:
    """ "1 file", "3 files"."""
    return f"{count_:,} {noun}{'' if count_ == 1 else 's'}"


def listed(names: Sequence[str], limit: int = 6) -> str:
    """The first names, and how many more there are."""
    rest = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {rest:,} more" if rest > 0 else "")
