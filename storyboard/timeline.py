"""The film as clips on one track: exact ranges, each clip's media or the lack of it. A value; makes nothing.

Terms as in OpenTimelineIO: the available range is all that the media hold, the source range the part of it that
is shown, the range in parent where that stands in the film. Media have rates of their own, so their ranges are in
seconds; the film's are in frames.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from storyboard import timing
from storyboard.film import PLAIN, BurnIn, Effect, Film, Line, Mix, Shot
from storyboard.job import Job, seed_of
from storyboard.store import Blob, Record


class Span(NamedTuple):
    """A part of a medium, in seconds of its own time."""

    start: Fraction
    length: Fraction

    @property
    def end(self) -> Fraction:
        """Where it ends."""
        return self.start + self.length


class Join(NamedTuple):
    """How a clip follows the one before it: `cut`, or a transition over its first `frames` frames."""

    type: str = "cut"
    frames: int = 0


class Origin(NamedTuple):
    """What made a clip, for people and other tools. `key` is None for a clip of the author's own, and a slate."""

    model: str = ""
    key: str | None = None
    seed: int | None = None
    cost: Decimal | None = None
    take: int = 1


CUT = Join()
NOWHERE = Origin()


class Burned(NamedTuple):
    """What is burned in besides names and timecodes; each "" for nothing."""

    watermark: str = ""
    date: str = ""


class Asked(NamedTuple):
    """What is asked of a cut besides the storyboard; None leaves it to the pass.

    Attributes:
        burn_in: Whether names and timecodes are in the picture.
        watermark: Words across it.
        date: The day, for burn-ins that want it: 2026-11-21.
        commit: The commit that the storyboard stands at, for the film's metadata; "" where there is none.
    """

    burn_in: bool | None = None
    watermark: str | None = None
    leader: bool | None = None
    subtitles: str | None = None
    date: str = ""
    commit: str = ""


@dataclass(frozen=True)
class Clip:
    """One shot in the film.

    Attributes:
        setting: Where and when it plays.
        start: Its first frame in the film.
        frames: How many frames it shows.
        source: What of its media those frames show: as long as they are, unless it is retimed.
        media: Its bytes; None where no pass has a clip of it, and a slate is shown.
        pass_id: The pass that the media is of.
        prompt: What the contact sheet and a slate say of it.
        tail: How many frames more it runs on for, under the transition into the next clip.
        available: What its media hold; None where that isn't known.
        framing: How a picture of another shape is shown: fit, fill or pad.
        join: The transition into it.
        lead: How many frames before its picture its sound starts.
        linger: How many frames after its picture its sound goes on.
        gain: Of its sound, in decibels; None where it is mute.
    """

    shot: str
    scene: str
    setting: str
    start: int
    frames: int
    source: Span
    media: Blob | None
    pass_id: str
    prompt: str
    scene_id: str = ""
    tail: int = 0
    available: Span | None = None
    framing: str = "fit"
    join: Join = CUT
    effects: tuple[Effect, ...] = ()
    lead: int = 0
    linger: int = 0
    gain: Decimal | None = Decimal(0)
    lines: tuple[Line, ...] = ()
    notes: str = ""
    origin: Origin = NOWHERE

    @property
    def end(self) -> int:
        """The frame after its last one in the film."""
        return self.start + self.frames


@dataclass(frozen=True)
class Timeline:
    """The film: clips in order without gaps, at one rate and size."""

    title: str
    pass_id: str
    fps: timing.Rate
    width: int
    height: int
    clips: tuple[Clip, ...]
    burn_in: Burned | None = None
    mix: Mix = PLAIN
    leader: bool = False
    subtitles: str = "none"
    commit: str = ""

    @property
    def frames(self) -> int:
        """The film's length, without its leader."""
        return sum(clip.frames for clip in self.clips)

    def speed(self, clip: Clip) -> Fraction:
        """Seconds of its media in a second of the film: 1 unless the clip is retimed."""
        return clip.source.length * self.fps / clip.frames


