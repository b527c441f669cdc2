"""One clip bought: reserved, written down, sent once, written down again, waited for, and kept.

The only place that submits. What it may spend is reserved in the same transaction that checks the ceilings, before
anything is sent; only a definite refusal frees it. Whatever happens in between, the journal says what to do next.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from storyboard import digest, money, timing
from storyboard.changes import facts_of
from storyboard.event import Advanced, Event, Noted, Spent, Started
from storyboard.job import Job
from storyboard.journal import Journal, Order, OverCeiling, Taken, Unreadable, Unwritable
from storyboard.providers import Lists, Seller, Ticket
from storyboard.providers.failure import ClipFailed, ClipHeld
from storyboard.purchase import BOUGHT, Purchase, State
from storyboard.reconcile import candidates, match, window
from storyboard.seat import Elsewhere, Seat, Unsure
from storyboard.shared import probed
from storyboard.store import Record, Store
from storyboard.terms import Bought, Terms

__all__ = ["LOOK_AGAIN", "Bought", "Buyer", "Found", "Terms", "look_for", "probed"]

LOOK_AGAIN, SELDOM = 0.2, 2.0
"""Seconds between two looks at a clip that another render is making, at first and later."""
REPEATABLE = 3_600_000
"""Milliseconds for which a service is trusted to recognise a repeated submit."""
LOOKS = 30
"""How often a lost purchase is looked for while others, that it could be taken for, are being sent."""
WRITES = 5
"""How often it is tried to write down an id."""


@dataclass
class Buyer:
    """Buys for one render. `under_way` names what was sent and isn't here yet: shot -> id, "" while there is none.
    `seat` is its place among others who share a cache.
    """

    journal: Journal
    store: Store
    terms: Terms
    notify: Callable[[Event], None]
    under_way: dict[str, str] = field(default_factory=dict)
    seat: Seat | None = None

    async def clip(
        self,
        shot: str,
        key: str,
        order: Order | None,
        seller: Seller,
        turn: asyncio.Semaphore,
        job: Job | None = None,
    ) -> Bought:
        """Get a key's clip: from the store, from whoever is at it, by the id that it was bought under, or, where
        `order` says so, by buying it. `job` has its files, which the journal doesn't know.
        """
        pause = LOOK_AGAIN
        while True:
            one = None
            try:
                if order is None:
                    one = self.journal.claim(key, None)
                    if one is not None:
                        return self._let_go(one, await self._go_on(shot, one, seller, turn, job))
                else:
                    async with turn:
                        one = self.journal.claim(key, order)
                        if one is not None:
                            return self._let_go(one, await self._go_on(shot, one, seller, _Free(), order.job))
            except OverCeiling as error:
                return Bought("failed", error=f"{error}: it wasn't sent")
            except Taken:
                pass
            except Elsewhere as other:
                if got := await self._from_elsewhere(one, other):
                    return got
                continue
            except Unwritable as error:
                if one is not None and one.state != "reserved":  # an earlier render may have bought it
                    return Bought("held", error=str(error))
                return Bought("failed", error=f"{error}; nothing was sent")
            except Unreadable as error:
                return Bought("held", error=str(error))
            await self.terms.sleep(pause)
            pause = min(SELDOM, pause * 1.3)

    async def _go_on(
        self, shot: str, one: Purchase, seller: Seller, turn: "asyncio.Semaphore | _Free", job: Job | None = None
    ) -> Bought:
        """From where a purchase stands to its clip."""
        found = self.store.find(one.key)
        if isinstance(found, Record):
            if one.state in BOUGHT:
                self.journal.store(one)
            elif one.state == "reserved":
                self.journal.refuse(one, "dropped", "its clip was there")
            return Bought("cached", found)
        whole = job is not None  # with its files, without which it can't be sent
        job = job or one.job
        try:
            match one.state:
                case "reserved":
                    return await self._claimed(one) or await self._buy(shot, one, job, seller)
                case "intent":
                    sent = one.intended or 0
                    if seller.idempotent and self.terms.wall() * 1000 - sent < REPEATABLE:
                        if not whole:
                            return Bought("held", error="a render of its shot sends it again, as the same purchase")
                        if trouble := await self.seat.hold(one) if self.seat else "":
                            return Bought("held", error=f"it may have been bought before, and now {trouble}")
                        async with turn:
                            return await self._buy(shot, one, job, seller)
                    one = self.journal.lose(one, "the render ended while it was being submitted", answered=False)
                    return await self._reconcile(shot, one, seller, turn)
                case "accepted" | "completed" | "stored":
                    if self.seat and one.state in BOUGHT:
                        await self.seat.hold(one)
                    async with turn:
                        self.notify(Started(shot, "rendering", seller.work(job)))
                        return await self._collect(shot, one, job, seller)
                case "lost":
                    return await self._reconcile(shot, one, seller, turn)
                case "gone":
                    status = await seller.look(job, Ticket(one.ticket, one.facts))
                    if status is None or status.state == "expired":
                        return Bought("held", error=one.reason)
                    one = self.journal.adopt(one, one.ticket, f"{seller.title} knows it again")
                    async with turn:
                        return await self._collect(shot, one, job, seller)
                case _:
                    return Bought("failed", error=one.reason or one.state)
        finally:
            self.under_way.pop(shot, None)

    async def _claimed(self, one: Purchase) -> Bought | None:
        """Where a cache is shared, make the purchase this seat's alone, or use what somebody made meanwhile."""
        if self.seat is None:
            return None
        try:
            found = await self.seat.claim(one)
        except Unsure as error:
            self._drop(one, str(error))
            return Bought("failed", error=str(error))
        except BaseException as error:
            self._drop(one, str(error))
            raise
        if found is None:
            return None
        self._drop(one, "its clip was in the shared cache")
        return Bought("cached", found)

    async def _from_elsewhere(self, one: Purchase | None, other: Elsewhere) -> Bought | None:
        """What another seat buys; None where it let go of it."""
        assert one
        assert self.seat
        found = await self.seat.wait(one, other.lease)
        if isinstance(found, str):
            return Bought("held", error=found)
        return Bought("cached", found) if found else None

    async def _buy(self, shot: str, one: Purchase, job: Job, seller: Seller) -> Bought:
        self.notify(Started(shot, "rendering", seller.work(job)))
        progress = self._progress(shot)
        sent = one.state == "intent"  # by a render that died, perhaps: then no trouble of this one says that it wasn't
        try:
            body = await seller.prepare(job, progress)
        except (ClipFailed, asyncio.CancelledError) as error:
            if sent and isinstance(error, ClipFailed):
                return Bought("held", error=f"it may have been bought before the last render ended, and now {error}")
            self._drop(one, str(error))
            if isinstance(error, ClipFailed):
                return Bought("failed", error=str(error))
            raise
        except BaseException as error:
            self._drop(one, repr(error))
            raise
        nonce = digest.sha256(f"{one.key}:{one.attempt}".encode())[:40]
        try:
            one = self.journal.intend(one)
        except Unwritable as error:  # what isn't written wholly may be there all the same
            self._drop(one, str(error))
            raise
        self.under_way[shot] = ""
        spent = money.FREE if sent else one.booked or money.FREE  # what is sent again was booked by the first render
        self.notify(Spent(spent))
        try:
            ticket = await seller.submit(job, body, nonce, self._still(one), progress)
        except ClipHeld as error:
            self._lose(one, str(error))
            return Bought("held", error=str(error), cost=spent)
        except ClipFailed as error:
            if sent:
                self._lose(one, f"it may have been bought before the last render ended, and now {error}")
                return Bought("held", error=str(error))
            to: State = "moderated" if error.moderated else "unsent" if error.unsent else "rejected"
            try:
                self.journal.refuse(one, to, str(error))
            except Unwritable as failure:  # the intent stands: to the next render it may have been bought
                return Bought("held", error=f"{error}; but {failure}", cost=spent)
            self.notify(Spent(-spent))
            return Bought("failed", error=str(error))
        except (Taken, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 -- whatever it is, the request may have left
            self._lose(one, repr(error))
            return Bought("held", error=f"{seller.title} may have accepted it: {error!r}", cost=spent)
        shown = ticket.shown
        self.under_way[shot] = shown
        try:
            one = await self._accepted(one, ticket)
        except Unwritable as error:
            message = f"{seller.title} accepted it (id {shown}), but {error}; 'resolve --adopt {shown}' takes it up"
            return Bought("held", error=message, cost=spent)
        done = await self._collect(shot, one, job, seller)
        return Bought(done.state, done.record, done.error, spent, done.notes)

    def _still(self, one: Purchase) -> Callable[[], None]:
        """Asked each time that a request is about to leave, whether it still may."""
        left = False

        def still() -> None:
            nonlocal left
            self.journal.require(one)
            if self.seat and not left and not self.seat.sure(one):
                raise ClipFailed("whether another seat took it over isn't known; nothing was sent", unsent=True)
            left = True

        return still

    async def _accepted(self, one: Purchase, ticket: Ticket) -> Purchase:
        for attempt in range(WRITES):
            try:
                return self.journal.accept(one, ticket.id, ticket.facts)
            except Unwritable:
                if attempt == WRITES - 1:
                    raise
                await self.terms.sleep(0.5)
        raise AssertionError

    async def _collect(self, shot: str, one: Purchase, job: Job, seller: Seller) -> Bought:
        ticket = Ticket(one.ticket, one.facts)
        self.under_way[shot] = one.shown

        def completed() -> None:
            nonlocal one
            if one.state in BOUGHT:
                one = self.journal.complete(one)

        try:
            with self.store.workspace() as folder:
                clip = folder / "clip.mp4"
                told = await seller.collect(job, ticket, clip, self._progress(shot), completed)
                record = await self._kept(one, seller, clip, self._facts(one, job) | {"clip": probed(clip), **told})
        except ClipHeld as error:
            if error.gone:
                self._fail(one, "gone", str(error))
            return Bought("held", error=str(error))
        except ClipFailed as error:
            self._fail(one, "moderated" if error.moderated else "failed", str(error))
            return Bought("failed", error=str(error))
        except (Taken, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 -- whatever it is, it costs this shot only, and the clip is paid for
            message = f"{seller.title} accepted it (id {one.shown}), but its clip can't be had: {error!r}"
            return Bought("held", error=message)
        try:
            self.journal.store(one)
        except Unwritable as error:  # the clip is here; the next render will see that
            return Bought("done", record, notes=(*told.get("differs", ()), str(error)))
        return Bought("done", record, notes=tuple(told.get("differs", ())))

    async def _kept(self, one: Purchase, seller: Seller, clip: Path, facts: Mapping[str, Any]) -> Record:
        try:
            return await asyncio.to_thread(self.store.put, one.key, {"clip": clip}, facts)
        except OSError as error:
            reason = error.strerror or str(error)
            message = f"{seller.title} made it (id {one.shown}), but the clip can't be kept: {reason}"
            raise ClipHeld(message, accepted=True) from error

    async def _reconcile(self, shot: str, one: Purchase, seller: Seller, turn: "asyncio.Semaphore | _Free") -> Bought:
        """Look for a lost purchase at the service, and take it up where there is no doubt."""
        if not isinstance(seller, Lists):
            return Bought("held", error=f"{one.reason}; {seller.title} has no list to look for it")
        try:
            found = await look_for(self.journal, one, seller, self.terms, self._progress(shot))
        except ClipHeld as error:
            return Bought("held", error=f"{one.reason}; {error}")
        if not found.id:
            return Bought("held", error=f"{one.reason}; {found.why}; 'storyboard resolve {shot}' settles it")
        one = self.journal.adopt(one, found.id, f"found in {seller.title}'s list")
        self.notify(Noted(f"{shot}: the lost answer is found: {seller.title} knows it as {found.id}"))
        async with turn:
            self.notify(Started(shot, "rendering", seller.work(one.job)))
            return await self._collect(shot, one, one.job, seller)

    # -- what must not stop the rest

    def _let_go(self, one: Purchase, got: Bought) -> Bought:
        if got.state == "held":  # else two renders that each gave a clip up could wait for each other for ever
            with suppress(Unwritable):
                self.journal.let_go(one)
        return got

    def _drop(self, one: Purchase, reason: str) -> None:
        if one.state != "reserved":  # it may have been sent
            return
        try:
            self.journal.refuse(one, "dropped", reason or "the render was stopped before it was sent")
        except (Taken, Unwritable):
            return

    def _lose(self, one: Purchase, reason: str) -> None:
        try:
            self.journal.lose(one, reason)
        except (Taken, Unwritable):  # the intent stands, which says the same
            return

    def _fail(self, one: Purchase, to: Literal["failed", "moderated", "gone"], reason: str) -> None:
        try:
            self.journal.fail(one, to, reason)
        except Unwritable:
            return

    def _facts(self, one: Purchase, job: Job) -> dict[str, Any]:
        return facts_of(job, timing.moment(one.accepted or one.reserved), one.shown)

    def _progress(self, shot: str) -> "_Told":
        return _Told(shot, self.notify)


@dataclass(frozen=True)
class _Told:
    shot: str
    notify: Callable[[Event], None]

    def __call__(self, done: int, doing: str = "") -> None:
        self.notify(Advanced(self.shot, done, doing))


class _Free:
    """A turn that one has already."""

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, *_: object) -> None:
        return None


@dataclass(frozen=True)
class Found:
    """The id of a lost purchase, or why there is none."""

    id: str
    why: str = ""


async def look_for(journal: Journal, one: Purchase, seller: Any, terms: Terms, progress: _Told) -> Found:
    """Ask a service for a lost purchase, once its list can be trusted.

    Raises:
        ClipHeld: it can't be asked.
    """
    since = (one.answered or one.intended or 0) / 1000
    while (left := since + terms.settle - terms.wall()) > 0:
        progress(0, f"looking for it in {int(left) + 1} s")
        await terms.sleep(min(left, 1.0))
    progress(0, "looking for it")
    for _ in range(LOOKS):
        seen = await seller.sightings(one.model, *window(one))
        known = {other.shown for other in journal.all() if other.number != one.number and other.ticket is not None}
        unsettled = [other for other in journal.unsettled() if other.number != one.number]
        identity = match(one, unsettled, seen, known)
        if identity:
            return Found(identity)
        if not any(other.state == "intent" and candidates(other, seen, known) for other in unsettled):
            break
        await terms.sleep(SELDOM)  # one that is being sent just now is told its id soon, and is no doubt any more
    possible = len(candidates(one, seen, known))
    return Found("", f"{possible or 'no'} job{'s' if possible > 1 else ''} in {seller.title}'s list could be it")
