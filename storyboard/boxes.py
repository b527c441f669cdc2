"""An ISO-BMFF file's tables, looked at before a demuxer builds an index from them (ISO/IEC 14496-12).

A table may claim billions of samples in a few bytes, each of which costs a demuxer some 30 bytes of memory, so what
is claimed is added up first. Boxes are walked as ffmpeg's demuxer does: tables count wherever they stand.
"""

import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, NamedTuple

MOST_STREAMS = 16
MOST_SAMPLES = 4_000_000
"""Of all tracks together: ten hours of pictures at 60 frames a second, with sound."""
LARGEST_INDEX = 64 << 20
"""Bytes of all boxes but media and padding."""
MOST_BOXES = 500_000
HIGHEST_TRACK = 1_000_000
"""Of tracks' numbers; with 2**32 - 1 ffmpeg counts up to it, which takes five seconds."""
_DEEPEST = 10
_PASSED_OVER = {b"mdat", b"free", b"skip", b"wide", b"uuid"}
_HOLD_OTHERS = {
    *(b"moov", b"hoov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"mvex", b"moof", b"traf", b"udta", b"dinf"),
    *(b"meta", b"ilst"),
}
_PCM_GROUP = 1024
"""Samples of plain PCM that one entry of ffmpeg's index stands for."""


class Unusable(Exception):
    """What a file claims to hold is more than any clip has; the message says what, in words that follow `it`."""


class _Box(NamedTuple):
    kind: bytes
    start: int
    end: int


class _Track:
    """What the tables of one track claim."""

    def __init__(self) -> None:
        self.sound = False
        self.samples = self.chunks = self.timed = self.edits = 0
        self.runs: list[tuple[int, int]] = []
        self.each_one_tick = False

    @property
    def entries(self) -> int:
        """How many entries its index has at most."""
        if self.sound and self.each_one_tick:
            counted = -(-self._chunked() // _PCM_GROUP) + self.chunks
        else:
            counted = max(self.samples, self.timed)
        return counted * max(1, self.edits)

    def _chunked(self) -> int:
        last = self.chunks + 1
        found = pairwise([*self.runs, (last, 0)])
        return sum(max(0, min(end, last) - first) * each for (first, each), (end, _) in found)


def check(path: Path) -> None:
    """Raise where reading the file's index would take too much.

    Raises:
        Unusable: it claims too many streams or samples, or its index is too large or compressed.
        OSError: it can't be read.
    """
    size = path.stat().st_size
    walk = _Walk()
    with path.open("rb") as file:
        for box in _top(file, size):
            walk.seen()
            if box.kind in _PASSED_OVER:
                continue
            walk.bytes += box.end - box.start
            if walk.bytes > LARGEST_INDEX:
                raise Unusable(f"has an index of more than {LARGEST_INDEX >> 20} MiB")
            file.seek(box.start)
            data = file.read(box.end - box.start)
            walk.into(box.kind, data, 0, len(data), 0)
    walk.add_up()


def _top(file: BinaryIO, size: int) -> Iterator[_Box]:
    at = 0
    while at + 8 <= size:
        file.seek(at)
        box = _box(file.read(16), at, size)
        if box is None:
            return
        yield box
        at = box.end


def _box(head: bytes, at: int, end: int) -> _Box | None:
    """The box whose header is `head`; None where none can follow."""
    length, kind = int.from_bytes(head[:4]), head[4:8]
    first = at + 8
    if length == 1 and len(head) >= 16:
        length, first = int.from_bytes(head[8:16]), at + 16
    elif length == 0:
        length = end - at
    if length < first - at:
        return None
    return _Box(kind, first, min(at + length, end))


class _Walk:
    def __init__(self) -> None:
        self.bytes = 0
        self._boxes = 0
        self._streams = 0
        self._fragments = 0
        self._tracks = [_Track()]

    def seen(self) -> None:
        self._boxes += 1
        if self._boxes > MOST_BOXES:
            raise Unusable(f"is of more than {MOST_BOXES} boxes")

    def into(self, kind: bytes, data: bytes, start: int, end: int, depth: int) -> None:
        """One box of that kind, from `start` to `end` of `data`."""
        if kind == b"cmov":
            raise Unusable("has a compressed index")
        if kind == b"trak":
            self._streams += 1
            self._tracks.append(_Track())
            if self._streams > MOST_STREAMS:
                raise Unusable(f"holds more than {MOST_STREAMS} streams")
        if kind not in _HOLD_OTHERS:
            self._table(kind, data[start:end])
            return
        if depth > _DEEPEST:
            return
        at = start + 4 if kind == b"meta" and data[start + 4 : start + 8] != b"hdlr" else start
        while at + 8 <= end:
            box = _box(data[at : at + 16], at, end)
            if box is None:
                return
            self.seen()
            self.into(box.kind, data, box.start, box.end, depth + 1)
            at = box.end

    def _table(self, kind: bytes, body: bytes) -> None:
        track, room = self._tracks[-1], max(0, len(body) - 8)
        if kind == b"tkhd":
            at = 20 if body[:1] == b"\1" else 12
            number = int.from_bytes(body[at : at + 4])
            if number > HIGHEST_TRACK:
                raise Unusable(f"has a track numbered {number}")
        elif kind == b"hdlr":
            track.sound = body[8:12] == b"soun"
        elif kind in {b"stsz", b"stz2"}:
            each, count = int.from_bytes(body[4:8]), int.from_bytes(body[8:12])
            listed = kind == b"stz2" or not each
            track.samples = max(track.samples, min(count, 2 * room) if listed else count)
        elif kind in {b"stts", b"ctts"}:
            entries = list(struct.iter_unpack(">2I", body[8 : 8 + room // 8 * 8]))[: int.from_bytes(body[4:8])]
            track.timed = max(track.timed, sum(count for count, _ in entries))
            if kind == b"stts":
                track.each_one_tick = len(entries) == 1 and entries[0][1] == 1
        elif kind == b"stsc":
            rows = list(struct.iter_unpack(">3I", body[8 : 8 + room // 12 * 12]))[: int.from_bytes(body[4:8])]
            track.runs = [(first, each) for first, each, _ in rows]
        elif kind in {b"stco", b"co64"}:
            track.chunks = max(track.chunks, min(int.from_bytes(body[4:8]), room // 4))
        elif kind == b"elst":
            track.edits += min(int.from_bytes(body[4:8]), room // 12)
        elif kind == b"trun":
            self._fragments += int.from_bytes(body[4:8])

    def add_up(self) -> None:
        """Raise where the index would be too long."""
        claimed = self._fragments + sum(track.entries for track in self._tracks)
        if claimed > MOST_SAMPLES:
            raise Unusable(f"claims to hold {claimed:,} samples, more than {MOST_SAMPLES:,}")
