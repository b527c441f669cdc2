"""Going to buy: the providers, given this machine's clocks and the user's environment, and a render in the journal."""

import asyncio
import random  # noqa: TID251 -- this is where it is passed in
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from pathlib import Path

from storyboard import interrupt, money
from storyboard.catalog import Model
from storyboard.event import Event, Noted, ignore
from storyboard.journal import Journal
from storyboard.pins import Held
from storyboard.plan import Plan
from storyboard.providers import Limit, Provider, Setup, Unconfigured, load, seconds_in
from storyboard.providers.quote import quotes
from storyboard.providers.references import fetch, on_loopback
from storyboard.store import Store
from storyboard.tools import Tools


class Market:
    """Who sells the models that a storyboard may use. `uploads` is where it is kept what was uploaded, and for how long
    services keep it; None keeps it nowhere.
    """

    def __init__(self, models: Callable[[], Mapping[str, Model]], uploads: Path | None) -> None:
        self._models = models
        self._uploads = uploads

    def providers(
        self,
        decided: Plan,
        tools: Tools,
        environment: Mapping[str, str],
        *,
        workers: int = 2,
        limits: Mapping[str, Limit] | None = None,
        notify: Callable[[Event], None] = ignore,
        more: Collection[str] = (),
    ) -> Mapping[str, Provider]:
        """The providers that carry a plan out. `environment` holds keys and base URLs, `limits` the user's own.
        Those that only fetch what was bought, and those of `more`, are left out where they can't be used.

        Raises:
            Unconfigured: one that is to sell has no client, no key, or no safe base URL; nothing was sent.
        """
        names = {step.job.provider for step in decided.submits.values() if step.job}
        wanted = {step.job.provider for step in decided.work.values() if step.job} | set(more)
        setup = self._setup(tools, environment, workers, limits or {}, notify)
        found = {**load(names, setup), **_usable(wanted - names, setup)}
        for step in decided.submits.values():
            if step.job:
                found[step.job.provider].require(step.job)
        return found

    def sellers(
        self, names: Collection[str], tools: Tools, environment: Mapping[str, str], notify: Callable[[Event], None]
    ) -> Mapping[str, Provider]:
        """The providers of those names that can be used as things stand; of the others it is noted why not."""
        return _usable(names, self._setup(tools, environment, 1, {}, notify))

    def quotes(self, decided: Plan, environment: Mapping[str, str]) -> dict[str, Decimal]:
        """What WaveSpeedAI says each job to be submitted costs, by its step's place. Asks, for free; buys nothing.

        Raises:
            Unconfigured: there is no key, or no safe base URL.
            NotQuoted: it gives no price.
        """
        asked = [(step.place, step.job) for step in decided.steps if step.state == "submit" and step.job]
        asked = [(place, job) for place, job in asked if job.provider == "wavespeed"]
        if not asked:
            return {}
        prices = interrupt.run(quotes([job for _, job in asked], self._models(), environment))
        return {place: price for (place, _), price in zip(asked, prices, strict=True)}

    def references(
        self, urls: Collection[str], names: Collection[str], environment: Mapping[str, str], store: Store
    ) -> tuple[dict[str, Held], dict[str, str]]:
        """Fetch references for providers of those names: what each URL holds, and of the others why not."""
        loopback = on_loopback(set(names), environment)
        with store.workspace() as folder:
            return interrupt.run(fetch(sorted(urls), folder, asyncio.sleep, loopback=loopback))

    def _setup(
        self,
        tools: Tools,
        environment: Mapping[str, str],
        workers: int,
        limits: Mapping[str, Limit],
        notify: Callable[[Event], None],
    ) -> Setup:
        return Setup(
            tools=tools,
            environment=environment,
            models=self._models(),
            uploads=self._uploads,
            workers=workers,
            now=time.monotonic,
            wall=time.time,
            sleep=asyncio.sleep,
            chance=random.random,
            limits=limits,
            poll_seconds=seconds_in(environment, "STORYBOARD_POLL_SECONDS"),
            note=lambda message: notify(Noted(message)),
        )


def _usable(names: Collection[str], given: Setup) -> dict[str, Provider]:
    """The providers of those names that can be used as things stand; of the others it is noted why not."""
    found: dict[str, Provider] = {}
    for name in sorted(names):
        try:
            found |= load({name}, given)
        except Unconfigured as error:
            given.note(f"what was bought there can't be asked about: {error}")
    return found


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
