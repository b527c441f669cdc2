"""What a rule looks at."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from storyboard.assets import Asset
from storyboard.catalog import Model
from storyboard.decode import Positions
from storyboard.diagnostic import Diagnostic
from storyboard.model import Character, Override, Reference, Shot, Storyboard
from storyboard.source import Span


class Used(NamedTuple):
    """A reference, where it is written, and what it must be."""

    reference: Reference
    span: Span
    wants: Literal["either", "picture", "video"] = "either"


@dataclass(frozen=True)
class Context:
    """A decoded storyboard, its places, and what is known of models and files."""

    board: Storyboard
    at: Positions
    models: Mapping[str, Model]
    assets: Mapping[str, Asset]

    def owners(self) -> Iterator[tuple[Shot, Shot | Override]]:
        """Every shot with itself, and with each of its overrides."""
        for shot, _ in self.board.all_shots():
            yield shot, shot
            for override in shot.passes.values():
                yield shot, override

    def references(self) -> Iterator[Used]:
        """Every reference."""
        for character in self.board.characters.values():
            yield from self._of_character(character)
        for _, owner in self.owners():
            if owner.start_frame is not None and owner.start_frame.picture is not None:
                yield Used(owner.start_frame.picture, self.at.of(owner, "start_frame"), "picture")
            if owner.clip is not None:
                yield Used(owner.clip, self.at.of(owner, "clip"), "video")

    def _of_character(self, character: Character) -> Iterator[Used]:
        for n, reference in enumerate(character.references):
            yield Used(reference, self.at.of(character, "references", n))


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


def is_placed(context: Context, shot: Shot) -> bool:
    """Whether it is known that a shot is in the film, and how long."""
    return not context.at.lacks(shot, "skip") and times_known(context.at, context.board, shot)


class Rule(Protocol):
    """Looks at one thing; never stops at the first finding."""

    def __call__(self, context: Context, /) -> Iterable[Diagnostic]:
        """The findings."""
        ...
