"""What a clip of the film is conformed from."""

from fractions import Fraction
from typing import NamedTuple

from storyboard.store import Blob
from storyboard.timeline import Span
from storyboard.timing import Rate


class Footage(NamedTuple):
    """A clip's own media, or what effects or a slate put in their place.

    Attributes:
        source: What of it the clip's frames show, in seconds; more of it before and after is handle.
        slate: Whether it stands in for a clip.
    """

    media: Blob
    source: Span
    slate: bool = False

    def speed(self, frames: int, fps: Rate) -> Fraction:
        """Seconds of it in a second of the film, where `frames` show its source: 1 unless it is retimed."""
        return self.source.length * fps / frames
