"""A world without waiting: an event loop under a virtual clock, processes that are paused and killed, and a shop.

Nothing in it is random but by the seed that it is given, so that whatever goes wrong goes wrong again.
"""

import asyncio
import heapq
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from contextvars import Context, ContextVar
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from storyboard import media
from storyboard.job import Job
from storyboard.providers import ClipFailed, ClipHeld, Limit, Progress, Sighting, Status, Ticket

EPOCH = 1_800_000_000.0
"""The time of day, in seconds since 1970, at which every world begins."""
DAY = 86_400.0
MOMENT = 1e-6
"""Seconds that one turn of the loop takes, so that whoever looks at the clock again and again sees it move."""


class Deadlock(Exception):
    """Nothing is ready and no timer runs; or it goes on and on."""


class Killed(BaseException):
    """The process is dead: nothing that it still tries has any effect."""


class Life:
    """One process. `dies_at` is the point at which it is killed: journal writes and the shop's doors are points."""

    def __init__(self, name: str, dies_at: int = 0) -> None:
        self.name = name
        self.alive = True
        self.until = 0.0
        self.dies_at = dies_at
        self.points = 0
        self.waiting: deque[asyncio.Handle] = deque()
        self.tasks: list[asyncio.Task[Any]] = []

    def point(self) -> None:
        """Where it may be killed, and where a dead one gets no further."""
        if self.alive:
            self.points += 1
            if self.points == self.dies_at:
                self.kill()
        if not self.alive:
            raise Killed(self.name)

    def kill(self) -> None:
        """End it, as SIGKILL does: what it had in memory is gone, and a transaction that it was in is undone."""
        self.alive = False
        for task in self.tasks:
            task.cancel()


LIFE: ContextVar[Life | None] = ContextVar("LIFE", default=None)
"""The process that runs."""


class _Numbered(asyncio.Task[Any]):
    """A task that sets keep in the same order in every run."""

    def __init__(self, number: int, *arguments: Any, **named: Any) -> None:
        self.number = number
        self.life: Life | None = None
        super().__init__(*arguments, **named)

    def __hash__(self) -> int:
        return self.number

    def __eq__(self, other: object) -> bool:
        return self is other


