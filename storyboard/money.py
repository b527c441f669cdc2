"""US dollars as exact decimals."""

from decimal import ROUND_CEILING, Decimal

FREE = Decimal("0.00")
_BILLION = Decimal(10**9)


def usd(amount: Decimal | None) -> str | None:
    """`0.25`, `0.125`, `1.50`: at least two decimals, no needless zeros after them; None where unknown."""
    if amount is None:
        return None
    whole, _, fraction = f"{amount:f}".partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


def nano(amount: Decimal) -> int:
    """Billionths of a dollar, rounded up, for sums by a database that has no decimals."""
    return int((amount * _BILLION).to_integral_value(ROUND_CEILING))


def from_nano(amount: int) -> Decimal:
    """Dollars from billionths."""
    return Decimal(amount) / _BILLION
