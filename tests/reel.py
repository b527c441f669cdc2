"""A reel for tests of the cut: clips made by ffmpeg, put one after the other, made into a film and looked at."""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from storyboard import cut, media
from storyboard.cut import conform
from storyboard.cut.footage import Footage
from storyboard.event import Event, Finished, Noted, Started
from storyboard.memo import Memo
from storyboard.store import Blob, Record, Store
from storyboard.timeline import Clip, Join, Span, Timeline
from storyboard.tools import Tools

SMALL = (64, 36)
FAST = ("-c:v", "libx264", "-preset", "ultrafast")
Pictures = NDArray[np.int16]


class Reel:
    """A folder with a store, where clips are made and cut."""

    def __init__(self, folder: Path, tools: Tools) -> None:
        self.folder = folder
        self.tools = tools
        self.store = Store(folder / ".storyboard", Memo(folder / "memo", lambda: 0))
        self.events: list[Event] = []

    def clip(self, name: str, *arguments: str, pixels: str = "yuv420p", suffix: str = "mp4") -> Blob:
        """A clip made by ffmpeg, put into the store."""
        with self.store.workspace() as folder:
            made = folder / f"clip.{suffix}"
            media.run(self.tools.ffmpeg, [*arguments, *FAST, "-pix_fmt", pixels, str(made)], folder)
            return self.store.put(f"{name:0>64}", {"clip": made}, {}).outputs["clip"]

    def copied(self, name: str, blob: Blob, before: tuple[str, ...] = (), after: tuple[str, ...] = ()) -> Blob:
        """A clip's packets in another file, with options before its input and after."""
        with self.store.workspace() as folder:
            made = folder / "clip.mp4"
            argv = [*before, "-i", str(blob.path), *after, "-c", "copy", str(made)]
            media.run(self.tools.ffmpeg, argv, folder)
            return self.store.put(f"{name:0>64}", {"clip": made}, {}).outputs["clip"]

    def raw(self, name: str, data: bytes) -> Blob:
        """A clip of these bytes."""
        with self.store.workspace() as folder:
            (folder / "clip.mp4").write_bytes(data)
            return self.store.put(f"{name:0>64}", {"clip": folder / "clip.mp4"}, {}).outputs["clip"]

    def make(self, timeline: Timeline) -> cut.Cut:
        """The film; what happened is in `events`."""
        self.events.clear()
        return cut.make(timeline, self.folder, self.store, self.tools, 2, self.events.append)

    def film(self, *clips: Clip, **fields: Any) -> Path:
        """The film of clips one after the other."""
        return self.folder / self.make(timeline(*clips, **fields)).path

    def conformed(self, shown: Timeline) -> list[Record]:
        """What is kept of each clip of a film that was made."""
        keys = [conform.key_of(clip, footage_of(clip), shown, self.tools) for clip in shown.clips]
        found = [self.store.find(key) for key in keys]
        return [record for record in found if isinstance(record, Record)]

    @property
    def noted(self) -> list[str]:
        return [event.message for event in self.events if isinstance(event, Noted)]

    @property
    def worked(self) -> list[str]:
        """The shots that were conformed, and `cut` where the film was written."""
        assert sum(isinstance(e, Started) for e in self.events) == sum(isinstance(e, Finished) for e in self.events)
        return [event.shot for event in self.events if isinstance(event, Started)]


def footage_of(clip: Clip) -> Footage:
    assert clip.media is not None
    return Footage(clip.media, clip.source)


def shot(
    blob: Blob | None,
    frames: int,
    join: str = "cut",
    over: int = 0,
    start: Fraction | int = 0,
    length: Fraction | None = None,
    **fields: Any,
) -> Clip:
    """A clip that is shown for a number of frames, from `start` seconds of its media on; `timeline` gives it its
    place and, where it isn't given, its length.
    """
    span = Span(Fraction(start), length if length is not None else Fraction(-1))
    joined = Join(join, over) if over else Join()
    return Clip("", "", "", 0, frames, span, blob, "p", "words", join=joined, **fields)


def timeline(*clips: Clip, fps: Fraction | int = 24, size: tuple[int, int] = SMALL, **fields: Any) -> Timeline:
    """Clips one after the other, named s0, s1, …, each running on under the next one's transition."""
    rate, at, placed = Fraction(fps), 0, []
    for n, clip in enumerate(clips):
        source = clip.source if clip.source.length >= 0 else Span(clip.source.start, clip.frames / rate)
        tail = clips[n + 1].join.frames if n + 1 < len(clips) else 0
        placed.append(replace(clip, shot=clip.shot or f"s{n}", start=at, source=source, tail=tail))
        at += clip.frames
    return Timeline(fields.pop("title", "Film"), "p", rate, *size, tuple(placed), **fields)


def picture(source: str, rate: str = "24", size: tuple[int, int] = SMALL, seconds: float = 1) -> list[str]:
    """ffmpeg's input for a picture of one of its sources, such as `testsrc2`."""
    options = f"s={size[0]}x{size[1]}:r={rate}:d={seconds}"
    return ["-f", "lavfi", "-i", f"{source}{':' if '=' in source else '='}{options}"]


def flat(luma: int, seconds: float = 1, rate: str = "24", size: tuple[int, int] = SMALL) -> list[str]:
    """A grey picture of that luma."""
    base = f"color=black:s={size[0]}x{size[1]}:r={rate}:d={seconds}"
    return ["-f", "lavfi", "-i", f"{base},geq=lum={luma}:cb=128:cr=128"]


def ramp(seconds: float = 1, rate: str = "24", step: int = 4, size: tuple[int, int] = SMALL) -> list[str]:
    """Frame n is grey, of luma 16 + step * n, and from 236 on again from 16."""
    base = f"color=black:s={size[0]}x{size[1]}:r={rate}:d={seconds}"
    return ["-f", "lavfi", "-i", f"{base},geq=lum='16+mod({step}*N\\,220)':cb=128:cr=128"]


def tone(seconds: float = 1, hertz: int = 440, rate: int = 48000) -> list[str]:
    return ["-f", "lavfi", "-i", f"sine={hertz}:r={rate}:d={seconds}"]


def planes(path: Path) -> Pictures:
    """Every frame as it is coded: shape (frames, 3/2 height, width)."""
    with av.open(str(path)) as opened:
        found = [frame.to_ndarray() for frame in opened.decode(video=0)]
    return np.stack(found).astype(np.int16)


def luma(path: Path) -> Pictures:
    """The luma of every frame: shape (frames, height, width)."""
    found = planes(path)
    return found[:, : found.shape[1] * 2 // 3]


def light(path: Path) -> list[int]:
    """Each frame's mean luma."""
    return [round(float(one.mean())) for one in luma(path)]


def times(path: Path) -> list[Fraction]:
    with av.open(str(path)) as opened:
        stream = opened.streams.video[0]
        return [frame.pts * stream.time_base for frame in opened.decode(stream)]  # type: ignore[operator]


def samples(path: Path) -> NDArray[np.float32]:
    """The sound as one channel."""
    with av.open(str(path)) as opened:
        resampler = av.AudioResampler("flt", "mono", 48000)
        parts = [part.to_ndarray()[0] for frame in opened.decode(audio=0) for part in resampler.resample(frame)]
        return np.concatenate(parts)


def tags(path: Path) -> Mapping[str, str]:
    with av.open(str(path)) as opened:
        return dict(opened.metadata)
