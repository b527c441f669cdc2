"""What one clip is asked to show."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from .errors import RenderError

SMALLEST, LARGEST = 64, 8192


@dataclass(frozen=True)
class Line:
    """One line of dialogue: `who` says `line`, `at` seconds from the clip's start, for `for_` seconds."""

    who: str
    line: str
    at: Fraction
    for_: Fraction


@dataclass(frozen=True)
class Panel:
    """What one clip shows.

    `width` and `height` are even pixels, `rate` frames a second, `frames` their exact number. `picture`
    is a PNG, JPEG or WebP; without one, a card is designed from `caption` and `seed`. `camera` is the
    author's words for the move.
    """

    width: int
    height: int
    rate: Fraction
    frames: int
    picture: Path | None
    caption: str
    camera: str
    dialogue: tuple[Line, ...]
    seed: int

    @property
    def seconds(self) -> Fraction:
        """How long the clip lasts."""
        return self.frames / self.rate


def check(panel: Panel) -> None:
    """Raises `RenderError` for a frame, a rate or a length that no clip can have."""
    for side in (panel.width, panel.height):
        if side % 2 or not SMALLEST <= side <= LARGEST:
            raise RenderError(
                f"a frame of {panel.width} x {panel.height} cannot be made: "
                f"sides are even and {SMALLEST} to {LARGEST} pixels"
            )
    if panel.frames < 1 or panel.rate <= 0:
        raise RenderError(f"{panel.frames} frames at {panel.rate} a second are no clip")
