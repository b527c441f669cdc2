"""The clip's sound: a quiet bed, and the dialogue spoken by espeak-ng where it is installed."""

import hashlib
import subprocess
import wave
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

RATE = 48_000

# The bed repeats after at most this many samples (21.8 s); made in the frequency domain, its ends meet.
_LOOP = 1 << 20
# The level at which the bed's spectrum measures about -39 LUFS (ITU-R BS.1770-5), as RMS of full scale.
_BED_RMS = 10 ** (-37.0 / 20)
_SPEECH_RMS = 10 ** (-20.0 / 20)
_DUCK = 10 ** (-6.0 / 20)
# Leaves room under -1 dBFS for what AAC adds to a peak.
_CEILING = 10 ** (-3.0 / 20)
_EDGE = 0.015
_RAMP = 0.12

_VOICES = ("en-us+m3", "en-us+f3", "en-gb+m1", "en-gb+f2", "en-us+m7", "en-us+f4", "en-gb+m5", "en-gb+f5")
_WORDS_PER_MINUTE = 158
_FASTEST = 215
_LONGEST_TEXT = 2000
_SECONDS_TO_SPEAK = 20


class Spoken(Protocol):
    """What a line of dialogue must tell to be heard."""

    @property
    def who(self) -> str: ...
    @property
    def line(self) -> str: ...
    @property
    def at(self) -> Fraction: ...
    @property
    def for_(self) -> Fraction: ...


def _bed(length: int, seed: int) -> Samples:
    """`length` stereo samples of low-passed noise with a slow swell, shape (length, 2)."""
    chance = np.random.Generator(np.random.PCG64([seed & 0xFFFFFFFFFFFFFFFF, 4]))
    loop = min(_LOOP, 1 << max(15, (length - 1).bit_length()))
    frequency = np.fft.rfftfreq(loop, 1 / RATE)
    shape = np.zeros(len(frequency))
    heard = frequency > 0
    # Brown noise falls by 6 dB an octave; above 700 Hz it falls faster, below 45 Hz it is taken away.
    shape[heard] = 1 / frequency[heard] / (1 + (frequency[heard] / 700) ** 2)
    shape[heard] *= (frequency[heard] / 45) ** 3 / (1 + (frequency[heard] / 45) ** 3)
    noise = chance.standard_normal((3, loop))
    centre, left, right = np.fft.irfft(np.fft.rfft(noise) * shape, loop)
    stereo = np.stack([centre + 0.45 * left, centre + 0.45 * right], axis=1)
    stereo *= _BED_RMS / np.sqrt(np.mean(stereo**2))
    turn = np.arange(length) % loop
    # Whole turns in a loop, so that the swell has no seam either.
    swell = 1 + 0.2 * np.sin(2 * np.pi * (max(1, loop >> 19) * turn / loop + chance.random()))
    return (stereo[turn] * swell[:, None]).astype(np.float32)


