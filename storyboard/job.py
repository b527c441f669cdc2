"""What a model is asked for, and the key under which its clip is kept. Knows nothing of shots."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from storyboard import digest

KEY_VERSION = 1
"""Rises when the same request must be made anew; `tests/cases/keys.txt` fails when keys change without it."""


class Input(NamedTuple):
    """A reference's bytes: a file of the project, or a URL. `sha256` is None while a URL's bytes are unknown.

    `label` is what the author called it, for reasons and messages.
    """

    label: str
    sha256: str | None
    file: str | None = None
    url: str | None = None

    @property
    def name(self) -> str:
        """How it stands in a request: by its bytes, never by its path."""
        return f"sha256:{self.sha256}" if self.sha256 else f"unknown:{self.label}"


def bare(label: str | None) -> str:
    """A URL without its query, where signatures stand; a path as it is."""
    return label.partition("?")[0] if label and label.startswith("https://") else label or ""


class Job(NamedTuple):
    """One clip of one model.

    Attributes:
        request: Every parameter sent, by the model's own names; references as `sha256:<64 hex>`.
        inputs: Those references, by how they stand in the request.
        seconds: The length bought.
        cost: US dollars; None where unknown.
        key: See `key_of`; None while a reference's bytes are unknown.
        upload_via: The provider that hosts its files, where its own takes none; not in the key.
    """

    model: str
    request: Mapping[str, Any]
    inputs: Mapping[str, Input]
    seconds: Fraction
    cost: Decimal | None
    key: str | None
    upload_via: str | None = None

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
) -> Job:
    """A job with its key."""
    known = all(given.sha256 is not None for given in inputs.values())
    return Job(model, request, inputs, seconds, cost, key_of(model, request) if known else None, upload_via)


def key_of(model: str, request: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of the key's version, the model and all that is sent: 64 hex digits."""
    return digest.of({"key": KEY_VERSION, "model": model, "request": request})
