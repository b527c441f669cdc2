"""Lettering: the fonts that ship with the package, and text set in them.

The faces are subsets of Inter 4.0 (SIL Open Font License 1.1, `fonts/OFL.txt`). Two cover Latin, Greek and
Cyrillic; `missing` tells which characters of a text they lack. The third has capitals and digits of one width, so
that a running timecode stands still.
"""

from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Literal, Protocol

from PIL import ImageFont

Weight = Literal["regular", "semibold", "timecode"]

_FACES: dict[Weight, str] = {
    "regular": "Inter-Regular.otf",
    "semibold": "Inter-SemiBold.otf",
    "timecode": "Inter-Timecode.otf",
}


def face(weight: Weight = "regular") -> Path:
    """The font file of one weight."""
    return Path(__file__).parent / "fonts" / _FACES[weight]


@lru_cache(maxsize=64)
def font(size: int, weight: Weight = "regular") -> ImageFont.FreeTypeFont:
    """One weight at `size` pixels an em. Kerned by FreeType, so that no shaping library is needed."""
    return ImageFont.truetype(str(face(weight)), size, layout_engine=ImageFont.Layout.BASIC)


class Measure(Protocol):
    """What tells how wide a text is."""

    def getlength(self, text: str) -> float:
        """Its width in pixels."""


class Ruler:
    """Text in one weight at `size`, measured from remembered widths of its characters.

    At a whole size they are as wide as FreeType draws them, hinted; at a fraction as wide as they are designed.
    """

    def __init__(self, size: float, weight: Weight = "regular") -> None:
        at = size if isinstance(size, int) else _DESIGN
        self._scale = size / at
        self._widths = _widths(at, weight)

    def getlength(self, text: str) -> float:
        """Its width."""
        return sum(map(self._widths.__getitem__, text)) * self._scale


_DESIGN = 1000


class _Widths(dict[str, float]):
    def __init__(self, size: int, weight: Weight) -> None:
        super().__init__()
        self._font = font(size, weight)

    def __missing__(self, character: str) -> float:
        self[character] = width = self._font.getlength(character)
        return width


@lru_cache(maxsize=64)
def _widths(size: int, weight: Weight) -> _Widths:
    return _Widths(size, weight)


@lru_cache(maxsize=4096)
def _drawn(character: str) -> bool:
    missing = font(32).getmask("\U0010ffff")
    glyph = font(32).getmask(character)
    return glyph.size != missing.size or bytes(glyph) != bytes(missing)


def missing(texts: Iterable[str]) -> list[str]:
    """The characters of `texts` that the fonts have no glyph for, sorted, each once."""
    characters = {c for text in texts for c in text if not c.isspace()}
    return sorted(c for c in characters if not _drawn(c))


def boxed(text: str) -> str:
    """`text` with a box for each character that the fonts lack, which would else be seen as nothing at all."""
    lacking = missing([text])
    return text.translate(dict.fromkeys(map(ord, lacking), "□")) if lacking else text


def wrap(text: str, type_: Measure, width: float, lines: int) -> list[str]:
    """`text` broken into at most `lines` lines of at most `width` pixels, the last one cut with "…".

    A single word wider than `width` is broken between characters, so that nothing leaves the frame.
    """
    rows: list[str] = []
    row = ""
    for word in text.split():
        while type_.getlength(word) > width and len(word) > 1:
            fits = max(1, bisect_right(range(1, len(word)), width, key=lambda n: type_.getlength(word[:n])))
            if row:
                rows.append(row)
                row = ""
            rows.append(word[:fits])
            word = word[fits:]  # noqa: PLW2901
        candidate = f"{row} {word}".strip()
        if type_.getlength(candidate) <= width:
            row = candidate
        else:
            if row:
                rows.append(row)
            row = word
    if row:
        rows.append(row)
    if len(rows) <= lines:
        return rows
    last = rows[lines - 1]
    while last and type_.getlength(last + "…") > width:
        last = last[:-1]
    return [*rows[: lines - 1], last.rstrip(" ,;:.") + "…"]


def lacking(texts: Iterable[str]) -> str:
    """What to say of the glyphs that these texts want and the fonts lack; "" for none."""
    glyphs = missing(texts)
    shown = " ".join(glyphs[:12]) + (" …" if len(glyphs) > 12 else "")
    return f"the built-in fonts have no glyph for: {shown}" if glyphs else ""
