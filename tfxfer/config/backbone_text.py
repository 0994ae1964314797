"""A backbone in one line, as it is typed after --backbones: `keras/MobileNetV2?alpha=0.35&image_size=192`."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote

from tfxfer.config.document import Tree
from tfxfer.config.yaml_reader import YamlProblem, read_yaml
from tfxfer.errors import UsageError

KEYS = (
    "weights",
    "image_size",
    "channels",
    "until",
    "pixels",
)  # of the section `backbone`; all others are its options


def parse_backbones(text: str) -> tuple[tuple[str, Tree], ...]:
    """Each backbone of a list with commas, as it was typed and as the section `backbone` of a configuration.

    Commas, `&` and `?` inside a value are written as %2C, %26 and %3F.

    Raises:
        UsageError: an entry that cannot be read, or the same one twice.
    """
    entries = [entry.strip() for entry in text.split(",")]
    if "" in entries or len(set(entries)) != len(entries):
        raise UsageError(
            f"--backbones must be different backbones with commas between them. Received: '{text}'. "
            "Write, for example, keras/MobileNetV2?alpha=0.35,keras/MobileNet."
        )
    return tuple((entry, parse_backbone(entry)) for entry in entries)


def parse_backbone(entry: str) -> Tree:
    """NAME, or NAME?KEY=VALUE&KEY=VALUE: keys of the section `backbone`, all others options of its constructor.

    Raises:
        UsageError: a part that is not KEY=VALUE, or a key twice.
    """
    name, _, query = entry.partition("?")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError as error:
        raise _refusal(entry, str(error)) from error
    if len({key for key, _ in pairs}) != len(pairs):
        raise _refusal(entry, "a key twice")
    found = {key: _value(key, text, entry) for key, text in pairs}
    options = {key: value for key, value in found.items() if key not in KEYS}
    tree: Tree = {"name": unquote(name), **{key: found[key] for key in KEYS if key in found}}
    return {**tree, "options": options} if options else tree


def _value(key: str, text: str, entry: str) -> object:
    if key in ("weights", "until") or (key == "pixels" and not text.startswith("{")):
        return text
    try:
        return read_yaml(text.encode())[0]
    except YamlProblem as problem:
        raise _refusal(entry, f"{key}={text}") from problem


def _refusal(entry: str, received: str) -> UsageError:
    return UsageError(
        f"a backbone must be NAME or NAME?KEY=VALUE&KEY=VALUE. Received: '{entry}' ({received}). "
        "Write, for example, keras/MobileNetV2?alpha=0.35&image_size=192."
    )
