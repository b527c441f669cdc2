"""CSV by RFC 4180, one row a shot. Times start at 00:00:00:00, as the cut and its burn-ins do.

A text that a spreadsheet would take for a formula (it begins with =, +, -, @, their full-width forms, a tab or a line
break) gets an apostrophe before it, which spreadsheets show as text (OWASP, "CSV Injection").
"""

import csv
import io
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from storyboard import money, timing
from storyboard.export.links import Medium
from storyboard.timeline import Clip, Timeline

HEAD = (
    *("number", "shot", "scene", "start", "end", "frames", "seconds", "pass", "take", "model", "seed", "key"),
    *("price", "transition", "transition frames", "prompt", "notes", "setting"),
)
FORMULA = "=+-@\t\r\n＝＋－＠"


def text(timeline: Timeline, media: Mapping[str, Medium], base: Path | None) -> str:  # noqa: ARG001 -- as the others
    """The timeline as CSV."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEAD)
    for number, clip in enumerate(timeline.clips, 1):
        writer.writerow([number, *(_safe(cell) for cell in _cells(timeline, clip, slate=clip.media is None))])
    return out.getvalue()


def _cells(timeline: Timeline, clip: Clip, *, slate: bool) -> list[str]:
    origin = clip.origin
    return [
        clip.shot,
        clip.scene,
        timing.timecode(clip.start, timeline.fps),
        timing.timecode(clip.end, timeline.fps),
        str(clip.frames),
        decimal(clip.frames / timeline.fps),
        "slate" if slate else clip.pass_id,
        "" if slate else str(origin.take),
        origin.model,
        "" if origin.seed is None else str(origin.seed),
        origin.key or "",
        money.usd(origin.cost) or "",
        clip.join.type if clip.join.frames else "cut",
        str(clip.join.frames),
        clip.prompt,
        clip.notes,
        clip.setting,
    ]


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(tuple(FORMULA)) else cell


def decimal(seconds: Fraction) -> str:
    """Seconds to the millisecond."""
    return f"{Decimal(seconds.numerator) / Decimal(seconds.denominator):.3f}"
