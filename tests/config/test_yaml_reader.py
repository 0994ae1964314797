"""YAML that would explode, run code or say two things is refused; any bytes end in a value or a refusal."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tfxfer.config.read import read_config
from tfxfer.config.schema import Config
from tfxfer.config.yaml_reader import MAX_BYTES, YamlProblem, read_yaml
from tfxfer.errors import ConfigError

# The same examples in every run, and no folder of them left behind.
FIXED = settings(deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)

EXPLOSIONS = {
    "billion laughs": LAUGHS,
    "recursion": "a: &a [*a]\n",
    "depth": "[" * 100_000,
    "block depth": "".join(" " * depth + "a:\n" for depth in range(200)),
    "many aliases": "a: &a 1\nb: [" + "*a, " * 5_000 + "]\n",
    "size": "#" * (MAX_BYTES + 1),
    "digits": "seed: " + "9" * 10_000 + "\n",
    "bad int": "seed: !!int abc\n",
    "bad bool": "seed: !!bool maybe\n",
    "set": "seed: !!set {a}\n",
    "binary": "seed: !!binary aGk=\n",
    "merge": "a: {<<: {b: 1}}\n",
    "list as key": "[a, b]: 1\n",
    "number as key": "1: 1\n",
    "undefined alias": "a: *b\n",
    "null character": "a: b\0c\n",
}


@pytest.mark.parametrize("kind", EXPLOSIONS)
def test_what_would_explode_is_refused_at_once(kind: str) -> None:
    with pytest.raises(YamlProblem):
        read_yaml(EXPLOSIONS[kind].encode())


def test_text_that_is_not_utf8_is_refused_with_its_line() -> None:
    with pytest.raises(YamlProblem) as caught:
        read_yaml("a: 1\nb: é\n".encode("latin-1"))
    assert caught.value.line == 2


def test_anchors_are_taken_within_reason() -> None:
    value, lines = read_yaml(b"a: &one {x: 1}\nb: *one\n")
    assert value == {"a": {"x": 1}, "b": {"x": 1}}
    assert lines["b",] == 2


def test_a_byte_order_mark_is_no_text() -> None:
    assert read_yaml(b"\xef\xbb\xbfa: 1\n")[0] == {"a": 1}


def test_scalars_are_those_of_yaml_1_2() -> None:
    text = b"[1e-3, no, on, 0o17, 1:30, 2024-01-01, ~, true, '1', -0.5, .inf]"
    assert read_yaml(text)[0] == [
        1e-3,
        "no",
        "on",
        15,
        "1:30",
        "2024-01-01",
        None,
        True,
        "1",
        -0.5,
        float("inf"),
    ]


def _read(data: bytes) -> Config | ConfigError:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any.yaml"
        path.write_bytes(data)
        try:
            return read_config(path)
        except ConfigError as error:
            return error


@settings(FIXED, max_examples=150)
@given(st.binary(max_size=200))
@example(b"? a\n: b")
@example(b'data: "\\0"\nbackbone: "file/\\0.keras"')
@example(b'data: "\\ud800"\nbackbone: embedded/small')
@example(b'"\\ud800": 1')
def test_any_bytes_are_a_config_or_a_config_error(data: bytes) -> None:
    assert isinstance(_read(data), Config | ConfigError)


KEYS = st.sampled_from(
    [
        "data",
        "path",
        "backbone",
        "name",
        "training",
        "phases",
        "epochs",
        "unfreeze",
        "exports",
        "format",
        "gates",
    ]
)
PIECES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | KEYS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(FIXED, max_examples=150)
@given(st.dictionaries(KEYS, PIECES, max_size=6))
def test_any_tree_is_a_config_or_a_config_error(tree: dict[str, object]) -> None:
    from tfxfer.config.read import parse_config

    try:
        assert isinstance(parse_config(tree), Config)
    except ConfigError:
        return
