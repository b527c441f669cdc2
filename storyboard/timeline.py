"""The film as clips on one track: exact frames, each clip's media or the lack of it. A value; makes nothing.

Terms as in OpenTimelineIO: the source range is the part of the media that is shown, the range in parent where
it stands in the film.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from storyboard import timing
from storyboard.film import Film, Shot
from storyboard.store import Blob, Record


@dataclass(frozen=True)
class Clip:
    """One shot in the film.

    Attributes:
        setting: Where and when it plays.
        start: Its first frame in the film.
        frames: How many frames it shows.
        source_start: Where in the media it starts, in seconds.
        media: Its bytes; None where no pass has a clip of it, and a slate is shown.
        pass_id: The pass that the media is of.
        prompt: What the contact sheet and a slate say of it.
    """

    shot: str
    scene: str
    setting: str
    start: int
    frames: int
    source_start: Fraction
    media: Blob | None
    pass_id: str
    prompt: str


@dataclass(frozen=True)
class Timeline:
    """The film: clips in order without gaps, at one rate and size. `local` burns in shot and timecode."""

    title: str
    pass_id: str
    fps: timing.Rate
    width: int
    height: int
    burn_in: bool
    clips: tuple[Clip, ...]

    @property
    def frames(self) -> int:
        """The film's length."""
        return sum(clip.frames for clip in self.clips)


def lay_out(film: Film, pass_id: str, best: Callable[[str], tuple[str, Record] | None]) -> Timeline:
    """The timeline of one pass. `best` names the clip to show for a shot, and the pass that it is of."""
    shown = [shot for shot in film.shots if not shot.skip]
    edges = timing.boundaries((shot.asked for shot in shown), film.fps)
    clips = tuple(
        _clip(shot, start, end - start, pass_id, best(shot.id))
        for shot, (start, end) in zip(shown, pairwise(edges), strict=True)
        if end > start
    )
    pass_ = film.passes[pass_id]
    width, height = frame_size(film.aspect, pass_.resolution)
    return Timeline(film.title, pass_id, film.fps, width, height, pass_.burn_in, clips)


def _clip(shot: Shot, start: int, frames: int, pass_id: str, best: tuple[str, Record] | None) -> Clip:
    media = best[1].outputs["clip"] if best else None
    of = best[0] if best else pass_id
    return Clip(shot.id, shot.scene, shot.setting, start, frames, shot.trim_in, media, of, shot.words)


def frame_size(aspect: str, resolution: str) -> tuple[int, int]:
    """Width and height in even pixels: the resolution is the shorter side."""
    across, down = map(int, aspect.split(":"))
    short = int(resolution.removesuffix("p"))
    long = timing.round_half_up(Fraction(short * max(across, down), 2 * min(across, down))) * 2
    return (long, short) if across >= down else (short, long)
