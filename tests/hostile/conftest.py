"""A finished run, whose bundle is changed."""

from tests.stages.conftest import finished  # noqa: F401
