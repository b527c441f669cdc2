"""What an editor's cut says against ours: read from its file, compared with our timeline, written into the text.

`read` knows files, `compare` only values, `write` the storyboard's text. Words as in OpenTimelineIO.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple


class Unread(Exception):
    """An edit that can't be read; the message says why, in the editor's words."""


class Joined(NamedTuple):
    """A transition of an edit. `type` is one of ours, "" where its name isn't; its seconds before and after the cut."""

    type: str
    before: Fraction
    after: Fraction
    name: str = ""

    @property
    def length(self) -> Fraction:
        """How long it takes."""
        return self.before + self.after


class Piece(NamedTuple):
    """A clip of an edit, in seconds.

    Attributes:
        shot: The shot that it is a clip of; "" for none of ours.
        name: What the edit calls it.
        start: Where in its media it starts.
        length: How long it is shown.
        at: Where it starts in the edit.
        join: The transition into it.
        speed: Seconds of its media in a second of the film.
        is_slate: Whether a slate stands in for its media.
    """

    shot: str
    name: str
    start: Fraction
    length: Fraction
    at: Fraction
    join: Joined | None = None
    speed: Fraction = Fraction(1)
    is_slate: bool = False

    @property
    def end(self) -> Fraction:
        """Where it ends in the edit."""
        return self.at + self.length


@dataclass(frozen=True)
class Edit:
    """An edit as it was read: its picture and its sound in order, its pass where it tells it, and what of it isn't
    imported.
    """

    pieces: tuple[Piece, ...]
    sounds: tuple[Piece, ...] = ()
    pass_id: str = ""
    notes: tuple[str, ...] = ()
