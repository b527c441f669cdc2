"""US dollars as exact decimals."""

from decimal import Decimal

FREE = Decimal("0.00")


def usd(amount: Decimal | None) -> str | None:
    """`0.25`, `0.125`, `1.50`: at least two decimals, no needless zeros after them; None where unknown."""
    if amount is None:
        return None
    whole, _, fraction = f"{amount:f}".partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"
