"""Who makes clips: one file a provider, each behind the same small protocol."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from storyboard.job import Job
from storyboard.providers.local import Local
from storyboard.tools import Tools

__all__ = ["NoProvider", "Provider", "Tools", "providers"]


class NoProvider(Exception):
    """A model's provider has no client here."""


class Provider(Protocol):
    """Makes clips for one family of models."""

    def frames(self, job: Job) -> int:
        """How many frames the clip will have, for the progress display."""
        ...

    async def clip(self, job: Job, into: Path, tick: Callable[[int], None]) -> None:
        """Write the job's clip to `into`, calling `tick` with the frames done.

        Raises:
            ClipFailed: it could not be made; the message says why. Nothing is left at `into`.
        """
        ...


def providers(tools: Tools) -> Mapping[str, Provider]:
    """The providers that have a client, by the first part of their models' ids."""
    return {"local": Local(tools)}
