"""One purchase of a clip, as the journal knows it. A value; moves nothing.

    reserved -> intent -> accepted -> completed -> stored
                  |          `-> failed, moderated, gone
                  `-> lost, rejected, unsent, moderated

`intent` stands on the disk before the request leaves, `accepted` with the service's id before the first poll. Two
renders never hold one key at the same time, and a purchase whose answer was lost is bought again only on consent.
"""

import json
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, NamedTuple, get_args

from storyboard.failure import Unreadable
from storyboard.job import Input, Job, bare

State = Literal[
    "reserved",  # its price counts; nothing was sent
    "intent",  # the request is about to leave, or has
    "accepted",  # the service gave an id
    "completed",  # the service has the clip
    "stored",  # we have it
    "lost",  # the answer was lost: it may have been bought
    "gone",  # bought, and the service no longer knows it
    "failed",  # accepted, and could not be made
    "moderated",  # refused by a moderator, at the door or later
    "rejected",  # refused at the door: nothing was bought
    "unsent",  # no connection was made: nothing was bought
    "dropped",  # reserved by a render that ended before it sent anything
    "given up",  # the user's word: neither look for it nor buy it
    "waived",  # the user's word: it may be bought anew
]
STATES: tuple[State, ...] = get_args(State)
OPEN: frozenset[State] = frozenset({"reserved", "intent", "accepted", "completed"})
"""A render is at it, or was when it was killed."""
BOUGHT: frozenset[State] = frozenset({"accepted", "completed"})
"""Paid for, known by id, and still to be fetched."""
HELD: frozenset[State] = frozenset({"lost", "gone"})
"""Perhaps paid for, and not to be had without a decision."""
UNSETTLED: frozenset[State] = frozenset({"intent", "lost", "given up", "waived"})
"""Sent, perhaps, without an id that we know of."""


class Order(NamedTuple):
    """What may be bought. `anew` allows it though it was bought and stored before; ceilings are US dollars."""

    job: Job
    shot: str
    pass_id: str
    run: int
    anew: bool = False
    ceiling: Decimal | None = None
    budget: Decimal | None = None


class Purchase(NamedTuple):
    """One attempt to buy a key. Times are milliseconds since 1970, None where it hasn't come to that.

    Attributes:
        number: Its place in the journal.
        attempt: 1 for the first purchase of its key.
        what: The job, as JSON.
        price: What the job costs, in US dollars; None where unknown.
        booked: What counts as spent: the price, or nothing once it is certain that nothing was bought.
        ticket: The service's id, whatever JSON that is; None while there is none.
        facts: What the service told when it accepted.
        reason: Why it ended, in words.
        answered: When the request that buys it ended, with or without an answer.
        adopted: Whether its id was found at the service instead of being told in an answer.
        refunded: When the service was seen to have given the money back.
        holder: The render that is at it.
        run: The render that reserved it.
    """

    number: int
    key: str
    attempt: int
    state: State
    what: str
    shot: str
    pass_id: str
    price: Decimal | None
    booked: Decimal | None
    ticket: Any
    facts: dict[str, Any]
    reason: str
    reserved: int
    intended: int | None
    answered: int | None
    accepted: int | None
    completed: int | None
    stored: int | None
    adopted: bool
    refunded: int | None
    holder: str
    run: int

    @property
    def job(self) -> Job:
        """What was bought; its references by their bytes, without the files."""
        return read(self.what, self.key, self.price)

    @property
    def model(self) -> str:
        """The model's id."""
        return str(_loaded(self.what)["model"])

    @property
    def provider(self) -> str:
        """The part of the model's id before the first slash."""
        return self.model.partition("/")[0]

    def left(self, kept: int, now: int) -> int:
        """Seconds for which its service, which keeps clips for `kept` seconds, still has it; `now` in milliseconds."""
        return kept - (now - (self.completed or self.accepted or self.reserved)) // 1000

    @property
    def shown(self) -> str:
        """The service's id for people; "" where there is none."""
        if self.ticket is None or isinstance(self.ticket, str):
            return self.ticket or ""
        return json.dumps(self.ticket, sort_keys=True, ensure_ascii=False)


def written(job: Job) -> str:
    """A job as JSON, from which `read` makes it again."""
    inputs = {name: [bare(given.label), given.sha256, bare(given.url)] for name, given in job.inputs.items()}
    seconds = list(job.seconds.as_integer_ratio())
    kept = {"model": job.model, "request": job.request, "inputs": inputs, "seconds": seconds}
    return json.dumps(kept, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def read(text: str, key: str, price: Decimal | None) -> Job:
    """The job behind a purchase.

    Raises:
        Unreadable: it is damaged.
    """
    kept = _loaded(text)
    inputs = {name: Input(label, sha256, None, url) for name, (label, sha256, url) in kept["inputs"].items()}
    return Job(kept["model"], kept["request"], inputs, Fraction(*kept["seconds"]), price, key)


NOT_BOUGHT: frozenset[State] = frozenset({"reserved", "rejected", "unsent", "dropped"})
"""It is certain that nothing was bought."""


def bought(purchases: Iterable[Purchase]) -> list[Purchase]:
    """Those that were bought, or may have been."""
    return [one for one in purchases if not (one.state in NOT_BOUGHT or (one.state == "moderated" and not one.ticket))]


def _loaded(text: str) -> dict[str, Any]:
    try:
        kept: dict[str, Any] = json.loads(text)
        parts = {"model", "request", "inputs", "seconds"}
        if not parts <= set(kept) or not {*map(len, kept["inputs"].values())} <= {3}:
            raise ValueError("parts are missing")
        Fraction(*kept["seconds"])
    except (ValueError, TypeError, AttributeError, ZeroDivisionError) as error:
        raise Unreadable(f"what a purchase was of is damaged in the journal: {error}") from error
    return kept


def spent(purchases: Iterable[Purchase]) -> Decimal:
    """The sum of what is booked, as far as it is known."""
    return sum((one.booked for one in purchases if one.booked is not None), Decimal("0.00"))