class Loop(asyncio.BaseEventLoop):
    """Time jumps to the next timer when nothing else is ready. What goes to a thread is done at once. A paused
    process does nothing while others go on, and whose turn is first is drawn by `random`.
    """

    def __init__(self, random: Random | None = None, limit: float = DAY) -> None:
        super().__init__()
        self._now = 0.0
        self._limit = limit
        self._random = random
        self._tasks = self._set = 0
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._broken: BaseException | None = None
        self.set_task_factory(self._task)

    def time(self) -> float:
        """Virtual seconds since the beginning."""
        return self._now

    def wall(self) -> float:
        """The virtual time of day."""
        return EPOCH + self._now

    def apart(self, life: Life, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start the process."""
        context = Context()
        context.run(LIFE.set, life)
        return self.create_task(work, context=context)

    def later(self, seconds: float, act: Callable[..., None], *given: Any) -> None:
        """Have something done that no process does."""
        self.call_later(seconds, act, *given, context=Context())

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        """Done at once."""
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 -- whoever waits is told
            done.set_exception(error)
        return done

    def abandon(self) -> None:
        """End every task, after something went wrong."""
        self._broken, self._limit = None, float("inf")
        left = asyncio.all_tasks(self)
        for life in {task.life for task in left if isinstance(task, _Numbered)} - {None}:
            life.alive, life.until = False, 0.0
        for task in left:
            task.cancel()
        with suppress(BaseException):
            self.run_until_complete(asyncio.gather(*left, return_exceptions=True))

    def _task(self, _loop: Any, coroutine: Any, context: Context | None = None) -> asyncio.Task[Any]:
        self._tasks += 1
        task = _Numbered(self._tasks, coroutine, loop=self, context=context)
        task.life = life = context.get(LIFE) if context is not None else LIFE.get()
        if life is not None:
            life.tasks.append(task)
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """What goes wrong in a callback ends everything."""
        self._broken = self._broken or context.get("exception")

    def _write_to_self(self) -> None:
        return

    def call_at(self, when: float, callback: Any, *args: Any, context: Context | None = None) -> asyncio.TimerHandle:
        """Timers of one moment go off in the order in which they were set."""
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        self._set += 1
        heapq.heappush(self._timers, (when, self._set, timer))
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        return

    def _run_once(self) -> None:
        self._now += MOMENT
        timers, ready = self._timers, self._ready  # type: ignore[attr-defined]
        while timers and timers[0][2]._cancelled:
            heapq.heappop(timers)
        if not ready:
            if not timers:
                raise Deadlock("nothing is ready, and no timer runs")
            self._now = max(self._now, timers[0][0])
            if self._now > self._limit:
                raise Deadlock(f"it still goes on after {self._limit} s")
        while timers and timers[0][0] <= self._now:
            ready.append(heapq.heappop(timers)[2])
        if self._random is not None and len(ready) > 1:
            self._draw_turns()
        for _ in range(len(ready)):
            handle = ready.popleft()
            if handle._cancelled:
                continue
            life = handle._context.get(LIFE)
            if life is not None and life.alive and life.until > self._now:
                if not life.waiting:
                    self.call_at(life.until, self._wake, life, context=Context())
                life.waiting.append(handle)
                continue
            handle._run()
            if self._broken is not None:
                raise self._broken
            if self._stopping:  # type: ignore[attr-defined]
                return

    def _draw_turns(self) -> None:
        """Which process goes first; in each of them the order stays."""
        turns = [(handle, handle._context.get(LIFE)) for handle in self._ready]  # type: ignore[attr-defined]
        lives = list(dict.fromkeys(life for _, life in turns))
        if len(lives) > 1:
            assert self._random is not None
            first = {life: self._random.random() for life in lives}
            turns.sort(key=lambda turn: first[turn[1]])
            self._ready.clear()  # type: ignore[attr-defined]
            self._ready.extend(handle for handle, _ in turns)  # type: ignore[attr-defined]

    def _wake(self, life: Life) -> None:
        self._ready.extend(life.waiting)  # type: ignore[attr-defined]
        life.waiting.clear()


def run(loop: Loop, work: Coroutine[Any, Any, Any]) -> Any:
    """Run one thing to its end on a loop, and close that."""
    try:
        return loop.run_until_complete(work)
    except BaseException:
        loop.abandon()
        raise
    finally:
        loop.close()


# -- a shop


def smallest(folder: Path, ffmpeg: Path) -> bytes:
    """A real MP4, as small as they come, as it is probed thousands of times."""
    media.run(ffmpeg, ["-f", "lavfi", "-i", "testsrc2=s=16x16:r=4:d=0.5", "-pix_fmt", "yuv420p", "tiny.mp4"], folder)
    return (folder / "tiny.mp4").read_bytes()


@dataclass
class Entry:
    """A job that the service accepted: its own ledger's line. `price` None is a job without a known price.

    `fate` is how it ends, at `ends`; `listed` is when lists show it; at `gone` it is forgotten. Seconds since 1970.
    """

    id: str
    key: str
    nonce: str
    model: str
    price: Decimal
    created: float
    ends: float
    fate: str
    listed: float
    gone: float | None
    account: str
    by: str
    billed: bool = True
    refunded: bool = False

    @property
    def ours(self) -> bool:
        """Whether one of our own renders bought it."""
        return bool(self.key)


@dataclass(frozen=True)
class Odds:
    """How likely each trouble is, from 0 to 1; `latency` and `lag` are the longest, in seconds."""

    unprepared: float = 0
    unsent: float = 0
    refused: float = 0
    moderated: float = 0
    lost_before: float = 0
    lost_after: float = 0
    fails: float = 0
    moderates: float = 0
    gone: float = 0
    refunds: float = 0
    poll: float = 0
    download: float = 0
    list: float = 0
    unbilled: float = 0
    twin: float = 0
    foreign: float = 0
    slow: float = 0
    latency: float = 20
    lag: float = 0


@dataclass
class Service:
    """The service itself, which outlives every process.

    Attributes:
        ledger: Every job that it accepted, in order.
        charged: Told of each job of ours the moment that it is accepted.
        asked: Told of an id before it is asked about.
        seen: How often each thing happened.
    """

    loop: Loop
    random: Random
    clip: bytes
    odds: Odds
    limit: Limit
    idempotent: bool = False
    accounts: bool = False
    ledger: list[Entry] = field(default_factory=list)
    charged: Callable[[Entry], None] = lambda _entry: None
    asked: Callable[[str], None] = lambda _id: None
    seen: Counter[str] = field(default_factory=Counter)
    begun: deque[float] = field(default_factory=deque)
    quickest: float = 1.0

    def chance(self, odds: float) -> bool:
        """Whether something happens that is so likely."""
        return odds > 0 and self.random.random() < odds

    def arrive(self, job: Job, nonce: str, by: str) -> Entry | str:
        """A request to buy has come: the job, or why it is refused."""
        wall, odds = self.loop.wall(), self.odds
        if self.idempotent:
            known = next((one for one in self.ledger if one.nonce == nonce), None)
            if known is not None:
                self.seen["repeated"] += 1
                return known
        while self.begun and wall - self.begun[0] >= 60:
            self.begun.popleft()
        if len(self.begun) >= self.limit.per_minute:
            return "429"
        if self.chance(odds.moderated):
            return "moderated"
        if self.chance(odds.refused):
            return "400"
        self.begun.append(wall)
        fate = "failed" if self.chance(odds.fails) else "moderated" if self.chance(odds.moderates) else "done"
        ends = wall + self.random.uniform(self.quickest, odds.latency)
        gone = wall + self.random.uniform(0, 2 * odds.latency) if self.chance(odds.gone) else None
        price = job.cost if job.cost is not None else Decimal("0.07")
        one = Entry(
            id=f"job-{len(self.ledger) + 1}",
            key=job.key or "",
            nonce=nonce,
            model=job.model,
            price=price,
            created=wall,
            ends=ends,
            fate=fate,
            listed=wall + self.random.uniform(0, odds.lag),
            gone=gone,
            account="film" if self.accounts else "",
            by=by,
            billed=not self.chance(odds.unbilled),
            refunded=fate == "failed" and self.chance(odds.refunds),
        )
        self.ledger.append(one)
        self.charged(one)
        # Somebody else's job, of the same price at the same moment. It is never in the list without ours: one such job
        # alone, where ours was never accepted, can't be told from ours by anybody (see test_simulation).
        if self.chance(odds.twin) and gone is None and fate == "done":
            self.foreign(one.model, price, one.created, one.listed)
        return one

    def foreign(self, model: str, price: Decimal, created: float, listed: float) -> None:
        """Somebody else with the same account bought something."""
        account = "other" if self.accounts else ""
        identity = f"job-{len(self.ledger) + 1}"
        self.ledger.append(
            Entry(identity, "", "", model, price, created, created, "done", listed, None, account, "somebody")
        )
        self.seen["foreign"] += 1

    def known(self, one: Entry) -> bool:
        """Whether it isn't forgotten."""
        return one.gone is None or self.loop.wall() < one.gone

    def entry(self, identity: str) -> Entry:
        """The job of an id."""
        return self.ledger[int(identity.removeprefix("job-")) - 1]

    def bytes(self, one: Entry) -> bytes:
        """Its clip, which holds its id in a box that players skip."""
        name = one.id.encode()
        return self.clip + (8 + len(name)).to_bytes(4, "big") + b"free" + name


class Shop:
    """One process's client of a service. `Listed` has a list too.

    `at_once` counts what is under way through it, and `most` is the most that ever was.
    """

    title = "The shop"

    def __init__(self, service: Service, life: Life) -> None:
        self._service = service
        self._life = life
        self.idempotent = service.idempotent
        self.at_once = self.most = 0

    @property
    def limit(self) -> Limit:
        """The service's."""
        return self._service.limit

    def require(self, job: Job) -> None:
        """Nothing is missing."""

    def work(self, job: Job) -> int:
        """Typical seconds."""
        return int(self._service.odds.latency)

    async def close(self) -> None:
        """Nothing is open."""

    async def prepare(self, job: Job, progress: Progress) -> Mapping[str, Any]:
        """The request."""
        with _Busy(self):
            await self._pass(0, 1)
            if self._service.chance(self._service.odds.unprepared):
                self._service.seen["unprepared"] += 1
                raise ClipFailed("a reference can't be handed over")
            return dict(job.request)

    async def submit(
        self, job: Job, body: Mapping[str, Any], nonce: str, still: Callable[[], None], progress: Progress
    ) -> Ticket:
        """Buy it."""
        with _Busy(self):
            doubt: ClipHeld | None = None  # once it may have been bought, nothing says any more that it wasn't
            for _ in range(3 if self.idempotent else 1):
                try:
                    return await self._sent(job, nonce, still)
                except ClipHeld as error:
                    doubt = error
                except ClipFailed:
                    if doubt is None:
                        raise
            assert doubt is not None
            raise doubt

    async def _sent(self, job: Job, nonce: str, still: Callable[[], None]) -> Ticket:
        service, odds = self._service, self._service.odds
        await self._pass(0, 20 if service.chance(odds.slow) else 1)
        if service.chance(odds.unsent):
            service.seen["unsent"] += 1
            raise ClipFailed("the shop can't be reached", unsent=True)
        still()
        if service.chance(odds.lost_before):
            service.seen["lost before"] += 1
            await self._pass(0, 5)
            raise ClipHeld("the answer was lost, as was the request")
        # From here on it is under way by itself, whatever becomes of whoever sent it.
        answer: asyncio.Future[Entry | str] = asyncio.get_running_loop().create_future()

        def arrive() -> None:
            found = service.arrive(job, nonce, self._life.name)
            service.loop.later(service.random.uniform(0, 1), tell, found)

        def tell(found: Entry | str) -> None:
            if not answer.done():
                answer.set_result(found)
            elif isinstance(found, Entry):
                service.seen["told to nobody"] += 1

        service.loop.later(service.random.uniform(0, 1), arrive)
        found = await answer
        self._life.point()
        if isinstance(found, str):
            service.seen[found] += 1
            raise ClipFailed(f"the shop refused it: {found}", moderated=found == "moderated")
        if service.chance(odds.lost_after):
            service.seen["lost after"] += 1
            raise ClipHeld("the answer was lost")
        return Ticket(found.id, {"told": "a fact"})

    async def collect(
        self, job: Job, ticket: Ticket, into: Path, progress: Progress, completed: Callable[[], None]
    ) -> Mapping[str, Any]:
        """Wait for it and fetch it."""
        with _Busy(self):
            service, odds, pause, lost = self._service, self._service.odds, 1.0, 0
            service.asked(ticket.id)
            while True:
                await self._pass(pause, pause)
                pause = min(5.0, pause * 1.5)
                if service.chance(odds.poll):
                    service.seen["poll failed"] += 1
                    lost += 1
                    if lost == 3:
                        service.seen["unheard"] += 1
                        raise ClipHeld("it can't be asked about", accepted=True)
                    continue
                one, lost = service.entry(ticket.id), 0
                if not service.known(one):
                    service.seen["gone"] += 1
                    raise ClipHeld("it is no longer known", accepted=True, gone=True)
                if service.loop.wall() >= one.ends:
                    break
            if one.fate != "done":
                service.seen[f"{one.fate} later"] += 1
                raise ClipFailed(f"it {one.fate}", accepted=True, moderated=one.fate == "moderated")
            completed()
            await self._pass(0, 1)
            if service.chance(odds.download):
                service.seen["download failed"] += 1
                raise ClipHeld("its clip can't be fetched", accepted=True)
            into.write_bytes(service.bytes(one))
            return {"provider": {"name": "shop", "id": one.id}}

    async def look(self, job: Job, ticket: Ticket) -> Status | None:
        """One poll."""
        one = self._service.entry(ticket.id)
        if not self._service.known(one):
            return Status("expired", "it is no longer known")
        return Status("done" if self._service.loop.wall() >= one.ends else "running", "as it is")

    async def _pass(self, least: float, most: float) -> None:
        self._life.point()
        await asyncio.sleep(self._service.random.uniform(least, most))
        self._life.point()


class Listed(Shop):
    """A shop with a list of what was bought."""

    async def sightings(self, model: str, after: float, before: float, *, bills: bool = False) -> list[Sighting]:
        """What was bought of a model between two moments, as far as the list shows it by now."""
        service = self._service
        await self._pass(0, 1)
        if service.chance(service.odds.list):
            service.seen["list failed"] += 1
            raise ClipHeld("it can't be asked what was bought")
        found = [
            _sighting(one)
            for one in service.ledger
            if one.model == model and after <= one.created <= before
            if one.listed <= service.loop.wall() and service.known(one)
        ]
        await self._pass(0, 1)  # the answer is older than the moment at which it is read
        return found


def _sighting(one: Entry) -> Sighting:
    price = one.price if one.billed else None
    return Sighting(one.id, one.model.partition("/")[2], one.created, "as it is", price, one.refunded, one.account)


class _Busy:
    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    def __enter__(self) -> None:
        self._shop.at_once += 1
        self._shop.most = max(self._shop.most, self._shop.at_once)

    def __exit__(self, *_: object) -> None:
        self._shop.at_once -= 1
