"""Pictures of a clip: the first, the middle and the last of the part that a shot shows, made once and kept."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from storyboard import digest, timing
from storyboard.film import Shot
from storyboard.media import SAFE_INPUT, MediaError, Probe, ffmpeg, opened, probe, require_iso, run
from storyboard.store import Blob, Record, Store

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from PIL.Image import Image

VERSION = 1
SIDE = 640
"""Pixels of a picture's longer side, as on the contact sheet."""
NAMES = ("first", "middle", "last")
_AFTER = Fraction(1, 2000)
"""Seconds that a frame may start after a moment and still be the one that is seen there: clips' ticks are rounded."""


class Part(NamedTuple):
    """What a shot shows of its clip, in seconds of the clip's own time."""

    start: Fraction
    length: Fraction


def part(shot: Shot) -> Part:
    """What a shot shows."""
    return Part(shot.trim_in, shot.asked)


def of(clip: Blob, its: Part, store: Store) -> Record:
    """The three pictures of what a shot shows of a clip: JPEG, outputs `first`, `middle` and `last`.

    Raises:
        MediaError: the clip can't be read.
    """
    return _kept(clip, _times(its), NAMES, store)


def glimpse(clip: Blob, its: Part, store: Store) -> Blob:
    """One picture of them, a JPEG: the middle where the three are kept already, else the first, which is quick to find.

    Raises:
        MediaError: the clip can't be read.
    """
    found = store.find(_key(clip, _times(its)))
    if isinstance(found, Record):
        return found.outputs["middle"]
    return _kept(clip, its[:1], NAMES[:1], store).outputs["first"]


MOVING = 200_000
"""Bytes of a small moving copy, at most."""
_SIZES = ((320, 34), (240, 38), (160, 42))
"""The longer side in pixels, and x264's rate factor; the best first."""


def moving(clip: Blob, its: Part, store: Store) -> Blob:
    """A small copy without sound of what a shot shows of a clip: MP4, 12 frames a second, at most `MOVING` bytes.

    Raises:
        MediaError: the clip can't be read, or has too much in it.
    """
    start, length = (timing.exact(time) for time in its)
    key = digest.of({"moving": VERSION, "clip": clip.sha256, "part": [start, length], "sizes": list(map(list, _SIZES))})
    found = store.find(key)
    if isinstance(found, Record):
        return found.outputs["moving"]
    require_iso(clip.path)
    times = (f"{float(its.start):.4f}", f"{float(its.length):.4f}")
    with store.workspace() as folder:
        path = folder / "moving.mp4"
        for side, factor in _SIZES:
            fitted = f"scale={side}:{side}:force_original_aspect_ratio=decrease:force_divisible_by=2"
            run(
                ffmpeg(),
                [
                    *(*SAFE_INPUT, "-ss", times[0], "-t", times[1], "-i", f"file:{clip.path.absolute()}"),
                    *("-map", "0:V:0", "-an", "-vf", f"{fitted},fps=12,format=yuv420p", "-c:v", "libx264"),
                    *("-preset", "veryfast", "-crf", str(factor), "-threads", "2", "-map_metadata", "-1"),
                    *(
                        "-fflags",
                        "+bitexact",
                        "-flags:v",
                        "+bitexact",
                        "-movflags",
                        "+faststart",
                        "-f",
                        "mp4",
                        path.name,
                    ),
                ],
                folder,
            )
            if path.stat().st_size <= MOVING:
                return store.put(key, {"moving": path}, {}).outputs["moving"]
    raise MediaError("it has too much in it for a small copy")


def _times(its: Part) -> tuple[Fraction, ...]:
    return (its.start, its.start + its.length / 2, its.start + its.length - 2 * _AFTER)


def _key(clip: Blob, times: Sequence[Fraction]) -> str:
    what = {"clip": clip.sha256, "at": [timing.exact(time) for time in times], "side": SIDE}
    return digest.of({"stills": VERSION, **what})


def _kept(clip: Blob, times: Sequence[Fraction], names: Sequence[str], store: Store) -> Record:
    key = _key(clip, times)
    found = store.find(key)
    if isinstance(found, Record):
        return found
    with store.workspace() as folder:
        made = {}
        for name, picture in zip(names, _pictures(clip.path, times), strict=True):
            made[name] = folder / f"{name}.jpg"
            picture.save(made[name], "JPEG", quality=88)
        return store.put(key, made, {})


def _pictures(path: Path, times: Sequence[Fraction]) -> Iterator["Image"]:
    """What is seen of a clip at moments in seconds of its own time, in order; the last frame where it ends earlier."""
    import av  # noqa: PLC0415 -- what is kept already needs no decoder

    found = probe(path)
    with opened(path) as media:
        cover = av.stream.Disposition.attached_pic
        picture = next(stream for stream in media.streams.video if not stream.disposition & cover)
        picture.thread_type = "AUTO" if len(times) > 1 else "SLICE"
        begins = Fraction(media.start_time or 0, av.time_base)
        waiting, seen = list(times), None
        for frame in media.decode(picture):
            if frame.pts is None or frame.time_base is None:
                continue
            at = frame.pts * Fraction(frame.time_base) - begins - _AFTER
            while seen is not None and waiting and at > waiting[0]:
                waiting.pop(0)
                yield _drawn(seen, found)
            if not waiting:
                return
            seen = frame
        if seen is None:
            raise MediaError("no picture of it can be decoded")
        for _ in waiting:
            yield _drawn(seen, found)


def _drawn(frame: "VideoFrame", found: Probe) -> "Image":
    """A frame at the size of a still, with square pixels, in the colours that players show."""
    width, height = Fraction(frame.width) * found.pixel, Fraction(frame.height)
    scale = min(Fraction(1), Fraction(SIDE) / max(width, height))
    hd = found.width >= 1280 or found.height > 576
    matrix: Any = found.matrix if found.matrix in _MATRICES else 1 if hd else 6
    sized: Any = frame.reformat(
        max(1, round(width * scale)), max(1, round(height * scale)), "rgb24", src_colorspace=_MATRICES[matrix]
    )
    picture: Image = sized.to_image()
    return picture.rotate(frame.rotation, expand=True) if frame.rotation else picture


_MATRICES = {1: "ITU709", 5: "ITU601", 6: "ITU601"}
"""How PyAV calls the matrices of ITU-T H.273."""
