"""What a verification found, check by check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Literal

from tfxfer.errors import TfxferError

Status = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `why` says what was found, or why it was not looked at."""

    name: str
    status: Status
    why: str


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """Everything that was looked at in one bundle."""

    bundle: str
    checks: tuple[Check, ...]

    @property
    def failures(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.status == "failed")

    @property
    def passed(self) -> bool:
        return not self.failures

    def as_dict(self) -> dict[str, object]:
        """JSON values: bundle, passed, checks[]."""
        return {
            "bundle": self.bundle,
            "passed": self.passed,
            "checks": [asdict(check) for check in self.checks],
        }


@dataclass(slots=True)
class Findings:
    """Collects checks, so that one failure does not hide the next."""

    checks: list[Check] = field(default_factory=list)

    def result(self, name: str, failures: Sequence[str], passed: str) -> None:
        """Record one failed check for each failure, or one passed check where there is none."""
        if not failures:
            self.checks.append(Check(name, "passed", passed))
        self.checks.extend(Check(name, "failed", why) for why in failures)

    def skip(self, name: str, why: str) -> None:
        self.checks.append(Check(name, "skipped", why))

    @contextmanager
    def guard(self, name: str) -> Iterator[None]:
        """A TfxferError inside the block becomes a failed check of this name."""
        try:
            yield
        except TfxferError as error:
            self.checks.append(Check(name, "failed", str(error)))
