"""Conformed clips to one film: video packets copied, sound encoded once for the film as a whole.

Sound encoded clip by clip would drift by up to 35 ms at each join, the length of AAC's priming and padding.
"""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av

from storyboard.cut import sound
from storyboard.cut.conform import SAMPLE_RATE, samples, timescale
from storyboard.media import MediaError
from storyboard.store import Record, Store
from storyboard.timeline import Timeline

VERSION = 3


def make(timeline: Timeline, parts: Sequence[Record], store: Store, workers: int, path: Path) -> None:
    """Write the film to `path`: exactly `timeline.frames` frames, and as much sound.

    Raises:
        MediaError: a part isn't as long, or not encoded, as the timeline says.
    """
    try:
        packets, length = sound.packets(timeline, parts, store, workers)
        _write(timeline, parts, packets, length, path)
    except av.FFmpegError as error:
        raise MediaError(f"the clips can't be joined: {error}") from error


def _write(timeline: Timeline, parts: Sequence[Record], packets: list[bytes], length: int, path: Path) -> None:
    base = Fraction(1, timescale(timeline.fps))
    # The index goes to the front, into room left for it, which spares a second pass over the file.
    room = 65_536 + 16 * (timeline.frames + len(packets)) + 4 * len(timeline.title)
    options = {"moov_size": str(room), "fflags": "+bitexact", "video_track_timescale": str(base.denominator)}
    with av.open(str(path), "w", format="mp4", options=options) as film:
        film.metadata["title"] = timeline.title
        with av.open(str(parts[0].outputs["video"].path), format="mov") as first:
            picture = film.add_stream_from_template(first.streams.video[0])
            extradata = first.streams.video[0].codec_context.extradata
        picture.time_base = base
        heard = film.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
        heard.bit_rate = sound.BITS
        heard.codec_context.flags |= av.codec.context.Flags.bitexact
        at = 0
        for clip, part in zip(timeline.clips, parts, strict=True):
            _copy_picture(film, picture, part, clip.start, clip.frames, timeline.fps, extradata)
            end = samples(clip.start + clip.frames, timeline.fps)
            while at < len(packets) and (at - 1) * sound.FRAME < end:
                film.mux(_sound_packet(packets[at], at, length, heard))
                at += 1


def _sound_packet(data: bytes, number: int, length: int, stream: av.AudioStream) -> "av.Packet[av.stream.Stream]":
    packet = av.Packet(data)
    packet.stream, packet.time_base = stream, Fraction(1, SAMPLE_RATE)
    packet.pts = packet.dts = (number - 1) * sound.FRAME
    packet.duration = min(sound.FRAME, length - packet.pts)
    packet.is_keyframe = True
    return packet


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
