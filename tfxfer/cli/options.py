"""Options that several commands share, so that each is spelt and explained once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tfxfer.catalogue.pixels import USUAL_PIXELS, Pixels, parse_pixels
from tfxfer.catalogue.tasks import TASK_NAMES

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class PixelsType(click.ParamType):
    """`--pixels`: a usual range, or a YAML mapping."""

    name = "pixels"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Pixels:
        if isinstance(value, Pixels):
            return value
        try:
            return parse_pixels(_mapping_or_text(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _mapping_or_text(text: str) -> str | dict[str, object]:
    from tfxfer.config.yaml_reader import YamlProblem, read_yaml

    if not text.lstrip().startswith("{"):
        return text
    try:
        value, _ = read_yaml(text.encode())
    except YamlProblem as problem:
        raise ValueError(f"{problem.message}. Received: {text}") from problem
    assert isinstance(value, dict)
    return value


config_argument: Decorator = click.argument("config", type=click.Path(path_type=Path))
set_option: Decorator = click.option(
    "--set",
    "overrides",
    metavar="KEY=VALUE",
    multiple=True,
    help="Replace one value of the configuration, such as training.phases[0].epochs=3. Repeatable.",
)
json_option: Decorator = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
quiet_option: Decorator = click.option(
    "--quiet", "-q", is_flag=True, help="Show warnings and errors only, no progress."
)
overwrite_option: Decorator = click.option(
    "--overwrite", is_flag=True, help="Replace what lies under --out. Without it nothing is overwritten."
)
pixels_option: Decorator = click.option(
    "--pixels",
    type=PixelsType(),
    metavar="RANGE",
    help=f"What the model was trained on, where it was not tfxfer that trained it: {USUAL_PIXELS}. "
    "Without it the model is taken to eat RGB 0-255.",
)
input_dtype_option: Decorator = click.option(
    "--input-dtype",
    type=click.Choice(["uint8", "float32"]),
    help="The dtype of the input of a user's own model.",
)
task_option: Decorator = click.option(
    "--task",
    type=click.Choice(TASK_NAMES),
    help="What a user's own model does; classification without it.",
)


def model_option(words: str) -> Decorator:
    """`--model PATH`, which must exist."""
    return click.option(
        "--model", required=True, type=click.Path(exists=True, path_type=Path), metavar="PATH", help=words
    )


def out_option(words: str, *, required: bool = True) -> Decorator:
    """`--out DIR`."""
    return click.option(
        "--out",
        required=required,
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help=words,
    )


def device_logs_option(use: str) -> Decorator:
    """`--import`: figures of a phone; `use` says what the command does with them."""
    return click.option(
        "--import",
        "logs",
        multiple=True,
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help=f"What LiteRT's benchmark_model printed on a phone{use}. Repeatable.",
    )
