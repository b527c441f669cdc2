"""A limiter that looks ahead: the film's true peak stays under the ceiling, and what doesn't reach it is untouched.

What it does to a sample depends on `REACH` samples around it and on nothing else, and is reckoned on a grid of blocks
counted from the film's start. So a stretch that is computed alone is, bit by bit, what it is within the film.
"""

import numpy as np

from storyboard.cut.sound.loudness import BLOCK, Samples, block_peaks

VERSION = 1
CEILING = -150
"""Hundredths of dBTP: half a decibel under the -1 dBTP that EBU R 128 allows, for AAC adds to a peak."""
_HIGHEST = 10 ** (CEILING / 2000)
_SIDE = 15
"""Blocks on each side over which the gain goes down and up again: short enough not to pump, long enough not to rasp."""
MARGIN = (2 * _SIDE + 2) * BLOCK
"""Samples on each side that the gain of a sample depends on."""

_window = np.hanning(2 * _SIDE + 3)[1:-1]
_WEIGHTS = np.asarray(_window / _window.sum(), np.float32)


def limited(sound: Samples) -> Samples:
    """The inner part of `sound`, without `MARGIN` samples at each end, limited. It starts and ends at whole blocks."""
    inner = sound[MARGIN : len(sound) - MARGIN]
    peaks = block_peaks(sound, _HIGHEST)
    if peaks.max(initial=0) <= _HIGHEST:
        return inner
    # How much each block is lowered, the most that any is around each block's start, and that made smooth. The smooth
    # gain is never above what either of a point's blocks allows, as each window holds both of them.
    over = np.asarray(1 - _HIGHEST / np.maximum(peaks, _HIGHEST), np.float32)
    most = _running_maximum(over, 2 * _SIDE + 2)
    count = len(most) - 2 * _SIDE
    lowered = np.zeros(count, np.float32)
    for n, weight in enumerate(_WEIGHTS):
        lowered += weight * most[n : n + count]
    return inner * (1 - along(lowered[1:-1]))[:, None]


def _running_maximum(values: Samples, width: int) -> Samples:
    """The greatest of each `width` neighbours."""
    return np.asarray(np.lib.stride_tricks.sliding_window_view(values, width).max(1), np.float32)


def along(points: Samples) -> Samples:
    """Values at the starts of blocks as values at every sample, in straight lines from one to the next."""
    steps = np.arange(BLOCK, dtype=np.float32) / np.float32(BLOCK)
    return np.asarray((points[:-1, None] + (points[1:] - points[:-1])[:, None] * steps).reshape(-1), np.float32)
