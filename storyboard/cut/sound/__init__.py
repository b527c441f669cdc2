"""The film's sound: every clip's conformed, mixed, and encoded once, a stretch at a time, each stretch kept by content.

AAC overlaps neighbouring frames, so a stretch is encoded with the film's own sound before and after it (`ROLL` and
`AFTER` frames) and only its own packets are kept: at a seam both encoders have heard the same. A changed shot costs the
stretches that it touches, not the film.
"""

import wave as riff
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

import av
import numpy as np

from storyboard import digest, film, timing
from storyboard.cut.footage import Footage
from storyboard.cut.grid import CHANNELS, SAMPLE_RATE
from storyboard.cut.sound import bed, hear, pcm
from storyboard.cut.sound.loudness import Samples
from storyboard.cut.sound.mix import Head, Mix, Sounds, lay
from storyboard.event import Event, Noted
from storyboard.media import MediaError
from storyboard.store import Record, Store
from storyboard.timeline import Clip, Timeline
from storyboard.tools import Tools

__all__ = ["BITS", "FRAME", "Head", "Sounds", "conform", "packets", "wave"]

VERSION = 2
BITS = 320_000
_CODER = {"aac_coder": "fast", "aac_ms": "0", "aac_is": "0", "aac_pns": "0", "aac_tns": "0"}
"""Bits a second, and how they are spent. The encoder's fast search at 320,000 takes less than half the time of its
default one at 256,000 for half the error (RMS 0.0041 and 0.0089 of full scale, noisy test sound); a fresh encoder
settles in fewer frames, and the film in stretches is as close to its source as one encoded whole (0.0040)."""
FRAME = 1024
"""Samples in a frame of AAC-LC (ISO/IEC 14496-3)."""
STRETCH = 141
"""Frames encoded together: about 3 s."""
ROLL, AFTER = 12, 4
"""Frames heard before a stretch, in which the encoder settles, and after it: a frame overlaps the next, and the
encoder looks one further ahead."""


def conform(
    timeline: Timeline,
    footage: Sequence[Footage],
    store: Store,
    tools: Tools,
    workers: int,
    notify: Callable[[Event], None],
) -> Sounds:
    """The sounds of a film's clips, and of what lies under them. One that can't be decoded is silence, and noted."""
    speaks = timeline.mix.scratch and tools.voice is not None
    keys, found = [], {"": pcm.SILENCE}
    missing: dict[str, tuple[Clip, Footage]] = {}
    for clip, shown in zip(timeline.clips, footage, strict=True):
        key = "" if clip.gain is None else hear.key_of(clip, shown, timeline.fps, speaks, tools)
        keys.append(key)
        if key in found or key in missing:
            continue
        kept = store.find(key)
        if isinstance(kept, Record):
            found[key] = pcm.of(kept)
        else:
            missing[key] = (clip, shown)
    with ThreadPoolExecutor(max(1, workers), thread_name_prefix="hear") as pool:
        beds = [
            pool.submit(_bed, what, asked, store, tools, notify)
            for what, asked in (("music", timeline.mix.music), ("room tone", timeline.mix.room_tone))
        ]
        made = [
            pool.submit(_heard, key, clip, shown, timeline.fps, speaks, store, tools, notify)
            for key, (clip, shown) in missing.items()
        ]
        found |= dict(zip(missing, [one.result() for one in made], strict=True))
        music, room_tone = (one.result() for one in beds)
    return Sounds(tuple(found[key] for key in keys), music, room_tone)


def _heard(
    key: str,
    clip: Clip,
    footage: Footage,
    fps: timing.Rate,
    speaks: bool,
    store: Store,
    tools: Tools,
    notify: Callable[[Event], None],
) -> pcm.Pcm:
    try:
        return pcm.of(hear.make(key, clip, footage, fps, speaks, store, tools))
    except MediaError as error:
        notify(Noted(f"{clip.shot}: its sound can't be used ({error}); it is silent"))
        return pcm.SILENCE


