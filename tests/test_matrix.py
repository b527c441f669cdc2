"""Clips of every rate, sound and size in one film, told apart frame by frame: nothing is early, late, or drifts.

Each picture carries its clip's number and its own as stripes, and a flash at a known frame; its sound has a beep at
that very time. The whole matrix, in full sizes, is `tests/soak/test_matrix_whole.py`.
"""

import random
import subprocess
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np

from storyboard.cut.grid import samples as sample_of
from storyboard.cut.sound import loudness
from storyboard.store import Blob
from storyboard.timeline import Clip
from storyboard.tools import Tools
from tests.reel import Reel, shot, timeline

RATES = ("24000/1001", "24", "25", "30", "60", "variable")
SOUNDS = ("none", "mono 44.1k", "stereo 48k")
LEVELS = (0.5, 0.1, 0.03)
SECONDS = Fraction(3, 5)
OWN_BITS, CLIP_BITS = 6, 7


class Kind(NamedTuple):
    """One clip of the matrix."""

    number: int
    rate: str
    sound: str
    size: tuple[int, int]

    @property
    def fps(self) -> Fraction:
        return Fraction(30 if self.rate == "variable" else self.rate)

    @property
    def flash(self) -> int:
        """The frame that it comes with."""
        return int(self.fps / 5)

    @property
    def kept(self) -> list[int]:
        """Its frames, by their numbers at a constant rate."""
        every = range(int(SECONDS * self.fps))
        return [n for n in every if self.rate != "variable" or n % 3 == 0 or n in {self.flash, 7, 8, 13}]

    def shown(self, fps: Fraction, frames: int) -> list[int]:
        """Which of its frames each frame of the film shows: the last one whose time has come, to the nearest frame."""
        begins = [(int(n / self.fps * fps + Fraction(1, 2)), n) for n in self.kept]
        return [max(n for at, n in begins if at <= k) for k in range(frames)]


