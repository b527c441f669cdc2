"""How loud a sound is, and how high it peaks: ITU-R BS.1770-5 and EBU R 128, of 48 kHz stereo."""

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from storyboard.cut.grid import SAMPLE_RATE

VERSION = 1
Samples = NDArray[np.float32]
"""Stereo, full scale at 1: shape (n, 2)."""

STEP = SAMPLE_RATE // 10
"""Samples between two gating blocks: blocks of 400 ms overlap by three quarters (BS.1770-5, annex 1)."""
_IN_BLOCK = 4
_AT_ONCE = 20
_ABSOLUTE, _RELATIVE = -70.0, -10.0

# The two filters of K-weighting at 48 kHz (BS.1770-5, annex 1, tables 1 and 2), as numerators and denominators.
_FILTERS = (
    ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585)),
    ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621)),
)

BLOCK = 48
"""Samples that share one estimate of their true peak: a millisecond."""
_TAPS = 16
_PHASES = 4
EDGE = _TAPS // 2
"""Samples on each side that an estimate depends on."""


class Measured(NamedTuple):
    """What a sound is like.

    Attributes:
        loudness: Integrated, in hundredths of LUFS; None where nothing passes the gate.
        peak: True peak, in hundredths of dBTP, rounded upwards; None for digital silence.
        loud: From where to where something is heard that speech may be, in samples.
    """

    loudness: int | None
    peak: int | None
    loud: tuple[tuple[int, int], ...]


def measure(read: Callable[[int, int], Samples], length: int) -> Measured:
    """Measure `length` samples, of which `read` gives those from one to another; few of them are held at once.

    What is shorter than a gating block (400 ms), for which R 128 knows no loudness, is measured as one block of its own
    length: a shot of some frames then stands beside the others as loud as it is while it lasts.
    """
    if length < 1:
        return Measured(None, None, ())
    powers, peak = [], 0.0
    for start in range(0, length, _AT_ONCE * STEP):
        end = min(length, start + _AT_ONCE * STEP)
        before = min(start, STEP)  # by then the filters have forgotten what was earlier: 0.995 ** 4800
        sound = read(start - before, end)
        peak = max(peak, true_peak(sound[before and before - EDGE :], peak))
        powers.append(_powers(sound, before, end == length < STEP))
    power = np.concatenate(powers)
    loudness = _integrated(power, length)
    shown = None if loudness is None else round(100 * loudness)
    return Measured(shown, int(np.ceil(2000 * np.log10(peak))) if peak else None, _loud(power, loudness, length))


def _powers(sound: Samples, skip: int, short: bool) -> NDArray[np.float64]:
    """The K-weighted power of each whole step after the first `skip` samples; of all of it where it is `short`."""
    # Filtered as spectra. The zeros behind take up what the filters ring on for.
    size = -(-(len(sound) + STEP) // STEP) * STEP
    z = np.exp(-2j * np.pi * np.arange(size // 2 + 1) / size)
    response = np.ones(len(z), np.complex128)
    for upper, lower in _FILTERS:
        response *= np.polynomial.polynomial.polyval(z, upper) / np.polynomial.polynomial.polyval(z, lower)
    spectrum = np.fft.rfft(sound.T.astype(np.float64), size)
    squares = (np.fft.irfft(spectrum * response, size)[:, skip : len(sound)] ** 2).sum(0)
    if short:
        return np.asarray(squares.mean(keepdims=True))
    return np.asarray(squares[: len(squares) // STEP * STEP].reshape(-1, STEP).mean(1))


def _lufs(power: NDArray[np.float64] | np.float64 | float) -> NDArray[np.float64]:
    return -0.691 + 10 * np.log10(np.maximum(power, 1e-20))


def _integrated(power: NDArray[np.float64], length: int) -> float | None:
    if length < _IN_BLOCK * STEP:
        blocks = power.mean(keepdims=True)
    else:
        blocks = np.convolve(power, np.full(_IN_BLOCK, 1 / _IN_BLOCK), "valid")
    blocks = blocks[_lufs(blocks) > _ABSOLUTE]
    if not len(blocks):
        return None
    return float(_lufs(blocks[_lufs(blocks) > _lufs(blocks.mean()) + _RELATIVE].mean()))


_SPOKEN, _AT_LEAST, _PAUSE = -12.0, -45.0, 6
"""What may be speech: at most so many LU under the whole, and so loud at least; pauses up to 0.6 s belong to it."""


def _loud(power: NDArray[np.float64], loudness: float | None, length: int) -> tuple[tuple[int, int], ...]:
    if loudness is None:
        return ()
    steps = np.flatnonzero(_lufs(power) > max(loudness + _SPOKEN, _AT_LEAST))
    if not len(steps):
        return ()
    breaks = [0, *(np.flatnonzero(np.diff(steps) > _PAUSE) + 1).tolist(), len(steps)]
    return tuple((int(steps[a]) * STEP, min(length, (int(steps[b - 1]) + 1) * STEP)) for a, b in pairwise(breaks))


def _taps() -> NDArray[np.float32]:
    """What interpolates at a quarter, half and three quarters after a sample: shape (3, 16), windowed sinc."""
    at = np.arange(_TAPS) - (EDGE - 1)
    late = at - np.arange(1, _PHASES)[:, None] / _PHASES
    taps = np.sinc(late) * np.i0(4 * np.sqrt(1 - (late / EDGE) ** 2)) / np.i0(4)
    return np.asarray(taps / taps.sum(1, keepdims=True), np.float32)


_INTERPOLATION = _taps()
_MOST = float(np.abs(_INTERPOLATION).sum(1).max())
"""By how much the signal between samples can exceed the samples around it."""


def block_peaks(sound: Samples, floor: float) -> Samples:
    """True peak of each block of `BLOCK` samples, four times oversampled (BS.1770-5, annex 2): shape (blocks,).

    `sound` is a whole number of blocks. It is looked at between samples only where that could pass `floor`, and is
    taken to be silent before and after.
    """
    count = len(sound) // BLOCK
    peaks = np.abs(sound).reshape(count, -1).max(1, initial=0)
    around = np.maximum(peaks, np.maximum(np.append(peaks[1:], 0), np.append(0, peaks[:-1])))
    high = np.flatnonzero(around * _MOST > floor)
    if not len(high):
        return np.asarray(peaks, np.float32)
    padded = np.concatenate([np.zeros((EDGE - 1, 2), np.float32), sound, np.zeros((EDGE, 2), np.float32)])
    seen = np.lib.stride_tricks.sliding_window_view(padded.reshape(-1), 2 * (BLOCK + _TAPS - 1))[high * 2 * BLOCK]
    # Summed tap by tap, not by a library's convolution, so that each sample's sum has one order wherever it stands.
    for taps in _INTERPOLATION:
        between = seen[:, : 2 * BLOCK] * taps[0]
        for n in range(1, _TAPS):
            between += seen[:, 2 * n : 2 * (n + BLOCK)] * taps[n]
        peaks[high] = np.maximum(peaks[high], np.abs(between).max(1))
    return np.asarray(peaks, np.float32)


def true_peak(sound: Samples, least: float = 0.0) -> float:
    """The true peak, full scale at 1; where it is below `least`, maybe less."""
    short = -len(sound) % BLOCK
    padded = np.concatenate([sound, np.zeros((short, 2), np.float32)]) if short else sound
    floor = max(least, float(np.abs(sound).max(initial=0)))
    return float(block_peaks(padded, floor).max(initial=0)) if floor else 0.0
