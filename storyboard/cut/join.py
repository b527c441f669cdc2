"""Conformed pictures and transitions to one film: packets copied, beside the sound of the film as a whole.

Sound encoded clip by clip would drift by up to 35 ms at each join, the length of AAC's priming and padding.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from heapq import merge
from pathlib import Path
from typing import Any

import av

from storyboard import digest, timing
from storyboard.cut import packets, sound
from storyboard.cut.grid import SAMPLE_RATE, timescale
from storyboard.media import MediaError, run
from storyboard.store import Record
from storyboard.timing import Rate
from storyboard.tools import Tools

VERSION = 4
_ROOM = 65_536
"""Bytes kept for the index beside those of its samples."""


@dataclass(frozen=True)
class Stretch:
    """A run of frames of the film that are copied from one conformed picture's `video`, from its frame `first` on."""

    picture: Record
    first: int
    frames: int

    @property
    def keys(self) -> frozenset[int]:
        """Its key frames, counted from its first frame."""
        return frozenset(n - self.first for n in self.picture.facts["keys"])

    def read(self) -> list[bytes]:
        """Its packets."""
        return packets.read(self.picture.outputs["video"].path, self.picture.facts, self.first, self.frames)


@dataclass(frozen=True)
class Chapter:
    """A part of the film that players can jump to; from frame to frame."""

    title: str
    start: int
    end: int


@dataclass(frozen=True)
class Written:
    """All that is written: pictures, the packets of the sound (the first one primes the decoder) and how many samples
    they stand for, chapters, subtitles as SubRip, and what players say of the film.
    """

    fps: Rate
    pictures: Sequence[Stretch]
    packets: Sequence[bytes]
    samples: int
    chapters: Sequence[Chapter] = ()
    captions: str = ""
    title: str = ""
    comment: str = ""

    @property
    def key(self) -> str:
        """Of the file that it makes."""
        return digest.of(
            {
                "film": VERSION,
                "fps": timing.exact(self.fps),
                "pictures": [[one.picture.outputs["video"].sha256, one.first, one.frames] for one in self.pictures],
                "sound": [digest.sha256(b"".join(self.packets)), self.samples],
                "chapters": [[one.title, one.start, one.end] for one in self.chapters],
                "words": [self.captions, self.title, self.comment],
            }
        )


def make(film: Written, path: Path, tools: Tools) -> None:
    """Write an MP4 whose index stands in front, so that it plays from its first byte on.

    Raises:
        MediaError: a part isn't as long, or not encoded, as it should be.
    """
    try:
        with ExitStack() as until_the_end:
            subtitles = until_the_end.enter_context(_subtitles(film, path.parent, tools)) if film.captions else None
            _write(film, path, subtitles)
    except av.FFmpegError as error:
        raise MediaError(f"the clips can't be joined: {error}") from error


@contextmanager
def _subtitles(film: Written, folder: Path, tools: Tools) -> Iterator[av.container.InputContainer]:
    """A file with the subtitles as MP4 has them (3GPP TS 26.245)."""
    (folder / "words.srt").write_text(film.captions, "utf-8", newline="")
    argv = ["-protocol_whitelist", "file", "-f", "srt", "-i", "words.srt", "-c:s", "mov_text", "-f", "mp4", "words.mp4"]
    run(tools.ffmpeg, argv, folder)
    with av.open(str(folder / "words.mp4"), format="mov") as opened:
        yield opened


def _write(film: Written, path: Path, words: av.container.InputContainer | None) -> None:
    if len({one.picture.facts["header"] for one in film.pictures}) > 1:
        raise MediaError("two conformed clips were encoded differently")
    base = Fraction(1, timescale(film.fps))
    frames = sum(stretch.frames for stretch in film.pictures)
    # The index goes to the front, into room left for it, which spares a second pass over the file.
    said = len(film.title) + len(film.comment) + sum(len(one.title) + 64 for one in film.chapters) + len(film.captions)
    room = _ROOM + 16 * (frames + len(film.packets)) + 4 * said
    options = {"moov_size": str(room), "fflags": "+bitexact", "video_track_timescale": str(base.denominator)}
    with av.open(str(path), "w", format="mp4", options=options) as out:
        out.metadata.update({k: v for k, v in (("title", film.title), ("comment", film.comment)) if v})
        with av.open(str(film.pictures[0].picture.outputs["video"].path), format="mov") as first:
            picture = out.add_stream_from_template(first.streams.video[0])
        picture.time_base = base
        heard = out.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
        heard.bit_rate = sound.BITS
        heard.codec_context.flags |= av.codec.context.Flags.bitexact
        others = [_sounds(film, heard)]
        if words:
            others.append(_words(words, out.add_stream_from_template(words.streams.subtitles[0])))
        _mark(out, film)
        beside = merge(*others, key=_starts)
        waiting = next(beside, None)
        tick, at = int(1 / film.fps / base), 0
        for stretch in film.pictures:
            keys = stretch.keys
            for n, data in enumerate(stretch.read()):
                packet = av.Packet(data)
                packet.stream, packet.time_base, packet.is_keyframe = picture, base, n in keys
                packet.pts = packet.dts = at * tick
                packet.duration = tick
                out.mux(packet)
                at += 1
                end = at * SAMPLE_RATE * film.fps.denominator // film.fps.numerator
                while waiting is not None and waiting[0] < end:
                    out.mux(waiting[1])
                    waiting = next(beside, None)
        for _, packet in [waiting, *beside] if waiting else ():
            out.mux(packet)


def _starts(timed: tuple[int, Any]) -> int:
    return timed[0]


def _words(words: av.container.InputContainer, stream: av.stream.Stream) -> "Iterator[tuple[int, av.Packet[Any]]]":
    """Packets of a track of words, each with its start in samples."""
    for packet in words.demux(words.streams.subtitles[0]):
        if packet.pts is not None and packet.size:
            start = int(packet.pts * (packet.time_base or 0) * SAMPLE_RATE)
            packet.stream = stream  # type: ignore[assignment]
            yield start, packet


def _mark(out: av.container.OutputContainer, film: Written) -> None:
    rate = 1 / film.fps
    out.set_chapters(
        [
            {"id": n, "start": one.start, "end": one.end, "time_base": rate, "metadata": {"title": one.title}}
            for n, one in enumerate(film.chapters, 1)
        ]
    )


def _sounds(film: Written, stream: av.AudioStream) -> "Iterator[tuple[int, av.Packet[Any]]]":
    base = Fraction(1, SAMPLE_RATE)
    for number, data in enumerate(film.packets):
        packet, start = av.Packet(data), (number - 1) * sound.FRAME
        packet.stream, packet.time_base = stream, base
        packet.pts = packet.dts = start
        packet.duration = min(sound.FRAME, film.samples - start)
        packet.is_keyframe = True
        yield start, packet
