"""How a file stores its input and its outputs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output; where it is integers with a scale, real = scale * (stored - zero_point)."""

    name: str
    dtype: str
    scale: float | None = None  # None: the numbers are what they are
    zero_point: int | None = None

    def as_dict(self) -> dict[str, object]:
        """JSON values, without the name."""
        return {"dtype": self.dtype, "scale": self.scale, "zero_point": self.zero_point}
