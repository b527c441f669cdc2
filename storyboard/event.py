"""What happens while a plan is carried out, as values; `cli` shows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Planned:
    """Work on several clips is about to begin: how many, how much there is to do in all, and US dollars at most."""

    clips: int
    frames: int
    cost: Decimal = Decimal(0)


@dataclass(frozen=True)
class Started:
    """Work on a shot began. `of` is how much there is to do: frames, or a service's typical seconds."""

    shot: str
    doing: str
    of: int


@dataclass(frozen=True)
class Advanced:
    """Work on a shot went on: `done` of it is made. `doing` says what is being done now, "" where it is the same."""

    shot: str
    done: int
    doing: str = ""


@dataclass(frozen=True)
class Finished:
    """Work on a shot ended; `error` says why it failed, "" where it didn't; `held` that it may still be had."""

    shot: str
    error: str = ""
    held: bool = False


@dataclass(frozen=True)
class Spent:
    """US dollars were booked; less than nothing where they are free again."""

    amount: Decimal


@dataclass(frozen=True)
class Stopping:
    """Nothing more is begun; what was sent is waited for: shot -> the service's id."""

    under_way: Mapping[str, str]


@dataclass(frozen=True)
class Noted:
    """Something worth knowing that stops nothing."""

    message: str


Event = Planned | Started | Advanced | Finished | Spent | Stopping | Noted


def ignore(_event: Event) -> None:
    """Listen to nothing."""
