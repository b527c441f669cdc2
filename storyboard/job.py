"""What a model is asked for, and the key under which its clip is kept. Knows nothing of shots."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from storyboard import digest

KEY_VERSION = 1
"""Rises when the same request must be made anew; `tests/cases/keys.txt` fails when keys change without it."""


class Producer(NamedTuple):
    """The job whose clip is another job's input: where it stands, and its key (None while that isn't known)."""

    pass_id: str
    shot: str
    key: str | None


LAST_FRAME = "last_frame"


class Input(NamedTuple):
    """What a job is given: a file of the project, a URL, or another job's clip.

    Attributes:
        label: What the author called it, for reasons and messages.
        sha256: Of the file's or URL's bytes; None while they are unknown, and for another job's clip.
        producer: The job that makes it.
        part: What of it is used: `LAST_FRAME`, `t=1,4.5` (seconds, as in W3C Media Fragments 1.0), or "" for all.
        said: What it is in the storyboard, such as `reference 2 of @mira`.
    """

    label: str
    sha256: str | None
    file: str | None = None
    url: str | None = None
    producer: Producer | None = None
    part: str = ""
    said: str = ""

    @property
    def name(self) -> str:
        """How it stands in a request: by its bytes or its producer's key, never by its path."""
        made = self.producer.key if self.producer else None
        known = f"key:{made}" if made else f"sha256:{self.sha256}" if self.sha256 else f"unknown:{self.label}"
        return f"{known}#{self.part}" if self.part else known

    @property
    def known(self) -> bool:
        """Whether its bytes, or the key of what makes them, are known."""
        return bool(self.producer.key if self.producer else self.sha256)


def bare(label: str | None) -> str:
    """A URL without its query, where signatures stand; a path as it is."""
    return label.partition("?")[0] if label and label.startswith("https://") else label or ""


class Job(NamedTuple):
    """One clip of one model.

    Attributes:
        request: Every parameter sent, by the model's own names; references as `Input.name` has them.
        inputs: Those references, by how they stand in the request.
        seconds: The length bought.
        cost: US dollars; None where unknown.
        key: See `key_of`; None while a reference's bytes are unknown.
        upload_via: The provider that hosts its files, where its own takes none; not in the key.
        words: The author's own words behind the request, by field: to explain a change, never to decide.
    """

    model: str
    request: Mapping[str, Any]
    inputs: Mapping[str, Input]
    seconds: Fraction
    cost: Decimal | None
    key: str | None
    upload_via: str | None = None
    words: Mapping[str, str] = {}

    @property
    def producers(self) -> list[Producer]:
        """The jobs that it waits for."""
        return [given.producer for given in self.inputs.values() if given.producer]

    @property
    def provider(self) -> str:
        """The part of the model's id before the first slash."""
        return self.model.partition("/")[0]

    @property
    def local(self) -> bool:
        """Whether this machine makes it itself, for free."""
        return self.provider == "local"


def new(
    model: str,
    request: Mapping[str, Any],
    inputs: Mapping[str, Input],
    seconds: Fraction,
    cost: Decimal | None,
    upload_via: str | None = None,
    words: Mapping[str, str] | None = None,
) -> Job:
    """A job with its key."""
    known = all(given.known for given in inputs.values())
    key = key_of(model, request) if known else None
    return Job(model, request, inputs, seconds, cost, key, upload_via, words or {})


def seed_of(request: Mapping[str, Any]) -> int | None:
    """The seed that a request sends, at its top or one level below, as services have it; None where there is none."""
    for level in (request, *(value for value in request.values() if isinstance(value, Mapping))):
        if type(seed := level.get("seed")) is int:
            return seed
    return None


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """A request, or a part of it, with inputs under other names."""
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, Mapping):
        return {key: renamed(item, names) for key, item in value.items()}
    return [renamed(item, names) for item in value] if isinstance(value, list | tuple) else value


class Own(NamedTuple):
    """A clip of the author's own in place of a job: as written, the file's SHA-256, and where it is."""

    label: str
    sha256: str
    file: str


def key_of(model: str, request: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of the key's version, the model and all that is sent: 64 hex digits."""
    return digest.of({"key": KEY_VERSION, "model": model, "request": request})
