"""Clips as pictures within a page, small enough that a film of a thousand shots is still a page."""

import base64
import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from storyboard import stills
from storyboard.film import Film, Shot
from storyboard.frozen import bytes_of
from storyboard.job import Own
from storyboard.media import MediaError
from storyboard.store import Blob, Record, Store

FRAMES, THUMBNAILS = 3_000_000, 1_000_000
"""Bytes that the frames of all cards, and the thumbnails of all strips, take about, as base64 within the page."""
_SIZES = (
    (320, 70, 9_000),
    (240, 65, 5_500),
    (192, 60, 3_500),
    (144, 55, 2_000),
    (112, 50, 1_200),
    (96, 45, 900),
    (72, 35, 500),
)
"""The longer side in pixels, the quality of WebP, and the bytes that a frame of footage takes so; the largest first."""
_THUMBNAIL = 96
_LEAST = 1_200
"""Bytes of a frame below which three of a clip are too small to tell anything, and one is shown instead."""


class Source(NamedTuple):
    """The clip that stands for a shot, its pass, and what the shot shows of it."""

    pass_id: str
    clip: Blob
    part: stills.Part


class Picture(NamedTuple):
    """A picture as it stands in a page: a `data:` URL, and its size in pixels."""

    url: str
    width: int
    height: int


def best(film: Film | None, shot: Shot | None, store: Store, passes: Sequence[str] = ()) -> Source | None:
    """The best clip that the store has of a shot by a film's keys: of the first of `passes` that has one, by default of
    the film's last.
    """
    if film is None or shot is None:
        return None
    for name in passes or tuple(reversed(tuple(film.passes))):
        made = film.jobs[name][film.numbers[shot.id]] if name in film.jobs else None
        key = bytes_of(made.sha256) if isinstance(made, Own) else made.key if made else None
        found = store.find(key) if key else None
        if isinstance(found, Record) and "clip" in found.outputs:
            return Source(name, found.outputs["clip"], stills.part(shot))
    return None


@dataclass
class Pictures:
    """The pictures of many clips, made at once by `workers` threads and kept by the store for the next page.

    `frames` has the first, middle and last of each source of a card, or the middle alone where there are too many;
    `thumbnails` one of each other, `clips` small copies without sound as `data:` URLs. What can't be read isn't
    in them.
    """

    store: Store
    workers: int = 2
    frames_budget: int = FRAMES
    thumbnails_budget: int = THUMBNAILS
    frames: dict[Source, tuple[Picture, ...]] = field(default_factory=dict)
    thumbnails: dict[Source, Picture] = field(default_factory=dict)
    clips: dict[Source, str] = field(default_factory=dict)

    def make(self, cards: Sequence[Source], strips: Sequence[Source], *, moving: bool = False) -> None:
        """Make all that a page shows, each source as often as it is shown; where it is `moving`, small copies of the
        clips of cards, too.
        """
        large, small = list(dict.fromkeys(cards)), list(dict.fromkeys(strips))
        names = stills.NAMES if _allowed(self.frames_budget, 3 * len(cards)) >= _LEAST else stills.NAMES[1:2]
        each = _allowed(self.frames_budget, len(names) * len(cards))
        thumb = min(_allowed(self.thumbnails_budget, len(strips)), _LEAST)

        def framed(one: Source) -> tuple[Picture, ...] | None:
            try:
                found = stills.of(one.clip, one.part, self.store).outputs
                return tuple(_encoded(found[name].path, each) for name in names)
            except (MediaError, OSError):
                return None

        def glimpsed(one: Source) -> Picture | None:
            try:
                return _encoded(stills.glimpse(one.clip, one.part, self.store).path, thumb, _THUMBNAIL)
            except (MediaError, OSError):
                return None

        def copied(one: Source) -> str:
            try:
                return url("video/mp4", stills.moving(one.clip, one.part, self.store).path.read_bytes())
            except (MediaError, OSError):
                return ""

        with ThreadPoolExecutor(max(1, self.workers)) as pool:
            framed_all, glimpsed_all = pool.map(framed, large), pool.map(glimpsed, small)
            self.frames = {one: made for one, made in zip(large, framed_all, strict=True) if made}
            if moving:
                self.clips = {one: made for one, made in zip(large, pool.map(copied, large), strict=True) if made}
            self.thumbnails = {one: made for one, made in zip(small, glimpsed_all, strict=True) if made}


def _allowed(budget: int, count: int) -> int:
    """Bytes that each of so many pictures may take before base64, which makes four of three."""
    return budget * 3 // 4 // max(1, count)


def _encoded(path: Path, allowed: int, widest: int = _SIZES[0][0]) -> Picture:
    """A still as WebP: of the sizes that take about as much as is allowed the largest; smaller where it takes more."""
    with Image.open(path, formats=["JPEG"]) as still:
        whole = still.convert("RGB")
    fitting = [size for size in _SIZES if size[2] <= allowed and size[0] <= widest] or list(_SIZES[-1:])
    for side, quality, _ in fitting:
        made = whole.copy()
        made.thumbnail((side, side), Image.Resampling.LANCZOS)
        data = io.BytesIO()
        made.save(data, "WEBP", quality=quality, method=3)
        if data.tell() <= allowed * 3 // 2:
            break
    return Picture(url("image/webp", data.getvalue()), made.width, made.height)


def url(media: str, data: bytes) -> str:
    """Bytes as they stand in a page."""
    return f"data:{media};base64,{base64.b64encode(data).decode()}"
