"""A film of exactly the clips that its lock names: what a machine that must not spend makes its cut of."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from storyboard import digest
from storyboard.changes import differences
from storyboard.event import Event, Noted
from storyboard.film import Film, Shot
from storyboard.job import Job, Own
from storyboard.lock import Entry, Lock, Place
from storyboard.plan import Plan, Step
from storyboard.remote import Oversized, Remote
from storyboard.store import Blob, Record, Store

AT_ONCE = 8
"""Clips fetched side by side."""


class Difference(NamedTuple):
    """A shot of a pass in which storyboard and lock differ, and how."""

    shot: str
    pass_id: str
    reason: str


@dataclass(frozen=True)
class Frozen:
    """What one pass shows, by its lock.

    Attributes:
        entries: The clip of each shot, by its place; a shot that isn't locked in any pass is a slate.
        differ: Where the storyboard asks for something else than what is locked.
        clips: The entries' clips that are here, byte for byte as locked.
    """

    film: Film
    pass_id: str
    entries: Mapping[Place, Entry]
    differ: tuple[Difference, ...]
    clips: Mapping[Place, Record]

    @property
    def absent(self) -> dict[Place, Entry]:
        """The entries whose clips aren't here."""
        return {place: one for place, one in self.entries.items() if place not in self.clips}

    def shown(self, pass_id: str, shot: str) -> Record | None:
        """A shot's clip in one pass; None where it isn't locked."""
        return self.clips.get(Place(shot, pass_id))

    def plan(self) -> Plan:
        """What a render does: nothing."""
        return Plan(self.film.title, self.pass_id, tuple(self._step(shot) for shot in self.film.shots))

    def _step(self, shot: Shot) -> Step:
        made = self.film.jobs[self.pass_id][self.film.numbers[shot.id]]
        if isinstance(made, Own):
            return Step(shot, self.pass_id, None, "clip", (made.label,))
        record = self.clips.get(Place(shot.id, self.pass_id))
        if isinstance(made, Job) and record:
            return Step(shot, self.pass_id, made, "cached", ("as locked",), record)
        return Step(shot, self.pass_id, None, "skipped", ("not locked in this pass",))


def freeze(film: Film, lock: Lock, store: Store, pass_id: str) -> Frozen:
    """What a pass's cut shows of each shot, by the lock: its own clip, else that of the next pass it falls back to.

    What nobody rendered yet when the lock was written is left to the fallback; what the lock doesn't know at all
    differs, as does what was rendered as something else.
    """
    entries: dict[Place, Entry] = {}
    differ: list[Difference] = []
    for n, shot in enumerate(film.shots):
        known = False
        for name in () if shot.skip else film.shown(pass_id):
            made, place = film.jobs[name][n], Place(shot.id, name)
            if isinstance(made, Own):
                break
            known = known or place in lock.entries or made is None
            one = lock.entries.get(place)
            if made is None or one is None:
                continue
            if one.key == made.key:
                entries[place] = one
            else:
                differ.append(Difference(shot.id, name, _how(made, one, store)))
            break
        else:
            if not known and not shot.skip:
                differ.append(Difference(shot.id, pass_id, "it isn't in the lock"))
    clips = {place: record for place, one in entries.items() if (record := _record(one, store))}
    return Frozen(film, pass_id, entries, tuple(differ), clips)


def bytes_of(clip: str) -> str:
    """The key under which a clip is kept for its bytes alone, whatever made it."""
    return digest.of({"clip": clip})


def _record(one: Entry, store: Store) -> Record | None:
    """The clip as locked: the record may speak of another one by now, that was made by the same job elsewhere."""
    found = store.find(one.key)
    if isinstance(found, Record) and found.outputs["clip"].sha256 == one.clip:
        return found
    if store.holds(one.clip):
        return Record(one.key, {"clip": Blob(one.clip, one.size, str(store.root / "cas"))}, {})
    return None


def _how(job: Job, one: Entry, store: Store) -> str:
    if job.key is None:
        return "a reference's bytes aren't known yet: render it"
    facts = store.facts(one.key)
    changes = "; ".join(change.brief for change in differences(facts, job)) if facts else ""
    return changes or "the storyboard asks for another clip than the locked one"


async def bring(frozen: Frozen, store: Store, remote: Remote, notify: Callable[[Event], None]) -> None:
    """Fetch the clips that aren't here, each checked against its hash; what can't be had is noted.

    Raises:
        Unreachable: the shared cache can't be asked.
    """
    turns = asyncio.Semaphore(AT_ONCE)

    async def one_of(place: Place, one: Entry) -> None:
        async with turns:
            with store.workspace() as folder:
                clip = folder / "clip.mp4"
                try:
                    found = await remote.fetch(f"cas/{one.clip}", clip, one.size)
                    damaged = found and await asyncio.to_thread(digest.sha256_file, clip) != one.clip
                except Oversized:
                    found = damaged = True
                if damaged:
                    notify(Noted(f"{place.shot} ({place.pass_id}): the shared cache has other bytes than its clip's"))
                elif found:
                    store.put(bytes_of(one.clip), {"clip": clip}, {"of": one.key})

    async with asyncio.TaskGroup() as tasks:
        for place, one in frozen.absent.items():
            tasks.create_task(one_of(place, one))