def _bed(
    what: str, asked: film.Bed | None, store: Store, tools: Tools, notify: Callable[[Event], None]
) -> pcm.Pcm | None:
    if asked is None:
        return None
    try:
        return bed.conform(asked, store, tools)
    except MediaError as error:
        notify(Noted(f"the {what} '{asked.label}' can't be used: {error}; the film is without it"))
        return None


def packets(
    timeline: Timeline, sounds: Sounds, head: Head | None, store: Store, workers: int
) -> tuple[list[bytes], int]:
    """The film's AAC packets in order, the first of them priming, and how many samples they stand for.

    Raises:
        MediaError: a conformed sound is shorter than its shot.
    """
    mix = lay(timeline, sounds, head)
    frames = -(-mix.length // FRAME) + 1
    starts = range(0, frames, STRETCH)
    with ThreadPoolExecutor(max(1, workers), thread_name_prefix="sound") as pool:
        made = pool.map(lambda first: _stretch(mix, first, min(STRETCH, frames - first), store), starts)
        return [packet for stretch in made for packet in stretch], mix.length


def wave(timeline: Timeline, sounds: Sounds, head: Head | None, path: Path) -> None:
    """Write the film's sound as WAV, 24-bit PCM.

    Raises:
        MediaError: a conformed sound is shorter than its shot.
    """
    mix = lay(timeline, sounds, head)
    with riff.open(str(path), "wb") as file:
        file.setnchannels(CHANNELS)
        file.setsampwidth(3)
        file.setframerate(SAMPLE_RATE)
        file.setnframes(mix.length)
        for start in range(0, mix.length, STRETCH * FRAME):
            sound = mix.render(start, min(start + STRETCH * FRAME, mix.length))
            whole = np.round(sound * np.float32(1 << 23)).clip(-(1 << 23), (1 << 23) - 1).astype("<i4")
            file.writeframes(whole.reshape(-1, 1).view(np.uint8)[:, :3].tobytes())


def _stretch(mix: Mix, first: int, count: int, store: Store) -> list[bytes]:
    """Packets `first` to `first + count`. Packet n decodes to the samples from (n - 1) * FRAME on."""
    before = min(first, ROLL)
    start, end = (first - before) * FRAME, min((first + count + AFTER) * FRAME, mix.length)
    key = digest.of(
        {"sound": VERSION, "codec": _codec(), "mix": mix.content(start, end), "skip": before, "count": count}
    )
    found = store.find(key)
    if isinstance(found, Record):
        data, sizes = found.outputs["packets"].path.read_bytes(), found.facts["sizes"]
        return [data[end - size : end] for size, end in zip(sizes, accumulate(sizes), strict=True)]
    encoded = _encode(mix.render(start, end))[before : before + count]
    with store.workspace() as folder:
        (folder / "packets").write_bytes(b"".join(encoded))
        store.put(key, {"packets": folder / "packets"}, {"sizes": [len(packet) for packet in encoded]})
    return encoded


def _codec() -> str:
    return ".".join(map(str, av.library_versions["libavcodec"]))


def open_encoder() -> av.AudioCodecContext:
    """The encoder of the film's sound."""
    encoder = av.AudioCodecContext.create("aac", "w")
    encoder.sample_rate, encoder.layout, encoder.format = SAMPLE_RATE, "stereo", "fltp"
    encoder.bit_rate, encoder.time_base = BITS, Fraction(1, SAMPLE_RATE)
    encoder.options = dict(_CODER)
    encoder.flags |= av.codec.context.Flags.bitexact
    return encoder


def _encode(sound: Samples) -> list[bytes]:
    encoder = open_encoder()
    planes = np.ascontiguousarray(sound.T)
    made: list[bytes] = []
    for at in range(0, len(sound), FRAME):
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(planes[:, at : at + FRAME]), "fltp", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, at, Fraction(1, SAMPLE_RATE)
        made += map(bytes, encoder.encode(frame))
    return [*made, *map(bytes, encoder.encode(None))]
