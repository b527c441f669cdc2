"""The film's sound as a value: what is heard where, how loud, under which fades; and its samples, stretch by stretch.

An edit of the sound stands at its picture's cut. A lead moves it to earlier (a J cut), a tail to later (an L cut), as
in an editor: what is heard changes there, and there alone. So under a lead the shot before gives way, and under a tail
the shot after begins to be heard when the tail ends; where both are asked for at one cut, both shots are heard between
the two edits. A lead or tail reaches no further than the neighbouring shot, and one of a silent shot moves nothing.

At an edit both sounds cross within 5 ms, under a transition over its frames: the earlier one runs on from its handle.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from storyboard import film
from storyboard.cut.grid import SAMPLE_RATE, samples
from storyboard.cut.sound import bed, hear, limit, pcm
from storyboard.cut.sound.loudness import BLOCK, Measured, Samples
from storyboard.store import Blob
from storyboard.timeline import Clip, Timeline

VERSION = 1
QUIET = -5000
"""Hundredths of LUFS below which a sound is left as it is: it is a hush or a noise floor, and no one means it."""
MOST = 2400
"""Hundredths of dB that are added at most: by then what 16 bits or AAC leave of noise comes up with the sound."""
DRAWN = -2000
"""Hundredths of LUFS of speech in clips of our own renderer. Their speech and their bed are set against each other as
they are made; measured alone, a clip without words would be all bed, and be brought up to the level of speech."""
ATTACK, RELEASE = SAMPLE_RATE // 5, SAMPLE_RATE * 3 // 5
"""Samples in which a bed gives way before speech, and comes back after it: slow enough not to be noticed."""

_AT_ONCE = 6
"""Sounds that may have begun before one that is still heard ends: its own clip's, the next one's, and a lead into that,
with the fades of the one before; two to spare."""


class Head(NamedTuple):
    """What stands before the film: so many frames, and their sound (s16le, 48 kHz stereo), None for silence."""

    frames: int
    sound: Blob | None


class Sounds(NamedTuple):
    """The conformed sounds of a film: of each clip, and what lies under them."""

    clips: tuple[pcm.Pcm, ...]
    music: pcm.Pcm | None = None
    room_tone: pcm.Pcm | None = None


class Fade(NamedTuple):
    """A fade over so many samples; `level` where two sounds cross and their powers add up, else their amplitudes do."""

    length: int = pcm.FADE
    level: bool = False


class Placed(NamedTuple):
    """A sound in the film: its first sample would stand at `at`; it is heard from `start` to `end`, fades included."""

    blob: Blob
    at: int
    start: int
    end: int
    rise: Fade
    fall: Fade
    gain: int


class Under(NamedTuple):
    """A bed in the film; gain, and what speech adds to it, in hundredths of dB."""

    blob: Blob
    loop: bed.Loop
    gain: int
    duck: int


@dataclass(frozen=True)
class Mix:
    """A film's sound.

    Attributes:
        length: In samples, with what stands before the film.
        placed: By their starts. Not more than a few are heard at once: none lasts beyond the clip after its own.
        beds: What lies under them.
        speech: From where to where someone may be speaking, far enough apart for a bed to come back between.
    """

    length: int
    placed: tuple[Placed, ...]
    beds: tuple[Under, ...]
    speech: tuple[tuple[int, int], ...]
    _starts: list[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_starts", [one.start for one in self.placed])

    def render(self, start: int, end: int) -> Samples:
        """The samples from `start` to `end`, as they are in the film, wherever else it is cut.

        Raises:
            MediaError: a conformed sound is shorter than its shot.
        """
        first, last = start // BLOCK * BLOCK, -(-end // BLOCK) * BLOCK
        sound = limit.limited(self._summed(first - limit.MARGIN, last + limit.MARGIN))
        return sound[start - first : end - first]

    def content(self, start: int, end: int) -> list[Any]:
        """All that `render` depends on, as data for a key; places are told from `start`."""
        first, last = start - limit.MARGIN - BLOCK, end + limit.MARGIN + BLOCK
        heard = [_shown(one, first, last) for one in self._between(first, last)]
        under = []
        for one in self.beds:
            ending = one.loop.start + one.loop.film
            near = ending - first if last > ending - bed.FADE_OUT else None
            length, seam = one.loop.length, one.loop.seam
            under.append([one.blob.sha256, first - one.loop.start, length, seam, near, one.gain, one.duck])
        spoken = self._spoken(first, last) if under else []
        speech = [[max(a - first, 0), min(b - first, last - first)] for a, b in spoken]
        versions = [VERSION, limit.VERSION, bed.VERSION]
        return [versions, start % BLOCK, end - start, heard, under, speech]

    def _between(self, start: int, end: int) -> list[Placed]:
        low = max(0, bisect_right(self._starts, start) - _AT_ONCE)
        return [one for one in self.placed[low : bisect_left(self._starts, end)] if one.start < end and one.end > start]

    def _spoken(self, start: int, end: int) -> list[tuple[int, int]]:
        low = max(0, bisect_right(self.speech, (start - RELEASE, 0)) - 1)
        high = bisect_left(self.speech, (end + ATTACK, 0))
        return [(a, b) for a, b in self.speech[low:high] if b + RELEASE > start]

    def _summed(self, start: int, end: int) -> Samples:
        """The samples before the limiter; silence outside the film. From the start of a block to that of another."""
        sound = np.zeros((end - start, 2), np.float32)
        for one in self._between(start, end):
            first, last = max(start, one.start), min(end, one.end)
            sound[first - start : last - start] += _faded(one, first, last)
        lowered = self._lowered(start, end) if any(one.duck for one in self.beds) else None
        for under in self.beds:
            gain: Any = np.float32(10 ** (under.gain / 2000))
            if lowered is not None and under.duck:
                from_points = np.asarray(10 ** (lowered * under.duck / 2000), np.float32)
                gain = limit.along(from_points)[:, None] * gain
            sound += under.loop.read(start, end) * gain
        return sound

    def _lowered(self, start: int, end: int) -> np.ndarray | None:
        """How far beds have given way to speech, from 0 to 1, at the start of each block and at the end."""
        spoken = self._spoken(start, end)
        if not spoken:
            return None
        at, gone = np.arange(start, end + 1, BLOCK), np.zeros((end - start) // BLOCK + 1)
        for first, last in spoken:
            gone = np.maximum(gone, np.interp(at, [first - ATTACK, first, last, last + RELEASE], [0, 1, 1, 0]))
        return np.asarray(gone * gone * (3 - 2 * gone))


def _shown(one: Placed, start: int, end: int) -> list[Any]:
    """What is heard of a sound from `start` to `end`, as data: no more of its fades than stands there."""
    first, last = max(start, one.start), min(end, one.end)
    rise = [one.start - first, *one.rise] if first < one.start + one.rise.length else None
    fall = [one.end - first, *one.fall] if last > one.end - one.fall.length else None
    return [one.blob.sha256, first - one.at, first - start, last - start, one.gain, rise, fall]


def _faded(one: Placed, start: int, end: int) -> Samples:
    """A sound from `start` to `end` of the film, which are within it."""
    sound = pcm.read(one.blob.path, start - one.at, end - one.at) * np.float32(10 ** (one.gain / 2000))
    risen = min(end, one.start + one.rise.length)
    if start < risen:
        sound[: risen - start] *= _curve(np.arange(start, risen) - one.start, one.rise)
    falling = max(start, one.end - one.fall.length)
    if falling < end:
        sound[falling - start :] *= _curve(one.end - 1 - np.arange(falling, end), one.fall)
    return sound


def _curve(at: np.ndarray, fade: Fade) -> Samples:
    """The gain of samples by how many of the fade lie between them and silence: shape (n, 1)."""
    curve = np.sin(np.pi / 2 * (at + 0.5) / fade.length)
    return np.asarray(curve if fade.level else curve**2, np.float32)[:, None]


def lay(timeline: Timeline, sounds: Sounds, head: Head | None) -> Mix:
    """The sound of a timeline, behind its head."""
    before = head.frames if head else 0
    zero, length = samples(before, timeline.fps), samples(before + timeline.frames, timeline.fps)
    placed, speech = [], []
    if head and head.sound and zero:
        placed.append(Placed(head.sound, 0, 0, zero, Fade(), Fade(), 0))
    found = _edited(timeline, sounds.clips, before)
    for clip, sound, one in zip(timeline.clips, sounds.clips, found, strict=True):
        if one is not None:
            placed.append(one)
            speech += _speech(clip, sound.measured, samples(before + clip.start, timeline.fps), one)
    beds = []
    for asked, kept, matched in (
        (timeline.mix.music, sounds.music, True),
        (timeline.mix.room_tone, sounds.room_tone, False),
    ):
        if asked is not None and kept is not None and kept.blob is not None:
            loop = bed.Loop(kept.blob.path, pcm.length_of(kept.blob.path), zero, length - zero)
            gain = level(kept.measured, timeline.mix, _hundredths(asked.gain)) if matched else _hundredths(asked.gain)
            beds.append(Under(kept.blob, loop, gain, _hundredths(asked.duck)))
    return Mix(length, tuple(sorted(placed, key=lambda one: one.start)), tuple(beds), _apart(speech))


def _edited(timeline: Timeline, sounds: Sequence[pcm.Pcm], before: int) -> list[Placed | None]:
    """Each clip's sound between the edits of the sound; None for one that isn't heard."""
    fps, clips = timeline.fps, timeline.clips
    audible = [sound.blob is not None and clip.gain is not None for clip, sound in zip(clips, sounds, strict=True)]
    film_ends = samples(before + timeline.frames, fps)
    starts, outs = [(samples(before, fps), Fade())], []
    for n, (left, right) in enumerate(pairwise(clips)):
        lead = min(right.lead, left.frames) if audible[n + 1] else 0
        linger = min(left.linger, right.frames) if audible[n] else 0
        out = samples(before + right.start + (linger or -lead), fps)
        fade = Fade()
        if not lead and not linger and right.join.frames:
            fade = Fade(samples(before + right.start + right.join.frames, fps) - out, level=True)
        outs.append((out, fade))
        starts.append((samples(before + right.start + (-lead or linger), fps), fade))
    outs.append((film_ends, Fade()))
    placed: list[Placed | None] = [None] * len(clips)
    for n, (clip, sound) in enumerate(zip(clips, sounds, strict=True)):
        (start, rise), (out, fall) = starts[n], outs[n]
        if sound.blob is not None and audible[n] and start < out:
            at = samples(before + clip.start, fps) - hear.span(clip, fps).before
            gain = level(sound.measured, timeline.mix, _hundredths(clip.gain), clip)
            placed[n] = Placed(sound.blob, at, start, min(out + fall.length, film_ends), rise, fall, gain)
    return placed


def level(found: Measured, mix: film.Mix, own: int, clip: Clip | None = None) -> int:
    """The gain of a sound in hundredths of dB: to the film's loudness, and its own; never past the ceiling."""
    target = _hundredths(mix.loudness)
    needed = 0
    if clip is not None and clip.origin.model.startswith("local/"):
        needed = target - DRAWN
    elif found.loudness is not None and found.loudness >= QUIET:
        needed = min(target - found.loudness, MOST)
    return needed + own if found.peak is None else min(needed + own, limit.CEILING - found.peak)


def _hundredths(value: Any) -> int:
    return round(100 * (value or 0))


def _speech(clip: Clip, found: Measured, start: int, placed: Placed) -> list[tuple[int, int]]:
    """Where a clip is spoken in: as the storyboard says, else wherever it is loud enough for speech."""
    spans = [(line.start * SAMPLE_RATE, (line.start + line.length) * SAMPLE_RATE) for line in clip.lines]
    whole = [(start + round(a), start + round(b)) for a, b in spans or found.loud]
    return [(max(a, placed.start), min(b, placed.end)) for a, b in whole if a < placed.end and b > placed.start]


def _apart(spans: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Spans in order, as one where a bed had no time to come back between them."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if found and start - found[-1][1] < ATTACK + RELEASE:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return tuple(found)
