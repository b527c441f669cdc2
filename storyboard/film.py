"""A storyboard once it is compiled: what its later stages need of it, and nothing of the language."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

from storyboard.diagnostic import Diagnostic
from storyboard.job import Job, Own
from storyboard.source import Source
from storyboard.timing import Rate


class Shot(NamedTuple):
    """One shot.

    Attributes:
        scene: Its scene's title, or id, or "".
        scene_id: Its scene's id, or "".
        setting: Where and when it plays, such as `the bay, dusk`; its own, or its scene's.
        words: Its prompt as people read it, with names for mentions.
        said: Its lines of dialogue.
        asked: How long the cut shows it, in seconds.
        trim_in: Where in its clip it starts, in seconds.
    """

    id: str
    scene: str
    scene_id: str
    setting: str
    words: str
    said: tuple[str, ...]
    asked: Fraction
    trim_in: Fraction
    skip: bool


class Pass(NamedTuple):
    """A way to make the film.

    Attributes:
        burn_in: Whether shot, pass and timecode are in the picture of its cut.
        states: The states of which a shot needs one to be made: `changed`, `approved`; none for any.
        guide: The pass whose clips guide it, or "".
    """

    model: str
    resolution: str
    burn_in: bool
    states: tuple[str, ...] = ()
    guide: str = ""


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

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """Each shot's place."""
        return {shot.id: n for n, shot in enumerate(self.shots)}

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
