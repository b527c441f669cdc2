"""Going to buy: the providers, given this machine's clocks and the user's environment, and a render in the journal."""

import asyncio
import random  # noqa: TID251 -- this is where it is passed in
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path

from storyboard import money
from storyboard.catalog import Model
from storyboard.event import Event, Noted
from storyboard.journal import Journal
from storyboard.plan import Plan
from storyboard.providers import Limit, Provider, Setup, Unconfigured, load, seconds_in
from storyboard.providers.quote import quotes
from storyboard.store import Store
from storyboard.tools import Tools


def setup(
    tools: Tools,
    environment: Mapping[str, str],
    models: Mapping[str, Model],
    uploads: Path | None,
    workers: int,
    limits: Mapping[str, Limit],
    notify: Callable[[Event], None],
) -> Setup:
    """What providers are given; see `Setup`.

    Raises:
        Unconfigured: STORYBOARD_POLL_SECONDS is no number of seconds.
    """
    return Setup(
        tools=tools,
        environment=environment,
        models=models,
        uploads=uploads,
        workers=workers,
        now=time.monotonic,
        wall=time.time,
        sleep=asyncio.sleep,
        chance=random.random,
        limits=limits,
        poll_seconds=seconds_in(environment, "STORYBOARD_POLL_SECONDS"),
        note=lambda message: notify(Noted(message)),
    )


def usable(names: Collection[str], given: Setup) -> dict[str, Provider]:
    """The providers of those names that can be used as things stand; of the others it is noted why not."""
    found: dict[str, Provider] = {}
    for name in sorted(names):
        try:
            found |= load({name}, given)
        except Unconfigured as error:
            given.note(f"what was bought there can't be asked about: {error}")
    return found


def quoted(decided: Plan, models: Mapping[str, Model], environment: Mapping[str, str]) -> dict[str, Decimal]:
    """What WaveSpeedAI says each job to be submitted costs, by its step's place. Asks, for free; buys nothing.

    Raises:
        Unconfigured: there is no key, or no safe base URL.
        NotQuoted: it gives no price.
    """
    asked = [(step.place, step.job) for step in decided.steps if step.state == "submit" and step.job]
    asked = [(place, job) for place, job in asked if job.provider == "wavespeed"]
    if not asked:
        return {}
    prices = asyncio.run(quotes([job for _, job in asked], models, environment))
    return {place: price for (place, _), price in zip(asked, prices, strict=True)}


@contextmanager
def buying(decided: Plan, ceiling: Decimal | None, journal: Journal, store: Store) -> Iterator[int]:
    """A render that the journal knows of, by number; other processes can tell that it lives. Where nothing is to be
    had, a journal that can't be written is no trouble.

    Raises:
        Unreadable, Unwritable: the journal can't be used; nothing was sent.
    """
    planned = {"submit": len(decided.submits), "cost": money.usd(decided.cost)}
    cached = {step.key: step.job for step in decided.steps if step.state == "cached" and step.job}
    saved = sum((job.cost for job in cached.values() if job.cost is not None), money.FREE)
    with ExitStack() as until_the_end:
        run = 0
        try:
            place = until_the_end.enter_context(store.workspace())
            run = journal.begin(place.name, store.lives, decided.pass_id, ceiling, planned)
        except OSError:
            if decided.work:
                raise
        yield run
        if run:
            journal.end(run, len(cached), saved)
