"""Sound at rest in the store: s16le, 48 kHz, stereo, without a header, and what was measured of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from storyboard.cut.grid import BYTES_PER_SAMPLE, CHANNELS, SAMPLE_RATE
from storyboard.cut.sound.loudness import Measured, Samples, measure
from storyboard.media import MediaError
from storyboard.store import Blob, Record

WIDTH = CHANNELS * BYTES_PER_SAMPLE
"""Bytes of one sample of both sides."""
FADE = SAMPLE_RATE * 5 // 1000
"""Samples of the fades that keep joins from clicking: 5 ms, too short to be heard as a fade."""


class Pcm(NamedTuple):
    """Sound in the store; `blob` is None for silence."""

    blob: Blob | None
    measured: Measured


SILENCE = Pcm(None, Measured(None, None, ()))


def read(path: Path, start: int, end: int) -> Samples:
    """The samples from `start` to `end`, full scale at 1.

    Raises:
        MediaError: there aren't so many.
    """
    data = np.fromfile(path, np.dtype("<i2"), (end - start) * CHANNELS, offset=start * WIDTH)
    if data.nbytes != (end - start) * WIDTH:
        raise MediaError("a conformed sound is too short")
    return data.reshape(-1, CHANNELS) * np.float32(1 / 32768)


def length_of(path: Path) -> int:
    """How many samples a file holds."""
    return path.stat().st_size // WIDTH


def fill(path: Path, length: int) -> None:
    """Make a file exactly `length` samples long, with silence behind what ends earlier, which is faded out."""
    found = length_of(path)
    if found < length:
        fade(path, max(0, found - FADE), found, rising=False)
    with path.open("r+b") as stream:
        stream.truncate(min(found, length) * WIDTH)
        stream.truncate(length * WIDTH)


def fade(path: Path, start: int, end: int, *, rising: bool) -> None:
    """Fade the samples from `start` to `end` in or out, in place."""
    end = min(end, length_of(path))
    if end <= start:
        return
    ramp = np.sin(np.pi / 2 * (np.arange(end - start) + 0.5) / (end - start)) ** 2
    data = read(path, start, end) * (ramp if rising else ramp[::-1])[:, None]
    with path.open("r+b") as stream:
        stream.seek(start * WIDTH)
        stream.write(whole(data))


def whole(sound: NDArray[Any]) -> bytes:
    """Samples, full scale at 1, as they are kept."""
    return np.round(sound * 32768).clip(-32768, 32767).astype("<i2").tobytes()


def measured(path: Path, start: int, end: int) -> Measured:
    """The measures of a part of a file."""
    return measure(lambda a, b: read(path, start + a, start + b), end - start)


def facts(found: Measured) -> dict[str, Any]:
    """Measures as the facts of a record."""
    return {"loudness": found.loudness, "peak": found.peak, "loud": [list(span) for span in found.loud]}


def of(record: Record) -> Pcm:
    """What a record holds."""
    told: Mapping[str, Any] = record.facts
    spans = tuple((start, end) for start, end in told["loud"])
    return Pcm(record.outputs.get("sound"), Measured(told["loudness"], told["peak"], spans))
