"""The takes of a shot as one picture: a row a take, its first, middle and last frame beside what is said of it."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw

from storyboard import money, timing
from storyboard.animatic.caption import clean
from storyboard.film import Film, Shot
from storyboard.lettering import Weight, boxed, font, wrap
from storyboard.stills import NAMES
from storyboard.store import Record
from storyboard.takes import Roll

_Colour = tuple[int, int, int]
_PAPER, _INK, _FAINT, _NAME = (22, 24, 28), (238, 236, 230), (150, 154, 160), (244, 190, 92)
_MARK, _GOOD, _EMPTY = (240, 120, 96), (126, 200, 140), (34, 37, 43)
_MARGIN, _GAP, _HEADER, _BESIDE = 48, 24, 128, 268
_FEW = 6
"""Up to so many takes are shown at the full size of their frames, more at half of it."""
_MOST = 60
"""Takes on the picture: nobody compares more at once."""


class Row(NamedTuple):
    """A take, and its frames (outputs `first`, `middle` and `last`); None where its clip isn't here."""

    roll: Roll
    stills: Record | None


def make(rows: Sequence[Row], compiled: Film, pass_id: str, shot: Shot, path: Path) -> int:
    """Draw the picture: a JPEG at `path`; of many takes those whose clips are here come first. How many it shows."""
    shown = sorted(sorted(rows, key=lambda row: row.stills is None)[:_MOST], key=rows.index)
    upright = _upright(compiled)
    long, small = (448, 18) if len(shown) <= _FEW else (224, 15)
    width, height = (round(long * 9 / 16), long) if upright else (long, round(long * 9 / 16))
    across = 2 * _MARGIN + _BESIDE + 3 * width + 2 * 3
    room = max(height, round(small * 8.4))
    picture = Image.new("RGB", (across, _HEADER + len(shown) * (room + _GAP) - _GAP + _MARGIN), _PAPER)
    pen = _Pen(picture)
    _head(pen, compiled, pass_id, shot, len(shown), len(rows), across)
    for n, row in enumerate(shown):
        top = _HEADER + n * (room + _GAP)
        _words(pen, row.roll, top, small)
        for at, name in enumerate(NAMES):
            box = (_MARGIN + _BESIDE + at * (width + 3), top, width, height)
            if row.stills:
                _frame(picture, row.stills.outputs[name].path, box)
            else:
                pen.box(box, _EMPTY)
        if row.stills is None:
            words = "can't be shown" if row.roll.is_here else row.roll.state
            words += f", {_price(row.roll)}" if row.roll.state == "not rendered" else ""
            pen.write((_MARGIN + _BESIDE + small, top + height // 2), words, small, _FAINT, 3 * width)
        if row.roll.is_shown:
            pen.box((_MARGIN - 20, top, 5, height), _NAME)
    picture.save(path, "JPEG", quality=90)
    return len(shown)


class _Pen:
    """Writes on a picture: one line from its baseline, cut where there is no more room."""

    def __init__(self, picture: Image.Image) -> None:
        self._draw = ImageDraw.Draw(picture)

    def write(
        self, at: tuple[int, int], words: str, size: int, colour: _Colour, room: int, face: Weight = "regular"
    ) -> int:
        """How wide it became."""
        type_ = font(size, face)
        line = "".join(wrap(boxed(clean(words)), type_, max(room, 1), 1))
        self._draw.text(at, line, colour, type_, anchor="ls")
        return round(type_.getlength(line))

    def box(self, box: tuple[int, int, int, int], colour: _Colour) -> None:
        left, top, width, height = box
        self._draw.rectangle((left, top, left + width - 1, top + height - 1), colour)


def _head(pen: _Pen, compiled: Film, pass_id: str, shot: Shot, shown: int, known: int, across: int) -> None:
    room = across - 2 * _MARGIN
    facts = " · ".join(
        filter(None, (pass_id, shot.scene, timing.shown(shot.asked), _counted(shown, known), compiled.title))
    )
    wide = pen.write((_MARGIN, 66), shot.id, 38, _NAME, room // 2, "semibold")
    pen.write((_MARGIN + wide + 22, 66), facts, 20, _FAINT, room - wide - 22)
    pen.write((_MARGIN, 98), shot.words, 20, _INK, room)


def _counted(shown: int, known: int) -> str:
    takes = f"{known} take{'s' * (known != 1)}"
    return takes if shown == known else f"{shown} of {takes}"


def _words(pen: _Pen, roll: Roll, top: int, size: int) -> None:
    """What is said of a take, beside its frames."""
    room, y = _BESIDE - 24, top + round(size * 1.3)
    name = "earlier clip" if roll.number is None else f"take {roll.number}"
    wide = pen.write((_MARGIN, y), name, round(size * 1.4), _NAME if roll.is_shown else _INK, room, "semibold")
    if roll.is_shown:
        pen.write((_MARGIN + wide + size // 2, y), "in the film", size, _NAME, room - wide, "semibold")
    for words, colour in _lines(roll):
        y += round(size * 1.45)
        pen.write((_MARGIN, y), words, size, colour, room)


def _lines(roll: Roll) -> list[tuple[str, _Colour]]:
    lines = [] if roll.seed is None else [(f"seed {roll.seed}", _FAINT)]
    if roll.is_here:
        lines.append((" · ".join(filter(None, (_price(roll), roll.at[:10]))), _FAINT))
    elif roll.state in {"held", "blocked"}:
        lines.append((roll.state, _MARK))
    if roll.number is None:
        lines.append(("accepted as it is", _MARK))
    elif not roll.is_listed:
        lines.append(("not in the storyboard", _FAINT))
    if roll.approval:
        lines.append((f"approved by {roll.approval.by.partition(' <')[0]}", _GOOD))
    return lines


def _price(roll: Roll) -> str:
    if roll.price is None:
        return "price unknown"
    return f"${money.usd(roll.price)}" if roll.price else "free"


def _frame(picture: Image.Image, path: Path, box: tuple[int, int, int, int]) -> None:
    """A still, whole, in the middle of its box."""
    left, top, width, height = box
    picture.paste(_EMPTY, (left, top, left + width, top + height))
    with Image.open(path, formats=["JPEG"]) as still:
        scale = min(Fraction(width, still.width), Fraction(height, still.height))
        size = (max(1, round(still.width * scale)), max(1, round(still.height * scale)))
        still.draft("RGB", size)
        drawn = still.convert("RGB").resize(size, Image.Resampling.BICUBIC)
    picture.paste(drawn, (left + (width - size[0]) // 2, top + (height - size[1]) // 2))


def _upright(compiled: Film) -> bool:
    across, _, down = compiled.aspect.partition(":")
    return Fraction(across) < Fraction(down)