def lay_out(
    film: Film,
    pass_id: str,
    best: Callable[[str], tuple[str, Record] | None],
    measured: Callable[[Blob], Fraction | None] = lambda _: None,
    asked: Asked = Asked(),  # noqa: B008 -- a value
) -> Timeline:
    """The timeline of one pass.

    Args:
        best: The clip to show for a shot, and the pass that it is of.
        measured: How many seconds a clip's picture lasts; None where it can't be read.
        asked: What is asked of this cut besides what the storyboard says.
    """
    chosen = [(shot, best(shot.id)) for shot in film.shots if not shot.skip]
    clips = [_clip(film, shot, pass_id, found, measured) for shot, found in chosen]
    edges = timing.boundaries((clip.source.length for clip in clips), film.fps)
    placed = [
        _placed(film, shot, clip, start, end)
        for (shot, _), clip, (start, end) in zip(chosen, clips, pairwise(edges), strict=True)
        if end > start
    ]
    tails = [clip.join.frames for clip in placed[1:]] + [0] * bool(placed)
    pass_ = film.passes[pass_id]
    width, height = frame_size(film.aspect, pass_.resolution)
    return Timeline(
        film.title,
        pass_id,
        film.fps,
        width,
        height,
        tuple(replace(clip, tail=tail) for clip, tail in zip(placed, tails, strict=True)),
        _burn_in(pass_.burn_in, asked),
        film.mix,
        pass_.leader if asked.leader is None else asked.leader,
        asked.subtitles or pass_.subtitles,
        asked.commit,
    )


def _burn_in(written: BurnIn | None, asked: Asked) -> Burned | None:
    """What is burned in; a watermark that is asked for asks for the rest, too."""
    wanted = asked.burn_in if asked.burn_in is not None else written is not None or bool(asked.watermark)
    if not wanted:
        return None
    watermark = (written.watermark if written else "") if asked.watermark is None else asked.watermark
    return Burned(watermark, asked.date if written and written.date else "")


def _clip(
    film: Film,
    shot: Shot,
    pass_id: str,
    best: tuple[str, Record] | None,
    measured: Callable[[Blob], Fraction | None],
) -> Clip:
    """A shot's clip before it has its place; its source is as long as the shot will be."""
    media = best[1].outputs["clip"] if best else None
    length = measured(media) if media else None
    available = None if length is None else Span(Fraction(0), length)
    shown = shot.asked
    if shot.fit == "trim" and length is not None and length > shot.trim_in:
        shown = min(shown, length - shot.trim_in)
    of = best[0] if best else pass_id
    made = film.jobs[of][film.numbers[shot.id]] if best else None
    return Clip(
        shot=shot.id,
        scene=shot.scene,
        setting=shot.setting,
        start=0,
        frames=0,
        source=Span(shot.trim_in, shown),
        media=media,
        pass_id=of,
        prompt=shot.words,
        scene_id=shot.scene_id,
        available=available,
        framing=shot.framing,
        effects=shot.effects,
        gain=None if shot.heard.mute else shot.heard.gain,
        lines=shot.lines,
        notes=shot.notes,
        origin=_origin(made) if isinstance(made, Job) else Origin(),
    )


def _placed(film: Film, shot: Shot, clip: Clip, start: int, end: int) -> Clip:
    """A clip in its place, its times whole frames."""
    frames = end - start
    length = frames / film.fps
    if shot.fit == "retime" and clip.available is not None and clip.available.length > shot.trim_in:
        length = clip.available.length - shot.trim_in
    joined = 0 if shot.transition.type == "cut" else timing.round_half_up(shot.transition.length * film.fps)
    return replace(
        clip,
        start=start,
        frames=frames,
        source=Span(shot.trim_in, length),
        join=Join(shot.transition.type, min(joined, frames)) if joined else Join(),
        lead=timing.round_half_up(shot.heard.lead * film.fps),
        linger=timing.round_half_up(shot.heard.tail * film.fps),
    )


def _origin(job: Job) -> Origin:
    take = int(job.words.get("take", "1"))
    return Origin(job.model, job.key, seed_of(job.request), job.cost, take)


def frame_size(aspect: str, resolution: str) -> tuple[int, int]:
    """Width and height in even pixels: the resolution is the shorter side."""
    across, down = map(int, aspect.split(":"))
    short = int(resolution.removesuffix("p"))
    long = timing.round_half_up(Fraction(short * max(across, down), 2 * min(across, down))) * 2
    return (long, short) if across >= down else (short, long)
