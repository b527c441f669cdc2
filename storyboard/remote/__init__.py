"""The cache that several share: records and blobs at a remote, under the names that the store has for them.

Two kinds, told by the URL: a server of the Bazel HTTP cache protocol (`https://`), and an S3-compatible bucket
(`s3://`). Whatever a remote gives is somebody else's word: the caller checks a blob against its name, and a record
against its own digest.
"""

import os
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

Sleep = Callable[[float], Awaitable[None]]
"""Waits for seconds."""


class Unreachable(Exception):
    """The remote can't be used as things stand; the message says why, without credentials."""


class ReadOnly(Unreachable):
    """The remote takes nothing from us; reading from it goes on."""


class Oversized(Exception):
    """What the remote has under a name is larger than it may be, so it can't be what belongs there."""


class Remote(Protocol):
    """Records and blobs elsewhere. Names are `ac/<64 hex>` and `cas/<64 hex>`; where it is `Locking`, any
    `<word>/<64 hex>`.

    Every method raises `Unreachable` where the remote can't be asked (no connection, too slow, not let in, out of
    order after some tries, redirected elsewhere), those that write `ReadOnly` where only reading is allowed, and all
    `ValueError` for a name of another form.

    Attributes:
        shown: The URL for people, never with credentials.
    """

    shown: str

    async def read(self, name: str, most: int) -> bytes | None:
        """What is there; None where nothing is.

        Raises:
            Oversized: it is larger than `most` bytes.
        """
        ...

    async def fetch(self, name: str, to: Path, most: int) -> bool:
        """Write what is there to `to`, piece by piece; False where nothing is. Unless it is True, `to` isn't there.

        Raises:
            Oversized: it is larger than `most` bytes, of which no more were written.
        """
        ...

    async def has(self, name: str) -> bool:
        """Whether something is there."""
        ...

    async def write(self, name: str, data: bytes) -> None:
        """Put `data` there, whatever was."""
        ...

    async def send(self, name: str, path: Path) -> None:
        """Put a file there, piece by piece, whatever was."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@runtime_checkable
class Locking(Remote, Protocol):
    """A remote where of several who create one name, one succeeds. Over HTTP alone, all who `PUT` it do."""

    async def create(self, name: str, data: bytes) -> bool:
        """Put `data` there if nothing is; False where somebody was first.

        `data` is to be of this caller alone (hold something nobody else has): where an answer was lost, what is
        there is compared with it to tell who was first. Where it raises, it may have been created.
        """
        ...

    async def replace(self, name: str, was: bytes, data: bytes) -> bool:
        """Put `data` where `was` is, or `data` is already; False where something else is there, or nothing.

        Where it raises, it may have been put there.
        """
        ...

    async def delete(self, name: str) -> None:
        """Remove what is there, if anything is."""
        ...


_NAME = re.compile(r"[a-z]{1,20}/[0-9a-f]{64}")
_CACHED = re.compile(r"(?:ac|cas)/[0-9a-f]{64}")


def checked(name: str, *, cached: bool = False) -> str:
    """`name`, where it has the form of one: `<word>/<64 hex>`, or where `cached`, `ac/` or `cas/` and 64 hex digits.

    Raises:
        ValueError: it hasn't.
    """
    if not (_CACHED if cached else _NAME).fullmatch(name):
        raise ValueError(f"'{name}' isn't the name of anything in a shared cache")
    return name


def unforeseen() -> float:
    """A number from 0 to 1 that nobody foresees, so that several who wait don't come back all at once."""
    return int.from_bytes(os.urandom(4), "big") / 2**32


def open_remote(
    url: str,
    environment: Mapping[str, str],
    sleep: Sleep,
    *,
    chance: Callable[[], float] = unforeseen,
    patience: float = 1.0,
) -> Remote:
    """The remote at a URL, with the credentials that the environment holds. Asks it nothing.

    `chance` gives numbers from 0 to 1 for the pauses between tries; `patience` is a factor of the seconds that an
    answer may take.

    Raises:
        Unreachable: the URL isn't one of a remote, or the credentials can't be used.
    """
    from storyboard.remote.chosen import Misspelt, checked_url  # noqa: PLC0415 -- a plan without a remote needs none

    try:
        url = checked_url(url)
    except Misspelt as error:
        raise Unreachable(str(error)) from error
    from storyboard.remote.transport import Tools  # noqa: PLC0415 -- httpx takes long to import

    tools = Tools(sleep, chance, patience)
    if url.startswith("s3:"):
        from storyboard.remote.bucket import Bucket  # noqa: PLC0415 -- obstore is a bucket's alone

        return Bucket(url, environment, tools)
    from storyboard.remote.http import Server  # noqa: PLC0415

    return Server(url, environment, tools)
