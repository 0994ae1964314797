"""How a picture's colours become one grey value: in training, in every contract, in apps."""

from __future__ import annotations

# Shares of red, green and blue, of 65536: ITU-R BT.601's 0.299, 0.587, 0.114 as Pillow's `convert("L")` rounds them.
# Three equal values stay as they are.
SHARES = (19595, 38470, 7471)
HALF, BITS = 32768, 16
FORMULA = "(19595 * R + 38470 * G + 7471 * B + 32768) >> 16"

COLOURED, GREY = 3, 1  # channels that picture files can be brought to
FROM_FILES = (GREY, COLOURED)
WHY_NOT_MORE = "picture files are decoded to 8 bits of grey (1 channel) or RGB (3)"
MORE_FROM_PYTHON = (
    "give arrays to tfxfer.load_backbone(NAME, channels=N), attach_head, fit and export in Python"
)
