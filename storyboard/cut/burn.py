"""Shot, scene, pass and timecode burned into the picture: by the cut, so that they never change a job's key."""

import shutil
from pathlib import Path
from typing import Any

from storyboard import lettering, timing
from storyboard.timeline import Clip, Timeline

TITLE_SAFE = 0.05
"""The margin on each side that stays clear of type: 90 % of the picture is title safe (SMPTE ST 2046-1)."""
_FONT = "face.otf"
_LABEL = "label.txt"


def content(clip: Clip, timeline: Timeline) -> dict[str, Any] | None:
    """What is burned in, as data for the key; None for a clean picture."""
    if not timeline.burn_in:
        return None
    label = "   ".join(part for part in (clip.shot, clip.scene, clip.pass_id) if part)
    return {"label": label, "timecode": timing.timecode(clip.start, timeline.fps)}


def prepare(clip: Clip, timeline: Timeline, folder: Path) -> str:
    """The filter that burns it in; its files are put into `folder`, where ffmpeg runs.

    The author's words reach ffmpeg in a file, never in the filter's own text, so they need no escaping.
    """
    burned = content(clip, timeline)
    if burned is None:
        return "null"
    shutil.copyfile(lettering.face("semibold"), folder / _FONT)
    (folder / _LABEL).write_text(burned["label"], "utf-8")
    short = min(timeline.width, timeline.height)
    size, margin = round(short * 0.030), round(short * TITLE_SAFE)
    look = (
        f"fontfile={_FONT}:fontsize={size}:fontcolor=white@0.95:box=1:boxcolor=black@0.45:"
        f"boxborderw={round(size * 0.35)}:y={margin}"
    )
    rate = f"{timeline.fps.numerator}/{timeline.fps.denominator}"
    timecode = burned["timecode"].replace(":", r"\:")
    return (
        f"drawtext={look}:x={margin}:textfile={_LABEL}:expansion=none,"
        f"drawtext={look}:x=w-tw-{margin}:timecode='{timecode}':rate={rate}"
    )
