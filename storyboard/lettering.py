"""Lettering: the fonts that ship with the package, and text set in them.

The two faces are subsets of Inter 4.0 (SIL Open Font License 1.1, `fonts/OFL.txt`). They cover
Latin, Greek and Cyrillic; `missing` tells which characters of a text they lack.
"""

from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Literal

from PIL import ImageFont

Weight = Literal["regular", "semibold"]

_FACES: dict[Weight, str] = {"regular": "Inter-Regular.otf", "semibold": "Inter-SemiBold.otf"}


def face(weight: Weight = "regular") -> Path:
    """The font file of one weight."""
    return Path(__file__).parent / "fonts" / _FACES[weight]


@lru_cache(maxsize=64)
def font(size: int, weight: Weight = "regular") -> ImageFont.FreeTypeFont:
    """One weight at `size` pixels an em. Kerned by FreeType, so that no shaping library is needed."""
    return ImageFont.truetype(str(face(weight)), size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=4096)
def _drawn(character: str) -> bool:
    missing = font(32).getmask("\U0010ffff")
    glyph = font(32).getmask(character)
    return glyph.size != missing.size or bytes(glyph) != bytes(missing)


def missing(texts: Iterable[str]) -> list[str]:
    """The characters of `texts` that the fonts have no glyph for, sorted, each once."""
    characters = {c for text in texts for c in text if not c.isspace()}
    return sorted(c for c in characters if not _drawn(c))


def wrap(text: str, type_: ImageFont.FreeTypeFont, width: float, lines: int) -> list[str]:
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
