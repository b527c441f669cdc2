"""What people said of clips, as far as it holds today: that one is good, or that one stays though it is stale."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from storyboard.film import Film
from storyboard.job import Input, Job, Own, key_of, renamed
from storyboard.lock import Acceptance, Entry, Lock, Place, entry
from storyboard.store import Record, Store


def is_approved(film: Film, lock: Lock, pass_id: str, shot: str) -> bool:
    """Whether what a pass's cut shows of a shot is approved: its own clip, or the one that it falls back to. That is
    the clip of the nearest pass that was rendered as the storyboard is today.
    """
    for name in film.shown(pass_id):
        job, one = film.job(name, shot), lock.get(shot, name)
        if job and one and one.key == job.key and (one.is_approved or name != pass_id):
            return one.is_approved
    return False


def accepted(film: Film, lock: Lock, store: Store) -> dict[Place, Acceptance]:
    """The acceptances that hold: of a clip that is there, for what the storyboard asks for today."""
    found = {}
    for place, one in lock.entries.items():
        if one is None or one.accepted is None or place.shot not in film.numbers or place.pass_id not in film.jobs:
            continue
        job, record = film.job(place.pass_id, place.shot), store.find(one.key)
        if (
            job
            and job.key == one.accepted.key
            and isinstance(record, Record)
            and record.outputs["clip"].sha256 == one.clip
        ):
            found[place] = one.accepted
    return found


def reasons(film: Film, lock: Lock, store: Store) -> dict[tuple[str, str], str]:
    """The acceptances that hold, in words, by pass and shot."""
    return {
        (place.pass_id, place.shot): f"accepted as it is by {one.by}, {one.at[:10]}{one.note and ': ' + one.note}"
        for place, one in accepted(film, lock, store).items()
    }


def kept(film: Film, lock: Lock, store: Store) -> Film:
    """The film with accepted clips in the places of what is asked for. What is made from such a clip (a guide, a last
    frame) is keyed by the clip that is there.
    """
    places = accepted(film, lock, store)
    if not places:
        return film
    jobs = {pass_id: list(its) for pass_id, its in film.jobs.items()}
    takes = {pass_id: {n: list(its) for n, its in every.items()} for pass_id, every in film.takes.items()}
    moved: dict[tuple[str, str], str] = {}
    for place in places:
        one, n = lock.entries[place], film.numbers[place.shot]
        job = film.job(place.pass_id, place.shot)
        assert one is not None
        assert job is not None
        facts = store.facts(one.key)
        jobs[place.pass_id][n] = job._replace(model=one.model, request=facts.get("request", {}), inputs={}, key=one.key)
        moved[place.pass_id, place.shot] = one.key
    while moved:
        moved = _followed(film, jobs, takes, moved)
    return replace(
        film,
        jobs={pass_id: tuple(its) for pass_id, its in jobs.items()},
        takes={pass_id: {n: tuple(its) for n, its in every.items()} for pass_id, every in takes.items()},
    )


def _followed(
    film: Film,
    jobs: Mapping[str, list[Job | Own | None]],
    takes: Mapping[str, Mapping[int, list[Any]]],
    moved: Mapping[tuple[str, str], str],
) -> dict[tuple[str, str], str]:
    """Give those that wait for moved jobs their keys as they are then; what moved by that."""
    found = {}
    for pass_id, its in jobs.items():
        for n, job in enumerate(its):
            if isinstance(job, Job) and (other := _keyed(job, moved)) is not job:
                its[n] = other
                found[pass_id, film.shots[n].id] = other.key or ""
        for others in takes[pass_id].values():
            for n, take in enumerate(others):
                others[n] = take._replace(job=_keyed(take.job, moved))
    return found


def _keyed(job: Job, moved: Mapping[tuple[str, str], str]) -> Job:
    names: dict[str, str] = {}
    inputs: dict[str, Input] = {}
    for name, given in job.inputs.items():
        made = given.producer
        if made and (key := moved.get((made.pass_id, made.shot))) and key != made.key:
            given = given._replace(producer=made._replace(key=key))  # noqa: PLW2901
            names[name] = given.name
        inputs[given.name] = given
    if not names:
        return job
    request: Mapping[str, Any] = renamed(job.request, names)
    key = key_of(job.model, request) if all(given.known for given in inputs.values()) else None
    return job._replace(request=request, inputs=inputs, key=key)


class Unfit(Exception):
    """A clip that can't be approved or accepted as things stand; the message says why, and what to do."""


def approvable(film: Film, lock: Lock, store: Store, pass_id: str, shot: str) -> Entry:
    """The entry of a shot's clip as it is today, to be approved.

    Raises:
        Unfit: there is no clip of what the storyboard asks for today.
    """
    job, one = film.job(pass_id, shot), lock.get(shot, pass_id)
    if job is None:
        raise Unfit(f"{shot} has nothing to approve in pass {pass_id}: no clip of it is made there")
    found = store.find(job.key) if job.key else None
    if isinstance(found, Record):
        return entry(job, found) if one is None or one.key != job.key else one
    if one is not None and one.key == job.key:  # it is elsewhere: in the shared cache, or another seat's store
        return one
    if one is not None:
        raise Unfit(f"{shot} is stale in pass {pass_id}: render it, or keep it as it is with 'storyboard accept'")
    raise Unfit(f"{shot} isn't rendered in pass {pass_id}")


def acceptable(film: Film, lock: Lock, store: Store, pass_id: str, shot: str) -> Entry:
    """The entry of a shot's stale clip, to be kept as it is. `film` is what the storyboard asks for.

    Raises:
        Unfit: it isn't stale, or isn't there.
    """
    job, one = film.job(pass_id, shot), lock.get(shot, pass_id)
    if job is None or one is None:
        raise Unfit(f"{shot} has no clip in pass {pass_id} to keep")
    if job.key is None:
        raise Unfit(f"what {shot} asks for in pass {pass_id} isn't known yet: a reference of it was never fetched")
    if one.key == job.key:
        raise Unfit(f"{shot} is current in pass {pass_id}: there is nothing to accept")
    found = store.find(one.key)
    if not isinstance(found, Record) or found.outputs["clip"].sha256 != one.clip:
        raise Unfit(
            f"the clip of {shot} in pass {pass_id} isn't here: 'storyboard cache pull' fetches what others have"
        )
    return one
