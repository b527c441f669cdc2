"""Which clips `push`, `pull` and `unlock` are about, and the shared cache that they need."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Never

import click

from storyboard import report
from storyboard.cli import common, sharing
from storyboard.cli.cache.common import unconfigured
from storyboard.compiler import Project
from storyboard.event import Event
from storyboard.film import Film
from storyboard.job import Job
from storyboard.keeping.sizes import shown as amount
from storyboard.lock import SHOWN
from storyboard.seat import Seat
from storyboard.shared import Shared, Wanted, each
from storyboard.store import Lost

__all__ = ["amount", "asked", "locked", "of_shot", "pushed", "the_shared", "unreachable", "why"]


def the_shared(project: Project, notify: Callable[[Event], None]) -> Shared:
    """The cache that a project shares; without one the command ends with status 5."""
    shared = sharing.opened(project, notify)
    if shared is None:
        unconfigured("no shared cache is set: 'storyboard cache remote URL' sets one")
    return shared


def unreachable(reason: str) -> Never:
    """Say why the shared cache can't be asked, and end with status 3."""
    click.echo(f"Error: {report.safe(reason)}", err=True)
    raise click.exceptions.Exit(common.PARTLY)


def locked(project: Project, pass_: str | None) -> dict[str, Wanted]:
    """What the lock names, by key: in every pass and take, or in one pass."""
    common.film_of(project, pass_, as_json=False)
    entries = [(place, one) for place, one in project.lock.entries.items() if one and pass_ in {None, place.pass_id}]
    names = {place: f"{place.shot} take {place.take}" if place.take != SHOWN else place.shot for place, _ in entries}
    return {one.key: Wanted(f"{names[place]} ({place.pass_id})", one.clip) for place, one in entries if one}


def asked(project: Project, pass_: str | None) -> dict[str, Wanted]:
    """What the storyboard asks for, by key: in every pass and take, or in one pass."""
    film, _ = common.film_of(project, pass_, as_json=False)
    found = {}
    for name in [pass_] if pass_ else film.passes:
        for shot, made in zip(film.shots, film.jobs[name], strict=True):
            if isinstance(made, Job) and made.key:
                found[made.key] = Wanted(f"{shot.id} ({name})")
        for n, takes in film.takes[name].items():
            called = film.shots[n].id
            found |= {one.job.key: Wanted(f"{called} take {one.number} ({name})") for one in takes if one.job.key}
    return found


def of_shot(film: Film, shot: str, pass_: str | None) -> dict[str, str]:
    """The keys of a shot's clips that are bought, each with its pass."""
    n, found = film.numbers[shot], dict[str, str]()
    for name in [pass_] if pass_ else film.passes:
        made = film.job(name, shot)
        jobs = [*([made] if made else []), *(take.job for take in film.takes[name].get(n, ()))]
        found |= {job.key: name for job in jobs if job.key and not job.local}
    return found


async def pushed(project: Project, shared: Shared, names: Mapping[str, str]) -> dict[str, int | Lost]:
    """The bytes sent of each key, and nothing for those that are there; why, of those that are neither here nor there.

    Raises:
        Unreachable: see there. What was sent so far is there.
    """

    async def one_of(key: str) -> int | Lost:
        sent = await shared.push(key)
        if isinstance(sent, Lost):
            return 0 if await shared.known([key]) else sent
        if shared.owes(key):
            await seat.tell(names[key], key)
        return sent

    seat = Seat(shared, project.store, project.journal, asyncio.sleep, time.monotonic)
    keys = list(names)
    return dict(zip(keys, await each(keys, one_of), strict=True))


def why(one: Lost) -> str:
    """Why a clip can't be had."""
    return one.reason or "it is neither in the store nor in the shared cache"
