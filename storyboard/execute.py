"""A plan carried out: clips made or bought a few at a time, each stored the moment it is there."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from storyboard import derive, money, timing
from storyboard.buy import LOOK_AGAIN, Bought, Buyer, Terms
from storyboard.changes import facts_of
from storyboard.event import Advanced, Event, Finished, Noted, Planned, Started, Stopping
from storyboard.job import Job
from storyboard.journal import Journal, Order, Taken, Unreadable, Unwritable
from storyboard.media import MediaError
from storyboard.plan import Plan, Step
from storyboard.providers import Maker, Provider, Seller
from storyboard.providers.failure import ClipFailed, Unconfigured
from storyboard.purchase import Purchase
from storyboard.seat import Seat
from storyboard.shared import Shared, probed
from storyboard.store import Record, Store

ResultState = Literal["done", "failed", "held", "cached", "skipped"]
_LATE = "it wasn't finished in the time that this render had; the same command goes on with it"


@dataclass(frozen=True)
class Result:
    """What became of one step. `cost` is what was booked for it."""

    step: Step
    state: ResultState
    record: Record | None = None
    error: str | None = None
    cost: Decimal = money.FREE


async def execute(
    plan: Plan,
    others: Collection[Purchase],
    providers: Mapping[str, Provider],
    store: Store,
    journal: Journal,
    terms: Terms,
    notify: Callable[[Event], None],
    stored: Callable[[Step], None],
    whole: Callable[[Job], Job] = lambda job: job,
    shared: Shared | None = None,
) -> list[Result]:
    """Get every clip that the plan doesn't have yet, as many at a time as each provider takes: first those that were
    bought already, then the longest; and tell what became of each step. `others` were bought for an earlier version
    of the film, and are fetched too. `stored` is told of each step the moment that its clip is kept. `whole` puts files
    behind a job's inputs once what it waits for is there (see `derive`). With a `shared` cache nothing is bought that
    another seat is buying, and each clip is sent there when it is kept.

    A clip that fails costs no other. Cancelled once, it begins nothing more, and waits for what was sent; cancelled
    again, it leaves. Either way everything that was sent can be gone on with.

    Raises:
        Unconfigured: a model's provider can't be used as things stand; nothing was made.
        Unreadable: the journal can't be read.
    """
    work = {key: (step, step.job) for key, step in plan.work.items() if step.job}
    for step, job in work.values():
        if step.state == "submit":
            if job.provider not in providers:
                raise Unconfigured(f"there is no client for '{job.provider}', which {job.model} needs")
            providers[job.provider].require(job)
    work = {key: (step, job) for key, (step, job) in work.items() if job.provider in providers}
    _note_kept(plan, journal)
    seat = Seat(shared, store, journal, terms.sleep, terms.now) if shared else None
    crew = _Crew(plan, providers, store, Buyer(journal, store, terms, notify, seat=seat), notify, stored, whole)
    try:
        return await crew.work(work, [one for one in others if one.provider in providers])
    finally:
        if seat and shared:
            await seat.leave()
            await shared.close()
        for provider in providers.values():
            await provider.close()


def _note_kept(plan: Plan, journal: Journal) -> None:
    """Of a clip that was kept right before its render was killed, the journal doesn't know yet that it is here."""
    kept = {step.key for step in plan.steps if step.record and step.job and not step.job.local}
    with suppress(Taken, Unreadable, Unwritable):
        for one in journal.open() if kept else ():
            if one.key in kept:
                journal.store(one)


