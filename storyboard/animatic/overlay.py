"""Things fixed to the frame while the picture moves: patches of colour with an alpha, in Y, U and V."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from .planes import Floats, Planes, quantized, ycc


def _left_sited(values: Floats) -> Floats:
    """Full-resolution samples brought to 4:2:0 with the chroma on the left column of each pair."""
    rows = (values[0::2] + values[1::2]) / 2
    before = np.concatenate([rows[:, :1], rows[:, 1:-1:2]], axis=1)
    return np.asarray((before + 2 * rows[:, 0::2] + rows[:, 1::2]) / 4, np.float32)


@dataclass(frozen=True)
class Patch:
    """A rectangle of colour and its alpha at (`left`, `top`) of the frame, both even."""

    left: int
    top: int
    colour: Planes
    alpha: tuple[Image.Image, Image.Image]

    def blend(self, frame: Planes, opacity: float = 1.0) -> None:
        """Lay the patch over `frame`, in place, at `opacity` in 0..1."""
        if opacity <= 0:
            return
        luma, chroma = self.alpha
        if opacity < 1:
            table = [round(value * opacity) for value in range(256)]
            luma, chroma = luma.point(table), chroma.point(table)
        half = (self.left // 2, self.top // 2)
        frame.y.paste(self.colour.y, (self.left, self.top), luma)
        frame.u.paste(self.colour.u, half, chroma)
        frame.v.paste(self.colour.v, half, chroma)


def patch(rgb: Floats, alpha: Floats, dither: np.random.Generator | None = None, first_row: int = 0) -> Patch | None:
    """A patch from R'G'B' (h, w, 3) and alpha (h, w) in 0..1, cut to where alpha is not 0.

    Both are as wide as the frame and start at its `first_row`, which is even. None where alpha is 0
    everywhere. `dither` hides the steps of a slow gradient in alpha.
    """
    seen = alpha > 1 / 512
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    if not len(rows):
        return None
    top, bottom = int(rows[0]) & ~1, (int(rows[-1]) + 2) & ~1
    left, right = int(columns[0]) & ~1, (int(columns[-1]) + 2) & ~1
    rgb, alpha = rgb[top:bottom, left:right], alpha[top:bottom, left:right]
    y, cb, cr = ycc(rgb)
    half = _left_sited(alpha)
    weight = np.maximum(half, np.float32(1e-6))
    u, v = (
        quantized(np.asarray(_left_sited((chroma - 128) * alpha) / weight + 128, np.float32)) for chroma in (cb, cr)
    )
    colour = Planes(quantized(y), u, v)
    return Patch(left, first_row + top, colour, (quantized(alpha * 255, dither), quantized(half * 255, dither)))
