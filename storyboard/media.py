"""Media files: what they are, and ffmpeg run on them.

No decoder sees bytes that aren't ISO-BMFF: an HLS playlist named `.mp4` would have ffmpeg open other files. So
every file is sniffed first, the demuxer is forced, no protocol but `file` is allowed, and media that a file says stand
in other files aren't followed. What a file claims to hold is bounded before its index is built, its pictures before
they are decoded, and ffmpeg's time and memory while it runs.
"""

import os
import re
import resource
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryFile
from threading import Timer

import av
import imageio_ffmpeg

from storyboard import boxes
from storyboard.sniff import NEEDED, is_video, sniff

WIDEST = 8192
MOST_PIXELS = 36_000_000
"""Of a picture: 8K is 33 million."""
LONGEST = 24 * 3600
"""Seconds that a clip may say it lasts."""
MOST_STRETCHED = 4
"""How far pixels may be from square; what is beyond is taken for a mistake."""
PATIENCE = 300
"""Seconds of a processor that ffmpeg may take where a caller knows no better."""
MEMORY = 6 << 30
"""Bytes of address space for ffmpeg; a picture of the largest size needs some two hundred million."""
SAFE_INPUT = ("-protocol_whitelist", "file", "-f", "mov", "-enable_drefs", "0", "-max_pixels", str(MOST_PIXELS))
"""ffmpeg's options before `-i` for a clip from anywhere."""
_SAFE_OPENED = {"protocol_whitelist": "file", "enable_drefs": "0", "max_pixels": str(MOST_PIXELS)}
_STOPPED = 255
"""How ffmpeg ends after a signal that it caught, such as that its time is up."""
_PLAIN = ("Error opening input file", "Error opening output file")
"""Starts of ffmpeg's last lines, which only name files."""
_WHATEVER = (
    *(av.FFmpegError, OSError, ValueError, LookupError, ArithmeticError, MemoryError, RuntimeError, TypeError),
    AttributeError,
)
"""What PyAV raises on damaged files: its own errors, and Python's where a field is out of its type's range."""


class MediaError(Exception):
    """A media file can't be used; the message says why."""


@dataclass(frozen=True)
class Probe:
    """A clip's picture size in pixels, frames, rate, whether it has sound, its pixels' aspect, and how its colours are
    coded: the matrix by its number (ITU-T H.273: 1 is BT.709, 2 unsaid), and whether they have the full range.
    """

    width: int
    height: int
    frames: int
    rate: Fraction
    sound: bool
    pixel: Fraction = Fraction(1)
    matrix: int = 2
    full_range: bool = False

    @property
    def to_bt709(self) -> str:
        """The options of ffmpeg's scale filter that bring its colours to BT.709 in video range.

        What doesn't say its matrix is BT.709 where it is larger than standard definition, as players take it. Where
        colours change, ffmpeg's quicker ways would make them up to six levels darker.
        """
        hd = self.width >= 1280 or self.height > 576
        assumed = "" if self.matrix != 2 else ":in_color_matrix=bt709" if hd else ":in_color_matrix=smpte170m"
        same = not self.full_range and (self.matrix == 1 or (self.matrix == 2 and hd))
        flags = "bicubic" if same else "bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"
        return f"flags={flags}{assumed}:out_color_matrix=bt709:out_range=tv"


def ffmpeg() -> Path:
    """The ffmpeg binary that imageio-ffmpeg's wheel holds."""
    return Path(imageio_ffmpeg.get_ffmpeg_exe())


@lru_cache
def version(binary: Path) -> str:
    """The first line of `ffmpeg -version` up to the build's details: part of what conformed media depend on."""
    out = subprocess.run([binary, "-version"], capture_output=True, check=True, text=True)
    return out.stdout.split(" Copyright", 1)[0]


def require_iso(path: Path) -> None:
    """Raise unless `path` is ISO-BMFF by its bytes, with an index that can be read without harm.

    Raises:
        MediaError: it isn't, or can't be read.
    """
    name = _named(path)
    try:
        with path.open("rb") as stream:
            head = stream.read(NEEDED)
        if not is_video(sniff(head)):
            raise MediaError(f"{name} isn't an MP4 by its bytes")
        boxes.check(path)
    except boxes.Unusable as error:
        raise MediaError(f"{name} {error}") from error
    except OSError as error:
        raise MediaError(f"{name} can't be read: {error.strerror}") from error


def _named(path: Path) -> str:
    """A file's name; "it" for one in the store, whose name is its digest."""
    return "it" if re.fullmatch("[0-9a-f]{64}", path.name) else path.name