class _Crew:
    """The tasks of one render."""

    def __init__(
        self,
        plan: Plan,
        providers: Mapping[str, Provider],
        store: Store,
        buyer: Buyer,
        notify: Callable[[Event], None],
        stored: Callable[[Step], None],
        whole: Callable[[Job], Job],
    ) -> None:
        self._plan = plan
        self._providers = providers
        self._store = store
        self._buyer = buyer
        self._notify = notify
        self._stored = stored
        self._whole = whole
        self._ended: dict[str, asyncio.Event] = {}
        self._terms = buyer.terms
        self._makers = {name: one for name, one in providers.items() if isinstance(one, Maker)}
        self._sellers = {name: one for name, one in providers.items() if isinstance(one, Seller)}
        self._turns = {name: asyncio.Semaphore(provider.limit.concurrent) for name, provider in providers.items()}
        self._made: dict[str, Result] = {}
        self._late: set[str] = set()

    async def work(self, todo: Mapping[str, tuple[Step, Job]], others: Collection[Purchase]) -> list[Result]:
        sizes = {key: self._providers[job.provider].work(job) for key, (_, job) in todo.items()}
        self._notify(Planned(len(todo), sum(sizes.values()), self._plan.known_cost))
        self._ended = {key: asyncio.Event() for key in todo}
        # What was bought comes first, as it costs nothing more; then the longest, so that the makespan is at most 4/3
        # of the best (Graham 1969).
        order = sorted(todo, key=lambda key: (todo[key][0].state == "submit", -sizes[key]))
        tasks = {asyncio.create_task(self._one(key, *todo[key])): self._name(todo[key][0]) for key in order}
        tasks |= {asyncio.create_task(self._other(one)): f"{one.shot} ({one.key[:8]})" for one in others}
        owed = self._buyer.seat.shared.owed() if self._buyer.seat else ()
        begun = {*todo, *(one.key for one in others)}
        tasks |= {asyncio.create_task(self._tell(key[:8], key)): key[:8] for key in owed if key not in begun}
        heart = asyncio.create_task(self._stay()) if any(not job.local for _, job in todo.values()) or others else None
        try:
            await self._all(tasks)
        finally:
            if heart is not None:
                heart.cancel()
        return [self._result(step) for step in self._plan.steps]

    async def _all(self, tasks: Mapping["asyncio.Task[None]", str]) -> None:
        """Wait for the tasks, as long as there is time and nobody stops them."""
        pending, stopped, under_way = set(tasks), False, self._buyer.under_way
        end = None if self._terms.seconds is None else self._terms.now() + self._terms.seconds
        try:
            while pending:
                left = None if end is None else max(0.05, end - self._terms.now())
                try:
                    done, pending = await asyncio.wait(pending, timeout=left, return_when=asyncio.FIRST_EXCEPTION)
                except asyncio.CancelledError:
                    if stopped or not under_way:
                        raise
                    stopped = True
                    self._notify(Stopping(dict(under_way)))
                    for task in pending:
                        if tasks[task] not in under_way:
                            task.cancel()
                    continue
                for task in done:
                    if not task.cancelled() and task.exception() is not None:
                        task.result()
                if end is not None and self._terms.now() >= end:
                    for task in pending:  # one that is being submitted is told its id first
                        if under_way.get(tasks[task], "-") != "":
                            self._late |= {tasks[task]} & set(under_way)
                            task.cancel()
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if stopped:
            raise asyncio.CancelledError

    def _name(self, step: Step) -> str:
        """What a step is called where several passes and takes may be under way."""
        return step.name if step.pass_id == self._plan.pass_id else f"{step.name} ({step.pass_id})"

    async def _one(self, key: str, step: Step, job: Job) -> None:
        try:
            self._made[key] = await self._done(step, job)
            if self._made[key].record:
                self._stored(step)
        finally:
            self._ended[key].set()
        await self._tell(self._name(step), step.key)

    async def _tell(self, name: str, key: str | None) -> None:
        """Let others who share a cache have what is here."""
        if self._buyer.seat is None or key is None:
            return
        self._buyer.under_way[name] = "on its way to the shared cache"
        try:
            await self._buyer.seat.tell(name, key)
        finally:
            self._buyer.under_way.pop(name, None)

    async def _done(self, step: Step, job: Job) -> Result:
        if step.key is None:
            return self._failed(step, step.reasons[0])
        ready: Job | None = job
        if derive.needed(job):
            try:
                ready = await self._ready(job)
            except (derive.Unmade, OSError) as error:
                if step.state == "submit":
                    why = error.strerror if isinstance(error, OSError) else None
                    return self._failed(step, f"its inputs can't be made: {why}" if why else str(error))
                ready = None  # it was bought: its files are only needed to send it again
        if (maker := self._makers.get(job.provider)) and ready:
            async with self._turns[job.provider]:
                try:
                    return await self._make(step, step.key, ready, maker)
                except OSError as error:
                    return self._failed(step, f"the clip can't be kept: {error.strerror or error}")
        return await self._buy(step, step.key, ready, self._sellers[job.provider], self._turns[job.provider])

    async def _ready(self, job: Job) -> Job:
        """The job with its files, once the clips that it waits for are there.

        Raises:
            Unmade: one of them could not be had.
        """
        for producer in job.producers:
            key = producer.key or ""
            if key in self._ended:
                await self._ended[key].wait()
                if key not in self._made or self._made[key].record is None:
                    state = self._made[key].state if key in self._made else "failed"
                    raise derive.Unmade(f"it waits for {producer.shot} ({producer.pass_id}), which is {state}")
        return await asyncio.to_thread(self._whole, job)

    async def _buy(self, step: Step, key: str, job: Job | None, seller: Seller, turn: asyncio.Semaphore) -> Result:
        order = None
        if step.state == "submit" and job is not None:
            ceilings = self._terms.ceiling, self._terms.budget
            order = Order(job, step.shot, step.pass_id, self._terms.run, step.anew, *ceilings)
        got = await self._buyer.clip(self._name(step), key, order, seller, turn, job)
        return self._told(step, got)

    def _told(self, step: Step, got: Bought) -> Result:
        name = self._name(step)
        self._notify(Finished(name, got.error, held=got.state == "held"))
        for note in got.notes:
            self._notify(Noted(f"{name}: {note}"))
        return Result(step, got.state, got.record, got.error or None, got.cost)

    async def _other(self, one: Purchase) -> None:
        """Fetch what was bought for an earlier version of the film."""
        if (seller := self._sellers.get(one.provider)) is None:
            return
        name = f"{one.shot} ({one.key[:8]})"
        try:
            seller.work(one.job)
        except KeyError:
            self._notify(Noted(f"{one.shot}: {one.model} is in no catalogue any more, so {one.shown} isn't fetched"))
            return
        got = await self._buyer.clip(name, one.key, None, seller, self._turns[one.provider])
        self._notify(Finished(name, got.error, held=got.state == "held"))
        if got.record:
            self._notify(Noted(f"{one.shot}: what was bought as {one.shown or 'lost'} is fetched"))
        await self._tell(name, one.key)

    async def _make(self, step: Step, key: str, job: Job, maker: Maker) -> Result:
        """Make a clip here, or wait for whoever is making it and use theirs."""
        while True:
            with self._store.claimed(key) as ours:
                if ours:
                    found = self._store.find(key)
                    if isinstance(found, Record):
                        self._notify(Finished(self._name(step)))
                        return Result(step, "cached", found)
                    return await self._made_here(step, key, job, maker)
            await self._terms.sleep(LOOK_AGAIN)

    async def _made_here(self, step: Step, key: str, job: Job, maker: Maker) -> Result:
        name = self._name(step)
        self._notify(Started(name, "rendering", maker.work(job)))
        try:
            with self._store.workspace() as folder:
                clip = folder / "clip.mp4"

                def progress(done: int, doing: str = "") -> None:
                    self._notify(Advanced(name, done, doing))

                told = await maker.make(job, clip, progress)
                at = timing.moment(round(self._terms.wall() * 1000))
                facts: dict[str, Any] = facts_of(job, at) | {"clip": probed(clip), **told}
                record = await asyncio.to_thread(self._store.put, key, {"clip": clip}, facts)
        except (ClipFailed, MediaError) as error:
            return self._failed(step, str(error))
        self._notify(Finished(name))
        return Result(step, "done", record)

    def _failed(self, step: Step, error: str) -> Result:
        self._notify(Finished(self._name(step), error))
        return Result(step, "failed", error=error)

    def _result(self, step: Step) -> Result:
        if step.waits and step.job:
            result = self._made.get(step.place)
            if result is None and step.job.provider not in self._providers:
                return Result(step, "held", error="; ".join(step.reasons))
            if result is None:
                sent = step.state != "submit" or self._name(step) in self._late
                booked = sent and step.state == "submit" and step.job.cost
                return Result(step, "held" if sent else "failed", error=_LATE, cost=booked or money.FREE)
            return result if result.step is step else Result(step, result.state, result.record, result.error)
        if step.state == "blocked":
            return Result(step, "failed", error="; ".join(step.reasons))
        return Result(step, "cached" if step.state == "cached" else "skipped", step.record)

    async def _stay(self) -> None:
        """Signs of life while clips are waited for."""
        while True:
            with suppress(Unwritable):
                self._buyer.journal.stay()
            await self._terms.sleep(self._buyer.journal.lease / 4000)
