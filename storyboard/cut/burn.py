"""Names and timecodes burned into the picture, and subtitles: by the cut, so that they never change a job's key.

The author's words reach ffmpeg in files, never in a filter's own text, so they need no escaping. What stands in a
filter, or is expanded by it, is made of numbers alone.
"""

import shutil
from collections.abc import Iterator
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

from storyboard import captions, lettering, timing
from storyboard.animatic.caption import balanced, clean
from storyboard.timeline import Clip, Timeline

TITLE_SAFE = 0.05
"""The margin on each side that stays clear of type: 90 % of the picture is title safe (SMPTE ST 2046-1)."""
_EM, _SMALLEST = 0.030, 9
"""The size of labels: a share of the shorter side, and pixels, under which nobody can read them."""
_WIDEST = 0.55
"""Of the width, at most this much is a timecode's; in a narrower picture type gets smaller."""


class _Label(NamedTuple):
    """One text and drawtext's options besides its files. `expanded` is for text of our own that counts frames."""

    text: str
    options: str
    face: lettering.Weight = "semibold"
    expanded: bool = False


def content(clip: Clip, timeline: Timeline) -> list[Any] | None:
    """What is burned in, as data for the key; None for a clean picture."""
    return [list(label) for label in _labels(clip, timeline)] or None


def prepare(clip: Clip, timeline: Timeline, folder: Path) -> str:
    """The filter that burns it in, from the clip's first frame to as far as it runs on.

    Its files are put into `folder`, where ffmpeg runs.
    """
    filters = []
    for n, label in enumerate(_labels(clip, timeline)):
        font, text = folder / f"{label.face}.otf", folder / f"label{n}.txt"
        if not font.exists():
            shutil.copyfile(lettering.face(label.face), font)
        text.write_text(label.text, "utf-8")
        expansion = "normal" if label.expanded else "none"
        filters.append(f"drawtext=fontfile={font.name}:textfile={text.name}:expansion={expansion}:{label.options}")
    return ",".join(filters) or "null"


def _words(text: str) -> str:
    """`text` on one line as the fonts can show it."""
    return lettering.boxed(clean(text))


def _labels(clip: Clip, timeline: Timeline) -> list[_Label]:
    frame = _Frame(timeline)
    labels = []
    floor = frame.floor
    if timeline.burn_in:
        if words := _words(timeline.burn_in.watermark):
            labels.append(frame.watermark(words))
        corners = _Corners(clip, timeline, frame)
        labels += corners.labels()
        floor = corners.ceiling
    if timeline.subtitles == "burn":
        labels += _subtitles(clip, timeline, frame, floor)
    return labels


class _Frame:
    """The picture as a page: its sizes in pixels, and labels at places on it."""

    def __init__(self, timeline: Timeline) -> None:
        self.short = min(timeline.width, timeline.height)
        self.width, self.height = timeline.width, timeline.height
        self.margin = round(self.short * TITLE_SAFE)
        self.room, self.floor = self.width - 2 * self.margin, self.height - self.margin
        ems = lettering.Ruler(1.0, "timecode").getlength("REC 00:00:00:00")
        self.em = max(4, min(max(_SMALLEST, round(self.short * _EM)), int(self.room * _WIDEST / ems)))
        self.line = round(self.em * 1.3)

    def measure(self, text: str, face: lettering.Weight = "semibold") -> int:
        return ceil(lettering.Ruler(self.em, face).getlength(text))

    def fitted(self, text: str, room: int) -> str:
        """`text` on one line of at most `room` pixels, cut with "…"; "" where there is no room to speak of."""
        if room < 2 * self.em:
            return ""
        return "".join(lettering.wrap(_words(text), lettering.Ruler(self.em, "semibold"), room, 1))

    def look(self, x: int | str, y: int | str) -> str:
        """White on a dark box; lines stand `line` apart, and the box is as high whatever letters they hold."""
        pad = max(1, round(self.em * 0.28))
        leading = self.line - sum(lettering.font(self.em).getmetrics())
        return (
            f"fontsize={self.em}:fontcolor=white:y_align=font:line_spacing={leading}:"
            f"box=1:boxcolor=black@0.6:boxborderw={pad}:x={x}:y={y}"
        )

    def watermark(self, words: str) -> _Label:
        """Across the middle, faint, with an edge that shows on white."""
        ems = lettering.Ruler(1.0, "semibold").getlength(words)
        size = max(12, min(round(self.short * 0.15), int(self.room * 0.86 / ems)))
        text = "\n".join(balanced(words, lettering.Ruler(size, "semibold"), self.room * 0.9, 2))
        edge = max(1, round(size * 0.02))
        return _Label(
            text,
            f"fontsize={size}:fontcolor=white@0.17:borderw={edge}:bordercolor=black@0.14:"
            "text_align=C:x=(w-tw)/2:y=(h-th)/2",
        )


