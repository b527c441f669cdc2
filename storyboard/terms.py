"""What a render may do to get a clip, and what became of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from storyboard import money
from storyboard.store import Record

BoughtState = Literal["done", "cached", "failed", "held"]


@dataclass(frozen=True)
class Bought:
    """What became of one purchase. `cost` is what this render booked for it."""

    state: BoughtState
    record: Record | None = None
    error: str = ""
    cost: Decimal = money.FREE
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Terms:
    """What a render may do.

    Attributes:
        run: Its number in the journal.
        ceiling, budget: US dollars that it, and all renders together, may book.
        settle: Seconds after a lost answer before the service's list is trusted to show the job.
        seconds: How long it may wait in all; None for as long as it takes.
        wall, sleep, now: Seconds since 1970; waits for seconds; a monotonic clock.
    """

    run: int
    wall: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    now: Callable[[], float]
    ceiling: Decimal | None = None
    budget: Decimal | None = None
    settle: float = 45.0
    seconds: float | None = None
