"""Who makes clips: one file a provider, each behind the same small protocol.

A provider is an entry point of the group `storyboard.providers`, named as the first part of its models' ids: a
function that takes a `Setup` and gives a `Provider`.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from storyboard.catalog import Model
from storyboard.job import Job
from storyboard.providers.failure import ClipFailed, ClipHeld, Unconfigured
from storyboard.providers.wire import Sighting, Status, Ticket
from storyboard.tools import Tools

__all__ = [
    "ClipFailed",
    "ClipHeld",
    "Limit",
    "Lists",
    "Maker",
    "Progress",
    "Provider",
    "Seller",
    "Setup",
    "Sighting",
    "Status",
    "Ticket",
    "Tools",
    "Unconfigured",
    "load",
    "seconds_in",
]

GROUP = "storyboard.providers"


class Limit(NamedTuple):
    """How many clips of one provider are under way at once, and how many are begun in a minute."""

    concurrent: int
    per_minute: int


class Progress(Protocol):
    """Told how far a clip is: `done` of what `Provider.work` says, and what is being done in a word or two."""

    def __call__(self, done: int, doing: str = "") -> None:
        """Show it."""
        ...


@dataclass(frozen=True)
class Setup:
    """What a provider is given from outside.

    Attributes:
        environment: Keys and base URLs, by the names that users know.
        models: The catalogue.
        uploads: Where uploads are remembered; None where they are not to be.
        workers: Clips that this machine itself makes side by side.
        limits: The user's own limits by provider.
        poll_seconds: A fixed polling interval; None for the usual.
        now: A monotonic clock, in seconds; `wall` the time of day, in seconds since 1970.
        sleep: Waits for seconds.
        chance: A number from 0 to 1 that nobody foresees, so that clients who wait don't come back all at once.
        note: Told what is worth knowing and stops nothing.
        patience: A factor of the seconds that an answer may take.
    """

    tools: Tools
    environment: Mapping[str, str]
    models: Mapping[str, Model]
    uploads: Path | None
    workers: int
    now: Callable[[], float]
    wall: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    chance: Callable[[], float]
    limits: Mapping[str, Limit] = field(default_factory=dict)
    poll_seconds: float | None = None
    note: Callable[[str], None] = lambda _message: None
    patience: float = 1.0


class Provider(Protocol):
    """Makes clips for one family of models."""

    @property
    def limit(self) -> Limit:
        """What it may be asked for at once, and in a minute."""
        ...

    def require(self, job: Job) -> None:
        """Nothing, where the job could be made.

        Raises:
            Unconfigured: a key is missing, or a base URL isn't safe.
        """
        ...

    def work(self, job: Job) -> int:
        """How much there is to do: frames for a model on this machine, typical seconds for a service."""
        ...

    async def close(self) -> None:
        """Let go of connections; it may be used again after."""
        ...


@runtime_checkable
class Maker(Provider, Protocol):
    """Makes clips here, for free."""

    async def make(self, job: Job, into: Path, progress: Progress) -> Mapping[str, Any]:
        """Write the job's clip to `into`, and tell what is worth keeping of how it was made (JSON, no floats).

        Raises:
            ClipFailed: it could not be made; the message says why. Nothing is left at `into`.
        """
        ...


@runtime_checkable
class Seller(Provider, Protocol):
    """Sells clips. The caller writes down each step before it takes the next one.

    Attributes:
        title: Its name for people.
        idempotent: Whether a submit that repeats its nonce is the same purchase.
    """

    title: str
    idempotent: bool

    async def prepare(self, job: Job, progress: Progress) -> Mapping[str, Any]:
        """What to send: references handed over, and this job's turn come. Buys nothing.

        Raises:
            ClipFailed: a reference could not be handed over.
        """
        ...

    async def submit(
        self, job: Job, body: Mapping[str, Any], nonce: str, still: Callable[[], None], progress: Progress
    ) -> Ticket:
        """Buy it: one request. `still` is called right before each time that it leaves, and may forbid it by
        raising. `nonce` is the same for every attempt at one purchase.

        Raises:
            ClipFailed: it is certain that nothing was bought.
            ClipHeld: it may have been bought.
        """
        ...

    async def collect(
        self, job: Job, ticket: Ticket, into: Path, progress: Progress, completed: Callable[[], None]
    ) -> Mapping[str, Any]:
        """Wait for what was bought, say so when it is `completed`, write its clip to `into`, and tell what is worth
        keeping of how it was made.

        Raises:
            ClipFailed: the service could not make it.
            ClipHeld: it can't be had now.
        """
        ...

    async def look(self, job: Job, ticket: Ticket) -> Status | None:
        """How far it is; None where that can't be known now."""
        ...


@runtime_checkable
class Lists(Protocol):
    """A seller that tells what was bought of it, whoever bought it."""

    async def sightings(self, model: str, after: float, before: float, *, bills: bool = False) -> list[Sighting]:
        """What was bought of a model, or of every model where it is "", between two moments (seconds since 1970 by
        this machine's clock), with prices where the bills can be read; they must be where `bills` is set.

        Raises:
            ClipHeld: it can't be asked.
        """
        ...


def load(names: set[str], setup: Setup) -> dict[str, Provider]:
    """The providers of those names.

    Raises:
        Unconfigured: there is none of that name, or it can't be used as things stand.
    """
    known = {point.name: point for point in entry_points(group=GROUP)}
    for name in sorted(names):
        if name not in known:
            raise Unconfigured(f"there is no client for '{name}' (there are: {', '.join(sorted(known))})")
    return {name: known[name].load()(setup) for name in sorted(names)}


def seconds_in(environment: Mapping[str, str], name: str) -> float | None:
    """A number of seconds in the environment, such as STORYBOARD_POLL_SECONDS; None where there is none.

    Raises:
        Unconfigured: it isn't a number of seconds.
    """
    text = environment.get(name, "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds < 3600:
        raise Unconfigured(f"{name} is '{text}', which isn't a number of seconds")
    return seconds