class _Corners:
    """Who and what at the left, timecodes at the right, so that the middle stays free and no two labels meet."""

    def __init__(self, clip: Clip, timeline: Timeline, frame: _Frame) -> None:
        assert timeline.burn_in is not None
        self._clip, self._timeline, self._frame = clip, timeline, frame
        digits = len(str(clip.frames))
        count = f"%{{eif:min(n+1,{clip.frames}):d:{digits}}}/{clip.frames}"
        count_width = frame.measure(f"{'0' * digits}/{clip.frames}", "timecode")
        source = _source(clip, timeline) if clip.media else ""
        source_width = frame.measure("SRC 00:00:00:00", "timecode") if source else 0
        self._date = frame.fitted(timeline.burn_in.date, frame.room)
        beside = frame.measure(f"{source and '   '}", "timecode") + source_width + count_width
        half = (frame.room - frame.measure(self._date)) // 2 if self._date else frame.room * 2 // 3
        self._rows = 1 if beside + 2 * frame.em <= half else 2
        self._width = beside if self._rows == 1 else max(source_width, count_width)
        self._running = ("   " if self._rows == 1 else "\n").join(part for part in (source, count) if part)
        self._date_below = bool(self._date) and self._width + frame.em <= half
        self._left = half - frame.em if self._date_below else frame.room - self._width - 2 * frame.em
        self.ceiling = frame.floor - frame.line * self._rows - frame.em

    def labels(self) -> Iterator[_Label]:
        frame, start = self._frame, timing.timecode(self._clip.start, self._timeline.fps)
        right = frame.measure(f"REC {start}", "timecode")
        room = frame.room - right - 2 * frame.em
        above = [self._timeline.title, self._pass(), *([] if self._date_below else [self._date])]
        yield from self._lines([frame.fitted(text, room) for text in above], frame.margin)
        running = start.replace(":", r"\:").replace(";", r"\;")
        rate = f"{self._timeline.fps.numerator}/{self._timeline.fps.denominator}"
        look = frame.look(frame.width - frame.margin - right, frame.margin)
        yield _Label("REC ", f"{look}:timecode='{running}':rate={rate}", "timecode")
        below = self._below()
        yield from self._lines(below, frame.floor - frame.line * sum(map(bool, below)))
        if self._date_below:
            at = (frame.width - frame.measure(self._date)) // 2
            yield _Label(self._date, frame.look(at, frame.floor - frame.line))
        rows = 1 + self._running.count("\n")
        look = frame.look(frame.width - frame.margin - self._width, frame.floor - frame.line * rows)
        yield _Label(self._running, f"{look}:text_align=R", "timecode", expanded=True)

    def _lines(self, lines: list[str], top: int) -> Iterator[_Label]:
        if words := "\n".join(filter(None, lines)):
            yield _Label(words, self._frame.look(self._frame.margin, top))

    def _pass(self) -> str:
        """The film's pass, and what stands in for a clip of it."""
        clip, wanted = self._clip, self._timeline.pass_id
        if clip.media is None:
            return f"SLATE for {wanted}"
        return wanted if clip.pass_id == wanted else f"{clip.pass_id} for {wanted}"

    def _below(self) -> list[str]:
        """Scene, shot and take; where they don't fit on one line, the scene gives way."""
        clip, frame = self._clip, self._frame
        shot = f"{clip.shot} · take {clip.origin.take}" if clip.media else clip.shot
        if self._rows == 2:
            return [frame.fitted(clip.scene, self._left), frame.fitted(shot, self._left)]
        scene = frame.fitted(clip.scene, self._left - frame.measure(f" · {shot}"))
        return [frame.fitted(f"{scene} · {shot}" if scene else shot, self._left)]


def _source(clip: Clip, timeline: Timeline) -> str:
    """Where in its media each frame is from, counted in the film's frames: a text that drawtext expands.

    drawtext's own timecode counts one a frame, which isn't so in a clip that is retimed, or holds its last frame.
    """
    first = timing.round_half_up(clip.source.start * timeline.fps)
    speed = timeline.speed(clip)
    frame = f"{first}+floor(n*{speed.numerator}/{speed.denominator})"
    if clip.available is not None:
        frame = f"min({frame},{max(first, ceil(clip.available.end * timeline.fps) - 1)})"
    base, separator = timing.round_half_up(timeline.fps), ":"
    if timeline.fps in timing.DROPPING:
        dropped, separator = base // 15, ";"
        minute, tens = base * 60 - dropped, base * 600 - 9 * dropped
        frame = f"{frame}+{dropped}*(9*floor(({frame})/{tens})+max(0,floor((mod({frame},{tens})-{dropped})/{minute})))"
    parts = (
        f"floor(({frame})/{base * 3600})",
        f"mod(floor(({frame})/{base * 60}),60)",
        f"mod(floor(({frame})/{base}),60)",
    )
    clock = ":".join(f"%{{eif:{part}:d:2}}" for part in parts)
    return f"SRC {clock}{separator}%{{eif:mod({frame},{base}):d:2}}"


def _subtitles(clip: Clip, timeline: Timeline, frame: _Frame, floor: int) -> Iterator[_Label]:
    """Lines of dialogue in the lower third; those that are said at once stand above each other."""
    size = max(frame.em + 2, round(frame.short * 0.046))
    type_, ruler = lettering.font(size, "semibold"), lettering.Ruler(size, "semibold")
    leading = round(size * 1.25)
    seen: list[tuple[captions.Cue, int, int]] = []
    for cue, words in captions.shown(clip, timeline.fps):
        rows = [row for line in words.splitlines() for row in balanced(_words(line), ruler, frame.room * 0.9, 3)][:4]
        bottom = floor
        for other, top, low in sorted(seen, key=lambda one: -one[2]):
            if other.end > cue.start and top < bottom and low > bottom - leading * len(rows):
                bottom = top
        if not rows or bottom - leading * len(rows) < frame.height // 4:
            continue
        top = bottom - leading * len(rows)
        seen.append((cue, top, bottom))
        edge = max(1, round(size * 0.07))
        yield _Label(
            "\n".join(rows),
            f"fontsize={size}:fontcolor=white:borderw={edge}:bordercolor=black@0.85:y_align=font:text_align=C:"
            f"line_spacing={leading - sum(type_.getmetrics())}:x=(w-tw)/2:y={top}:"
            f"enable='between(n,{cue.start},{cue.end - 1})'",
        )
