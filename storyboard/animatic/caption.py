"""Type over the picture: the caption and the spoken lines in the lower third, and the scrim behind them."""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from ..lettering import Measure, font, missing, wrap
from .overlay import Patch, patch
from .planes import Floats

# Type keeps 10 % away from every edge: the safe title area of SMPTE RP 218. The later SMPTE ST 2046-1
# and EBU R 95 allow 5 %; the wider margin also clears the controls that players draw.
MARGIN = 0.10

WHITE = (1.0, 1.0, 1.0)
AMBER = (1.0, 0.776, 0.36)

# More text than any layout here holds; what is beyond it never gets measured.
_LONGEST = 700

# Unicode categories that leave no mark, or one that only a shaping engine can place.
_UNDRAWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Me", "Mn"})

# The scrim's greatest density. At the first line of type it is about 0.5; with the shadow, white type
# keeps a contrast over 4.5:1 (WCAG 2.2, success criterion 1.4.3) on a white picture.
_DENSITY = 0.80


@dataclass(frozen=True)
class Row:
    """One line of type: `tracking` is extra space between characters, in ems."""

    text: str
    type_: ImageFont.FreeTypeFont
    colour: tuple[float, float, float]
    height: int
    tracking: float = 0.0


def clean(text: str) -> str:
    """`text` as it can be drawn: composed, on one line, without controls and symbols the fonts lack."""
    composed = unicodedata.normalize("NFC", text)[: 2 * _LONGEST]
    kept: list[str] = []
    for character in composed:
        kind = unicodedata.category(character)
        if character.isspace():
            kept.append(" ")
        elif kind not in _UNDRAWN and not (kind in ("So", "Sk") and _lacks(character)):
            kept.append(character)
    return " ".join("".join(kept).split())[:_LONGEST]


@lru_cache(maxsize=1024)
def _lacks(character: str) -> bool:
    return bool(missing([character]))


def balanced(text: str, type_: Measure, width: float, lines: int) -> list[str]:
    """`text` wrapped to as few lines as `width` allows, those lines then made about equally long."""
    rows = wrap(text, type_, width, lines)
    if len(rows) < 2 or rows[-1].endswith("…"):
        return rows
    low, high = width / 2, width
    while high - low > 4:
        middle = (low + high) / 2
        tried = wrap(text, type_, middle, lines + 1)
        low, high = (low, middle) if len(tried) <= len(rows) else (middle, high)
    return wrap(text, type_, high, lines)


def draw_rows(size: tuple[int, int], rows: list[Row], at: tuple[float, float]) -> tuple[Floats, Floats]:
    """The rows set from `at` (left, top) down: their colours (h, w, 3) and coverage (h, w), both 0..1."""
    colours = np.ones((size[1], size[0], 3), np.float32)
    coverage = Image.new("L", size, 0)
    draw = ImageDraw.Draw(coverage)
    left, top = at
    for row in rows:
        ascent, descent = row.type_.getmetrics()
        baseline = top + (row.height - ascent - descent) / 2 + ascent
        colours[max(0, round(top)) : max(0, round(top + row.height))] = row.colour
        if row.tracking:
            x = left
            for character in row.text:
                draw.text((x, baseline), character, fill=255, font=row.type_, anchor="ls")
                x += row.type_.getlength(character) + row.tracking * row.type_.size
        else:
            draw.text((left, baseline), row.text, fill=255, font=row.type_, anchor="ls")
        top += row.height
    return colours, np.asarray(coverage, np.float32) / np.float32(255)


def shadowed(colours: Floats, coverage: Floats, em: float, strength: float = 0.6) -> Patch | None:
    """Type with a soft dark halo and a short drop shadow, as one patch."""
    rows = np.flatnonzero(coverage.any(axis=1))
    if not len(rows):
        return None
    # The halo's reach: three of its standard deviations.
    reach = round(em * 1.3) + 2
    first = max(0, int(rows[0]) - reach) & ~1
    last = min(len(coverage), (int(rows[-1]) + reach + 2) & ~1)
    colours, coverage = colours[first:last], coverage[first:last]
    mask = Image.fromarray(np.rint(coverage * 255).astype(np.uint8))
    halo = np.asarray(mask.filter(ImageFilter.GaussianBlur(em * 0.42)), np.float32) / 255
    drop = np.asarray(mask.filter(ImageFilter.GaussianBlur(max(0.6, em * 0.05))), np.float32) / 255
    drop = np.roll(drop, max(1, round(em * 0.04)), axis=0)
    dark = 1 - (1 - np.minimum(halo * 2.4, 1) * strength) * (1 - drop * 0.5)
    alpha = 1 - (1 - dark) * (1 - coverage)
    share = coverage / np.maximum(alpha, np.float32(1e-6))
    return patch((colours * share[..., None]).astype(np.float32), alpha.astype(np.float32), first_row=first)


class LowerThird:
    """Sets type in the lower third of frames of `size`; `top` is how high the highest block reaches."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        unit = min(size)
        self._portrait = size[1] > size[0]
        self._left = round(size[0] * MARGIN)
        self._width = size[0] - 2 * self._left
        self._floor = size[1] - round(size[1] * MARGIN)
        self._caption_em = max(8, round(unit * 0.040))
        self._line_em = max(9, round(unit * 0.049))
        self._name_em = max(7, round(unit * 0.030))
        self.top = self._floor

    def caption(self, text: str) -> Patch | None:
        """The shot's caption: at most two lines, three in a portrait frame."""
        type_ = font(self._caption_em, "semibold")
        lines = balanced(clean(text), type_, self._width, 3 if self._portrait else 2)
        return self._set([Row(line, type_, WHITE, round(self._caption_em * 1.34)) for line in lines])

    def spoken(self, who: str, line: str) -> Patch | None:
        """A line of dialogue under its speaker's name."""
        type_, small = font(self._line_em, "semibold"), font(self._name_em, "semibold")
        lines = balanced(clean(line), type_, self._width, 3 if self._portrait else 2)
        rows = [Row(text, type_, WHITE, round(self._line_em * 1.3)) for text in lines]
        name = clean(who).upper()
        tracking = 0.09
        room = self._width - tracking * self._name_em * len(name)
        label = wrap(name, small, max(room, self._width * 0.6), 1)
        names = [Row(text, small, AMBER, round(self._name_em * 1.65), tracking) for text in label]
        return self._set(names + rows)

    def _set(self, rows: list[Row]) -> Patch | None:
        top = self._floor - sum(row.height for row in rows)
        self.top = min(self.top, top)
        colours, coverage = draw_rows(self.size, rows, (self._left, top))
        return shadowed(colours, coverage, self._caption_em)

    def density(self) -> Floats:
        """The scrim for all blocks set so far: alpha of each row, shape (h,), densest at the bottom edge."""
        height = self.size[1]
        start = self.top - 1.15 * (height - self.top)
        rows = np.arange(height, dtype=np.float32) + 0.5
        place = np.clip((rows - start) / (height - start), 0, 1) ** 0.75
        return np.asarray(_DENSITY * place * place * (3 - 2 * place), np.float32)

    def scrim(self, density: Floats, dither: np.random.Generator) -> Patch | None:
        """A dark gradient of this `density` over the frame's whole width."""
        alpha = np.repeat(density[:, None], self.size[0], axis=1)
        return patch(np.zeros((*alpha.shape, 3), np.float32), alpha, dither)
