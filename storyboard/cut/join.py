"""Conformed clips to one film: video packets copied, sound mixed as PCM and encoded once.

Sound encoded clip by clip would drift by up to 35 ms at each join, the length of AAC's priming and padding.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from storyboard.cut.conform import BYTES_PER_SAMPLE, CHANNELS, SAMPLE_RATE, samples, timescale
from storyboard.media import MediaError
from storyboard.store import Record
from storyboard.timeline import Timeline

VERSION = 1
AUDIO_BITS = 192_000
_CHUNK = 1024  # samples in a frame of AAC-LC (ISO/IEC 14496-3)


def make(timeline: Timeline, parts: Sequence[Record], path: Path) -> None:
    """Write the film to `path`: exactly `timeline.frames` frames, and as much sound.

    Raises:
        MediaError: a part isn't as long, or not encoded, as the timeline says.
    """
    base = Fraction(1, timescale(timeline.fps))
    options = {"movflags": "+faststart", "fflags": "+bitexact", "video_track_timescale": str(base.denominator)}
    try:
        with av.open(str(path), "w", format="mp4", options=options) as film:
            film.metadata["title"] = timeline.title
            with av.open(str(parts[0].outputs["video"].path), format="mov") as first:
                picture = film.add_stream_from_template(first.streams.video[0])
                extradata = first.streams.video[0].codec_context.extradata
            picture.time_base = base
            sound = film.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
            sound.bit_rate = AUDIO_BITS
            sound.codec_context.flags |= av.codec.context.Flags.bitexact
            pcm = _pcm(timeline, parts)
            for clip, part in zip(timeline.clips, parts, strict=True):
                _copy_picture(film, picture, part, clip.start, clip.frames, timeline.fps, extradata)
                for chunk in next(pcm):
                    film.mux(sound.encode(chunk))
            for chunk in next(pcm):
                film.mux(sound.encode(chunk))
            film.mux(sound.encode(None))
    except av.FFmpegError as error:
        raise MediaError(f"the clips can't be joined: {error}") from error


def _copy_picture(
    film: av.container.OutputContainer,
    picture: av.VideoStream,
    part: Record,
    start: int,
    frames: int,
    fps: Fraction,
    extradata: bytes | None,
) -> None:
    assert picture.time_base is not None
    tick = 1 / fps / picture.time_base
    copied = 0
    with av.open(str(part.outputs["video"].path), format="mov") as media:
        stream = media.streams.video[0]
        if stream.codec_context.extradata != extradata:
            raise MediaError("two conformed clips were encoded differently")
        for packet in media.demux(stream):
            if packet.size == 0:
                continue
            packet.stream = picture
            packet.time_base = picture.time_base
            packet.pts = packet.dts = int((start + copied) * tick)
            packet.duration = int(tick)
            film.mux(packet)
            copied += 1
    if copied != frames:
        raise MediaError(f"a conformed clip has {copied} frames instead of {frames}")


def _pcm(timeline: Timeline, parts: Sequence[Record]) -> Iterator[Iterator[av.AudioFrame]]:
    """For each clip, and once more for the rest, the sound that is complete by then, in whole AAC frames."""
    edges = [samples(clip.start, timeline.fps) for clip in timeline.clips]
    edges.append(samples(timeline.frames, timeline.fps))
    held = np.zeros((0, CHANNELS), np.int16)
    sent = 0
    for (start, end), part in zip(pairwise(edges), parts, strict=True):
        held = np.concatenate([held, _sound(part, end - start)])
        whole = len(held) // _CHUNK * _CHUNK
        yield _frames(held[:whole], sent)
        held, sent = held[whole:], sent + whole
    yield _frames(held, sent)


def _sound(part: Record, count: int) -> NDArray[np.int16]:
    data = np.fromfile(part.outputs["sound"].path, np.dtype("<i2"), count * CHANNELS)
    if data.nbytes != count * CHANNELS * BYTES_PER_SAMPLE:
        raise MediaError("a conformed clip's sound is too short")
    return data.reshape(-1, CHANNELS)


def _frames(sound: NDArray[np.int16], first: int) -> Iterator[av.AudioFrame]:
    for at in range(0, len(sound), _CHUNK):
        chunk = np.ascontiguousarray(sound[at : at + _CHUNK]).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(chunk, format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, first + at, Fraction(1, SAMPLE_RATE)
        yield frame
