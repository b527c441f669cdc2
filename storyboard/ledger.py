"""What was spent, by what it was spent on; and what it differs in from the service's own bills. Values only."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from storyboard import money, timing
from storyboard.providers.wire import Sighting
from storyboard.purchase import UNSETTLED, Purchase, bought, spent

By = Literal["shot", "pass", "model", "day"]
_SPENT_ON: dict[By, Callable[[Purchase], str]] = {
    "shot": lambda one: one.shot,
    "pass": lambda one: one.pass_id,
    "model": lambda one: one.model,
    "day": lambda one: day(one.intended or one.reserved),
}


class Entry(NamedTuple):
    """Purchases of one kind. `spent` is what is booked; `unknown` counts those without a known price."""

    what: str
    purchases: int
    stored: int
    failed: int
    held: int
    spent: Decimal
    unknown: int


def entries(purchases: Iterable[Purchase], by: By) -> list[Entry]:
    """A line for each shot, pass, model or day, in the order of their first purchase."""
    lines: defaultdict[str, list[Purchase]] = defaultdict(list)
    for one in bought(purchases):
        lines[_SPENT_ON[by](one)].append(one)
    return [entry(what, ones) for what, ones in lines.items()]


def entry(what: str, ones: Sequence[Purchase]) -> Entry:
    """The sum of some purchases."""
    return Entry(
        what,
        len(ones),
        sum(one.state == "stored" for one in ones),
        sum(one.state in {"failed", "moderated"} for one in ones),
        sum(one.state in {"lost", "gone", "intent"} for one in ones),
        spent(ones),
        sum(one.booked is None for one in ones),
    )


def day(at: int) -> str:
    """The day of a moment in milliseconds, in UTC: 2026-11-21."""
    return datetime.fromtimestamp(at / 1000, UTC).date().isoformat()


def moment(at: int | None) -> str | None:
    """A moment in milliseconds as ISO 8601."""
    return None if at is None else timing.moment(at)


@dataclass(frozen=True)
class Difference:
    """Where the ledger and the service's bills don't agree."""

    id: str
    shot: str
    what: str
    ours: Decimal | None
    theirs: Decimal | None

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        ours, theirs = money.usd(self.ours), money.usd(self.theirs)
        return {"id": self.id, "shot": self.shot or None, "difference": self.what, "ledger": ours, "billed": theirs}


def differences(purchases: Sequence[Purchase], seen: Iterable[Sighting]) -> list[Difference]:
    """Every difference between purchases of one service and its bills of the same time."""
    billed, found = {one.id: one for one in seen}, []
    for one in purchases:
        if one.ticket is None:
            if one.state in UNSETTLED:
                found.append(Difference("", one.shot, f"{one.state}: no id to compare", one.booked, None))
            continue
        bill = billed.pop(one.shown, None)
        if bill is None:
            found.append(Difference(one.shown, one.shot, "in the ledger, not billed", one.booked, None))
            continue
        theirs = money.FREE if bill.refunded else bill.price
        if bill.refunded and one.booked != 0:
            found.append(Difference(one.shown, one.shot, "refunded", one.booked, theirs))
        elif bill.price is None:
            found.append(Difference(one.shown, one.shot, "known there, without a bill", one.booked, None))
        elif one.booked != theirs:
            found.append(Difference(one.shown, one.shot, "another price", one.booked, theirs))
    strange = (bill for bill in billed.values() if not bill.refunded)
    return found + [
        Difference(one.id, "", f"billed, not in the ledger ({one.model})", None, one.price) for one in strange
    ]
