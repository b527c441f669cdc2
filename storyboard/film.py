"""A storyboard once it is compiled: what its later stages need of it, and nothing of the language."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

from storyboard.diagnostic import Diagnostic
from storyboard.job import Job, Own
from storyboard.source import Source
from storyboard.timing import Rate


class Transition(NamedTuple):
    """How a shot follows the one before it: `cut`, or a transition and how long it takes, in seconds."""

    type: str = "cut"
    length: Fraction = Fraction(0)


class Effect(NamedTuple):
    """One of moviepy's effects, or the author's own `module:function`, with its parameters by name."""

    name: str
    parameters: Mapping[str, Any]


class Heard(NamedTuple):
    """A shot's sound: seconds that it starts before its picture and goes on after it, its gain in decibels."""

    lead: Fraction = Fraction(0)
    tail: Fraction = Fraction(0)
    gain: Decimal = Decimal(0)
    mute: bool = False


class Line(NamedTuple):
    """A line of dialogue: who says it, in people's words, and when, in seconds from its shot's start."""

    who: str
    text: str
    start: Fraction
    length: Fraction


class Bed(NamedTuple):
    """Sound under the whole film: as written, its file and bytes, its gain and by how much speech lowers it, in dB."""

    label: str
    file: str
    sha256: str
    gain: Decimal
    duck: Decimal


class Mix(NamedTuple):
    """The sound of the whole film: LUFS, what lies under it, and whether a voice reads lines in silent clips."""

    loudness: Decimal = Decimal(-16)
    music: Bed | None = None
    room_tone: Bed | None = None
    scratch: bool = False


PLAIN = Mix()
"""Clips brought to -16 LUFS, and nothing else."""


class BurnIn(NamedTuple):
    """What is burned in besides names and timecodes."""

    watermark: str = ""
    date: bool = False


class Shot(NamedTuple):
    """One shot.

    Attributes:
        scene: Its scene's title, or id, or "".
        scene_id: Its scene's id, or "".
        setting: Where and when it plays, such as `the bay, dusk`; its own, or its scene's.
        words: Its prompt as people read it, with names for mentions.
        lines: What is said, and when.
        asked: How long the cut shows it, in seconds.
        trim_in: Where in its clip it starts, in seconds.
        fit: What happens where its clip isn't as long as it: hold, trim or retime.
        framing: What happens where its clip is of another shape: fit, fill or pad.
        notes: For people.
    """

    id: str
    scene: str
    scene_id: str
    setting: str
    words: str
    lines: tuple[Line, ...]
    asked: Fraction
    trim_in: Fraction
    skip: bool
    transition: Transition = Transition()
    fit: str = "hold"
    framing: str = "fit"
    effects: tuple[Effect, ...] = ()
    heard: Heard = Heard()
    notes: str = ""


class Pass(NamedTuple):
    """A way to make the film.

    Attributes:
        burn_in: What is burned into the picture of its cut; None for a clean one.
        states: The states of which a shot needs one to be made: `changed`, `approved`; none for any.
        guide: The pass whose clips guide it, or "".
        fallback: The passes whose clips its cut shows where it has none, the best first; None for all earlier ones.
        leader: Whether its cut starts with a slate and a countdown.
        subtitles: none, soft (a track of the film) or burn.
    """

    model: str
    resolution: str
    burn_in: BurnIn | None
    states: tuple[str, ...] = ()
    guide: str = ""
    fallback: tuple[str, ...] | None = None
    leader: bool = False
    subtitles: str = "none"


class Take(NamedTuple):
    """Another take of a shot, beside the one that the film shows."""

    number: int
    job: Job


@dataclass(frozen=True)
class Film:
    """A compiled storyboard.

    Attributes:
        shots: In order.
        jobs: For each pass what makes each shot: None for one that is skipped, or that the pass leaves out.
        takes: For each pass the other takes of shots, by their place among the shots.
        warnings: For each pass.
        budget: What all its purchases may cost, in US dollars.
        sources: The files that it was compiled from besides the storyboard itself.
        mix: The sound of the whole.
    """

    title: str
    aspect: str
    fps: Rate
    default_pass: str
    passes: Mapping[str, Pass]
    shots: tuple[Shot, ...]
    jobs: Mapping[str, tuple[Job | Own | None, ...]]
    takes: Mapping[str, Mapping[int, tuple[Take, ...]]]
    warnings: Mapping[str, tuple[Diagnostic, ...]]
    budget: Decimal | None = None
    sources: tuple[Source, ...] = ()
    mix: Mix = PLAIN

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """Each shot's place."""
        return {shot.id: n for n, shot in enumerate(self.shots)}

    def shown(self, pass_id: str) -> list[str]:
        """The passes whose clips a pass's cut shows, the best first: its own, then those that it falls back to. One
        that names none falls back to the earlier ones, the nearest first.
        """
        order, fallback = list(self.passes), self.passes[pass_id].fallback
        return [pass_id, *(reversed(order[: order.index(pass_id)]) if fallback is None else fallback)]

    def behind(self, pass_id: str) -> list[str]:
        """The pass, and those whose clips its own are made from, the first one first."""
        jobs = self.all_jobs(pass_id)
        found, waiting = {pass_id: None}, jobs
        while waiting:
            names = {producer.pass_id for job in waiting for producer in job.producers} - found.keys()
            found |= dict.fromkeys(sorted(names))
            waiting = [job for name in names for job in self.all_jobs(name)]
        return list(found)

    def all_jobs(self, pass_id: str) -> list[Job]:
        """Every job of one pass, of all takes."""
        made = [job for job in self.jobs[pass_id] if isinstance(job, Job)]
        return made + [take.job for takes in self.takes[pass_id].values() for take in takes]

    def job(self, pass_id: str, shot: str) -> Job | None:
        """What makes one shot of one pass."""
        found = self.jobs[pass_id][self.numbers[shot]]
        return found if isinstance(found, Job) else None
