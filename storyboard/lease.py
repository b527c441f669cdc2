"""The purchase lock of seats that share a cache: `lease/<key>`, which one of them creates, and removes when it is done.

A seat is a store: two renders on one store are kept apart by its journal. The holder raises a counter while it is at
it, so that others can tell one who works from one who is gone, without comparing clocks.
"""

import asyncio
import json
import os
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from storyboard import atomic, digest, timing
from storyboard.remote import Locking, Oversized, ReadOnly, Unreachable

FORMAT = 1
MOST = 4096
"""Bytes of a lease."""
TRIES = 5
"""How often it is tried to create one that others create and remove meanwhile."""


@dataclass(frozen=True)
class Pace:
    """Seconds: between two signs of life; for which a holder may give none before it counts as gone; between two looks
    at somebody else's purchase, at first and later.
    """

    beat: float = 20.0
    still: float = 120.0
    look: float = 2.0
    seldom: float = 15.0


class Lease(NamedTuple):
    """Who is buying a key: a seat, its user's name, when it began (ISO 8601, UTC), and how often it told so since."""

    seat: str
    who: str
    since: str
    beats: int

    @property
    def data(self) -> bytes:
        """As it is kept."""
        return digest.canonical({"format": FORMAT, **self._asdict()})

    @property
    def told(self) -> str:
        """In words."""
        return f"{self.who} began to buy it{f' on {self.since}' if self.since else ''}"


def read(data: bytes) -> Lease:
    """A lease as it is kept. One that can't be read is somebody's all the same."""
    try:
        kept = json.loads(data)
        lease = Lease(kept["seat"], kept["who"], kept["since"], kept["beats"])
        if all(isinstance(word, str) and len(word) <= 200 for word in lease[:3]) and type(lease.beats) is int:
            return lease
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    return Lease("", "somebody", "", 0)


def seat_of(store: Path) -> str:
    """What a store is known by: 32 hex digits, from a random file in it and from what tells that from a copy of it.

    A copied or restored store is another seat: two machines that took one for themselves would both buy.
    """
    import fcntl  # noqa: PLC0415 -- a plan takes no seat

    path = atomic.ignored_folder(store) / "seat"
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(handle, "r+b") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        known = stream.read()
        if len(known) != 32:
            stream.seek(0)
            stream.truncate()
            known = os.urandom(16).hex().encode()
            stream.write(known)
            stream.flush()
            os.fsync(stream.fileno())
        found = os.fstat(stream.fileno())
    return digest.sha256(known + f":{found.st_dev}:{found.st_ino}:{found.st_ctime_ns}".encode())[:32]


class Leases:
    """The leases of one render. `wall` and `now` are the time of day and a monotonic clock, in seconds.

    Every method that asks raises `Unreachable` where the remote can't be asked.
    """

    def __init__(
        self,
        remote: Locking,
        store: Path,
        who: str,
        wall: Callable[[], float],
        now: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        pace: Pace,
    ) -> None:
        self.pace = pace
        self._remote = remote
        self._store = store
        self._who = who[:100]
        self._wall = wall
        self._now = now
        self._sleep = sleep
        self._seat = ""
        self._sure: dict[str, tuple[float, float]] = {}
        self._told: dict[str, Lease] = {}
        self._beats: dict[str, asyncio.Task[None]] = {}
        self._writing = defaultdict[str, asyncio.Lock](asyncio.Lock)

    @property
    def seat(self) -> str:
        """This store's."""
        self._seat = self._seat or seat_of(self._store)
        return self._seat

    @property
    def mine(self) -> list[str]:
        """The keys whose leases this render holds."""
        return list(self._beats)

    async def look(self, key: str) -> Lease | None:
        """Who is buying a key; None for nobody."""
        try:
            data = await self._remote.read(f"lease/{key}", MOST)
        except Oversized:
            data = b"no lease"
        return None if data is None else read(data)

    async def claim(self, key: str) -> Lease | None:
        """Somebody else's lease; None where it is ours, which it stays, with signs of life, until it is released.

        Raises:
            ReadOnly: nobody has it, and we can't.
        """
        for _ in range(TRIES):
            asked = self._now(), self._wall()
            lease = Lease(self.seat, self._who, timing.moment(round(asked[1] * 1000)), 0)
            try:
                ours = await self._remote.create(f"lease/{key}", lease.data)
            except ReadOnly:
                there = await self.look(key)
                if there is None:
                    raise
                return there
            if not ours:
                there = await self.look(key)
                if there is None:
                    continue
                if there.seat != self.seat:
                    return there
                lease = there
            self._sure[key], self._told[key] = asked, lease
            if key not in self._beats:
                self._beats[key] = asyncio.create_task(self._beat(key))
            return None
        raise Unreachable(f"{self._remote.shown} can't say who buys {key[:8]}")

    def sure(self, key: str) -> bool:
        """Whether the lease was ours so lately that nobody can have taken it over: after a pause it may have been."""
        if key not in self._sure:
            return False
        now, wall = self._sure[key]
        return max(self._now() - now, self._wall() - wall) < self.pace.still / 2

    async def release(self, key: str) -> None:
        """Remove the lease, if it is ours."""
        async with self._writing[key]:  # no sign of life may come after
            self.leave(key)
            there = await self.look(key)
            if there is not None and there.seat == self.seat:
                await self._remote.delete(f"lease/{key}")

    def leave(self, key: str) -> None:
        """Give no more signs of life; the lease stays, as this seat may have bought it."""
        self._forget(key)
        beat = self._beats.pop(key, None)
        if beat is not None:
            beat.cancel()

    async def unlock(self, key: str) -> None:
        """Remove the lease, whosever it is."""
        await self._remote.delete(f"lease/{key}")

    async def _beat(self, key: str) -> None:
        while True:
            await self._sleep(self.pace.beat)
            async with self._writing[key]:
                asked, told = (self._now(), self._wall()), self._told[key]
                more = told._replace(beats=told.beats + 1)
                try:
                    ours = await self._remote.replace(f"lease/{key}", told.data, more.data)
                except Unreachable:
                    continue
                if not ours:  # somebody unlocked it, and may have it by now
                    self._forget(key)
                    self._beats.pop(key, None)
                    return
                self._sure[key], self._told[key] = asked, more

    def _forget(self, key: str) -> None:
        self._sure.pop(key, None)
        self._told.pop(key, None)
