"""CMX 3600: the picture of a cut as numbered events. Sound, which would double the events, is left to the others.

Each event has a source of its own, a name of eight letters and digits; `* FROM CLIP NAME` and `* SOURCE FILE` lead to
the file. A transition is an event of two lines: the outgoing clip up to the cut, and the incoming one from there, with
the number of frames that it takes. CMX knows dissolves and numbered wipes; `* TRANSITION` names the others. The event
lines are ASCII; in comments, the author's words are UTF-8, because a name in other letters leads to no file.
"""

import hashlib
import os
from base64 import b32encode
from collections.abc import Iterable, Mapping
from pathlib import Path

from storyboard import timing
from storyboard.export import ranges
from storyboard.export.links import Medium, Unexportable
from storyboard.timeline import Clip, Timeline

EVENTS = 999
"""An event's number has three digits, and so have a transition's frames, and the frames that a retimed clip plays in a
second.
"""
REEL = 8
BLACK = "BL"
_TITLE = 70
_RESERVED = {BLACK, "AX", "BLACK", "BARS"}
_WIPES = {"wipe": 1, "wipeleft": 1, "wiperight": 1, "wipeup": 2, "wipedown": 2} | dict.fromkeys(
    ("wipetl", "wipetr", "wipebl", "wipebr"), 3
)
"""SMPTE wipes: 1 across, 2 down, 3 from a corner. Which way is in the comment."""


def text(timeline: Timeline, media: Mapping[str, Medium], base: Path | None) -> str:
    """The timeline as an EDL; paths are relative to `base`.

    Raises:
        Unexportable: it has more events, or a longer transition, than an EDL can count.
    """
    _require_countable(timeline)
    names = reels(clip.shot for clip in timeline.clips if clip.shot in media)
    title = ranges.one_line(timeline.title)[:_TITLE].rstrip() or "Untitled"
    lines = [f"TITLE: {title}", f"FCM: {'' if timeline.fps in timing.DROPPING else 'NON-'}DROP FRAME"]
    before: Clip | None = None
    for number, clip in enumerate(timeline.clips, 1):
        lines += _event(number, timeline, before, clip, names)
        lines += _comments(timeline, before, clip, media, base, names)
        before = clip
    return "\n".join(lines) + "\n"


def _require_countable(timeline: Timeline) -> None:
    cure = "export otio or fcpxml"
    if len(timeline.clips) > EVENTS:
        raise Unexportable(f"an EDL holds {EVENTS} events, and this film has {len(timeline.clips)} shots: {cure}")
    if timing.round_half_up(timeline.fps) > 99:
        raise Unexportable(f"an EDL counts up to 99 frames a second, and this film has {timeline.fps}: {cure}")
    for clip in timeline.clips:
        if clip.join.frames > EVENTS:
            raise Unexportable(f"{clip.shot}: a transition of {clip.join.frames} frames is too long for an EDL: {cure}")
        if timeline.speed(clip) * timeline.fps >= EVENTS:
            raise Unexportable(
                f"{clip.shot}: {int(timeline.speed(clip))} times its speed is too much for an EDL: {cure}"
            )


def reels(shots: Iterable[str]) -> dict[str, str]:
    """A name of up to eight capitals and digits for each shot: its id where that will do, else its first three and five
    of its hash, so that it stays the same wherever the shot goes.
    """
    ids = list(shots)
    found = {shot: shot.upper() for shot in ids if _fits(shot)}
    taken = set(found.values()) | _RESERVED
    for shot in ids:
        salt = 0
        while shot not in found:
            digits = b32encode(hashlib.sha256(f"{shot}{salt or ''}".encode()).digest()).decode()
            start = "".join(c for c in shot if c.isascii() and c.isalnum()).upper()[:3]
            name = start + digits[: REEL - len(start)]
            if name not in taken:
                found[shot] = name
                taken.add(name)
            salt += 1
    return found


def _fits(shot: str) -> bool:
    return len(shot) <= REEL and shot.isascii() and shot.isalnum() and shot.upper() not in _RESERVED


def _event(number: int, timeline: Timeline, before: Clip | None, clip: Clip, names: Mapping[str, str]) -> list[str]:
    """The lines of one event."""
    fps, record = timeline.fps, ranges.first_frame(timeline.fps)
    start, end = _source(timeline, clip, names)
    shown = (start, end, record + clip.start, record + clip.end)
    reel = names.get(clip.shot, BLACK)
    if not clip.join.frames:
        return [_line(number, reel, "C", "", shown, fps)]
    out = _source(timeline, before, names)[1] if before else 0
    cut = (out, out, record + clip.start, record + clip.start)
    wipe = _WIPES.get(clip.join.type)
    return [
        _line(number, names.get(before.shot, BLACK) if before else BLACK, "C", "", cut, fps),
        _line(number, reel, f"W{wipe:03}" if wipe else "D", f"{clip.join.frames:03}", shown, fps),
    ]


def _source(timeline: Timeline, clip: Clip, names: Mapping[str, str]) -> tuple[int, int]:
    """The first frame of its media that a clip shows, and the one after the last."""
    if clip.shot not in names:
        return 0, clip.frames
    its = ranges.of(timeline, clip)
    return its.start, its.start + its.length


def _line(number: int, reel: str, how: str, frames: str, times: tuple[int, ...], fps: timing.Rate) -> str:
    codes = " ".join(timing.timecode(frame, fps) for frame in times)
    return f"{number:03}  {reel:<8} V     {how:<4} {frames:<3} {codes}"


def _comments(
    timeline: Timeline,
    before: Clip | None,
    clip: Clip,
    media: Mapping[str, Medium],
    base: Path | None,
    names: Mapping[str, str],
) -> list[str]:
    lines = []
    joined = clip.join.frames > 0
    if joined and before:
        lines += _named("FROM", before, media, base)
    lines += _named("TO" if joined else "FROM", clip, media, base)
    its = ranges.of(timeline, clip)
    if its.speed != 1 and clip.shot in names:
        lines.append(_motion(names[clip.shot], its, timeline.fps))
    if joined and clip.join.type != "dissolve":
        lines.append(f"* TRANSITION: {clip.join.type}")
    if clip.shot not in media:
        lines.append(f"* SLATE: {clip.shot}")
    if clip.notes:
        at = timing.timecode(ranges.first_frame(timeline.fps) + clip.start, timeline.fps)
        lines.append(f"* LOC: {at} YELLOW  {ranges.one_line(clip.notes)}")
    return lines


def _named(which: str, clip: Clip, media: Mapping[str, Medium], base: Path | None) -> list[str]:
    medium = media.get(clip.shot)
    if medium is None:
        return [f"* {which} CLIP NAME: {clip.shot}"]
    path = medium.path if base is None else Path(os.path.relpath(medium.path, base))
    return [f"* {which} CLIP NAME: {clip.shot}", f"* SOURCE FILE: {ranges.one_line(path.as_posix())}"]


def _motion(reel: str, its: ranges.Ranges, fps: timing.Rate) -> str:
    """M2: how many frames of the source play in a second, to a tenth. Its readers know no semicolon."""
    tenths = timing.round_half_up(its.speed * fps * 10)
    start = timing.timecode(its.start, fps).replace(";", ":")
    return f"M2   {reel:<8}       {tenths // 10:03}.{tenths % 10}                {start}"
