"""When type is seen: which spoken line owns each frame, and how opaque it and the caption are."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

FADE = 6

# Frames between two lines that the caption does not come back for.
_BRIDGED = 18


@dataclass(frozen=True)
class Span:
    """Frames `first` (included) to `last` (excluded), with a ramp of up to `FADE` frames at both ends."""

    first: int
    last: int

    def presence(self, frame: int) -> float:
        """0 outside the span, 1 well inside it."""
        if not self.first <= frame < self.last:
            return 0.0
        ramp = max(1, min(FADE, (self.last - self.first) // 3))
        return min(1.0, (frame - self.first + 1) / ramp, (self.last - frame) / ramp)


def spans(times: Sequence[tuple[Fraction, Fraction]], rate: Fraction, frames: int) -> list[Span | None]:
    """The frames each (start, length) in seconds is seen; a line gives way where the next one starts."""
    firsts = [max(0, round(at * rate)) for at, _ in times]
    made: list[Span | None] = []
    for (at, length), first in zip(times, firsts, strict=True):
        last = min([frames, ceil((at + length) * rate), *(other for other in firsts if other > first)])
        made.append(Span(first, last) if last > first else None)
    return made


def merged(seen: Sequence[Span | None]) -> list[Span]:
    """The spans in order, those with hardly a gap between them made one."""
    whole: list[Span] = []
    for span in sorted((s for s in seen if s), key=lambda s: s.first):
        if whole and span.first - whole[-1].last <= _BRIDGED:
            whole[-1] = Span(whole[-1].first, max(whole[-1].last, span.last))
        else:
            whole.append(span)
    return whole
