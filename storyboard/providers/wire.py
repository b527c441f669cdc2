"""What a service is told and what it answers, as values: an adapter is a pure mapping between these and a job.

An adapter (`Api`) knows one service's routes, bodies, words for states and errors; `remote` does the sending.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Protocol, runtime_checkable

from storyboard.job import Job

Kind = Literal[
    "bad request",  # the service refuses what was sent; nothing was bought
    "bad key",
    "no credit",
    "moderated",  # stays refused until text, references, take or seed change
    "rate limited",  # nothing was bought; may be sent again later
    "transient",  # the service's own trouble
    "ambiguous",  # a submit whose answer was lost: it may have been bought
    "expired",  # the service no longer knows the job, or its output
]
State = Literal["queued", "running", "done", "failed", "cancelled", "expired"]


@dataclass(frozen=True)
class Service:
    """A provider's account side.

    Attributes:
        keys: Environment variables that may hold the key, first one wins.
        base: Where it is, without a slash at the end; `base_variable` names another place.
        idempotent: Whether a repeated submit with the same nonce is the same job.
        suffix: What `base_variable` may end with that is part of the routes already.
        concurrent, per_minute: The limits of the lowest tier, or ours where none is stated.
        kept: Seconds for which outputs can be fetched.
    """

    name: str
    title: str
    keys: tuple[str, ...]
    base: str
    base_variable: str
    concurrent: int
    per_minute: int
    kept: int
    suffix: str = ""
    idempotent: bool = False


@dataclass(frozen=True)
class Call:
    """One request: `body` is sent as JSON. `headers` beside Authorization, which the sender adds."""

    method: Literal["GET", "POST"]
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What came back: `body` is the parsed JSON, None where it isn't JSON; `text` its first 500 characters."""

    status: int
    headers: Mapping[str, str]
    body: Any
    text: str = ""


@dataclass(frozen=True)
class Failure:
    """Why something didn't work: `flagged` names what a moderator objected to, in the service's own words."""

    kind: Kind
    message: str
    flagged: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ticket:
    """A job that the service accepted. `id` is JSON (an opaque operation at some); `price` in US dollars, or None."""

    id: Any
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """The id for people."""
        return self.id if isinstance(self.id, str) else "the operation " + str(self.id)[:60]


@dataclass(frozen=True)
class Sighting:
    """A job that the service knows of, and what it was billed.

    Attributes:
        model: The service's own name of the model.
        created: When, in seconds since 1970, by this machine's clock as far as that is known.
        said: The service's own word for its state.
        price: US dollars; None where no bill names it.
        refunded: Whether the money was given back.
        account: The name of the key that bought it, "" where that isn't told.
    """

    id: str
    model: str
    created: float
    said: str
    price: Decimal | None = None
    refunded: bool = False
    account: str = ""


@dataclass(frozen=True)
class Output:
    """A finished clip: at a URL, or its bytes in base64."""

    url: str = ""
    data: str = ""


@dataclass(frozen=True)
class Status:
    """How far a job is. `said` is the service's own word for it; `known` tells whether the adapter knows it."""

    state: State
    said: str
    outputs: tuple[Output, ...] = ()
    failure: Failure | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    known: bool = True


@dataclass(frozen=True)
class Transfer:
    """How bytes are handed over: PUT them as they are, or POST them in a form with `fields` before the file.

    `reference` is what stands for them in a request afterwards.
    """

    method: Literal["PUT", "POST"]
    url: str
    reference: str
    headers: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] | None = None


class WrongShape(Exception):
    """An answer isn't shaped as documented; the message says how."""


class Api(Protocol):
    """One service. Answers given to `accepted`, `status` and `transfer` are successes (2xx with JSON)."""

    @property
    def service(self) -> Service:
        """Its account side."""
        ...

    def submit(self, job: Job, body: Mapping[str, Any], nonce: str) -> Call:
        """The one request that buys the job; `body` is the job's request with URLs for its references.

        `nonce` stays the same for every attempt at one purchase, for services that recognise repeats.
        """
        ...

    def accepted(self, answer: Answer) -> Ticket:
        """The job's id.

        Raises:
            WrongShape: there is none, so nobody knows whether it was bought.
        """
        ...

    def poll(self, job: Job, ticket: Ticket) -> Call:
        """The request that asks how far a job is."""
        ...

    def status(self, answer: Answer) -> Status:
        """How far it is.

        Raises:
            WrongShape: the answer says nothing that can be understood.
        """
        ...

    def refused(self, answer: Answer) -> Failure:
        """What an answer that isn't a success means."""
        ...


@runtime_checkable
class TakesFiles(Protocol):
    """A service that takes files."""

    def ask(self, job: Job, filename: str, size: int, media: str) -> Call:
        """The request for a place to put a file of `size` bytes."""
        ...

    def transfer(self, answer: Answer, filename: str, media: str) -> Transfer:
        """Where it goes.

        Raises:
            WrongShape: the answer names no usable place.
        """
        ...


def filled(value: Any, urls: Mapping[str, str]) -> Any:
    """A request with each reference (`sha256:…`) replaced by its URL."""
    if isinstance(value, dict):
        return {key: filled(item, urls) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [filled(item, urls) for item in value]
    return urls.get(value, value) if isinstance(value, str) else value


def at(value: Any, *path: str | int) -> Any:
    """What a parsed answer holds at `path`; None where it holds nothing there."""
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def text_at(answer: Answer, *path: str | int) -> str:
    """The text at `path`, "" where there is none."""
    found = at(answer.body, *path)
    return found if isinstance(found, str) else ""


_BY_STATUS: dict[int, Kind] = {
    400: "bad request",
    401: "bad key",
    402: "no credit",
    403: "bad key",
    404: "bad request",
    413: "bad request",
    422: "bad request",
    429: "rate limited",
}
_MODERATION = (
    "moderat",
    "nsfw",
    "sensitive",
    "inappropriate",
    "datainspection",
    "content policy",
    "safety",
    "risk control",
)
_INPUTS = ("negative prompt", "prompt", "reference_urls", "reference image", "image", "video", "audio", "output")


def failure(answer: Answer, message: str, kind: Kind | None = None) -> Failure:
    """What an unsuccessful answer means by its status and words, unless the service said so itself."""
    said = message or answer.text.strip() or "no reason given"
    kind = kind or moderated(said) or _BY_STATUS.get(answer.status, "transient")
    return Failure(kind, said, flagged(said) if kind == "moderated" else ())


def moderated(message: str) -> Literal["moderated"] | None:
    """Whether words speak of moderation."""
    return "moderated" if any(word in message.lower() for word in _MODERATION) else None


def flagged(message: str) -> tuple[str, ...]:
    """The inputs that a moderator's words name."""
    lower, found = message.lower(), []
    for word in _INPUTS:
        if word in lower:
            found.append(word)
            lower = lower.replace(word, "")
    return tuple(found)
