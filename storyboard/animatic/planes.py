"""Pictures as Y, U and V planes: conversion, and frames sampled from a canvas at sub-pixel places.

Everything is 8-bit BT.709 limited range, 4:2:0. A canvas keeps its chroma centred on 2 x 2 luma pixels;
a frame has it where H.264 expects it by default, on the left column of each pair ("left" siting). The
half-pixel between the two is part of every sampling, so colour never drifts against luma.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .camera import Window

Floats = NDArray[np.float32]

# Recommendation ITU-R BT.709-6, items 3.2 and 3.3: luma weights and colour-difference divisors.
_RED, _GREEN, _BLUE = 0.2126, 0.7152, 0.0722
_CB, _CR = 1.8556, 1.5748

# Pixels repeated beyond each edge of a canvas: room for the shifted chroma and for the filter's support.
BLEED = 8


class Planes(NamedTuple):
    """Three "L" images; `u` and `v` are half as wide and half as high as `y`."""

    y: Image.Image
    u: Image.Image
    v: Image.Image

    def raw(self) -> bytes:
        """The frame as ffmpeg's rawvideo yuv420p."""
        return self.y.tobytes() + self.u.tobytes() + self.v.tobytes()


def ycc(rgb: Floats) -> tuple[Floats, Floats, Floats]:
    """R'G'B' of shape (h, w, 3) in 0..1 to Y' in 16..235 and Cb, Cr in 16..240, full resolution, floats."""
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    y = _RED * red + _GREEN * green + _BLUE * blue
    return 16 + 219 * y, 128 + 224 * ((blue - y) / _CB), 128 + 224 * ((red - y) / _CR)


def quantized(values: Floats, dither: np.random.Generator | None = None) -> Image.Image:
    """Floats 0..255 as an "L" image; with `dither`, triangular noise of one step hides the banding."""
    if dither is not None:
        noise = dither.random(values.shape, np.float32) + dither.random(values.shape, np.float32)
        values = values + (noise - 1)
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def _halved(values: Floats) -> Floats:
    total = values[0::2, 0::2] + values[1::2, 0::2] + values[0::2, 1::2] + values[1::2, 1::2]
    return np.asarray(total / 4, np.float32)


def canvas(rgb: Floats, dither: np.random.Generator | None = None) -> Planes:
    """A canvas from R'G'B' (h, w, 3) in 0..1, `BLEED` pixels larger on every side; h and w are even."""
    padded = np.pad(rgb, ((BLEED, BLEED), (BLEED, BLEED), (0, 0)), mode="edge")
    y, u, v = ycc(padded)
    return Planes(quantized(y, dither), quantized(_halved(u), dither), quantized(_halved(v), dither))


def sample(source: Planes, window: Window, size: tuple[int, int]) -> Planes:
    """The part of `source` under `window` (canvas pixels, bleed not counted) as a frame of `size`.

    Pillow's resampling takes real-valued boxes and widens its filter when it makes smaller, so the
    result moves by fractions of a pixel and does not alias.
    """
    x0, y0, x1, y1 = (edge + BLEED for edge in window)
    half = (size[0] // 2, size[1] // 2)
    # Half a luma pixel of the frame, in the canvas's chroma pixels.
    left = (x1 - x0) / size[0] / 4
    chroma = (x0 / 2 - left, y0 / 2, x1 / 2 - left, y1 / 2)
    bicubic = Image.Resampling.BICUBIC
    return Planes(
        source.y.resize(size, bicubic, box=(x0, y0, x1, y1)),
        source.u.resize(half, bicubic, box=chroma),
        source.v.resize(half, bicubic, box=chroma),
    )
