"""What is said in the film, as captions: SubRip and WebVTT files, and the lines that a cut burns in."""

import html
import re
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from storyboard import timing
from storyboard.timeline import Clip, Timeline

JOINER = "\u2060"
"""WORD JOINER: has no width. SubRip has no escapes; after `<`, `{` or a backslash it keeps words from being read as
tags and breaks."""


class Cue(NamedTuple):
    """A line and when it is seen: from frame `start` to before frame `end`."""

    start: int
    end: int
    who: str
    text: str


def of_clip(clip: Clip, fps: timing.Rate) -> list[Cue]:
    """What is said in one clip, in frames from its own start, in order; never past its end."""
    found = []
    for line in clip.lines:
        start = timing.round_half_up(line.start * fps)
        end = min(timing.round_half_up((line.start + line.length) * fps), clip.frames)
        if text := _tidy(line.text):
            found.append(Cue(max(0, start), end, " ".join(line.who.split()), text))
    return sorted((cue for cue in found if cue.end > cue.start), key=lambda cue: cue[:2])


def cues(timeline: Timeline) -> list[Cue]:
    """What is said in the film, in frames from its start, without its leader."""
    return [
        cue._replace(start=clip.start + cue.start, end=clip.start + cue.end)
        for clip in timeline.clips
        for cue in of_clip(clip, timeline.fps)
    ]


def shown(clip: Clip, fps: timing.Rate) -> Iterator[tuple[Cue, str]]:
    """A clip's cues with their words; who says them stands before them only where another speaks at the same time."""
    said = of_clip(clip, fps)
    for cue in said:
        beside = (one for one in said if one.start < cue.end and cue.start < one.end)
        named = bool(cue.who) and any(one.who != cue.who for one in beside)
        yield cue, f"{cue.who}: {cue.text}" if named else cue.text


def srt(timeline: Timeline, first: int = 0) -> str:
    """The film's captions as SubRip: CR LF, UTF-8, numbered from 1.

    Args:
        first: The frame at which the film starts in its file: how long its leader is.
    """
    blocks = []
    said = [(clip.start, *cue) for clip in timeline.clips for cue in shown(clip, timeline.fps)]
    for n, (at, cue, words) in enumerate(said, 1):
        safe = re.sub(r"(?<=<)(?=[/A-Za-z])|(?<=\{)(?=\\)|(?<=\\)(?=[Nnh])", JOINER, words).replace("-->", "→")
        times = (_time(first + at + frame, timeline.fps, ",") for frame in (cue.start, cue.end))
        blocks.append(f"{n}\n{' --> '.join(times)}\n{safe}\n")
    return "\n".join(blocks).replace("\n", "\r\n")


def vtt(timeline: Timeline, first: int = 0) -> str:
    """The film's captions as WebVTT (W3C), each in its speaker's voice tag. `first` as for `srt`."""
    blocks = ["WEBVTT\n"]
    for cue in cues(timeline):
        times = (_time(first + frame, timeline.fps, ".") for frame in (cue.start, cue.end))
        voice = f"<v {_escaped(cue.who)}>" if cue.who else ""
        blocks.append(f"{' --> '.join(times)}\n{voice}{_escaped(cue.text)}\n")
    return "\n".join(blocks)


def _tidy(text: str) -> str:
    """Its lines without empty ones, which would end a cue, and without controls."""
    lines = (" ".join(re.sub(r"[\x00-\x1f\x7f]", " ", line).split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


def _escaped(text: str) -> str:
    return html.escape(text, quote=False)


def _time(frame: int, fps: timing.Rate, point: str) -> str:
    """When a frame starts, rounded down: a player that compares it with frames' times shows exactly those meant."""
    seconds, thousandths = divmod(int(Fraction(frame) / fps * 1000), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{thousandths:03}"
