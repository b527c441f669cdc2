"""A storyboard once it is compiled: what its later stages need of it, and nothing of the language."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from storyboard.diagnostic import Diagnostic
from storyboard.job import Job
from storyboard.timing import Rate


class Shot(NamedTuple):
    """One shot.

    Attributes:
        scene: Its scene's title, or id, or "".
        words: Its prompt as people read it, with names for mentions.
        said: Its lines of dialogue.
        asked: How long the cut shows it, in seconds.
        trim_in: Where in its clip it starts, in seconds.
    """

    id: str
    scene: str
    words: str
    said: tuple[str, ...]
    asked: Fraction
    trim_in: Fraction
    skip: bool


class Pass(NamedTuple):
    """A way to make the film."""

    model: str
    resolution: str


@dataclass(frozen=True)
class Film:
    """The shots in order, and for each pass their jobs (None for a shot that is skipped) and its warnings. `budget` is
    what all its purchases may cost, in US dollars.
    """

    title: str
    aspect: str
    fps: Rate
    default_pass: str
    passes: Mapping[str, Pass]
    shots: tuple[Shot, ...]
    jobs: Mapping[str, tuple[Job | None, ...]]
    warnings: Mapping[str, tuple[Diagnostic, ...]]
    budget: Decimal | None = None
