"""The film's sound, encoded once, a stretch at a time, each stretch kept by content.

AAC overlaps neighbouring frames, so a stretch is encoded with the film's own sound before and after it
(`ROLL` frames) and only its own packets are kept: at a seam both encoders have heard the same. A changed shot
costs the stretches that it touches, not the film.
"""

from bisect import bisect_right
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

import av
import numpy as np
from numpy.typing import NDArray

from storyboard import digest
from storyboard.cut.conform import BYTES_PER_SAMPLE, CHANNELS, SAMPLE_RATE, samples
from storyboard.media import MediaError
from storyboard.store import Blob, Lost, Record, Store
from storyboard.timeline import Timeline

VERSION = 1
BITS = 256_000
"""Bits a second. At this rate, and with this roll, a film encoded in stretches came as close to its source as one
encoded whole (RMS error 0.0054 and 0.0053 of full scale, noisy test sound); at 192,000 a fresh encoder takes longer
to settle, and was a third worse."""
FRAME = 1024
"""Samples in a frame of AAC-LC (ISO/IEC 14496-3)."""
STRETCH = 235
"""Frames encoded together: about 5 s."""
ROLL = 24
"""Frames heard before and after a stretch: half a second, in which the encoder's rate control settles."""


@dataclass(frozen=True)
class _Piece:
    """A run of samples of one conformed clip's sound."""

    blob: Blob
    start: int
    end: int


class _Track:
    """The film's samples, read from the conformed clips' sound where they are needed."""

    def __init__(self, timeline: Timeline, parts: Sequence[Record]) -> None:
        self._edges = [samples(clip.start, timeline.fps) for clip in timeline.clips]
        self._blobs = [part.outputs["sound"] for part in parts]
        self.length = samples(timeline.frames, timeline.fps)

    def pieces(self, start: int, end: int) -> list[_Piece]:
        start, end = max(0, start), min(end, self.length)
        found = []
        n = bisect_right(self._edges, start) - 1
        while start < end:
            edge = self._edges[n]
            stop = min(end, self._edges[n + 1] if n + 1 < len(self._edges) else self.length)
            found.append(_Piece(self._blobs[n], start - edge, stop - edge))
            start, n = stop, n + 1
        return found


def packets(timeline: Timeline, parts: Sequence[Record], store: Store, workers: int) -> tuple[list[bytes], int]:
    """The film's AAC packets in order, the first of them priming, and how many samples they stand for.

    Raises:
        MediaError: a part's sound is shorter than its shot.
    """
    track = _Track(timeline, parts)
    frames = -(-track.length // FRAME) + 1
    starts = range(0, frames, STRETCH)
    with ThreadPoolExecutor(workers, thread_name_prefix="sound") as pool:
        made = pool.map(lambda first: _stretch(track, first, min(STRETCH, frames - first), store), starts)
        return [packet for stretch in made for packet in stretch], track.length


def _stretch(track: _Track, first: int, count: int, store: Store) -> list[bytes]:
    """Packets `first` to `first + count`. Packet n decodes to the samples from (n - 1) * FRAME on."""
    before = min(first, ROLL)
    pieces = track.pieces((first - before) * FRAME, (first + count + ROLL) * FRAME)
    shown = [[piece.blob.sha256, piece.start, piece.end] for piece in pieces]
    codec = ".".join(map(str, av.library_versions["libavcodec"]))
    key = digest.of({"sound": VERSION, "codec": codec, "pieces": shown, "skip": before, "count": count})
    found = store.find(key)
    if isinstance(found, Lost):
        encoded = _encode(np.concatenate([_read(piece) for piece in pieces]))[before : before + count]
        with store.workspace() as folder:
            (folder / "packets").write_bytes(b"".join(encoded))
            store.put(key, {"packets": folder / "packets"}, {"sizes": [len(packet) for packet in encoded]})
        return encoded
    data, sizes = found.outputs["packets"].path.read_bytes(), found.facts["sizes"]
    return [data[end - size : end] for size, end in zip(sizes, accumulate(sizes), strict=True)]


def _read(piece: _Piece) -> NDArray[np.int16]:
    count, width = piece.end - piece.start, CHANNELS * BYTES_PER_SAMPLE
    data = np.fromfile(piece.blob.path, np.dtype("<i2"), count * CHANNELS, offset=piece.start * width)
    if data.nbytes != count * width:
        raise MediaError("a conformed clip's sound is too short")
    return data.reshape(-1, CHANNELS)


def open_encoder() -> av.AudioCodecContext:
    """The encoder of the film's sound."""
    encoder = av.AudioCodecContext.create("aac", "w")
    encoder.sample_rate, encoder.layout, encoder.format = SAMPLE_RATE, "stereo", "fltp"
    encoder.bit_rate, encoder.time_base = BITS, Fraction(1, SAMPLE_RATE)
    encoder.flags |= av.codec.context.Flags.bitexact
    return encoder


def _encode(sound: NDArray[np.int16]) -> list[bytes]:
    encoder = open_encoder()
    planes = np.ascontiguousarray(sound.T.astype(np.float32) / 32768)
    made: list[bytes] = []
    for at in range(0, len(sound), FRAME):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(planes[:, at : at + FRAME]), "fltp", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, at, Fraction(1, SAMPLE_RATE)
        made += map(bytes, encoder.encode(frame))
    return [*made, *map(bytes, encoder.encode(None))]
