"""ffmpeg: raw frames through its standard input and a file of sound, made into one MP4."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from . import sound
from .errors import RenderError
from .panel import Panel


def command(panel: Panel, ffmpeg: Path, audio: Path, target: Path) -> list[str]:
    """ffmpeg's argument list.

    x264 runs in one thread whatever `render` is given: its choices depend on their number, and the bytes
    of a clip must not.
    """
    tags = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709:chroma_location=left"
    size, rate = f"{panel.width}x{panel.height}", f"{panel.rate.numerator}/{panel.rate.denominator}"
    raw = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-color_range", "tv", "-video_size", size]
    pcm = ["-f", "f32le", "-ar", str(sound.RATE), "-ac", "2"]
    video = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p"]
    gop = ["-g", str(max(1, round(panel.rate))), "-x264-params", "aq-mode=3"]
    colour = [
        "-color_range",
        "tv",
        "-color_primaries",
        "bt709",
        "-color_trc",
        "bt709",
        "-colorspace",
        "bt709",
    ]
    exact = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"]
    return [
        *(str(ffmpeg), "-hide_banner", "-loglevel", "error", "-nostats", "-y"),
        *(*raw, "-framerate", rate, "-i", "pipe:0"),
        *(*pcm, "-i", f"file:{audio}", "-map", "0:v:0", "-map", "1:a:0"),
        *("-filter_threads", "1", "-vf", tags, "-fps_mode", "passthrough"),
        *(*video, *gop, "-threads:v", "1", *colour, "-chroma_sample_location", "left"),
        *("-c:a", "aac", "-b:a", "128k", "-threads:a", "1"),
        *(*exact, "-movflags", "+faststart", "-f", "mp4", f"file:{target}"),
    ]


def _last_words(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    return "\n".join(lines[-6:]) or "it gave no reason"


def encode(argv: list[str], log: Path, frames: Iterator[bytes], count: int, tick: Callable[[int], None]) -> None:
    """Feed `count` frames to ffmpeg, `tick` after each; what it says goes to the file `log`.

    Raises `RenderError` with ffmpeg's last words where it fails. No ffmpeg outlives the call.
    """
    with log.open("wb") as errors:
        try:
            encoder = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True
            )
        except OSError as error:
            raise RenderError(f"ffmpeg does not start: {error}") from error
        assert encoder.stdin is not None
        try:
            for done, frame in enumerate(frames, 1):
                encoder.stdin.write(frame)
                tick(done)
            encoder.stdin.close()
            encoder.wait()
        except BrokenPipeError:
            encoder.wait()
            raise RenderError(f"ffmpeg stopped before frame {count}: {_last_words(log)}") from None
        finally:
            # Whatever happened, `tick` raising included, no ffmpeg outlives this call.
            if encoder.poll() is None:
                encoder.kill()
                encoder.wait()
            with suppress(OSError):
                encoder.stdin.close()
    if encoder.returncode:
        raise RenderError(f"ffmpeg failed with code {encoder.returncode}: {_last_words(log)}")
