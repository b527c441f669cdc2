"""Purchases that need a word: what is known of each, and what is decided. Buys nothing; fetches what was bought."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from storyboard import interrupt
from storyboard.buy import Found, Terms, look_for
from storyboard.catalog import Model
from storyboard.event import Event, Noted, ignore
from storyboard.execute import execute
from storyboard.journal import Journal, Taken
from storyboard.ledger import Difference, differences
from storyboard.plan import Plan
from storyboard.providers import ClipHeld, Lists, Provider, Seller, Sighting, Ticket
from storyboard.purchase import BOUGHT, HELD, Purchase, bought
from storyboard.reconcile import candidates, window
from storyboard.shared import Shared
from storyboard.store import Record, Store

__all__ = ["Case", "NotAdopted", "Taken"]

Decision = Literal["adopt", "buy-again", "give-up"]
SOON = 86400
"""Seconds before a clip's end when it is warned of."""


class NotAdopted(Exception):
    """An id can't be taken for a purchase's; the message says why."""


@dataclass(frozen=True)
class Case:
    """One purchase, with the jobs at its service that could be it, or why they aren't known."""

    one: Purchase
    seen: tuple[Sighting, ...] = ()
    note: str = ""

    @property
    def held(self) -> bool:
        """Whether it can't go on without a decision."""
        return self.one.state in HELD or self.one.state == "intent"


def pending(journal: Journal) -> list[Purchase]:
    """What was bought, or may have been, and isn't settled: the last purchases of their keys, but those that a render
    is at.
    """
    waiting = {*HELD, *BOUGHT, "intent", "moderated", "given up"}
    return [one for one in journal.latest().values() if one.state in waiting and not journal.busy(one)]


def cases(journal: Journal, purchases: Sequence[Purchase], sellers: Mapping[str, Provider]) -> list[Case]:
    """The evidence for each."""

    async def ask() -> list[Case]:
        try:
            return [await _case(journal, one, sellers.get(one.provider)) for one in purchases]
        finally:
            for seller in sellers.values():
                await seller.close()

    return interrupt.run(ask())


async def _case(journal: Journal, one: Purchase, seller: Provider | None) -> Case:
    if one.ticket is not None or one.intended is None or one.state not in {"lost", "intent", "given up"}:
        return Case(one)
    if seller is None:
        return Case(one, note=f"{one.provider} can't be asked")
    if not isinstance(seller, Lists):
        return Case(one, note=f"{one.provider} has no list to look for it: look into the account")
    known = {other.shown for other in journal.all() if other.number != one.number and other.ticket is not None}
    try:
        seen = await seller.sightings(one.model, *window(one))
    except ClipHeld as error:
        return Case(one, note=str(error))
    return Case(one, tuple(candidates(one, seen, known)))


def adopt(journal: Journal, one: Purchase, identity: str, seller: Provider | None) -> Purchase:
    """Take a job that the service knows for a purchase's.

    Raises:
        NotAdopted: it doesn't know it, can't be asked, or the id is another purchase's.
    """
    if not isinstance(seller, Seller):
        raise NotAdopted(f"{one.provider} can't be asked about {identity}")

    async def look() -> bool:
        try:
            status = await seller.look(one.job, Ticket(identity))
        finally:
            await seller.close()
        if status is None:
            raise NotAdopted(f"{seller.title} can't be asked about {identity} now")
        return status.state != "expired"

    if not interrupt.run(look()):
        raise NotAdopted(f"{seller.title} knows no job {identity}")
    try:
        return journal.adopt(_lost(journal, one), identity, "adopted by hand")
    except Taken as taken:
        raise NotAdopted(str(taken)) from taken


def decide(journal: Journal, one: Purchase, decision: Literal["buy-again", "give-up"]) -> Purchase:
    """Allow a purchase to be made anew, or give it up.

    Raises:
        Taken: a render has it.
    """
    if decision == "buy-again":
        return journal.settle(_lost(journal, one), "waived", "it may be bought again")
    return journal.settle(_lost(journal, one), "given up", "given up")


