"""The machine's own tools, found by whoever starts the work."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Tools:
    """Programs to run. `voice` is espeak-ng, or None where it isn't installed; `trusted` are the SHA-256 of the files
    of the author's own functions that the user lets run.
    """

    ffmpeg: Path
    ffmpeg_version: str
    voice: Path | None = None
    trusted: frozenset[str] = frozenset()
