"""A shot as one pass sees it: the shot's own words, the override for the pass, the pass, and the defaults."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Any, Generic, NamedTuple, TypeVar

from storyboard import prompt, timing
from storyboard.decode import Positions
from storyboard.model import NO_GUIDE, Override, Pass, Reference, Scene, Shot, StartFrame, Storyboard, Style
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

_T = TypeVar("_T")


class _once(Generic[_T]):  # noqa: N801 -- used as a decorator
    """A property that is computed once. `functools.cached_property` of Python 3.11 takes a lock each time, which costs
    more than most of what is computed here.
    """

    def __init__(self, compute: Callable[[Any], _T]) -> None:
        self._compute = compute
        self._name = compute.__name__
        self.__doc__ = compute.__doc__

    def __get__(self, owner: Any, kind: type | None = None) -> _T:
        value = owner.__dict__[self._name] = self._compute(owner)
        return value


class Words(NamedTuple):
    """A text of the shot that may mention characters, and where it stands."""

    owner: object
    path: tuple[str | int, ...]
    text: str


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

    @_once
    def override(self) -> Override:
        """What the shot does otherwise in this pass."""
        return self.shot.passes.get(self.pass_id, _NOTHING)

    @property
    def model(self) -> str:
        """The model's id."""
        return self.override.model or self.pass_.model

    def own(self, key: str) -> Any:
        """The override's value for `key`, else the shot's."""
        value = getattr(self.override, key)
        return getattr(self.shot, key) if value is None else value

    def owner(self, key: str) -> object:
        """Who says what `own` reads."""
        return self.shot if getattr(self.override, key) is None else self.override

    def where(self, key: str) -> Span:
        """The place of what `own` reads."""
        return self.at.of(self.owner(key), key)

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
    def guide(self) -> str | None:
        """The pass whose clip of this shot guides the model."""
        value: str | None = self.override.guide or self.pass_.guide
        return None if value == NO_GUIDE else value

    @property
    def takes(self) -> tuple[int, ...]:
        """The takes to make, the one that the film shows first."""
        for owner in (self.override, self.shot):
            if owner.takes is not None:
                pick = self.override.pick or owner.pick
                return (pick,) if pick else owner.takes
            if owner.take is not None and "take" in owner.model_fields_set:
                return (owner.take,)
        return (1,)

    def seed(self, take: int) -> int:
        """The seed sent: plus take - 1, kept within the range that models take."""
        seeds = (self.override.seed, self.shot.seed, self.pass_.seed, self.board.seed)
        seed: int = next(s for s in seeds if s is not None)
        return int((seed + take - 1) % (MAX_SEED + 1))

    @property
    def style(self) -> Style:
        """The shot's own style, else its scene's."""
        return self.shot.style or (self.scene.style if self.scene else _NO_STYLE)

    @property
    def negative(self) -> str:
        """The negative prompt sent."""
        pass_ = self.pass_.negative or ""
        return prompt.listed(self.own("negative"), pass_, self.style.negative, self.board.style.negative)

    def composed(self, words: str, camera: str) -> str:
        """The prompt sent, from the shot's words once their mentions are replaced."""
        return prompt.sentences(words, camera, self.style.prompt, self.board.style.prompt)

    @_once
    def words(self) -> tuple[Words, ...]:
        """The shot's texts that may mention characters, in the order sent."""
        beats = [Words(self.shot, ("beats", n, "prompt"), beat.prompt) for n, beat in enumerate(self.shot.beats)]
        text = Words(self.owner("prompt"), ("prompt",), self.own("prompt"))
        return (text, *beats, Words(self.owner("camera"), ("camera",), self.own("camera")))

    def beat_times(self) -> Iterator[tuple[Fraction, Fraction]]:
        """When each beat starts and ends, in seconds from the clip's start."""
        fps = self.board.fps
        starts = [beat.at.seconds(fps) for beat in self.shot.beats]
        for start, end in zip(starts, [*starts[1:], self.asked], strict=True):
            yield self.trim_in + start, self.trim_in + end

    @_once
    def names(self) -> tuple[str, ...]:
        """Whom the shot's texts mention, known or not, each once."""
        known = self.board.characters
        found = (m.id for words in self.words if "@" in words.text for m in prompt.mentions(words.text, known))
        return tuple(dict.fromkeys(found))

    @_once
    def mentioned(self) -> tuple[str, ...]:
        """The known characters among them."""
        return tuple(name for name in self.names if name in self.board.characters)

    @_once
    def bound(self) -> tuple[str, ...]:
        """The known characters of the shot: those listed, then those mentioned, each once."""
        listed = (i for i in self.own("characters") if i in self.board.characters)
        return tuple(dict.fromkeys([*listed, *self.mentioned]))

    @property
    def names_someone(self) -> bool:
        """True where the shot lists or mentions anyone, known or not."""
        texts = (words.text for words in self.words if "@" in words.text)
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
        for words in self.words:
            for n, mention in enumerate(prompt.mentions(words.text, known)):
                if mention.id == character:
                    return mention_span(self.at.of(words.owner, *words.path), n, mention.id, known)
        owner = self.override if self.override.characters is not None else self.shot
        return self.at.of(owner, "characters", self.own("characters").index(character))

    @property
    def start_frame(self) -> StartFrame | None:
        """The picture that the author wants animated."""
        value: StartFrame | None = self.own("start_frame")
        return value

    @property
    def clip(self) -> Reference | None:
        """The author's own clip."""
        value: Reference | None = self.own("clip")
        return value


_NO_STYLE = Style()


def mention_span(written: Span, number: int, character: str, known: Collection[str]) -> Span:
    """Where the mention of that number stands in a text as it is written, or all of the text.

    The text as written has quotes, escapes and line breaks that the value hasn't, so the place is only taken
    if the same mention is found there.
    """
    return mention_spans(written, [character], known, number)[0]


def mention_spans(written: Span, characters: Sequence[str], known: Collection[str], first: int = 0) -> list[Span]:
    """Where several mentions stand that follow each other in a text, from the one of number `first` on."""
    there = list(islice(prompt.mentions(written.text, known), first, first + len(characters)))
    spans = []
    for n, character in enumerate(characters):
        found = there[n] if n < len(there) and there[n].id == character else None
        start, end = (found.start, found.end) if found else (0, written.end - written.start)
        spans.append(written.source.span(written.start + start, written.start + end))
    return spans


def display_name(board: Storyboard, character: str) -> str:
    """How people read a character's id: its name, or the id with a capital."""
    known = board.characters.get(character)
    return (known.name if known else None) or character[:1].upper() + character[1:]


def clock(seconds: Fraction) -> str:
    """A time within a clip as prompts have it: `3`, `2.5`."""
    return timing.shown(seconds).removesuffix(" s")
