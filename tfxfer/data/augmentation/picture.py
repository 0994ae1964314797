"""A picture of augmented batches: each image as it was, and under it as training sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tfxfer.data.resize import as_picture

COLUMNS = 8
CELL = 160  # pixels, the longer side of each image
GAP, LINE, TEXT = 8, 18, 13  # pixels
SHOWN = 16  # images of a batch


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """The beginning of one batch, before and after."""

    title: str
    before: np.ndarray  # (N, H, W, 3) uint8
    after: np.ndarray  # (N, H, W, 3) uint8
    captions: Sequence[tuple[str, str]]  # what each image's label was, and what it has become


def picture(batches: Sequence[Batch]) -> Image.Image:
    """All batches, one under the other."""
    parts = [_part(batch) for batch in batches]
    whole = Image.new("RGB", (max(part.width for part in parts), sum(part.height for part in parts)), "white")
    top = 0
    for part in parts:
        whole.paste(part, (0, top))
        top += part.height
    return whole


def _part(batch: Batch) -> Image.Image:
    count, height, width = batch.before.shape[:3]
    scale = CELL / max(height, width)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    step = size[0] + GAP, size[1] + LINE
    rows = -(-count // COLUMNS)
    page = Image.new("RGB", (GAP + COLUMNS * step[0], 2 * LINE + rows * (2 * step[1] + GAP) + GAP), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(TEXT)
    draw.text((GAP, GAP // 2), _fitting(batch.title, page.width - 2 * GAP, font), "black", font)
    for number in range(count):
        row, column = divmod(number, COLUMNS)
        left, top = GAP + column * step[0], 2 * LINE + row * (2 * step[1] + GAP)
        for offset, images, caption in (
            (0, batch.before, batch.captions[number][0]),
            (step[1], batch.after, batch.captions[number][1]),
        ):
            cell = as_picture(images[number]).resize(size, Image.Resampling.BILINEAR)
            page.paste(cell, (left, top + offset))
            draw.text((left, top + offset + size[1]), _fitting(caption, size[0], font), "black", font)
    return page


def _fitting(text: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """As much of the text as there is room for, in letters that the font has."""
    text = text.encode("latin-1", "replace").decode("latin-1")
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "...") > width:
        text = text[:-1]
    return text + "..."
