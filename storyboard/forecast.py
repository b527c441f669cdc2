"""What a plan may come to cost, by what happened so far."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from math import ceil
from typing import NamedTuple

from storyboard import money
from storyboard.purchase import Purchase, bought


class Forecast(NamedTuple):
    """What a plan may come to cost, in US dollars: every clip right the first time; as often bought as the clips of
    the same models so far, retakes and failures included; and as often as the unlucky twentieth of them.
    """

    low: Decimal | None
    expected: Decimal | None
    high: Decimal | None


def forecast(costs: Iterable[tuple[str, Decimal]], purchases: Iterable[Purchase]) -> Forecast:
    """From each job's model and price, and the ledger."""
    often: defaultdict[str, defaultdict[tuple[str, str], int]] = defaultdict(lambda: defaultdict(int))
    for one in bought(purchases):
        often[one.model][one.pass_id, one.shot] += 1
    low = expected = high = money.FREE
    for model, cost in costs:
        counts = sorted(often[model].values()) or [1]
        low += cost
        expected += cost * sum(counts) / len(counts)
        high += cost * counts[ceil(len(counts) * 0.95) - 1]
    cent = Decimal("0.01")
    expected = expected if expected == low else expected.quantize(cent)
    return Forecast(low, expected, max(high, expected))
