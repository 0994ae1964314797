"""YAML 1.2 to plain values with line numbers; nothing in a file can run code, explode or be said twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, DocumentStartEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from tfxfer.config.document import Place

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_ALIASES = 100
MAX_VALUES = 20_000  # after aliases are written out

_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = (_TAG + "str", _TAG + "timestamp")  # a date is text to us


class YamlProblem(Exception):
    """The text is not the YAML that is taken here; `line` counts from 1, or is None."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


def read_yaml(data: bytes) -> tuple[object, dict[Place, int]]:
    """The value that `data` holds (None where it is empty), and the line of every place in it.

    Raises:
        YamlProblem: not UTF-8, not YAML 1.2, a key twice, a tag, or larger or deeper than any configuration.
    """
    text = _decode(data)
    try:
        _refuse_explosions(text)
        node = _yaml().compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = error.problem or error.context or "it cannot be parsed"
        raise YamlProblem(f"not valid YAML: {words}", None if mark is None else mark.line + 1) from error
    except YAMLError as error:
        raise YamlProblem(f"not valid YAML: {' '.join(str(error).split())}") from error
    if node is None:
        return None, {}
    builder = _Builder()
    return builder.value(node, ()), builder.lines


def _yaml() -> YAML:
    yaml = YAML(typ="safe", pure=True)
    yaml.version = "1.2"
    return yaml


def _decode(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise YamlProblem(
            f"a configuration must be at most {MAX_BYTES:,} bytes. Received: {len(data):,} bytes."
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise YamlProblem("the text must be UTF-8. Save the file as UTF-8.", line) from error


def _refuse_explosions(text: str) -> None:
    # Events come one by one without recursion, so that depth is bounded before anything recurses.
    depth = aliases = 0
    for event in _yaml().parse(text):
        depth += isinstance(event, CollectionStartEvent)
        depth -= isinstance(event, CollectionEndEvent)
        aliases += isinstance(event, AliasEvent)
        line = event.start_mark.line + 1
        if depth > MAX_DEPTH:
            raise YamlProblem(f"values must be nested at most {MAX_DEPTH} deep", line)
        if aliases > MAX_ALIASES:
            raise YamlProblem(f"at most {MAX_ALIASES} aliases (*name) are taken", line)
        if isinstance(event, DocumentStartEvent) and event.version not in (None, (1, 2)):
            raise YamlProblem("the file must be YAML 1.2. Remove the %YAML line.", line)


@dataclass(slots=True)
class _Builder:
    """Turns nodes into plain values and remembers their lines."""

    lines: dict[Place, int] = field(default_factory=dict)
    count: int = 0

    def value(self, node: Node, place: Place) -> object:
        self._admit(node, place)
        self.lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, MappingNode) and node.tag == _TAG + "map":
            return dict(self._pairs(node, place))
        if isinstance(node, SequenceNode) and node.tag == _TAG + "seq":
            return [self.value(child, (*place, index)) for index, child in enumerate(node.value)]
        if isinstance(node, ScalarNode):
            return _scalar(node)
        raise YamlProblem(f"tags are not taken. Received: {node.tag}", node.start_mark.line + 1)

    def _pairs(self, node: MappingNode, place: Place) -> Iterator[tuple[str, object]]:
        seen: dict[str, int] = {}
        for key_node, child in node.value:
            line = key_node.start_mark.line + 1
            key = key_node.value if isinstance(key_node, ScalarNode) else None
            if key is None or key_node.tag not in _TEXT_TAGS:
                raise YamlProblem(f"a key must be text. Received: {key or 'a list or a mapping'}", line)
            if key in seen:
                raise YamlProblem(f"the key '{key}' is given twice, first on line {seen[key]}", line)
            seen[key] = line
            self.lines[(*place, key)] = line
            yield key, self.value(child, (*place, key))

    def _admit(self, node: Node, place: Place) -> None:
        self.count += 1
        if self.count > MAX_VALUES or len(place) > MAX_DEPTH:
            raise YamlProblem(
                f"a configuration holds at most {MAX_VALUES:,} values, nested at most {MAX_DEPTH} deep, "
                "aliases written out",
                node.start_mark.line + 1,
            )


def _scalar(node: ScalarNode) -> object:
    if node.tag in _TEXT_TAGS:
        return node.value
    constructor = _yaml().constructor
    makers = {
        _TAG + "null": constructor.construct_yaml_null,
        _TAG + "bool": constructor.construct_yaml_bool,
        _TAG + "int": constructor.construct_yaml_int,
        _TAG + "float": constructor.construct_yaml_float,
    }
    line = node.start_mark.line + 1
    if node.tag not in makers:
        raise YamlProblem(f"tags are not taken. Received: {node.tag}", line)
    try:
        value: object = makers[node.tag](node)
    except (ValueError, KeyError, IndexError, OverflowError) as error:  # !!int abc; thousands of digits
        raise YamlProblem(
            f"a number or truth value was expected. Received: {node.value[:40]}", line
        ) from error
    return value
