"""A clip's ranges in frames of the film, as interchange formats count them."""

from fractions import Fraction
from math import floor
from typing import NamedTuple

from storyboard import timing
from storyboard.timeline import Clip, Timeline


class Ranges(NamedTuple):
    """What a clip shows of its media, in frames of the film.

    Attributes:
        start: The first one.
        length: How many: as many as the clip has, unless it is retimed.
        available: How many whole ones there are; None where that isn't known.
        speed: Frames of its media in a frame of the film.
    """

    start: int
    length: int
    available: int | None
    speed: Fraction

    def held(self, frames: int) -> int:
        """Of `frames` shown from its start, how many show its last one again because nothing follows it."""
        if self.available is None or self.speed != 1:
            return 0
        return min(max(self.start + frames - self.available, 0), frames)


def of(timeline: Timeline, clip: Clip) -> Ranges:
    """The ranges of a clip, rounded to frames."""
    speed, fps = timeline.speed(clip), timeline.fps
    start = timing.round_half_up(clip.source.start * fps)
    length = clip.frames if speed == 1 else timing.round_half_up(clip.source.length * fps)
    available = None if clip.available is None else floor(clip.available.end * fps)
    return Ranges(start, length, available, speed)


def first_frame(fps: timing.Rate) -> int:
    """01:00:00:00 in frames: where the film starts."""
    base = timing.round_half_up(fps)
    skipped = base // 15 * 54 if fps in timing.DROPPING else 0  # in every minute of the hour but each tenth
    return 3600 * base - skipped


def split(timeline: Timeline, clip: Clip) -> tuple[int, int]:
    """How many frames a clip's sound starts before and goes on after its picture: as asked, within what there is of
    the media and of the film.
    """
    its = of(timeline, clip)
    lead = min(clip.lead, clip.start, floor(its.start / its.speed))
    linger = min(clip.linger, timeline.frames - clip.end)
    if its.available is not None:
        linger = min(linger, max(floor((its.available - its.start - its.length) / its.speed), 0))
    return lead, linger


def remarks(timeline: Timeline, clip: Clip) -> list[tuple[int, int, str]]:
    """What is said of a clip, and in it: its note and its lines, each with its first frame in the clip, and its length
    in frames.
    """
    found = [(0, 1, clip.notes)] if clip.notes else []
    for line in clip.lines:
        first = timing.round_half_up(line.start * timeline.fps)
        last = min(timing.round_half_up((line.start + line.length) * timeline.fps), clip.frames)
        if first < clip.frames:
            found.append((first, max(last - first, 1), f"{line.who}: {line.text}" if line.who else line.text))
    return found


def one_line(text: str) -> str:
    """A text on one line, without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
