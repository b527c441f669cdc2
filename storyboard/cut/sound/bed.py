"""Music and room tone: files of the author's own, decoded once, played under the film as long as it lasts."""

from pathlib import Path
from shutil import copyfile
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from storyboard import digest
from storyboard.cut.grid import SAMPLE_RATE
from storyboard.cut.sound import loudness, pcm
from storyboard.cut.sound.loudness import Samples
from storyboard.film import Bed
from storyboard.media import MediaError, run
from storyboard.sniff import NEEDED, sniff
from storyboard.store import Record, Store
from storyboard.tools import Tools

VERSION = 1
SHORTEST, LONGEST = SAMPLE_RATE // 10, 4 * 3600
"""Samples that a bed has at least, and seconds of it that are used."""
SEAM = SAMPLE_RATE
"""Samples over which the end runs into the start where a bed is repeated."""
FADE_IN, FADE_OUT = SAMPLE_RATE // 100, 2 * SAMPLE_RATE

_DEMUXERS = {
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/flac": "flac",
    "audio/ogg": "ogg",
    "audio/mp4": "mov",
    "video/mp4": "mov",
}
"""ffmpeg's demuxer by what a file is: forced, so that a playlist is never read as one."""


def conform(bed: Bed, store: Store, tools: Tools) -> pcm.Pcm:
    """A bed's sound, from the store where it was decoded before.

    Raises:
        MediaError: it isn't sound, or isn't what it was when the storyboard was read.
    """
    key = digest.of({"bed": [VERSION, loudness.VERSION], "file": bed.sha256, "ffmpeg": tools.ffmpeg_version})
    found = store.find(key)
    return pcm.of(found if isinstance(found, Record) else _decoded(key, bed, store, tools))


def _decoded(key: str, bed: Bed, store: Store, tools: Tools) -> Record:
    with store.workspace() as folder:
        # What is decoded is what was hashed: the author may be writing to the file.
        file, sound = folder / "bed", folder / "sound.raw"
        try:
            copyfile(bed.file, file)
        except OSError as error:
            raise MediaError(f"it can't be read: {error.strerror}") from error
        if digest.sha256_file(file) != bed.sha256:
            raise MediaError("it changed while the cut was made; cut again")
        with file.open("rb") as stream:
            demuxer = _DEMUXERS.get(sniff(stream.read(NEEDED)))
        if demuxer is None:
            raise MediaError("it isn't sound by its bytes")
        run(
            tools.ffmpeg,
            [
                *("-threads", "1", "-protocol_whitelist", "file", "-f", demuxer, "-vn", "-sn", "-dn"),
                *("-i", f"file:{file.absolute()}", "-map", "0:a:0", "-t", str(LONGEST)),
                *("-af", f"aresample={SAMPLE_RATE},aformat=sample_fmts=s16:channel_layouts=stereo"),
                *("-filter_threads", "1", "-c:a", "pcm_s16le", "-f", "s16le", f"file:{sound.absolute()}"),
            ],
            folder,
        )
        length = pcm.length_of(sound)
        if length < SHORTEST:
            raise MediaError("it is shorter than a tenth of a second")
        found = pcm.measured(sound, 0, length)
        return store.put(key, {"sound": sound} if found.peak is not None else {}, pcm.facts(found))


class Loop(NamedTuple):
    """A bed repeated under a film of `film` samples; `start` is the film's first one. `length` is the bed's own."""

    path: Path
    length: int
    start: int
    film: int

    @property
    def seam(self) -> int:
        """Samples that two rounds share: none of a bed as long as the film."""
        return min(SEAM, self.length // 4) if self.length < self.film else 0

    def read(self, start: int, end: int) -> Samples:
        """The samples from `start` to `end` of the film's grid, silence outside the film."""
        sound = np.zeros((end - start, 2), np.float32)
        first, last = max(start - self.start, 0), min(end - self.start, self.film)
        at = first
        while at < last:
            stop = self._piece(at, last, sound[at + self.start - start :])
            at = stop
        if first < last:
            inside = sound[first + self.start - start : last + self.start - start]
            inside *= self._ends(np.arange(first, last))[:, None]
        return sound

    def _piece(self, at: int, last: int, into: Samples) -> int:
        """Put what is played from `at` on into the front of `into`, up to where that is another piece; gives where."""
        period = max(1, self.length - self.seam)
        turn, place = divmod(at, period)
        crossing = turn > 0 and place < self.seam
        stop = min(last, at - place + (self.seam if crossing else period))
        into[: stop - at] = pcm.read(self.path, place, place + stop - at)
        if crossing:
            # Two parts of a bed have nothing in common, so their powers add: sine and cosine keep it level.
            along = np.pi / 2 * (np.arange(place, place + stop - at) + 0.5) / self.seam
            into[: stop - at] *= np.sin(along).astype(np.float32)[:, None]
            ending = pcm.read(self.path, period + place, period + place + stop - at)
            into[: stop - at] += ending * np.cos(along).astype(np.float32)[:, None]
        return stop

    def _ends(self, at: NDArray[np.int64]) -> Samples:
        """The gain that lets the bed in at the film's start and out at its end, a third of a short film."""
        into, out = min(FADE_IN, self.film), min(FADE_OUT, max(1, self.film // 3))
        rising = np.clip((at + 0.5) / into, 0, 1)
        falling = np.clip((self.film - at - 0.5) / out, 0, 1)
        return np.asarray(np.sin(np.pi / 2 * rising) ** 2 * np.sin(np.pi / 2 * falling) ** 2, np.float32)
