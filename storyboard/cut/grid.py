"""Where frames and samples stand: the film's picture and sound on one exact grid."""

from fractions import Fraction

from storyboard import timing

SAMPLE_RATE = 48_000
CHANNELS = 2
BYTES_PER_SAMPLE = 2


def timescale(fps: timing.Rate) -> int:
    """Ticks a second in which every frame of `fps` starts at a whole tick."""
    return fps.numerator * (1000 if fps.denominator == 1 else 1)


def samples(frame: int, fps: timing.Rate) -> int:
    """Where a frame starts in the film's sound, in samples."""
    return timing.round_half_up(Fraction(frame) * SAMPLE_RATE / fps)
