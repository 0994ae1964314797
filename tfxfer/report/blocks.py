"""What a page is made of: words, tables, plots and pictures, in sections. The template knows one of each kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from markupsafe import Markup

Tone = Literal["", "good", "doubtful", "bad"]


@dataclass(frozen=True, slots=True)
class Words:
    """One paragraph."""

    text: str
    tone: Tone = ""
    kind: Literal["words"] = "words"


@dataclass(frozen=True, slots=True)
class Lines:
    """A list of sentences."""

    lines: tuple[str, ...]
    kind: Literal["lines"] = "lines"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table; `heat` from 0 to 1 is its background."""

    text: str
    tone: Tone = ""
    heat: float | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading; numbers stand to the right."""

    text: str
    numeric: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """The first cell of each row is its heading."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    dense: bool = False
    kind: Literal["table"] = "table"


@dataclass(frozen=True, slots=True)
class Plot:
    """An SVG, and what it shows in words for those who cannot see it."""

    svg: Markup
    caption: str
    wide: bool = False
    kind: Literal["plot"] = "plot"


@dataclass(frozen=True, slots=True)
class Plots:
    """Plots beside each other where there is room."""

    plots: tuple[Plot, ...]
    kind: Literal["plots"] = "plots"


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture with its caption; `data` is a data: address, None where the file is gone."""

    data: str | None
    heat: str | None  # the same under its heat map
    words: str  # for those who cannot see it
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pictures:
    """A gallery."""

    pictures: tuple[Picture, ...]
    kind: Literal["pictures"] = "pictures"


@dataclass(frozen=True, slots=True)
class Code:
    """Text as it is: a command, a configuration."""

    text: str
    label: str
    kind: Literal["code"] = "code"


@dataclass(frozen=True, slots=True)
class Advice:
    """A suggestion: what is seen, why that is likely, what to do, and the figure that says so."""

    symptom: str
    cause: str
    remedy: str
    figure: str
    grave: bool = False  # it puts the network itself in doubt
    kind: Literal["advice"] = "advice"


Block = Words | Lines | Table | Plot | Plots | Pictures | Code | Advice


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page under its own heading."""

    id: str
    title: str
    blocks: tuple[Block, ...] = field(default=())


def table(caption: str, columns: Sequence[str], rows: Sequence[Sequence[str | Cell]], text: int = 1) -> Table:
    """A table whose first `text` columns are words and whose others are numbers."""
    return Table(
        caption,
        tuple(Column(name, numeric=index >= text) for index, name in enumerate(columns)),
        tuple(tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in row) for row in rows),
    )
