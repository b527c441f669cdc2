"""The cut for other tools: a timeline to text, a module a format. Decides nothing, writes no file.

Timecode counts as the burn-ins do. OTIO, EDL and FCPXML start at 01:00:00:00, where editors expect a programme to
start; tables start at 00:00:00:00, as the cut itself does.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from storyboard.export.links import Medium, Unexportable, placed
from storyboard.timeline import Timeline

__all__ = ["FORMATS", "Format", "Medium", "Unexportable", "placed", "text"]


class Format(NamedTuple):
    """A format: the file that it is written to by default, and whether it links to clips."""

    file: str
    links: bool = False


FORMATS = {
    "otio": Format("cut.otio", links=True),
    "edl": Format("cut.edl", links=True),
    "fcpxml": Format("cut.fcpxml", links=True),
    "srt": Format("cut.srt"),
    "vtt": Format("cut.vtt"),
    "csv": Format("cut.csv"),
    "shotlist": Format("shotlist.md"),
}
"""Every format by its name on the command line."""

Writer = Callable[[Timeline, Mapping[str, Medium], Path | None], str]


def text(format_: str, timeline: Timeline, media: Mapping[str, Medium], base: Path | None = None) -> str:
    """A timeline in one format.

    Args:
        media: Each shot's medium by its id; a shot without one is a slate.
        base: The absolute folder that the text will stand in, for links relative to it; None for absolute links.

    Raises:
        Unexportable: the format can't hold this film.
    """
    if format_ in {"srt", "vtt"}:
        from storyboard import captions  # noqa: PLC0415 -- a format imports what it needs

        written: str = getattr(captions, format_)(timeline)
        return written
    module = import_module(f"storyboard.export.{'table' if format_ == 'csv' else format_}")
    write: Writer = module.text
    return write(timeline, media, base)
