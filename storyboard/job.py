"""What a model is asked for, and the key under which its clip is kept. Knows nothing of shots."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from storyboard import digest

KEY_VERSION = 1
"""Rises when the same request must be made anew; `tests/cases/keys.txt` fails when keys change without it."""


@dataclass(frozen=True)
class Input:
    """A reference's bytes: a file of the project, or a URL. `sha256` is None while a URL's bytes are unknown.

    `label` is what the author called it, for reasons and messages.
    """

    label: str
    sha256: str | None
    file: Path | None = None
    url: str | None = None

    @property
    def name(self) -> str:
        """How it stands in a request: by its bytes, never by its path."""
        return f"sha256:{self.sha256}" if self.sha256 else f"unknown:{self.label}"


@dataclass(frozen=True)
class Job:
    """One clip of one model.

    Attributes:
        request: Every parameter sent, by the model's own names; references as `sha256:<64 hex>`.
        inputs: Those references, by how they stand in the request.
        seconds: The length bought.
        cost: US dollars; None where unknown.
    """

    model: str
    request: Mapping[str, Any]
    inputs: Mapping[str, Input]
    seconds: Fraction
    cost: Decimal | None

    @property
    def key(self) -> str | None:
        """SHA-256 over the canonical JSON of all that is sent; None while a reference's bytes are unknown."""
        for given in self.inputs.values():
            if given.sha256 is None:
                return None
        return key_of(self.model, self.request)


def key_of(model: str, request: Mapping[str, Any]) -> str:
    """The key of one model's request, 64 hex digits."""
    return digest.of({"key": KEY_VERSION, "model": model, "request": request})
