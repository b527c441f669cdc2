"""Buying beside others who share a cache: what is bought is claimed first, waited for where another seat is at it, and
sent to the others after.

Of two seats one has the lease of a key. It is created before the request leaves, and removed when the clip is in the
shared cache, or when it is certain that nothing was bought; a seat that is killed in between finds the key in its
store's `owed`, and the lease stays until it goes on, or somebody unlocks it.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from storyboard.journal import Journal
from storyboard.lease import Lease
from storyboard.purchase import Purchase, State
from storyboard.remote import ReadOnly, Unreachable
from storyboard.shared import Shared, Wanted
from storyboard.store import Record, Store

OVER: frozenset[State] = frozenset({"reserved", "rejected", "unsent", "dropped", "failed", "moderated"})
"""Nothing is to come of such a purchase, unless a render is at it."""
OFFLINE = "'--offline' buys it all the same"


class Elsewhere(Exception):
    """Another seat is buying it."""

    def __init__(self, lease: Lease) -> None:
        super().__init__(lease.told)
        self.lease = lease


class Unsure(Exception):
    """It isn't known whether another seat is buying it; the message says why. Nothing was sent."""


@dataclass(frozen=True)
class Seat:
    """One render's seat at a shared cache. `sleep` waits for seconds, `now` is a monotonic clock."""

    shared: Shared
    store: Store
    journal: Journal
    sleep: Callable[[float], Awaitable[None]]
    now: Callable[[], float]

    async def claim(self, one: Purchase) -> Record | None:
        """Make a reserved purchase this seat's alone. The clip comes back where somebody sent it since it was missed.

        Raises:
            Elsewhere: another seat is buying it.
            Unsure: that can't be asked.
        """
        shared, leases = self.shared, self.shared.leases
        try:
            shared.owe(one.key)
        except OSError as error:
            raise Unsure(f"the store can't be written: {error.strerror or error}; nothing was sent") from error
        try:
            theirs = await leases.claim(one.key) if leases else None
            if theirs is not None:
                shared.settled(one.key)
                raise Elsewhere(theirs)
        except ReadOnly as error:  # nobody has it, and who may only read can tell nobody
            shared.note(f"{error}: another seat may buy the same at the same time")
        except Unreachable as error:
            raise Unsure(f"{error}, so another seat may be buying it; nothing was sent; {OFFLINE}") from error
        try:
            found = await shared.fetch(one.key, Wanted(one.shot))
        except Unreachable as error:
            if leases:
                raise Unsure(f"{error}, which may have it by now; nothing was sent; {OFFLINE}") from error
            shared.note(f"{error}; what it hasn't had before is bought")
            return None
        return found if isinstance(found, Record) else None

    async def hold(self, one: Purchase) -> str:
        """Show the others that a purchase of an earlier render is gone on with; in words why it isn't ours alone."""
        if self.shared.leases is None:
            return ""
        with suppress(OSError):
            self.shared.owe(one.key)
        try:
            theirs = await self.shared.leases.claim(one.key)
        except ReadOnly:
            return ""
        except Unreachable as error:
            return str(error)
        return theirs.told if theirs else ""

    def sure(self, one: Purchase) -> bool:
        """Whether a claimed purchase is this seat's alone still; asked right before the request leaves."""
        leases = self.shared.leases
        return leases is None or one.key not in leases.mine or leases.sure(one.key)

    async def wait(self, one: Purchase, lease: Lease) -> Record | str | None:
        """The clip that another seat is buying, once it is there; in words why it is waited for no longer; None where
        that seat let go of it.
        """
        leases, key = self.shared.leases, one.key
        assert leases
        self.shared.note(f"{one.shot}: {lease.told}; its clip is waited for")
        pause, heard, trouble = leases.pace.look, self.now(), ""
        while True:
            await self.sleep(pause)
            pause = min(leases.pace.seldom, pause * 1.3)
            try:
                there = await leases.look(key)  # first: whoever removes it has sent the clip before
                found = await self.shared.fetch(key, Wanted(one.shot))
            except Unreachable as error:
                trouble = f", and {error}"
            else:
                if isinstance(found, Record):
                    return found
                if there is None or there.seat == leases.seat:
                    return None
                if there != lease:
                    lease, heard = there, self.now()
                trouble = ""
            if self.now() - heard > leases.pace.still:
                cure = f"'storyboard cache unlock {one.shot} -p {one.pass_id}' takes it over"
                return f"{lease.told}, and gives no sign of life{trouble}; {cure}"

    async def tell(self, name: str, key: str) -> None:
        """Send a key's clip to the others, and let go of its lease, unless it may have been bought and isn't here."""
        shared, leases = self.shared, self.shared.leases
        here = isinstance(self.store.find(key), Record)
        try:
            if here:
                await shared.push(key)
            elif self._may_come(key):
                return
            if leases and (key in leases.mine or shared.owes(key)):
                await leases.release(key)
            shared.settled(key)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the clip is here
            if here:
                cure = "'storyboard cache push' sends it"
                shared.note(f"{name} is here, and not in the shared cache yet: {error}; {cure}")
        finally:
            if leases:
                leases.leave(key)

    async def leave(self) -> None:
        """Let go of what is held and wasn't bought, when a render ends before its time."""
        leases = self.shared.leases
        for key in leases.mine if leases else ():
            if not isinstance(self.store.find(key), Record):
                await self.tell(key[:8], key)

    def _may_come(self, key: str) -> bool:
        last = self.journal.latest().get(key)
        return last is not None and (last.state not in OVER or self.journal.busy(last))
