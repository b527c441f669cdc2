"""Damaged and hostile MP4s by number, and what becomes of them: `python -m tests.mangled FOLDER FIRST END`.

Each number is one file, the same everywhere. It goes through all that a cut does with a clip; a line of JSON says how
that ended, and how long it took a processor. FOLDER holds the whole files that are damaged, from `whole`.
"""

import json
import os
import random
import resource
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

from storyboard import media
from storyboard.cut import conform, length
from storyboard.cut.footage import Footage
from storyboard.cut.sound import hear
from storyboard.media import MediaError
from storyboard.memo import Memo
from storyboard.store import Store
from storyboard.timeline import Clip, Span, Timeline
from storyboard.tools import Tools
from tests.folder import ROOT

MEMORY = 3 << 30
HOLDERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"moof", b"traf", b"udta", b"mvex", b"dinf"}
ODD = (0, 1, 2, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
TABLES = [b"stsz", b"stco", b"ctts", b"stts", b"stsc", b"stss", b"elst", b"tkhd", b"mvhd", b"mdhd", b"stsd", b"avcC"]
TABLES += [b"trun", b"tfhd", b"tfdt", b"trex", b"esds", b"sbgp", b"sgpd", b"colr", b"pasp", b"dref", b"sidx", b"hvcC"]

Box = tuple[int, int, bytes]
"""Where a box starts and ends, and its type."""


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """All boxes of an undamaged file, outer ones first."""
    at, end = start, len(data) if end is None else end
    while at + 8 <= end:
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        yield at, at + size, kind
        if kind in HOLDERS:
            yield from boxes(data, at + 8, at + size)
        at += size


def linked(data: bytes, name: str) -> bytes:
    """A file whose pictures and sound are said to stand in another one beside it; its own boxes keep their places.

    The reference is an alias record (as ffmpeg's demuxer reads it: fixed fields, then a path as item 2), one level up
    and one down.
    """
    start, end = next((start, end) for start, end, kind in boxes(data) if kind == b"moov")
    index = data[start:end]
    path = f"volume:folder:{name}".encode()
    path += b"\0" * (len(path) % 2)
    items = struct.pack(">2H", 2, len(path)) + path + struct.pack(">2H", 0xFFFF, 0)
    body = bytes(10) + bytes([0]) + bytes(27 + 12) + bytes([0]) + bytes(63 + 16) + struct.pack(">2H", 1, 1) + bytes(16)
    old = struct.pack(">I4sI", 12, b"url ", 1)
    new = struct.pack(">I4sI", 12 + len(body) + len(items), b"alis", 0) + body + items
    grown = bytearray(index)
    for first, last, kind in boxes(index):
        if kind in {b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"}:
            more = index[first:last].count(old) * (len(new) - len(old))
            grown[first : first + 4] = struct.pack(">I", last - first + more)
    return data[:start] + bytes(grown).replace(old, new) + data[end:]


class Canary:
    """A pipe with a name, which tells whether anyone ever opened it to read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._sang = self._done = False
        os.mkfifo(path)
        self._waits = threading.Thread(target=self._wait, daemon=True)
        self._waits.start()

    def _wait(self) -> None:
        while not self._done:
            with suppress(BrokenPipeError), self.path.open("wb") as pipe:
                self._sang |= not self._done
                pipe.write(b"tweet")

    def quiet(self) -> bool:
        """Whether nobody opened it; it is gone afterwards."""
        quiet, self._done = not self._sang, True
        reader = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self._waits.join(10)
        os.close(reader)
        self.path.unlink()
        return quiet


def originals(folder: Path, binary: Path) -> None:
    """The whole files: with B-frames and an edit list, fragmented, 10 bits, PCM, rotated, and linked to a canary."""
    folder.mkdir()
    picture = ["-f", "lavfi", "-i", "testsrc2=s=64x36:r=12:d=0.8"]
    sound = ["-f", "lavfi", "-i", "sine=440:r=44100:d=0.8"]
    h264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
    kinds = {
        "a.mp4": [*h264, "-bf", "2", "-g", "6"],
        "b.mp4": [*h264, "-movflags", "+frag_keyframe+empty_moov+default_base_moof", "-g", "3"],
        "c.mov": ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv422p10le", "-c:a", "pcm_s16le"],
        "d.mp4": ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p"],
        "e.mp4": [*h264, "-movflags", "+faststart", "-metadata", "title=caf\u00e9", "-aspect", "4:3"],
    }
    for name, options in kinds.items():
        media.run(binary, [*picture, *sound, *options, str(folder / name)], folder)
    (folder / "f.mp4").write_bytes(linked((folder / "a.mp4").read_bytes(), "canary"))


def mangled(data: bytes, chance: random.Random) -> bytes:
    """The file with one to three things wrong."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        data = chance.choice((_bits, _bits, _cut, _size, _kind, _spliced, _table, _table, _table, _zeroed))(
            data, chance
        )
    return data


def _somewhere(data: bytes, chance: random.Random) -> Box:
    found = _found(data)
    return chance.choice(found) if found else (0, len(data), b"")


def _found(data: bytes) -> list[Box]:
    try:
        return [box for box, _ in zip(boxes(data), range(500), strict=False) if box[0] + 8 <= box[1] <= len(data)]
    except struct.error:
        return []


def _bits(data: bytes, chance: random.Random) -> bytes:
    changed = bytearray(data)
    start, end, _ = _somewhere(data, chance) if chance.random() < 0.8 else (0, len(data), b"")
    for _ in range(chance.choice((1, 1, 4, 30))):
        if end > start:
            changed[chance.randrange(start, end)] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _size(data: bytes, chance: random.Random) -> bytes:
    start, end, _ = _somewhere(data, chance)
    value = chance.choice((*ODD, end - start - 1, end - start + 1, end - start + 8, chance.getrandbits(32)))
    return data[:start] + struct.pack(">I", value) + data[start + 4 :]


def _kind(data: bytes, chance: random.Random) -> bytes:
    start, _, _ = _somewhere(data, chance)
    kind = chance.choice(
        (*TABLES, *HOLDERS, b"cmov", b"hoov", b"meta", b"rmra", b"stz2", b"co64", b"uuid", b"\0\0\0\0")
    )
    return data[: start + 4] + kind + data[start + 8 :]


def _spliced(data: bytes, chance: random.Random) -> bytes:
    start, end, _ = _somewhere(data, chance)
    at, over, _ = _somewhere(data, chance)
    return data[:at] + data[start:end] * chance.choice((1, 1, 2, 40)) + data[chance.choice((at, over)) :]


def _table(data: bytes, chance: random.Random) -> bytes:
    tables = [box for box in _found(data) if box[2] in TABLES and box[1] - box[0] >= 12]
    if not tables:
        return data
    changed = bytearray(data)
    start, end, _ = chance.choice(tables)
    for _ in range(chance.choice((1, 1, 2, 8))):
        at = chance.randrange(start + 8, end - 3)
        at -= (at - start) % 4 if chance.random() < 0.8 else 0
        changed[at : at + 4] = struct.pack(">I", chance.choice((*ODD, chance.getrandbits(32), chance.getrandbits(12))))
    return bytes(changed)


def _zeroed(data: bytes, chance: random.Random) -> bytes:
    start, end, _ = _somewhere(data, chance)
    first = chance.randrange(start, end) if end > start else start
    last = chance.randrange(first, end) if end > first else first
    return data[:first] + bytes(last - first) + data[last:]


def number(folder: Path, n: int) -> bytes:
    """The damaged file of that number."""
    wholes = sorted(path for path in (folder / "whole").iterdir() if path.is_file())
    chance = random.Random(n)
    return mangled(wholes[n % len(wholes)].read_bytes(), chance)


def through(path: Path, n: int, store: Store, tools: Tools) -> dict[str, str]:
    """Each step of a cut with one clip: "" where it succeeded, or the named error."""
    with store.workspace() as folder:
        (folder / "clip").write_bytes(path.read_bytes())
        blob = store.put(f"{n:064}", {"clip": folder / "clip"}, {}).outputs["clip"]
    clip = Clip("s1", "", "", 0, 6, Span(Fraction(n % 3, 8), Fraction(1, 2)), blob, "p", "x")
    footage = Footage(blob, clip.source)
    timeline = Timeline("T", "p", Fraction(12), 64, 36, (clip,))
    steps = {
        "probe": lambda: media.probe(path),
        "seconds": lambda: media.seconds(path),
        "length": lambda: length.measured(blob, store),
        "picture": lambda: conform.make(f"{n:063}a", clip, footage, timeline, store, tools),
        "sound": lambda: hear.make(f"{n:063}b", clip, footage, timeline.fps, False, store, tools),
        "last": lambda: media.last_frame(path, path.with_suffix(".png")),
    }
    ended = {}
    for name, step in steps.items():
        try:
            step()
            ended[name] = ""
        except MediaError as error:
            ended[name] = str(error)
    return ended


def batch(folder: Path, first: int, end: int) -> Iterator[dict[str, object]]:
    """What became of the files of these numbers, from a process with little memory; a crash of it is an outcome."""
    while first < end:
        argv = [sys.executable, "-m", "tests.mangled", str(folder), str(first), str(end)]
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300 * (end - first))
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        yield from lines
        first += len(lines)
        if first < end or done.returncode:
            yield {"number": first, "crash": done.returncode, "words": done.stderr[-2000:]}
            first += 1


def main(folder: Path, first: int, end: int) -> None:
    """Run a batch here; one line for each file."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    binary = media.ffmpeg()
    tools = Tools(binary, media.version(binary))
    place = folder / f"{first}-{end}"
    place.mkdir(parents=True, exist_ok=True)
    store = Store(place / "store", Memo(place / "memo", lambda: 0))
    (store.root / "cas").mkdir(parents=True, exist_ok=True)
    canaries = [Canary(place / "canary"), Canary(store.root / "cas" / "canary")]
    for n in range(first, end):
        path = place / "clip.mp4"
        path.write_bytes(number(folder, n))
        before = _spent()
        ended = through(path, n, store, tools)
        print(json.dumps({"number": n, "spent": round(_spent() - before, 3), "ended": ended}), flush=True)
    quiet = [canary.quiet() for canary in canaries]
    assert all(quiet), "another file was opened"


def _spent() -> float:
    """Seconds of a processor, of this process and of those it ran."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
