"""A shot list to read and print: a Markdown table, in which the author's words stand as they were written."""

import re
from collections.abc import Mapping
from pathlib import Path

from storyboard import timing
from storyboard.export import ranges
from storyboard.export.links import Medium
from storyboard.export.table import decimal
from storyboard.timeline import Clip, Timeline

HEAD = ("#", "shot", "scene", "start", "seconds", "pass", "transition", "prompt", "notes")
_MARKS = re.compile(r"([\\`*_\[\]<>|~#$])")


def text(timeline: Timeline, media: Mapping[str, Medium], base: Path | None) -> str:  # noqa: ARG001 -- as the others
    """The timeline as a table of Markdown."""
    facts = (
        f"pass {plain(timeline.pass_id)}",
        f"{len(timeline.clips)} shots",
        f"{decimal(timeline.frames / timeline.fps)} s",
        f"{timeline.fps} fps",
        f"{timeline.width}x{timeline.height}",
    )
    rows = [HEAD, ("---",) * len(HEAD), *(_row(n, timeline, clip) for n, clip in enumerate(timeline.clips, 1))]
    table = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([f"# {plain(ranges.one_line(timeline.title))}", "", ", ".join(facts), "", *table]) + "\n"


def _row(number: int, timeline: Timeline, clip: Clip) -> tuple[str, ...]:
    joined = f"{clip.join.type} {decimal(clip.join.frames / timeline.fps)} s" if clip.join.frames else "cut"
    return (
        str(number),
        plain(clip.shot),
        plain(clip.scene),
        timing.timecode(clip.start, timeline.fps),
        decimal(clip.frames / timeline.fps),
        "slate" if clip.media is None else plain(clip.pass_id),
        joined,
        plain(clip.prompt),
        plain(clip.notes),
    )


def plain(text: str) -> str:
    """A text in a cell: no mark of Markdown or HTML in it means anything, and a line break is one in the cell."""
    escaped = _MARKS.sub(r"\\\1", text.replace("&", "&amp;"))
    lines = ("".join(c if c.isprintable() else " " for c in line).strip() for line in escaped.splitlines())
    return "<br>".join(line for line in lines if line)
