"""What a rule looks at."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from storyboard.assets import Asset
from storyboard.catalog import Model
from storyboard.decode import Positions
from storyboard.diagnostic import Diagnostic
from storyboard.model import Character, Override, Reference, Shot, Storyboard
from storyboard.source import Span


@dataclass(frozen=True)
class Context:
    """A decoded storyboard, its places, and what is known of models and files."""

    board: Storyboard
    at: Positions
    models: Mapping[str, Model]
    assets: Mapping[str, Asset]

    def references(self) -> Iterator[tuple[Reference, Span, bool]]:
        """Every reference with its place, and whether it must be a picture."""
        for character in self.board.characters.values():
            yield from self._of_character(character)
        for shot, _ in self.board.all_shots():
            owners: tuple[Shot | Override, ...] = (shot, *shot.passes.values())
            for owner in owners:
                yield from self._of_shot(owner)

    def _of_character(self, character: Character) -> Iterator[tuple[Reference, Span, bool]]:
        for n, reference in enumerate(character.references):
            yield reference, self.at.of(character, "references", n), False

    def _of_shot(self, owner: Shot | Override) -> Iterator[tuple[Reference, Span, bool]]:
        if owner.start_frame is not None:
            yield owner.start_frame, self.at.of(owner, "start_frame"), True


class Rule(Protocol):
    """Looks at one thing; never stops at the first finding."""

    def __call__(self, context: Context, /) -> Iterable[Diagnostic]:
        """The findings."""
        ...
