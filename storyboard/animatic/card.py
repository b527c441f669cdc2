"""The card of a shot that has no picture yet: a designed slate with the shot's text.

The ground is a deep two-tone gradient with the lines of an animator's field guide (nested frames, axes
and diagonals), so that the camera's move over it can be read; the type stays put.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..lettering import font, wrap
from .camera import Move, Track
from .caption import MARGIN, Row, balanced, clean, draw_rows, shadowed
from .overlay import Patch, patch
from .planes import Floats, Planes, canvas

Colour = tuple[float, float, float]


class Palette(NamedTuple):
    """A ground from `deep` (edges) to `glow` (its light), and the tint of small type and lines."""

    deep: Colour
    glow: Colour
    tint: Colour


def _hex(code: str) -> Colour:
    return int(code[0:2], 16) / 255, int(code[2:4], 16) / 255, int(code[4:6], 16) / 255


PALETTES: tuple[Palette, ...] = tuple(
    Palette(_hex(deep), _hex(glow), _hex(tint))
    for deep, glow, tint in (
        ("0B1626", "28496E", "9CC4EC"),  # night blue
        ("0A1C1F", "1F565A", "8FD6CF"),  # deep teal
        ("101C14", "355640", "AFD8A8"),  # forest
        ("1A1222", "513A6B", "CDB4EE"),  # aubergine
        ("210F14", "6E2F3B", "F2B3B0"),  # oxblood
        ("1F150D", "6B4A2B", "F0CB96"),  # umber
        ("12151C", "434C5E", "BCC8DC"),  # slate
        ("121430", "3A3F86", "B5BCF6"),  # indigo
    )
)

# The card's ground takes this share of a move: enough to live, too little to distract from the text.
_MOVE = 0.55

# The band at the top that stays free of type and marks: the cut sets its burn-in there.
TOP_BAND = 0.13


def _random(seed: int, stream: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([seed & 0xFFFFFFFFFFFFFFFF, stream]))


def palette(seed: int) -> Palette:
    """The palette that `seed` picks."""
    return PALETTES[int(_random(seed, 2).integers(len(PALETTES)))]


def _lines(distance: NDArray[np.floating], half_width: float) -> Floats:
    """Anti-aliased lines where `distance` (pixels) is 0."""
    return np.asarray(np.clip(half_width + 0.5 - np.abs(distance), 0, 1), np.float32)


def ground(frame: tuple[int, int], move: Move, seed: int) -> tuple[Planes, Track]:
    """The card's background on a canvas for `frame` (width, height), and the track of `move` over it."""
    aspect = frame[0] / frame[1]
    move = move.scaled(_MOVE)
    tightest = Track(move, (float(frame[0]), float(frame[1])), aspect).tightest
    width, height = (max(2, 2 * round(side * tightest / 2)) for side in frame)
    chance, colours = _random(seed, 3), palette(seed)
    x = ((np.arange(width, dtype=np.float32) + 0.5) / width * 2 - 1)[None, :]
    y = ((np.arange(height, dtype=np.float32) + 0.5) / height * 2 - 1)[:, None]

    # One large soft light, off centre on a side the seed picks, and a vignette around the frame.
    light_x, light_y = float(chance.choice([-0.42, -0.3, 0.3, 0.42])), float(chance.uniform(-0.45, -0.2))
    reach = np.exp(-(((x - light_x) / 1.05) ** 2 + ((y - light_y) / 1.0) ** 2))
    vignette = 1 - 0.42 * np.clip((x * x + y * y) / 2, 0, 1) ** 1.3
    deep, glow, tint = (np.array(c, np.float32) for c in colours)
    rgb = (deep + (glow - deep) * reach[..., None]) * vignette[..., None]

    half_w, half_h = width / 2, height / 2
    weight = max(0.5, min(frame) / 1100)
    nested = np.maximum(np.abs(x), np.abs(y))
    scale = np.where(np.abs(x) * half_h > np.abs(y) * half_w, half_w, half_h)
    guide = np.zeros((height, width), np.float32)
    for ring in range(1, 12):
        guide = np.maximum(guide, _lines((nested - ring / 10) * scale, weight) * (0.9 if ring % 2 else 0.5))
    guide = np.maximum(guide, _lines(x * half_w + 0 * y, weight))
    guide = np.maximum(guide, _lines(y * half_h + 0 * x, weight))
    slope = half_w * half_h / np.hypot(half_w, half_h)
    guide = np.maximum(guide, 0.8 * _lines((np.abs(x) - np.abs(y)) * slope, weight))
    rgb += (guide * (0.035 + 0.05 * reach))[..., None] * tint

    # Grain: fine noise, and the same noise two pixels wide, as paper has.
    fine = chance.standard_normal((height, width), np.float32)
    broad = (fine + np.roll(fine, 1, 0) + np.roll(fine, 1, 1) + np.roll(fine, (1, 1), (0, 1))) / 2
    rgb += ((fine + broad) * np.float32(0.0042))[..., None]
    ready = np.clip(rgb, 0, 1).astype(np.float32)
    return canvas(ready, chance), Track(move, (float(width), float(height)), aspect)


