"""What checking and lowering know of a storyboard besides itself."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from storyboard.assets import Asset
from storyboard.catalog import Model
from storyboard.decode import Positions
from storyboard.model import Character, Override, Reference, Shot, Storyboard
from storyboard.source import Span


class Used(NamedTuple):
    """A reference, where it is written, and what it must be."""

    reference: Reference
    span: Span
    wants: Literal["either", "picture", "video"] = "either"


@dataclass(frozen=True)
class World:
    """A decoded storyboard, its places, and what is known of models and files."""

    board: Storyboard
    at: Positions
    models: Mapping[str, Model]
    assets: Mapping[str, Asset]

    @cached_property
    def shots(self) -> Mapping[str, Shot]:
        """The shots by id."""
        return {shot.id: shot for shot, _ in self.board.all_shots()}

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