def kinds(sizes: list[tuple[int, int]], *, whole: bool) -> list[Kind]:
    """Every rate with every sound, and with every size, or with the sizes in turn."""
    if whole:
        return [Kind(n, *one) for n, one in enumerate(product(RATES, SOUNDS, sizes))]
    pairs = product(RATES, SOUNDS)
    return [Kind(n, rate, sound, sizes[(n + n // 4) % len(sizes)]) for n, (rate, sound) in enumerate(pairs)]


def made(reel: Reel, kind: Kind) -> Blob:
    """The clip: a flash above, its own number in the middle, its clip's below, as stripes of 1, 2, 4, …"""
    own = f"bitand(N\\,pow(2\\,floor(X*{OWN_BITS}/W)))"
    clip = f"bitand({kind.number}\\,pow(2\\,floor(X*{CLIP_BITS}/W)))"
    third = "floor(3*Y/H)"
    light = f"if(eq({third}\\,0)\\,between(N\\,{kind.flash}\\,{kind.flash + 2})\\,if(eq({third}\\,1)\\,{own}\\,{clip}))"
    size = f"{kind.size[0]}x{kind.size[1]}"
    graph = f"color=black:s={size}:r={kind.fps}:d={float(SECONDS)},format=yuv444p,geq=lum='if({light}\\,210\\,40)':cb=128:cr=128"
    if kind.rate == "variable":
        graph += ",select='" + "+".join(f"eq(n\\,{n})" for n in kind.kept) + "'"
    argv = ["-f", "lavfi", "-i", graph]
    if kind.sound != "none":
        at, level = float(kind.flash / kind.fps), LEVELS[kind.number % 3]
        wave = f"{level}*(0.3*sin(2*PI*300*t)+between(t\\,{at:.9f}\\,{at + 0.08:.9f})*0.7*sin(2*PI*4000*(t-{at:.9f})))"
        channels, rate = (wave, 44100) if kind.sound.startswith("mono") else (f"{wave}|{wave}", 48000)
        argv += ["-f", "lavfi", "-i", f"aevalsrc='{channels}':s={rate}:d={float(SECONDS)}"]
    odd = kind.size[0] % 2 or kind.size[1] % 2
    more = ["-fps_mode", "vfr", "-bf", str(kind.number % 3), "-colorspace", "bt709", "-c:a", "aac"]
    return reel.clip(f"k{kind.number}", *argv, *more, pixels="yuv444p" if odd else "yuv420p")


def film_of(
    reel: Reel, found: list[Kind], fps: Fraction, size: tuple[int, int], joins: int
) -> tuple[Path, list[tuple[Kind, Clip]]]:
    """A film of so many joins, its shots the clips in turn; and what each of them is."""
    blobs = {kind: made(reel, kind) for kind in found}
    chosen = [found[n % len(found)] for n in range(joins + 1)]
    longest = int(SECONDS * fps) - 2
    shown = timeline(*(shot(blobs[kind], longest - n % 4) for n, kind in enumerate(chosen)), fps=fps, size=size)
    return reel.folder / reel.make(shown).path, list(zip(chosen, shown.clips, strict=True))


def read(picture: np.ndarray, kind: Kind) -> tuple[int, int, bool]:
    """The clip's number, its frame's own and whether that is a flash, from where a picture of that size stands."""
    height, width = picture.shape
    scale = min(width / kind.size[0], height / kind.size[1])
    w, h = kind.size[0] * scale, kind.size[1] * scale
    left, top = (width - w) / 2, (height - h) / 2

    def bits(row: float, count: int) -> int:
        y = int(top + h * row)
        return sum(1 << n for n in range(count) if picture[y, int(left + w * (n + 0.5) / count)] > 125)

    return bits(5 / 6, CLIP_BITS), bits(1 / 2, OWN_BITS), bool(picture[int(top + h / 6), width // 2] > 125)


def check(reel: Reel, found: list[Kind], fps: Fraction, size: tuple[int, int], joins: int) -> None:
    """All that holds of a film of these clips."""
    film, shots = film_of(reel, found, fps, size, joins)
    total = sum(clip.frames for _, clip in shots)
    expected = [
        (kind.number, own, kind.flash <= own <= kind.flash + 2)
        for kind, clip in shots
        for own in kind.shown(fps, clip.frames)
    ]
    kind_at = [kind for kind, clip in shots for _ in range(clip.frames)]
    stamps, seen = [], []
    with av.open(str(film)) as opened:
        stream = opened.streams.video[0]
        for frame in opened.decode(stream):
            stamps.append(frame.pts * stream.time_base)
            seen.append(read(frame.to_ndarray()[: size[1], : size[0]], kind_at[len(seen)]))
        assert stamps == [n / fps for n in range(total)]
        assert seen == expected
        chance = random.Random(20261121)
        for n in [0, total - 1, *(chance.randrange(total) for _ in range(20))]:
            opened.seek(int(n / fps / stream.time_base), stream=stream)
            frame = next(one for one in opened.decode(stream) if one.pts * stream.time_base >= n / fps)
            assert frame.pts * stream.time_base == n / fps
            assert read(frame.to_ndarray()[: size[1], : size[0]], kind_at[n]) == expected[n]
    hear(film, shots, fps)
    play(reel, film, total)


def hear(film: Path, shots: list[tuple[Kind, Clip]], fps: Fraction) -> None:
    """Each beep comes with its flash, what has no sound is silent, and the shots are equally loud."""
    with av.open(str(film)) as opened:
        stamps = [packet.pts for packet in opened.demux(audio=0) if packet.size]
        assert stamps == sorted(set(stamps))
        opened.seek(0)
        resampler = av.AudioResampler("flt", "stereo", 48000)
        parts = [part.to_ndarray()[0] for frame in opened.decode(audio=0) for part in resampler.resample(frame)]
    heard = np.concatenate(parts).reshape(-1, 2).astype(np.float32)
    end = sample_of(shots[-1][1].end, fps)
    assert end <= len(heard) < end + 1024
    levels = []
    for kind, clip in shots:
        sound = heard[sample_of(clip.start, fps) : sample_of(clip.end, fps)]
        if kind.sound == "none":
            assert np.abs(sound[2400:-2400]).max() < 0.004
            continue
        sharp = np.abs(np.diff(sound[:, 0], 2))
        onset = (int(np.argmax(sharp > 0.25 * sharp.max())) + 1) / 48000
        flash = next(n for n, own in enumerate(kind.shown(fps, clip.frames)) if own >= kind.flash) / fps
        assert abs(onset - float(flash)) <= float(1 / fps / 2) + 0.0005, (kind, clip.shot)
        measured = loudness.measure(lambda start, stop, sound=sound: sound[start:stop], len(sound))
        levels.append(measured.loudness)
    assert max(levels) - min(levels) <= 100, "a spread of 1 LU at most"


def play(reel: Reel, film: Path, frames: int) -> None:
    """From a pipe, which can't be sought in."""
    argv = [
        reel.tools.ffmpeg,
        "-v",
        "error",
        "-f",
        "mov",
        "-i",
        "pipe:0",
        "-map",
        "0:v",
        "-c",
        "copy",
        "-f",
        "framecrc",
        "-",
    ]
    with film.open("rb") as stream, subprocess.Popen(["cat"], stdin=stream, stdout=subprocess.PIPE) as pipe:  # noqa: S607
        played = subprocess.run(argv, stdin=pipe.stdout, capture_output=True, text=True, check=True)
    assert played.stderr == ""
    assert sum(line.startswith("0,") for line in played.stdout.splitlines()) == frames


SIZES = [(128, 72), (192, 108), (72, 128), (107, 61)]


def test_every_frame_and_beep_of_a_film_of_unlike_clips_is_where_it_belongs(tmp_path: Path, tools: Tools) -> None:
    check(Reel(tmp_path, tools), kinds(SIZES, whole=False), Fraction(30000, 1001), (128, 72), 200)
