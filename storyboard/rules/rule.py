"""What a rule is, and what several of them ask."""

from collections.abc import Iterable
from typing import Protocol

from storyboard.decode import Positions
from storyboard.diagnostic import Diagnostic
from storyboard.model import Shot, Storyboard
from storyboard.world import World


def times_known(at: Positions, board: Storyboard, shot: Shot) -> bool:
    """Whether a shot's length could be read, and the frame rate too where one of its times is in frames."""
    if at.lacks(shot, "duration"):
        return False
    if not at.lacks(board, "fps"):
        return True
    lengths = [shot.duration, shot.trim.in_, shot.trim.of, shot.transition.duration, shot.audio.lead, shot.audio.tail]
    lengths += [beat.at for beat in shot.beats]
    lengths += [time for line in shot.dialogue for time in (line.at, line.for_)]
    return not any(length is not None and (length.in_frames or length.frames is not None) for length in lengths)


def is_placed(world: World, shot: Shot) -> bool:
    """Whether it is known that a shot is in the film, and how long."""
    return not world.at.lacks(shot, "skip") and times_known(world.at, world.board, shot)


class Rule(Protocol):
    """Looks at one thing; never stops at the first finding."""

    def __call__(self, world: World, /) -> Iterable[Diagnostic]:
        """The findings."""
        ...
