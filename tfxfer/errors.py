"""The one exception family; the command line maps each to an exit code.

A message says what was expected, what was received, and what to do.
"""

from __future__ import annotations


class TfxferError(Exception):
    """Anything that stops tfxfer for a reason the user can act on."""

    exit_code = 1


class UsageError(TfxferError):
    """A command line, or a call from Python, asks for something that cannot be meant."""

    exit_code = 2


class ConfigError(UsageError):
    """A configuration is wrong; the message names the file, the line and the key."""


class DataError(TfxferError):
    """Data are missing, unreadable, or not what was declared."""


class RecordError(DataError):
    """One file of a data set cannot be used; `kind` says in one word why."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class BackboneError(TfxferError):
    """A backbone cannot be loaded, or does not take what it is given."""


class WeightsError(BackboneError):
    """Weights are missing, damaged, or belong to another network."""


class BlockError(TfxferError):
    """A model has no such block, or cannot be cut where it was asked to be."""


class NetworkError(TfxferError):
    """A network cannot be built, saved or loaded."""


class TrainingError(TfxferError):
    """Training stopped: a loss that is not finite, an empty data set, a callback that cannot work."""


class FeaturesError(TfxferError):
    """Frozen features cannot be computed or kept."""


class ExportError(TfxferError):
    """A format cannot hold this network."""


class RuntimeUnavailableError(TfxferError):
    """The runtime that a file needs is not installed here, or refuses the file."""


class EvaluationError(TfxferError):
    """Outputs cannot be scored: not finite, or not of the shape that the task needs."""


class VerificationError(TfxferError):
    """A file is not as good as the trained network, or not the file it claims to be."""


class BundleError(VerificationError):
    """A bundle is incomplete, or its files disagree with each other."""


class GateError(VerificationError):
    """A gate did not hold."""


class RunError(TfxferError):
    """A run directory is in the way, incomplete, or in use."""