def by_policy(
    journal: Journal,
    purchases: Sequence[Purchase],
    sellers: Mapping[str, Provider],
    terms: Terms,
    decision: Decision,
    after: float,
    notify: Callable[[Event], None] = ignore,
) -> list[Purchase]:
    """Settle what is held without asking: adopt where there is no doubt; else, once `after` seconds have passed,
    what `decision` says. What became of each.
    """

    async def settle() -> list[Purchase]:
        settled = []
        for one in purchases:
            seller = sellers.get(one.provider)
            found = Found("")
            if one.state in {"lost", "intent"} and isinstance(seller, Lists):
                with suppress(ClipHeld):
                    found = await look_for(journal, one, seller, terms, lambda _done, _doing="": None)
            since = (one.answered or one.intended or one.reserved) / 1000
            if found.id:
                one = journal.adopt(_lost(journal, one), found.id, "found in the service's list")  # noqa: PLW2901
                notify(Noted(f"{one.shot}: found as {found.id}"))
            elif decision != "adopt" and terms.wall() - since >= after:
                one = decide(journal, one, decision)  # noqa: PLW2901
            settled.append(one)
        for seller in sellers.values():
            await seller.close()
        return settled

    return interrupt.run(settle())


def audit(journal: Journal, sellers: Mapping[str, Provider], terms: Terms, since: float) -> list[Difference]:
    """Every difference between the journal and the bills of the services that tell them, in the last `since` seconds.
    Refunds are booked.

    Raises:
        ClipHeld: a service can't be asked.
    """

    async def ask() -> list[Difference]:
        found, now = [], terms.wall()
        for name, seller in sellers.items():
            if isinstance(seller, Lists):
                ours = [one for one in bought(journal.all()) if one.provider == name]
                ours = [one for one in ours if (one.intended or one.reserved) / 1000 >= now - since]
                seen = await seller.sightings("", now - since, now, bills=True)
                refunded = {one.id for one in seen if one.refunded}
                found += differences(ours, seen)
                for one in ours:
                    if one.shown in refunded and one.booked != 0:
                        journal.refund(one, "the service gave the money back")
            await seller.close()
        return found

    return interrupt.run(ask())


def _lost(journal: Journal, one: Purchase) -> Purchase:
    if one.state != "intent":
        return one
    taken = journal.claim(one.key, None)
    if taken is None or taken.state != "intent":
        raise Taken(f"{one.shot}: a render is at it")
    return journal.lose(taken, "the render ended while it was being submitted", answered=False)


def fetchable(journal: Journal, store: Store, kept: Callable[[Purchase], bool]) -> list[Purchase]:
    """What was bought, isn't in the store, and can perhaps still be had: by id, or after a look into the list."""
    found = []
    for one in journal.latest().values():
        lost = one.state in {"lost", "intent"} and not journal.busy(one)
        missing = one.state == "stored" and kept(one) and not isinstance(store.find(one.key), Record)
        if one.state in BOUGHT or lost or missing:
            found.append(one)
    return found


def ending(journal: Journal, models: Mapping[str, Model], wall: float) -> list[tuple[Purchase, int]]:
    """What was bought and isn't fetched, with the seconds for which its service still keeps it: a day at most."""
    now = int(wall * 1000)
    left = [(one, one.left(models[one.model].kept, now)) for one in journal.open() if one.model in models]
    return [(one, seconds) for one, seconds in left if seconds <= SOON]


def recover(
    journal: Journal,
    store: Store,
    purchases: Sequence[Purchase],
    sellers: Mapping[str, Provider],
    terms: Terms,
    notify: Callable[[Event], None],
    shared: Shared | None = None,
) -> list[Purchase]:
    """Fetch purchases by their ids, and let others who share a cache have them; those that could not be had."""
    nothing = Plan("", "", ())
    work = execute(nothing, purchases, sellers, store, journal, terms, notify, lambda _step: None, shared=shared)
    interrupt.run(work)
    return [one for one in purchases if not isinstance(store.find(one.key), Record)]
