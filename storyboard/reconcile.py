"""Which of the jobs that a service lists is the one whose answer was lost: only where there is no doubt.

A listed job names its model, moment and price, and no prompt. So one is taken for ours only if it is the one job that
nobody accounts for, and ours the one purchase without an id, that could belong together.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from storyboard.providers.wire import Sighting
from storyboard.purchase import Purchase

SKEW = 5.0
"""Seconds by which a job's moment may lie outside the request that bought it."""
LONGEST_POST = 75.0
"""Seconds that a request takes at most, where its end isn't known: 60 for the answer, 10 to connect, and some."""


class Window(NamedTuple):
    """When a job was made, at the earliest and at the latest: seconds since 1970."""

    after: float
    before: float


def window(one: Purchase) -> Window:
    """When a purchase's job was made, if it was."""
    assert one.intended is not None
    end = one.answered / 1000 if one.answered else one.intended / 1000 + LONGEST_POST
    return Window(one.intended / 1000 - SKEW, end + SKEW)


def candidates(one: Purchase, sightings: Iterable[Sighting], known: Collection[object]) -> list[Sighting]:
    """The jobs that could be a purchase's: of its model, made while it was sent, billed at its price if billed, and
    no other purchase's. `known` are the ids of all other purchases.
    """
    after, before = window(one)
    model = one.model.partition("/")[2]
    return [
        seen
        for seen in sightings
        if seen.id not in known
        and seen.model == model
        and after <= seen.created <= before
        and (seen.price is None or one.price is None or seen.price == one.price)
    ]


def match(one: Purchase, unsettled: Sequence[Purchase], seen: Iterable[Sighting], known: Collection[object]) -> str:
    """The id of a purchase's job; "" where there is none, or any doubt, as there is where its price isn't known. A job
    that another key of the account bought than our own purchases isn't ours.
    """
    seen = list(seen)
    ours = {other.account for other in seen if other.id in known and other.account}
    found = [other for other in candidates(one, seen, known) if not (ours and other.account) or other.account in ours]
    if one.price is None:
        return ""
    rivals = [other for other in unsettled if other.number != one.number and candidates(other, found, known)]
    return found[0].id if len(found) == 1 and not rivals else ""