def _fitted(text: str, width: float, height: float, unit: int) -> list[Row]:
    """`text` in the largest type that fits `width` x `height` pixels; the smallest cuts it with "…"."""
    for share in (0.100, 0.088, 0.078, 0.069, 0.061, 0.054, 0.048, 0.043):
        em = max(9, round(unit * share))
        type_, leading = font(em, "semibold"), round(em * 1.24)
        most = max(1, int(height // leading))
        lines = wrap(text, type_, width, most)
        longest = 3 if share > 0.07 else 5 if share > 0.05 else most
        if len(lines) <= longest and lines[-1:] != [""] and not (lines and lines[-1].endswith("…")):
            break
    return [Row(line, type_, (0.97, 0.965, 0.95), leading) for line in balanced(text, type_, width, most)]


def _note(words: str, move: Move, width: float, em: int, tint: Colour) -> Row:
    """The camera's row: an arrow, and the author's own words or the name of the move."""
    type_ = font(em, "semibold")
    text = f"{move.arrow} {clean(words) or move.label}".upper()
    tracking = 0.08
    fitted = wrap(text, type_, width / (1 + tracking * 1.6), 1)
    return Row(fitted[0] if fitted else move.arrow, type_, tint, round(em * 2.5), tracking)


def _marks(frame: tuple[int, int], tint: Colour) -> Patch | None:
    """Corner brackets around the text's area, below the band that the cut writes in."""
    width, height = frame
    unit = min(frame)
    thick = max(1, round(unit / 480))
    arm = round(unit * 0.045)
    left, top = round(width * 0.06), round(height * TOP_BAND)
    right, bottom = width - left, height - round(height * 0.06)
    alpha = np.zeros((height, width), np.float32)
    for x0, step_x in ((left, 1), (right, -1)):
        for y0, step_y in ((top, 1), (bottom, -1)):
            across, down = sorted((x0, x0 + step_x * arm)), sorted((y0, y0 + step_y * arm))
            edge_x, edge_y = sorted((x0, x0 + step_x * thick)), sorted((y0, y0 + step_y * thick))
            alpha[edge_y[0] : edge_y[1], across[0] : across[1]] = 0.6
            alpha[down[0] : down[1], edge_x[0] : edge_x[1]] = 0.6
    return patch(np.broadcast_to(np.array(tint, np.float32), (height, width, 3)), alpha)


def lettered(frame: tuple[int, int], text: str, camera: str, move: Move, seed: int, speaks: bool) -> list[Patch]:
    """The card's type and marks; where the shot `speaks`, the lower third stays free for its lines."""
    width, height = frame
    unit = min(frame)
    colours = palette(seed)
    left = round(width * MARGIN)
    room = width - 2 * left
    top, floor = height * (TOP_BAND + 0.05), height * (0.66 if speaks else 0.88)
    em = max(7, round(unit * 0.030))
    note = _note(camera, move, room, em, colours.tint)
    measure = room if height > width else room * 0.92
    rows = [note, *_fitted(clean(text), measure, floor - top - note.height, unit)]
    used = sum(row.height for row in rows)
    # A block looks centred when it stands a little above the middle.
    start = top + max(0.0, (floor - top - used) * 0.46)
    shades, coverage = draw_rows(frame, rows, (left, start))
    made = [_marks(frame, colours.tint), shadowed(shades, coverage, unit * 0.045, strength=0.22)]
    return [one for one in made if one is not None]
