"""The clip that a job delivers: rendered by the animatic from what was asked for."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from pathlib import Path

import av
from PIL import Image

from storyboard import media
from storyboard.animatic import Panel, render
from storyboard.catalog import Wanted
from storyboard.sniff import NEEDED, is_image, is_video, sniff
from storyboard.tools import Tools

_CAPTION = 120
_UPRIGHT = 4
"""EXIF orientations above it are turned by a quarter (Exif 2.32, 4.6.4)."""
_ORIENTATION = 0x0112


@dataclass(frozen=True)
class Shown:
    """What a clip shows. `reference` is the first one's file, None where it isn't here; `short` halves the clip."""

    prompt: str
    reference: Path | None
    wanted: Wanted
    rate: Fraction
    seed: int
    silent: bool
    short: bool = False


def make(shown: Shown, into: Path, tools: Tools, tick: Callable[[int], None]) -> None:
    """Render to the MP4 `into`; what `tick` raises cancels it.

    Raises:
        RenderError, MediaError, OSError: it can't be made.
    """
    picture = _picture(shown.reference, into)
    width, height = _size(shown.wanted, picture)
    frames = max(1, round(shown.wanted.seconds * shown.rate))
    panel = Panel(
        width=width,
        height=height,
        rate=shown.rate,
        frames=max(1, frames // 2) if shown.short else frames,
        picture=picture,
        caption=_caption(shown.prompt),
        camera=shown.prompt,
        dialogue=(),
        seed=shown.seed,
    )
    whole = into.with_suffix(".sound.mp4") if shown.silent else into
    render(panel, whole, ffmpeg=tools.ffmpeg, voice=None, threads=1, tick=tick)
    if shown.silent:
        copy = ["-map", "0:v:0", "-c", "copy", "-fflags", "+bitexact", "-movflags", "+faststart", "-f", "mp4"]
        media.run(tools.ffmpeg, [*media.SAFE_INPUT, "-i", f"file:{whole}", *copy, f"file:{into}"], into.parent)
        whole.unlink()


def _caption(prompt: str) -> str:
    text = " ".join(prompt.split())
    return text if len(text) <= _CAPTION else text[:_CAPTION].rpartition(" ")[0] + "…"


def _picture(reference: Path | None, into: Path) -> Path | None:
    """A picture file for a reference: itself, or the first frame of a video; None where there is none to show."""
    if reference is None:
        return None
    with reference.open("rb") as stream:
        kind = sniff(stream.read(NEEDED))
    if is_image(kind):
        return reference
    if not is_video(kind):
        return None
    frame = into.with_suffix(".png")
    try:
        with av.open(str(reference), format="mov", options={"protocol_whitelist": "file"}) as video:
            next(video.decode(video=0)).to_image().save(frame)  # type: ignore[no-untyped-call]
    except (av.FFmpegError, StopIteration, IndexError):
        return None
    return frame


def _size(wanted: Wanted, picture: Path | None) -> tuple[int, int]:
    """Even pixels: what was asked for, or the picture's shape at the area of 16:9 in that resolution."""
    if wanted.width and wanted.height:
        return wanted.width, wanted.height
    across, down = 16, 9
    if picture is not None:
        with Image.open(picture) as opened:
            across, down = opened.size
            if opened.getexif().get(_ORIENTATION, 1) > _UPRIGHT:
                across, down = down, across
    digits = wanted.resolution.lower().rstrip("p")
    line = int(digits) if digits.isdigit() else 720
    area = line * line * 16 // 9
    return _even(isqrt(area * across // down)), _even(isqrt(area * down // across))


def _even(pixels: int) -> int:
    return min(4096, max(64, (pixels + 1) // 2 * 2))
