"""Reading a configuration: from a file with overrides, or from a mapping; every problem is shown at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tfxfer.config.backbone_checks import check_backbone
from tfxfer.config.checks import check_data, check_evaluation, check_exports
from tfxfer.config.document import Document, Origin, Place, Problem
from tfxfer.config.messages import problems, received
from tfxfer.config.overrides import apply_override
from tfxfer.config.paths import resolve_paths
from tfxfer.config.schema import BackboneConfig, Config
from tfxfer.config.short_forms import complete, expand
from tfxfer.config.task_checks import check_task
from tfxfer.config.training_checks import check_training
from tfxfer.config.yaml_reader import MAX_BYTES, YamlProblem, read_yaml
from tfxfer.errors import ConfigError

CHECKS: Mapping[str, Callable[[Any], Iterator[Problem]]] = {
    "data": check_data,
    "backbone": check_backbone,
    "training": check_training,
    "exports": check_exports,
    "evaluation": check_evaluation,
}


def read_config(path: Path | str, overrides: Iterable[str] = ()) -> Config:
    """The configuration in a YAML file, with `KEY=VALUE` overrides applied in order.

    A relative path in the file starts from the file's folder, one in an override from the current directory.

    Raises:
        ConfigError: the file cannot be read, or anything in it is wrong; the message lists every problem
            with its file, line and key.
    """
    file = Path(path)
    document = _read_document(file)
    for override in overrides:
        document = apply_override(document, override, Path.cwd())
    if "name" not in document.tree:
        document = Document({"name": _name_of(file), **document.tree}, document.origins)
    return _check(document)


def read_resolved(path: Path | str) -> Config:
    """The configuration that an earlier run wrote; files it names may have gone since.

    Raises:
        ConfigError: the file cannot be read, or is no configuration of this version.
    """
    return _validated(_read_document(Path(path)))


def parse_config(mapping: Mapping[str, object]) -> Config:
    """The configuration in a mapping of plain values, short forms included.

    A relative path starts from the current directory.

    Raises:
        ConfigError: anything in it is wrong; the message lists every problem with its key.
    """
    tree = _plain(mapping, ())
    assert isinstance(tree, dict)
    return _check(Document(expand(tree), {(): Origin("config", Path.cwd())}))


def read_backbone(section: Mapping[str, object]) -> BackboneConfig:
    """The section `backbone` alone, paths resolved from the current directory; who loads it checks the rest.

    Raises:
        ConfigError: a key is unknown, or a value of the wrong kind.
    """
    tree = _plain({"data": "embedded/digits", "backbone": section}, ())
    assert isinstance(tree, dict)
    return _validated(Document(expand(tree), {(): Origin("--backbone", Path.cwd())})).backbone


def _read_document(file: Path) -> Document:
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(
            f"{file}: the configuration cannot be read ({reason}). Name a YAML file."
        ) from error
    try:
        value, lines = read_yaml(data)
    except YamlProblem as problem:
        line = "" if problem.line is None else f", line {problem.line}"
        raise ConfigError(f"{file}{line}: {problem.message}") from problem
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise ConfigError(
            f"{file}, line 1: a configuration must be a mapping of keys. Received: {received(value)}. "
            "'tfxfer init' prints one to start from."
        )
    base = file.parent.absolute()
    origins = {place: Origin(f"{file}, line {line}", base, line) for place, line in lines.items()}
    return Document(expand(value), {**origins, (): Origin(str(file), base)})


def _check(document: Document) -> Config:
    config = _validated(document)
    found = list(_checked({name: getattr(config, name) for name in CHECKS}))
    found += check_task(config)
    if found:
        raise ConfigError(_listed(document, found))
    return config


def _validated(document: Document) -> Config:
    document = resolve_paths(document)
    tree = complete(document.tree)
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        sections = _valid_sections(tree, {str(entry["loc"][0]) for entry in errors if entry["loc"]})
        raise ConfigError(_listed(document, [*problems(errors, Config), *_checked(sections)])) from None


def _valid_sections(tree: Mapping[str, object], wrong: set[str]) -> dict[str, object]:
    # The sections that the schema accepts, so that their other problems are shown in the same message.
    whole = {"data": {"path": "embedded/digits"}, "backbone": {"name": "embedded/small"}}
    right = {name: value for name, value in tree.items() if name in CHECKS and name not in wrong}
    config = Config.model_validate({**whole, **right})
    return {name: getattr(config, name) for name in right}


def _checked(sections: Mapping[str, object]) -> Iterator[Problem]:
    for name, section in sections.items():
        yield from CHECKS[name](section)


def _listed(document: Document, found: Iterable[Problem]) -> str:
    located = [(document.origin(problem.place), problem.message) for problem in found]
    located.sort(key=lambda pair: pair[0].line)
    lines = list(dict.fromkeys(f"{origin.text}: {message}" for origin, message in located))
    if len(lines) == 1:
        return lines[0]
    return "\n  ".join([f"{len(lines)} problems in the configuration:", *lines])


def _name_of(file: Path) -> str:
    name = "".join(character for character in file.stem if character.isprintable() and character != "\\")
    return name[:100] or "run"


def _plain(value: object, place: Place) -> object:
    # Mappings, tuples and paths are welcome from Python; anything else is left for the schema to refuse.
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise ConfigError(f"config: a key must be text. Received: {key!r}.")
        return {key: _plain(child, (*place, key)) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(child, (*place, index)) for index, child in enumerate(value)]
    return str(value) if isinstance(value, Path) else value