def _resampled(samples: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """`samples` at `rate` brought to `RATE`, band-limited, through one Fourier transform."""
    # A block of both rates' common period keeps the two lengths in the exact ratio.
    step = rate // np.gcd(rate, RATE)
    padded = -(-(len(samples) + rate // 50) // step) * step
    target = padded // step * (RATE // np.gcd(rate, RATE))
    spectrum = np.fft.rfft(samples, padded)
    kept = min(len(spectrum), target // 2 + 1)
    return np.asarray(np.fft.irfft(spectrum[:kept], target) * (target / padded), np.float64)


def _espeak(voice: Path, who: str, text: str, speed: int, scratch: Path) -> NDArray[np.float64]:
    """Mono speech at `RATE`; empty where espeak-ng fails, which is no reason to fail a clip."""
    chosen = _VOICES[hashlib.sha256(who.encode("utf-8", "replace")).digest()[0] % len(_VOICES)]
    # "[[" opens espeak's phoneme notation.
    said = text[:_LONGEST_TEXT].replace("[[", "[ ").encode("utf-8", "replace")
    source, target = scratch / "line.txt", scratch / "line.wav"
    command = [str(voice), "-b", "1", "-v", chosen, "-s", str(speed), "-f", str(source), "-w", str(target)]
    try:
        source.write_bytes(said + b"\n")
        target.unlink(missing_ok=True)
        subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS_TO_SPEAK,
            start_new_session=True,
            check=True,
        )
        with wave.open(str(target)) as sound:
            if sound.getsampwidth() != 2 or sound.getnchannels() != 1:
                return np.zeros(0)
            rate, data = sound.getframerate(), sound.readframes(sound.getnframes())
    except (OSError, subprocess.SubprocessError, wave.Error, EOFError):
        return np.zeros(0)
    samples = np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.float64) / 32768
    loud = np.flatnonzero(np.abs(samples) > 0.003)
    if not len(loud):
        return np.zeros(0)
    return _resampled(samples[: loud[-1] + rate // 20], rate)


def _speech(voice: Path, line: Spoken, scratch: Path) -> NDArray[np.float64]:
    """The line at an even level; spoken faster where it would outlast its time."""
    speech = _espeak(voice, line.who, line.line, _WORDS_PER_MINUTE, scratch)
    allowed = float(line.for_) * RATE
    if len(speech) > allowed > 0:
        speed = min(_FASTEST, int(_WORDS_PER_MINUTE * len(speech) / allowed) + 4)
        speech = _espeak(voice, line.who, line.line, speed, scratch)
    if not len(speech):
        return speech
    sounding = speech[np.abs(speech) > 0.01]
    level = np.sqrt(np.mean(sounding**2)) if len(sounding) else 1.0
    gain = min(_SPEECH_RMS / float(level), 0.6 / float(np.max(np.abs(speech))))
    return np.asarray(speech * gain, np.float64)


def words(
    length: int, dialogue: Sequence[Spoken], voice: Path, scratch: Path
) -> tuple[NDArray[np.float64], list[tuple[int, int]]]:
    """`length` mono samples of dialogue spoken at its times, and from where to where each line that is heard lasts.

    `scratch` is a folder for the files that speech passes through.
    """
    said, spans = np.zeros(length), []
    for line in dialogue:
        start = max(0, round(line.at * RATE))
        if start >= length:
            continue
        speech = _speech(voice, line, scratch)[: length - start]
        if not len(speech):
            continue
        fade = min(len(speech), round(_EDGE * RATE))
        speech[len(speech) - fade :] *= np.linspace(1, 0, fade)
        said[start : start + len(speech)] += speech
        spans.append((start, start + len(speech)))
    return said, spans


def track(seconds: Fraction, seed: int, dialogue: Sequence[Spoken], voice: Path | None, scratch: Path) -> Samples:
    """The sound of a clip of `seconds`: shape (n, 2), 48 kHz, peak at most -3 dBFS.

    `scratch` is a folder for the files that speech passes through.
    """
    length = max(1, round(seconds * RATE))
    bed = _bed(length, seed)
    said, spans = words(length, dialogue, voice, scratch) if voice else (np.zeros(length), [])
    time = np.arange(length) / RATE
    gain = np.ones(length, np.float32)
    for start, stop in spans:
        begin, end = start / RATE, stop / RATE
        ducked = np.interp(time, [begin - _RAMP, begin, end, end + 3 * _RAMP], [1, _DUCK, _DUCK, 1])
        gain = np.minimum(gain, ducked.astype(np.float32))
    mixed = bed * gain[:, None] + said[:, None]
    edge = min(length, round(_EDGE * RATE))
    ramp = np.linspace(0, 1, edge)[:, None]
    mixed[:edge] *= ramp
    mixed[length - edge :] *= ramp[::-1]
    peak = float(np.max(np.abs(mixed)))
    return (mixed * min(1.0, _CEILING / peak) if peak else mixed).astype("<f4")
