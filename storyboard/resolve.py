"""A shot as one pass sees it: the shot's own words, the override for the pass, the pass, and the defaults."""

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from storyboard import prompt
from storyboard.decode import Positions
from storyboard.model import Override, Pass, Reference, Scene, Shot, Storyboard
from storyboard.model.values import MAX_SEED
from storyboard.source import Span

DEFAULTS: dict[str, Any] = {
    "resolution": "720p",
    "audio": False,  # sound doubles the price of a Flash clip
    "shot_type": "single",
    "prompt_expansion": False,
}
"""Ours, always sent: the providers' pages contradict themselves on theirs."""

_NOTHING = Override()


@dataclass(frozen=True)
class Resolved:
    """One shot in one pass."""

    board: Storyboard
    shot: Shot
    scene: Scene | None
    pass_id: str
    at: Positions

    @property
    def pass_(self) -> Pass:
        """The pass."""
        return self.board.passes[self.pass_id]

    @property
    def override(self) -> Override:
        """What the shot does otherwise in this pass."""
        return self.shot.passes.get(self.pass_id, _NOTHING)

    def own(self, key: str) -> Any:
        """The override's value for `key`, else the shot's."""
        value = getattr(self.override, key)
        return getattr(self.shot, key) if value is None else value

    def where(self, key: str) -> Span:
        """The place of what `own` reads."""
        return self.at.of(self.shot if getattr(self.override, key) is None else self.override, key)

    def switch(self, key: str) -> Any:
        """A switch: the override's, the pass's, or the default."""
        value = getattr(self.override, key)
        if value is None:
            value = getattr(self.pass_, key)
        return DEFAULTS[key] if value is None else value

    def switch_written(self, key: str) -> Span | None:
        """Where a switch is written; None where it stands at its default."""
        for owner in (self.override, self.pass_):
            if getattr(owner, key) is not None:
                return self.at.key(owner, key)
        return None

    @property
    def seed(self) -> int:
        """The seed sent: plus take - 1, kept within the range that models take."""
        seeds = (self.override.seed, self.shot.seed, self.pass_.seed, self.board.seed)
        seed: int = next(s for s in seeds if s is not None)
        return int((seed + self.own("take") - 1) % (MAX_SEED + 1))

    @property
    def negative(self) -> str:
        """The negative prompt sent."""
        scene = self.scene.style.negative if self.scene else ""
        return prompt.listed(self.own("negative"), self.pass_.negative or "", scene, self.board.style.negative)

    def composed(self, shot_prompt: str, camera: str) -> str:
        """The prompt sent, from the shot's words once their mentions are replaced."""
        scene = self.scene.style.prompt if self.scene else ""
        return prompt.sentences(shot_prompt, camera, scene, self.board.style.prompt)

    @cached_property
    def bound(self) -> tuple[str, ...]:
        """The known characters of the shot: those listed, then those mentioned, each once."""
        known = self.board.characters
        mentioned = [m.id for text in ("prompt", "camera") for m in prompt.mentions(self.own(text), known)]
        return tuple(i for i in dict.fromkeys([*self.own("characters"), *mentioned]) if i in known)

    @property
    def names_someone(self) -> bool:
        """True where the shot lists or mentions anyone, known or not."""
        texts = (self.own("prompt"), self.own("camera"))
        return bool(self.own("characters")) or any(True for text in texts for _ in prompt.mentions(text, ()))

    @property
    def asked(self) -> Fraction:
        """What the cut shows, in seconds."""
        return self.shot.duration.seconds(self.board.fps)

    @property
    def trim_in(self) -> Fraction:
        """Where in the clip the shot starts, in seconds."""
        return self.shot.trim.in_.seconds(self.board.fps)

    def mention(self, character: str) -> Span:
        """The first mention of a character, or its place in `characters`."""
        known = self.board.characters
        for key in ("prompt", "camera"):
            for n, mention in enumerate(prompt.mentions(self.own(key), known)):
                if mention.id == character:
                    return mention_span(self.where(key), n, mention.id, known)
        owner = self.override if self.override.characters is not None else self.shot
        return self.at.of(owner, "characters", self.own("characters").index(character))

    @property
    def start_frame(self) -> Reference | None:
        """The picture that the author wants animated."""
        value: Reference | None = self.own("start_frame")
        return value


def mention_span(written: Span, number: int, character: str, known: Collection[str]) -> Span:
    """Where the mention of that number stands in a text as it is written, or all of the text.

    The text as written has quotes, escapes and line breaks that the value hasn't, so the place is only taken
    if the same mention is found there.
    """
    for n, mention in enumerate(prompt.mentions(written.text, known)):
        if n == number and mention.id == character:
            return written.source.span(written.start + mention.start, written.start + mention.end)
    return written
