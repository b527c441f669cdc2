"""The contact sheet: the film at a glance, three pictures a shot, as one image and as pages to print.

The image is one JPEG for a quick look. The pages hold every shot, their pictures as they are and their text as text.
"""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image, ImageDraw

from storyboard import money, timing
from storyboard.animatic.caption import clean
from storyboard.cut import pdf
from storyboard.lettering import Ruler, Weight, boxed, font, wrap
from storyboard.store import Record
from storyboard.timeline import Clip, Timeline

VERSION = 3
STILLS = ("first", "middle", "last")
_Colour = tuple[int, int, int]
_MARGIN, _GAP, _HEADER = 48, 28, 124
_FEW = 48
"""Up to so many shots are shown at half the size of their stills, more at a quarter: as JPEG decodes them at once."""
_TALLEST = 65_000
"""Rows of pixels: a JPEG ends at 65,535 (ITU-T T.81)."""
_MOST = 240
"""Shots on the image: nobody looks at more at once, and the pages have them all."""


class _Ink(NamedTuple):
    """The colours of a sheet."""

    paper: _Colour
    words: _Colour
    faint: _Colour
    name: _Colour
    mark: _Colour
    rule: _Colour


_DARK = _Ink((22, 24, 28), (238, 236, 230), (150, 154, 160), (244, 190, 92), (240, 120, 96), (52, 56, 62))
_PRINT = _Ink((255, 255, 255), (24, 26, 30), (104, 108, 114), (20, 60, 130), (178, 44, 24), (206, 208, 212))


class _Card(NamedTuple):
    """What a sheet says of one shot.

    Attributes:
        marks: What isn't as one expects it: that it stands in, and how it is joined.
        price: What its clip cost, "" where it is free.
    """

    shot: str
    scene: str
    length: str
    marks: str
    stands_in: bool
    price: str
    prompt: str


def content(timeline: Timeline, parts: Sequence[Record]) -> list[Any]:
    """All that the sheet shows, image and pages, as data for its key."""
    cells: list[Any] = [VERSION, *_heading(timeline), timeline.width, timeline.height]
    for clip, part in zip(timeline.clips, parts, strict=True):
        cells.append([*_card(clip, timeline), *(part.outputs[still].sha256 for still in STILLS)])
    return cells