@contextmanager
def opened(path: Path) -> "Iterator[av.container.InputContainer]":
    """A clip from anywhere, to be read; whatever goes wrong meanwhile is the clip's fault.

    Raises:
        MediaError: it isn't ISO-BMFF, or can't be read.
    """
    require_iso(path)
    try:
        with av.open(str(path), format="mov", options=_SAFE_OPENED, metadata_errors="replace") as media:
            yield media
    except _WHATEVER as error:
        raise MediaError(f"{_named(path)} can't be read as MP4: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    words = getattr(error, "strerror", None) or str(error)
    return words[:1].lower() + words[1:] if words else type(error).__name__


def _picture(media: av.container.InputContainer, path: Path) -> av.video.VideoStream:
    """The first stream of pictures that isn't a cover.

    Raises:
        MediaError: there is none, or its pictures are too large.
    """
    cover = av.stream.Disposition.attached_pic
    found = next((stream for stream in media.streams.video if not stream.disposition & cover), None)
    if found is None:
        raise MediaError(f"{_named(path)} has no picture")
    # PyAV has no codec context where there is no decoder, whatever its types say.
    if getattr(found, "codec_context", None) is None or found.width <= 0 or found.height <= 0:
        raise MediaError(f"{_named(path)} has a picture that can't be decoded")
    if max(found.width, found.height) > WIDEST or found.width * found.height > MOST_PIXELS:
        most = f"{WIDEST} a side and {MOST_PIXELS // 1_000_000} million pixels"
        raise MediaError(f"{_named(path)} is {found.width}x{found.height}, larger than {most}")
    return found


def probe(path: Path) -> Probe:
    """What a clip holds, without decoding it.

    Raises:
        MediaError: it isn't ISO-BMFF, or has no picture.
    """
    with opened(path) as media:
        picture = _picture(media, path)
        rate = Fraction(picture.average_rate or 0)
        pixel = Fraction(picture.sample_aspect_ratio or 1)
        if not Fraction(1, MOST_STRETCHED) <= pixel <= MOST_STRETCHED:
            pixel = Fraction(1)
        return Probe(
            picture.width,
            picture.height,
            max(0, picture.frames),
            rate,
            bool(media.streams.audio),
            pixel,
            int(picture.codec_context.colorspace),
            picture.codec_context.color_range == av.video.reformatter.ColorRange.JPEG,
        )


def seconds(path: Path) -> Fraction:
    """How long a clip's picture lasts: from where its file's time begins, with the first of its streams, to the end of
    its last frame.

    Raises:
        MediaError: it isn't ISO-BMFF, or has no picture with a length.
    """
    with opened(path) as media:
        picture = _picture(media, path)
        begins = [
            one.start_time * Fraction(one.time_base)
            for one in (*media.streams.video, *media.streams.audio)
            if one.time_base and one.start_time is not None
        ]
        if not picture.duration or not picture.time_base:
            raise MediaError(f"{_named(path)} doesn't say how long it is")
        length = ((picture.start_time or 0) + picture.duration) * Fraction(picture.time_base) - min(begins, default=0)
    if not 0 < length <= LONGEST:
        raise MediaError(f"{_named(path)} says that it lasts {float(length):g} s, which can't be")
    return length


def run(binary: Path, arguments: Sequence[str], folder: Path, patience: int = PATIENCE) -> None:
    """Run ffmpeg in `folder`, silent unless it fails; a Ctrl-C on the terminal is not for it.

    Args:
        patience: Seconds of a processor that it may take, far more than it should; it is stopped after as many, or
            after four times as many on the clock.

    Raises:
        MediaError: it failed, or was stopped; the message ends with its last words.
    """
    argv = [str(binary), "-nostdin", "-hide_banner", "-v", "error", "-timelimit", str(patience), "-y", *arguments]
    with TemporaryFile() as said:
        with subprocess.Popen(
            argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
        ) as ffmpeg:
            alarm = Timer(4 * patience, ffmpeg.kill)
            alarm.start()
            try:
                _bound(ffmpeg.pid)
                code = ffmpeg.wait()
            finally:
                alarm.cancel()
                if ffmpeg.poll() is None:
                    os.killpg(ffmpeg.pid, signal.SIGKILL)
        if code in {_STOPPED, -signal.SIGXCPU, -signal.SIGKILL}:
            raise MediaError(f"ffmpeg was stopped: it took more than {patience} s, or too much memory")
        if code:
            said.seek(max(0, said.seek(0, os.SEEK_END) - 4096))
            text = re.sub(r"\[[\w/:#.]+ @ 0x[0-9a-f]+\] ", "", said.read().decode(errors="replace"))
            lines = [line for line in text.strip().splitlines() if not line.startswith(_PLAIN)]
            raise MediaError(f"ffmpeg failed ({code}): {' | '.join(lines[-3:])}")


def _bound(process: int) -> None:
    """Give a process no more memory than `MEMORY`, nor than this one may have; on Linux alone."""
    if not hasattr(resource, "prlimit"):
        return
    _, ours = resource.getrlimit(resource.RLIMIT_AS)
    most = MEMORY if ours == resource.RLIM_INFINITY else min(MEMORY, ours)
    with suppress(ProcessLookupError):
        resource.prlimit(process, resource.RLIMIT_AS, (most, most))


def last_frame(path: Path, into: Path) -> None:
    """Write the last frame of a clip, in its own size, as PNG.

    Raises:
        MediaError: it isn't ISO-BMFF, or no frame of it can be decoded.
    """
    last = None
    with opened(path) as media:
        for last in media.decode(_picture(media, path)):  # noqa: B007 -- frames come in the order shown
            pass
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
