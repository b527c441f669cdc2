"""The contact sheet: the film at a glance, one picture a shot."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from storyboard import timing
from storyboard.lettering import font, wrap
from storyboard.store import Record
from storyboard.timeline import Clip, Timeline

VERSION = 2
_WIDTH = 1920
_MARGIN = 48
_GAP = 28
_HEADER = 118
_PAPER, _INK, _FAINT, _ACCENT = (22, 24, 28), (238, 236, 230), (150, 154, 160), (244, 190, 92)


_MOST = 240
"""Shots on a sheet: a JPEG ends at 65,535 pixels (ITU-T T.81), and nobody looks at more at once."""


def chosen(timeline: Timeline, parts: Sequence[Record]) -> list[tuple[Clip, Record]]:
    """The shots on the sheet with their parts: all, or as many as it holds at even distances."""
    pairs = list(zip(timeline.clips, parts, strict=True))
    return pairs if len(pairs) <= _MOST else [pairs[n * len(pairs) // _MOST] for n in range(_MOST)]


def content(timeline: Timeline, parts: Sequence[Record]) -> list[Any]:
    """All that the sheet shows, as data for its key."""
    cells: list[Any] = [timeline.title, timeline.pass_id, timing.exact(timeline.fps), timeline.width, timeline.height]
    cells += [len(timeline.clips), timeline.frames]
    for clip, part in chosen(timeline, parts):
        still = part.outputs["still"].sha256
        cells.append([clip.shot, clip.scene, clip.start, clip.frames, clip.pass_id, clip.prompt, still])
    return cells


def make(timeline: Timeline, parts: Sequence[Record], path: Path) -> None:
    """Draw the sheet as a JPEG, 1920 pixels wide."""
    columns = 4 if timeline.width >= timeline.height else 6
    width = (_WIDTH - 2 * _MARGIN - (columns - 1) * _GAP) // columns
    height = width * timeline.height // timeline.width
    row = height + 106
    pairs = chosen(timeline, parts)
    rows = -(-len(pairs) // columns)
    sheet = Image.new("RGB", (_WIDTH, _HEADER + rows * row + _MARGIN), _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((_MARGIN, 36), timeline.title, _INK, font(40, "semibold"))
    length = timing.timecode(timeline.frames, timeline.fps)
    count = f"{len(pairs)} of {len(timeline.clips)}" if len(pairs) < len(timeline.clips) else str(len(pairs))
    summary = f"{timeline.pass_id}   {count} shots   {length}   {timing.exact(timeline.fps)} fps"
    draw.text((_WIDTH - _MARGIN, 50), summary, _FAINT, font(24), anchor="ra")
    for n, (clip, part) in enumerate(pairs):
        x = _MARGIN + n % columns * (width + _GAP)
        y = _HEADER + n // columns * row
        with Image.open(part.outputs["still"].path, formats=["JPEG"]) as still:
            still.draft("RGB", (width, height))  # JPEG decodes straight to a smaller size
            sheet.paste(still.convert("RGB").resize((width, height), Image.Resampling.LANCZOS), (x, y))
        _caption(draw, clip, timeline, (x, y + height + 10), width)
    sheet.save(path, "JPEG", quality=90)


def _caption(draw: ImageDraw.ImageDraw, clip: Clip, timeline: Timeline, at: tuple[int, int], width: int) -> None:
    x, y = at
    draw.text((x, y), clip.shot, _ACCENT, font(20, "semibold"))
    after = x + font(20, "semibold").getlength(clip.shot) + 12
    seconds = f"{float(clip.frames / timeline.fps):.1f} s"
    if clip.media is None:
        seconds += "   slate"
    elif clip.pass_id != timeline.pass_id:
        seconds += f"   {clip.pass_id}"
    draw.text((x + width, y), seconds, _FAINT, font(18), anchor="ra")
    room = width - (after - x) - font(18).getlength(seconds) - 16
    for line in wrap(clip.scene, font(18), max(room, 1), 1) if room > 40 else ():
        draw.text((after, y + 1), line, _FAINT, font(18))
    for n, line in enumerate(wrap(clip.prompt, font(18), width, 2)):
        draw.text((x, y + 30 + n * 24), line, _INK, font(18))
