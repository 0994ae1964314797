"""Whatever bytes a configuration file holds, it becomes a Config or a ConfigError, soon."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tfxfer.config.read import read_config
from tfxfer.config.schema import Config
from tfxfer.errors import ConfigError

GOOD = "data: embedded/digits\nbackbone: embedded/small\n"
KEYS = sorted(
    {
        *Config.model_fields,
        "path",
        "recipe",
        "phases",
        "epochs",
        "unfreeze",
        "format",
        "precision",
        "until",
        "options",
    }
)
# What YAML makes other things of than it looks, and what breaks readers.
ODD = [
    "~",
    "1e999",
    "-.inf",
    ".nan",
    "0x1F",
    "1_000",
    "2026-11-21",
    "!!python/object:os.system x",
    "&a [*a]",
    "<<: 1",
]
scalars = st.one_of(
    st.text(max_size=8),
    st.sampled_from(ODD),
    st.integers().map(str),
    st.floats().map(str),
    st.booleans().map(str),
)


def _nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(st.sampled_from(KEYS), inner).map(lambda pair: f"{pair[0]}: {pair[1]}")
    return st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]"),
        st.lists(pairs, max_size=3).map(lambda parts: f"{{{', '.join(parts)}}}"),
    )


values = st.recursive(scalars, _nested, max_leaves=6)
documents = st.lists(st.tuples(st.sampled_from(KEYS), values), max_size=4).map(
    lambda pairs: (GOOD + "".join(f"{key}: {value}\n" for key, value in pairs)).encode(
        "utf-8", "surrogatepass"
    )
)


def read(data: bytes, *overrides: str) -> None:
    """Raises nothing that is not a ConfigError."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "run.yaml"
        file.write_bytes(data)
        with suppress(ConfigError):
            assert isinstance(read_config(file, overrides), Config)


@settings(max_examples=150, deadline=None)
@given(data=st.one_of(st.binary(max_size=200), documents))
@example(b"")
@example(b"\xff\xfe\x00")
@example(b"a: &a [x]\nb: &b [*a, *a]\ndata: [*b, *b]")
def test_any_bytes_are_a_config_or_a_config_error(data: bytes) -> None:
    read(data)


@pytest.mark.slow
@settings(max_examples=5_000, deadline=None)
@given(data=st.one_of(st.binary(max_size=2_000), documents))
def test_many_more_bytes(data: bytes) -> None:
    read(data)


@settings(max_examples=100, deadline=None)
@given(override=st.one_of(st.text(max_size=30), st.tuples(st.sampled_from(KEYS), values).map("=".join)))
def test_any_override_is_a_config_or_a_config_error(override: str) -> None:
    read(GOOD.encode(), override)
