"""Scratch dialogue: a clip's lines, spoken by a voice of the machine, where the clip has no sound of its own."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from storyboard.animatic.sound import words
from storyboard.cut.sound import pcm
from storyboard.film import Line

VERSION = 1


class _Spoken(NamedTuple):
    """A line as the animatic's voice reads it."""

    who: str
    line: str
    at: Fraction
    for_: Fraction


def speak(lines: Sequence[Line], before: int, shows: int, voice: Path, folder: Path, into: Path) -> None:
    """Write `lines` as they are spoken in a shot of `shows` samples, after `before` samples of silence.

    A voice that fails leaves silence. `folder` is for the files that speech passes through.
    """
    said, _ = words(shows, [_Spoken(*line) for line in lines], voice, folder)
    with into.open("wb") as stream:
        stream.truncate(before * pcm.WIDTH)
        stream.seek(before * pcm.WIDTH)
        stream.write(pcm.whole(said[:, None].repeat(2, 1)))
