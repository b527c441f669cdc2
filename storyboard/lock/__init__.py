"""What every shot of every pass was rendered as, who approved it, and what is kept though it is stale: the values of
`storyboard.lock`, which is committed. Nothing in it is secret, and nothing decides what may be bought.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from storyboard.film import Film
from storyboard.job import Job, seed_of
from storyboard.store import Record

SHOWN = 0
"""Stands for the take that the film shows, among a shot's takes."""


class Place(NamedTuple):
    """A shot of a pass; `take` is the number of a take beside the one that the film shows."""

    shot: str
    pass_id: str
    take: int = SHOWN


class Approval(NamedTuple):
    """Somebody's word that a clip is good: its SHA-256, the key of the job that it was of, who said so, when (ISO 8601,
    UTC), and why. A changed shot is not approved, though its service may send the same bytes again.
    """

    clip: str
    key: str
    by: str
    at: str
    note: str = ""


class Acceptance(NamedTuple):
    """Somebody's word that a clip stays, though the storyboard asks for another by now: `key` is what it asks for."""

    key: str
    by: str
    at: str
    note: str = ""


class Entry(NamedTuple):
    """One clip as it was rendered.

    Attributes:
        key: The job's.
        clip: SHA-256 of its bytes.
        size: In bytes.
        seed: As sent; None where the model takes none.
        id: The provider's job id; "" for a clip made on this machine.
        price: US dollars as decimal text; None where unknown.
        at: When it was bought or made: ISO 8601, UTC; "" where that wasn't noted.
        by: The version of the tool that did.
        approved: May be of another clip than this one: then the approval is outdated.
    """

    key: str
    clip: str
    size: int
    model: str
    seed: int | None = None
    id: str = ""
    price: str | None = None
    at: str = ""
    by: str = ""
    approved: Approval | None = None
    accepted: Acceptance | None = None

    @property
    def is_approved(self) -> bool:
        """Whether somebody approved this very clip, of this very job."""
        return self.approved is not None and (self.approved.clip, self.approved.key) == (self.clip, self.key)


def entry(job: Job, record: Record) -> Entry:
    """What a lock says of a clip that was made or found for a job."""
    facts: Mapping[str, Any] = record.facts
    clip = record.outputs["clip"]
    id_, at, by = (str(facts.get(name, "")) for name in ("id", "at", "by"))
    return Entry(job.key or "", clip.sha256, clip.size, job.model, seed_of(job.request), id_, facts.get("cost"), at, by)


@dataclass(frozen=True)
class Lock:
    """Entries by place; None stands for a shot of a pass that isn't rendered yet, so that two branches that render
    neighbours write to different places.
    """

    entries: Mapping[Place, Entry | None]

    def get(self, shot: str, pass_id: str, take: int = SHOWN) -> Entry | None:
        """What a place was rendered as."""
        return self.entries.get(Place(shot, pass_id, take))

    def having(self, pass_id: str, entries: Mapping[str, Entry]) -> "Lock":
        """The lock with entries of a pass, by shot, in the place of those that it had."""
        return replace(self, entries={**self.entries, **{Place(shot, pass_id): one for shot, one in entries.items()}})

    def renamed(self, old: str, new: str) -> "Lock":
        """The lock with a shot under another id; what a shot of that id once left there is gone. One that the lock
        doesn't know leaves it as it is.
        """
        if not any(place.shot == old for place in self.entries):
            return self
        others = {place: one for place, one in self.entries.items() if place.shot not in {old, new}}
        its = {place._replace(shot=new): one for place, one in self.entries.items() if place.shot == old}
        return replace(self, entries=others | its)

    def rendered(self, film: Film, made: Mapping[Place, Entry], found: Mapping[Place, Entry] | None = None) -> "Lock":
        """The lock after a render: what was made, what was there already, and nothing of shots and passes that are
        gone; of a shot that is skipped, or left out of a pass, it stays as it was.

        What was found in the store is new here only where the lock has nothing of its job: seats that each bought the
        same job don't take turns in writing theirs. A shot that was renamed by hand keeps its entry, which is known by
        its key.
        """
        strays = self._strays(film)
        found = found or {}

        def now(place: Place, old: Entry | None) -> Entry | None:
            seen = found.get(place)
            return _newer(
                old, made.get(place) or (seen if old is None or seen is None or seen.key != old.key else None)
            )

        entries: dict[Place, Entry | None] = {}
        for pass_id, jobs in film.jobs.items():
            for n, (shot, job) in enumerate(zip(film.shots, jobs, strict=True)):
                place = Place(shot.id, pass_id)
                if not isinstance(job, Job):
                    if job is None and (one := self.entries.get(place)):
                        entries[place] = one
                    continue
                old = self.entries.get(place) or strays.get((pass_id, job.key))
                entries[place] = now(place, old)
                for take in film.takes[pass_id].get(n, ()):
                    other = place._replace(take=take.number)
                    if one := now(other, self.entries.get(other)):
                        entries[other] = one
        return self if entries == self.entries else Lock(entries)

    def _strays(self, film: Film) -> Mapping[tuple[str, str | None], Entry]:
        """Entries of shots that the film doesn't have, by pass and key."""
        gone = ((place, one) for place, one in self.entries.items() if place.shot not in film.numbers)
        return {(place.pass_id, one.key): one for place, one in gone if one is not None and place.take == SHOWN}


def _newer(old: Entry | None, new: Entry | None) -> Entry | None:
    """The new entry, with the approval of the old one; the old one where both say the same."""
    if old is None or new is None:
        return new or old
    if (old.key, old.clip) == (new.key, new.clip):
        return old
    return new._replace(approved=old.approved)


EMPTY = Lock({})