def make(timeline: Timeline, parts: Sequence[Record], path: Path) -> None:
    """Draw the image: a JPEG of all shots, or of as many as it holds at even distances."""
    upright, few = timeline.width < timeline.height, len(timeline.clips) <= _FEW
    columns = {(False, True): 2, (False, False): 4, (True, True): 3, (True, False): 6}[upright, few]
    with Image.open(parts[0].outputs[STILLS[0]].path, formats=["JPEG"]) as still:
        width, height = (max(1, side // (2 if few else 4)) for side in still.size)
    card = width * len(STILLS) + 2 * (len(STILLS) - 1)
    size = 18 if few and not upright else 15
    row = height + round(size * 7.4)
    across = 2 * _MARGIN + columns * card + (columns - 1) * _GAP
    pairs = list(zip(timeline.clips, parts, strict=True))
    most = max(1, min(_MOST, (_TALLEST - _HEADER - _MARGIN) // row * columns))
    shown = pairs if len(pairs) <= most else [pairs[n * len(pairs) // most] for n in range(most)]
    sheet = Image.new("RGB", (across, _HEADER + -(-len(shown) // columns) * row + _MARGIN), _DARK.paper)

    def write(at: tuple[float, float], words: str, size: float, colour: _Colour, face: Weight) -> None:
        for offset, letter in _letters(words, size, face):
            mask, (left, top) = _glyph(letter, round(size), face)
            sheet.paste(colour, (round(at[0] + offset) + left, round(at[1]) + top), mask)

    title, facts = _heading(timeline)
    if len(shown) < len(pairs):
        facts = f"{len(shown)} of {facts}"
    beside = _length(facts, 24, "regular")
    title = _fitted(title, 40, "semibold", across - 2 * _MARGIN - beside - 40)
    write((_MARGIN, 74), title, 40, _DARK.words, "semibold")
    write((across - _MARGIN - beside, 74), facts, 24, _DARK.faint, "regular")
    for n, (clip, part) in enumerate(shown):
        x, y = _MARGIN + n % columns * (card + _GAP), _HEADER + n // columns * row
        for at, name in enumerate(STILLS):
            sheet.paste(_small(part.outputs[name].path, (width, height)), (x + at * (width + 2), y))
        _write_card(_card(clip, timeline), (x, y + height), card, size, _DARK, write)
    sheet.save(path, "JPEG", quality=88)


def pages(timeline: Timeline, parts: Sequence[Record], path: Path) -> None:
    """Write the pages: a PDF, A4 across, every shot on it."""
    document = pdf.Document(841.89, 595.28, timeline.title)
    columns, margin, gap, head = (4 if timeline.width < timeline.height else 2), 28.0, 22.0, 28.0
    card = (document.width - 2 * margin - (columns - 1) * gap) / columns
    width = (card - 2 * (len(STILLS) - 1)) / len(STILLS)
    height = width * timeline.height / timeline.width
    row = height + 53
    rows = max(1, int((document.height - 2 * margin - head) / row))
    pairs = list(zip(timeline.clips, parts, strict=True))
    title, facts = _heading(timeline)
    count = -(-len(pairs) // (columns * rows))
    for number in range(count):
        page = document.page()
        right = f"{facts}   {number + 1}/{count}"
        beside = _length(right, 8, "regular")
        room = document.width - 2 * margin - beside - 20
        page.text((margin, margin + 8), _fitted(title, 13, "semibold", room), 13, _PRINT.words, "semibold")
        page.text((document.width - margin - beside, margin + 8), right, 8, _PRINT.faint)
        page.rectangle((margin, margin + 15), (document.width - 2 * margin, 0.6), _PRINT.rule)
        for n, (clip, part) in enumerate(pairs[number * columns * rows :][: columns * rows]):
            x, y = margin + n % columns * (card + gap), margin + head + n // columns * row
            for at, name in enumerate(STILLS):
                blob = part.outputs[name]
                page.picture((x + at * (width + 2), y), (width, height), blob.path, f"P{blob.sha256}")
            _write_card(_card(clip, timeline), (x, y + height), card, 7.5, _PRINT, page.text)
    document.write(path)


def _heading(timeline: Timeline) -> tuple[str, str]:
    """The title, and what is said of the whole."""
    clips = timeline.clips
    rate = f"{float(timeline.fps):.3f}".rstrip("0").rstrip(".")
    facts = [
        f"{len(clips)} shot{'s' * (len(clips) != 1)}",
        boxed(clean(timeline.pass_id)),
        timing.timecode(timeline.frames, timeline.fps),
        f"{rate} frames/s",
    ]
    prices = [clip.origin.cost for clip in clips if _bought(clip)]
    if prices:
        known = sum((price for price in prices if price is not None), Decimal(0))
        unknown = sum(price is None for price in prices)
        facts.append(f"${money.usd(known)}" + (f" and {unknown} of unknown price" if unknown else ""))
    return boxed(clean(timeline.title)), "   ".join(facts)


def _bought(clip: Clip) -> bool:
    return clip.media is not None and bool(clip.origin.key) and clip.origin.cost != 0


def _card(clip: Clip, timeline: Timeline) -> _Card:
    marks = []
    if clip.media is None:
        marks.append(f"SLATE for {timeline.pass_id}")
    elif clip.pass_id != timeline.pass_id:
        marks.append(f"{clip.pass_id} for {timeline.pass_id}")
    stands_in = bool(marks)
    if clip.media is not None and clip.origin.take > 1:
        marks.append(f"take {clip.origin.take}")
    if clip.join.frames:
        marks.append(f"{clip.join.type} {timing.shown(clip.join.frames / timeline.fps)}")
    price = ""
    if _bought(clip):
        price = "price unknown" if clip.origin.cost is None else f"${money.usd(clip.origin.cost)}"
    length = timing.shown(clip.frames / timeline.fps)
    shot, scene, marked, prompt = (
        boxed(clean(text)) for text in (clip.shot, clip.scene, " · ".join(marks), clip.prompt)
    )
    return _Card(shot, scene, length, marked, stands_in, price, prompt)


_Write = Callable[[tuple[float, float], str, float, _Colour, Weight], None]


def _write_card(card: _Card, at: tuple[float, float], width: float, size: float, ink: _Ink, write: _Write) -> None:
    """A shot's words under its pictures, each line set from its baseline."""
    x, y = at[0], at[1] + size * 1.55
    name = _fitted(card.shot, size * 1.1, "semibold", width * 0.6)
    write((x, y), name, size * 1.1, ink.name, "semibold")
    right = "   ".join(filter(None, (card.length, card.price)))
    after, beside = _length(name, size * 1.1, "semibold") + size * 0.6, _length(right, size, "regular")
    write((x + width - beside, y), right, size, ink.faint, "regular")
    if (room := width - after - beside - size) > 3 * size:
        write((x + after, y), _fitted(card.scene, size, "regular", room), size, ink.faint, "regular")
    lines = 3
    if card.marks:
        lines, y = 2, y + size * 1.4
        marks = _fitted(card.marks, size, "semibold", width)
        write((x, y), marks, size, ink.mark if card.stands_in else ink.faint, "semibold")
    for line in wrap(card.prompt, Ruler(size), width, lines):
        y += size * 1.4
        write((x, y), line, size, ink.words, "regular")


def _length(words: str, size: float, face: Weight) -> float:
    return Ruler(size, face).getlength(words)


def _fitted(words: str, size: float, face: Weight, room: float) -> str:
    return "".join(wrap(words, Ruler(size, face), max(room, 1), 1))


def _letters(words: str, size: float, face: Weight) -> Iterator[tuple[float, str]]:
    """Each letter to be seen, and how far it stands from the start."""
    ruler, at = Ruler(size, face), 0.0
    for letter in words:
        if letter != " ":
            yield at, letter
        at += ruler.getlength(letter)


@lru_cache(maxsize=4096)
def _glyph(letter: str, size: int, face: Weight) -> tuple[Image.Image, tuple[int, int]]:
    """A letter's picture, drawn once, and where that stands from the letter's place on the baseline."""
    type_ = font(size, face)
    left, top, right, bottom = map(int, type_.getbbox(letter, anchor="ls"))
    made = Image.new("L", (max(1, right - left), max(1, bottom - top)))
    ImageDraw.Draw(made).text((-left, -top), letter, 255, type_, anchor="ls")
    return made, (left, top)


def _small(path: Path, size: tuple[int, int]) -> Image.Image:
    with Image.open(path, formats=["JPEG"]) as still:
        still.draft("RGB", size)
        picture: Image.Image = still.convert("RGB")
    return picture if picture.size == size else picture.resize(size, Image.Resampling.BICUBIC)
