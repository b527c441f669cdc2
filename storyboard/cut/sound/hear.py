"""One clip's sound as the film needs it: 48 kHz stereo, from its lead to its tail, measured once.

Time in a medium is presentation time, as its edit lists say: sound that starts late, or before the picture, stays
where it is. Where the medium has none there is silence; where its sound begins or ends by being cut off, it is faded.
"""

from fractions import Fraction
from math import ceil, log2
from pathlib import Path
from typing import NamedTuple

from storyboard import digest, timing
from storyboard.cut.footage import Footage
from storyboard.cut.grid import SAMPLE_RATE
from storyboard.cut.sound import loudness, pcm, scratch
from storyboard.media import SAFE_INPUT, probe, run
from storyboard.store import Record, Store
from storyboard.timeline import Clip
from storyboard.tools import Tools

VERSION = 1
_EARLY = 4
"""Seconds from which on a medium is not decoded from its start."""
_JITTER = 0.012
"""Seconds that sound may stray from its timestamps before it is put right: half a frame at 41 frames a second."""


class Range(NamedTuple):
    """What is heard of a clip, in samples: `before` its picture, while it `shows`, and in all."""

    before: int
    shows: int
    length: int


def span(clip: Clip, fps: timing.Rate) -> Range:
    """The samples of a clip, long enough wherever in the film it stands, and for the fade at its end."""
    before = timing.round_half_up(clip.lead * SAMPLE_RATE / fps)
    shows = timing.round_half_up(clip.frames * SAMPLE_RATE / fps)
    after = timing.round_half_up(max(clip.tail, clip.linger) * SAMPLE_RATE / fps)
    return Range(before, shows, before + shows + after + 2 + pcm.FADE)


def key_of(clip: Clip, footage: Footage, fps: timing.Rate, speaks: bool, tools: Tools) -> str:
    """The key of a clip's sound: all that its samples depend on; its place in the film isn't among it."""
    said = [[line.who, line.text, timing.exact(line.start), timing.exact(line.length)] for line in clip.lines if speaks]
    return digest.of(
        {
            "hear": [VERSION, loudness.VERSION, scratch.VERSION],
            "media": None if footage.slate else footage.media.sha256,
            "source": [timing.exact(footage.source.start), timing.exact(footage.speed(clip.frames, fps))],
            "range": list(span(clip, fps)),
            "fps": timing.exact(fps),
            "said": said,
            "ffmpeg": tools.ffmpeg_version,
        }
    )


def make(key: str, clip: Clip, footage: Footage, fps: timing.Rate, speaks: bool, store: Store, tools: Tools) -> Record:
    """Conform one clip's sound and keep it: output `sound`, none where it is silent; facts are its measures.

    Args:
        speaks: Whether its lines are spoken where its medium has no sound.

    Raises:
        MediaError: its sound can't be decoded.
    """
    heard = span(clip, fps)
    with store.workspace() as folder:
        sound = folder / "sound.raw"
        if not footage.slate and probe(footage.media.path).sound:
            _decode(clip, footage, fps, tools, folder, sound)
        elif speaks and tools.voice and clip.lines:
            scratch.speak(clip.lines, heard.before, heard.shows, tools.voice, folder, sound)
        else:
            return store.put(key, {}, pcm.facts(pcm.SILENCE.measured))
        pcm.fill(sound, heard.length)
        found = pcm.measured(sound, heard.before, heard.before + heard.shows)
        silent = found.peak is None and pcm.measured(sound, 0, heard.length).peak is None
        return store.put(key, {} if silent else {"sound": sound}, pcm.facts(found))


def _decode(clip: Clip, footage: Footage, fps: timing.Rate, tools: Tools, folder: Path, into: Path) -> None:
    speed, heard = footage.speed(clip.frames, fps), span(clip, fps)
    start = footage.source.start - clip.lead / fps * speed
    end = start + Fraction(heard.length, SAMPLE_RATE) * speed
    first = max(start, Fraction(0))
    late = timing.round_half_up((first - start) / speed * SAMPLE_RATE)
    # Both here and where the picture is conformed ffmpeg takes the file's own start, its earliest stream's, as zero.
    seeked = Fraction(f"{float(start) - 2:.3f}") if start > _EARLY else Fraction(0)
    zero = first - seeked
    chain = [
        # What is after the range goes, too: a timestamp from nowhere would be filled up with silence.
        f"atrim=start={float(zero):.6f}:end={float(end + 1 - seeked):.6f}",
        *([f"asetpts=PTS-({zero})/TB"] if zero else []),
        # A gap at the start is filled up from 0 only: from another `first_pts` the resampler loses its count.
        f"aresample={SAMPLE_RATE}:async=1:min_hard_comp={_JITTER}:first_pts=0",
        *_tempo(speed),
        f"aformat=sample_fmts=s16:sample_rates={SAMPLE_RATE}:channel_layouts=stereo",
        *([f"adelay={late}S:all=1"] if late else []),
        f"atrim=end_sample={heard.length}",
    ]
    run(
        tools.ffmpeg,
        [
            *("-threads", "1", *SAFE_INPUT, *(("-ss", f"{float(seeked):.3f}") if seeked else ()), "-vn", "-sn", "-dn"),
            *("-i", f"file:{footage.media.path.absolute()}", "-map", "0:a:0", "-af", ",".join(chain)),
            *("-filter_threads", "1", "-c:a", "pcm_s16le", "-f", "s16le", f"file:{into.absolute()}"),
        ],
        folder,
    )
    pcm.fade(into, late, late + pcm.FADE if late else 0, rising=True)


def _tempo(speed: Fraction) -> list[str]:
    """Filters that play sound `speed` times as fast at its own pitch. Far from 1, one of them skips instead of blending
    (ffmpeg's manual, atempo), so each changes it by at most two.
    """
    if speed == 1:
        return []
    steps = max(1, ceil(abs(log2(speed)) - 1e-9))
    return [f"atempo={float(speed) ** (1 / steps):.9f}"] * steps
