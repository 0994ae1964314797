"""Which files count as pictures, by extension and by content."""

from __future__ import annotations

from collections.abc import Mapping

# Pillow's names; MPO is what it calls a JPEG that holds more than one picture.
NAMES: Mapping[str, str] = {
    "JPEG": "JPEG",
    "MPO": "JPEG",
    "PNG": "PNG",
    "BMP": "BMP",
    "DIB": "BMP",
    "GIF": "GIF",
    "WEBP": "WebP",
}

SUFFIXES: Mapping[str, str] = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".bmp": "BMP",
    ".dib": "BMP",
    ".gif": "GIF",
    ".webp": "WebP",
}

# Pictures that are not read: they must not be left out in silence.
OTHER_PICTURES = frozenset(
    {
        ".tif",
        ".tiff",
        ".heic",
        ".heif",
        ".avif",
        ".jxl",
        ".jp2",
        ".j2k",
        ".tga",
        ".ppm",
        ".pgm",
        ".pbm",
        ".pnm",
        ".ico",
        ".icns",
        ".psd",
        ".svg",
        ".dng",
        ".cr2",
        ".nef",
        ".arw",
        ".raw",
        ".dcm",
        ".exr",
        ".hdr",
    }
)
SUPPORTED = "JPEG, PNG, BMP, GIF or WebP"
