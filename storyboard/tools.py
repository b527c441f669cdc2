"""The machine's own tools, found by whoever starts the work."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Tools:
    """Programs to run. `voice` is espeak-ng, or None where it isn't installed."""

    ffmpeg: Path
    ffmpeg_version: str
    voice: Path | None = None
