"""A diff in words, for texts of every kind; nothing of an author's is made safe here."""

from collections.abc import Sequence

from storyboard import money
from storyboard.diff import Diff, Kind, Made, Shown

KINDS: Sequence[Kind] = ("added", "removed", "moved", "renamed", "changed", "reviewed")


def prices(shot: Shown) -> str:
    """What bringing a shot up to date costs: `draft $0.25, final $1.50`, or `free`."""
    return ", ".join(f"{one.pass_id} {dollars(money.usd(one.cost))}" for one in paid(shot)) or "free"


def paid(shot: Shown) -> list[Made]:
    """The passes in which bringing a shot up to date isn't free."""
    return [one for one in shot.passes if one.cost != money.FREE]


def counts(diff: Diff) -> str:
    """How many shots are of which kind: `1 moved, 2 changed, 21 same`."""
    found = [f"{number} {kind}" for kind in KINDS if (number := diff.count(kind))]
    return ", ".join([*found, f"{diff.count('same')} same"])


def costs(diff: Diff) -> str:
    """What all of it costs: `2 clips to make (draft 1, $0.25; final 1, $1.50); cost $1.75`."""
    made = [f"{one.pass_id} {one.make}, {dollars(money.usd(one.cost))}" for one in diff.totals if one.make]
    clips = sum(one.make for one in diff.totals)
    by_pass = f" ({'; '.join(made)})" if made else ""
    return f"{clips} clip{'' if clips == 1 else 's'} to make{by_pass}; cost {dollars(money.usd(diff.cost))}"


def dollars(amount: str | None) -> str:
    """An amount for people; `unknown` where it isn't known."""
    return "unknown" if amount is None else f"${amount}"
