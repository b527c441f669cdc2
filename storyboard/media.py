"""Media files: what they are, and ffmpeg run on them.

No decoder sees bytes that aren't ISO-BMFF: an HLS playlist named `.mp4` would have ffmpeg open other files. So
every file is sniffed first, the demuxer is forced, and no protocol but `file` is allowed.
"""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import imageio_ffmpeg

from storyboard.sniff import NEEDED, is_video, sniff

SAFE_INPUT = ("-protocol_whitelist", "file", "-f", "mov")
"""ffmpeg's options before `-i` for a clip from anywhere."""


class MediaError(Exception):
    """A media file can't be used; the message says why."""


@dataclass(frozen=True)
class Probe:
    """A clip's picture size in pixels, frames, rate, and whether it has sound."""

    width: int
    height: int
    frames: int
    rate: Fraction
    sound: bool


def ffmpeg() -> Path:
    """The ffmpeg binary that imageio-ffmpeg's wheel holds."""
    return Path(imageio_ffmpeg.get_ffmpeg_exe())


@lru_cache
def version(binary: Path) -> str:
    """The first line of `ffmpeg -version` up to the build's details: part of what conformed media depend on."""
    out = subprocess.run([binary, "-version"], capture_output=True, check=True, text=True)
    return out.stdout.split(" Copyright", 1)[0]


def require_iso(path: Path) -> None:
    """Raise unless `path` is ISO-BMFF by its bytes.

    Raises:
        MediaError: it isn't, or can't be read.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(NEEDED)
    except OSError as error:
        raise MediaError(f"{path.name} can't be read: {error.strerror}") from error
    if not is_video(sniff(head)):
        raise MediaError(f"{path.name} isn't an MP4 by its bytes")


def probe(path: Path) -> Probe:
    """What a clip holds, without decoding it.

    Raises:
        MediaError: it isn't ISO-BMFF, or has no picture.
    """
    require_iso(path)
    try:
        with av.open(str(path), format="mov", options={"protocol_whitelist": "file"}) as media:
            if not media.streams.video:
                raise MediaError(f"{path.name} has no picture")
            picture = media.streams.video[0]
            rate = picture.average_rate or Fraction(0)
            return Probe(picture.width, picture.height, picture.frames, Fraction(rate), bool(media.streams.audio))
    except av.FFmpegError as error:
        raise MediaError(f"{path.name} can't be read as MP4: {error}") from error


def run(binary: Path, arguments: Sequence[str], folder: Path) -> None:
    """Run ffmpeg in `folder`, silent unless it fails; a Ctrl-C on the terminal is not for it.

    Raises:
        MediaError: it failed; the message ends with its last words.
    """
    argv = [str(binary), "-nostdin", "-hide_banner", "-v", "error", "-y", *arguments]
    done = subprocess.run(
        argv, cwd=folder, capture_output=True, text=True, errors="replace", check=False, start_new_session=True
    )
    if done.returncode:
        words = done.stderr.strip().splitlines()[-3:]
        raise MediaError(f"ffmpeg failed ({done.returncode}): {' | '.join(words)}")


def last_frame(path: Path, into: Path) -> None:
    """Write the last frame of a clip, in its own size, as PNG.

    Raises:
        MediaError: it isn't ISO-BMFF, or no frame of it can be decoded.
    """
    require_iso(path)
    last = None
    try:
        with av.open(str(path), format="mov", options={"protocol_whitelist": "file"}) as media:
            for last in media.decode(video=0):  # noqa: B007 -- frames come in the order shown
                pass
    except (av.FFmpegError, IndexError) as error:
        raise MediaError(f"its last frame can't be decoded: {error}") from error
    if last is None:
        raise MediaError("it has no frame")
    last.to_image().save(into)  # type: ignore[no-untyped-call]


def part(path: Path, into: Path, first: str, last: str) -> None:
    """Write the seconds from `first` to `last` of a clip as H.264 and AAC, exact to the frame.

    Raises:
        MediaError: it isn't ISO-BMFF, can't be decoded, or ends before `last`.
    """
    found = probe(path)
    if found.frames and found.rate and Fraction(last) > Fraction(found.frames) / found.rate:
        length = float(found.frames / found.rate)
        raise MediaError(f"it lasts {length:g} s, so the seconds {first} to {last} can't be used")
    times = (str(float(Fraction(first))), str(float(Fraction(last) - Fraction(first))))
    run(
        ffmpeg(),
        [
            *(*SAFE_INPUT, "-i", f"file:{path.absolute()}", "-ss", times[0], "-t", times[1]),
            *("-map", "0:v:0", "-map", "0:a:0?", "-c:v", "libx264", "-crf", "14", "-pix_fmt", "yuv420p"),
            *("-threads", "2", "-c:a", "aac", "-b:a", "192k", "-map_metadata", "-1", "-fflags", "+bitexact"),
            *("-flags:v", "+bitexact", "-movflags", "+faststart", "-f", "mp4", f"file:{into.absolute()}"),
        ],
        into.parent,
    )
