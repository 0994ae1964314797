"""Pictures of glyphs, made by a formula: characters of free fonts, bent, thickened and coarsened.

Formula-driven supervised pretraining (Kataoka et al. 2020, https://arxiv.org/abs/2101.08515) with rendered
characters in place of fractals. Everything follows from the seed. The fonts come with matplotlib: DejaVu
(Bitstream Vera licence) and STIX (SIL Open Font License 1.1), neither of which reaches what is drawn with them.
matplotlib's Computer Modern fonts are left out: their licence names its uses, and this is not among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from scipy.ndimage import map_coordinates

SIDE = 32  # pixels
CANVAS = 64  # pixels a side that a glyph is drawn on before it is shrunk
COARSE_SHARE = 0.6  # of the pictures, as a low-resolution scanner sees them
CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
FONTS = (
    *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-BoldOblique", "DejaVuSans-Oblique"),
    *("DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSansMono-BoldOblique", "DejaVuSansMono-Oblique"),
    *("DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-BoldItalic", "DejaVuSerif-Italic"),
    *("STIXGeneral", "STIXGeneralBol", "STIXGeneralBolIta", "STIXGeneralItalic"),
)
FONT_FOLDER = Path(matplotlib.get_data_path(), "fonts", "ttf")
STROKES = (None, ImageFilter.MaxFilter(3), ImageFilter.MaxFilter(5), ImageFilter.MinFilter(3))


def glyph_pictures(count: int, seed: int | Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """`count` pictures, (count, 32, 32, 3) uint8, and the index of each one's character, (count,) int32."""
    random = np.random.default_rng(seed)
    labels = random.integers(len(CHARACTERS), size=count).astype(np.int32)
    pictures = np.stack([_picture(CHARACTERS[label], random) for label in labels])
    return np.repeat(pictures[..., None], 3, axis=-1), labels


def _picture(character: str, random: np.random.Generator) -> np.ndarray:
    ink = np.zeros((0, 0))
    while min(ink.shape) < 4:  # a thin stroke can vanish under the bending; draw another
        ink = _trimmed(_bent(_drawn(character, random), random))
    placed = _placed(ink, random)
    return _coarse(placed, random) if random.random() < COARSE_SHARE else placed


def _drawn(character: str, random: np.random.Generator) -> Image.Image:
    file = FONT_FOLDER / f"{FONTS[random.integers(len(FONTS))]}.ttf"
    font = ImageFont.truetype(file, int(random.integers(40, 60)))
    canvas = Image.new("L", (CANVAS, CANVAS), 0)
    ImageDraw.Draw(canvas).text((CANVAS / 2, CANVAS / 2), character, fill=255, font=font, anchor="mm")
    stroke = STROKES[random.integers(len(STROKES))]
    return canvas if stroke is None else canvas.filter(stroke)


def _bent(canvas: Image.Image, random: np.random.Generator) -> np.ndarray:
    """Rotation, scale and shear, then an elastic deformation (Simard et al. 2003)."""
    angle, shear = np.deg2rad(random.normal(0, 10)), random.normal(0, 0.25)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = rotation @ np.array([[1, shear], [0, 1]]) @ np.diag(np.exp(random.normal(0, 0.2, 2)))
    field = random.normal(0, 2.5, (2, 4, 4)).astype(np.float32)  # pixels
    shift = np.stack([_enlarged(part, Image.Resampling.BICUBIC, CANVAS) for part in field])
    centred = np.mgrid[0:CANVAS, 0:CANVAS].reshape(2, -1) - CANVAS / 2
    source = (matrix @ centred + CANVAS / 2).reshape(2, CANVAS, CANVAS) + shift
    return map_coordinates(np.asarray(canvas, np.float32), source, order=1, mode="constant")


def _trimmed(ink: np.ndarray) -> np.ndarray:
    rows, columns = np.nonzero(ink > 60)
    if not len(rows):
        return np.zeros((0, 0))
    return ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def _placed(ink: np.ndarray, random: np.random.Generator) -> np.ndarray:
    height = int(random.integers(28, SIDE + 1))
    width = int(np.clip(height * ink.shape[1] / ink.shape[0] * np.exp(random.normal(0, 0.15)), 6, SIDE))
    small = np.asarray(Image.fromarray(ink).resize((width, height), Image.Resampling.BILINEAR))
    top = int(random.integers(0, SIDE + 1 - height))
    left = int(np.clip((SIDE - width) / 2 + random.normal(0, 1.5), 0, SIDE - width))
    picture = np.zeros((SIDE, SIDE), np.uint8)
    picture[top : top + height, left : left + width] = np.clip(small, 0, 255).astype(np.uint8)
    return picture


def _coarse(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Ink counted in cells of 4 x 4 pixels, then enlarged."""
    ink = picture > random.uniform(60, 160)
    shares = ink.reshape(SIDE // 4, 4, SIDE // 4, 4).mean(axis=(1, 3))
    return _enlarged(np.uint8(np.round(shares * 255)), Image.Resampling.BILINEAR, SIDE)


def _enlarged(values: np.ndarray, kernel: Image.Resampling, side: int) -> np.ndarray:
    return np.asarray(Image.fromarray(values).resize((side, side), kernel))
