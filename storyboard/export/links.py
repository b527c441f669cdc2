"""Where the exported clips are found: copies of them under the build folder, and what they hold."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from storyboard import atomic, media, shelf
from storyboard.media import MediaError
from storyboard.store import Store
from storyboard.timeline import Timeline


class Unexportable(Exception):
    """A format can't hold this film; the message says why."""


class Medium(NamedTuple):
    """A clip's file.

    Attributes:
        path: Absolute.
        width: In pixels, as is the height.
        rate: Frames a second of its picture; 0 where that isn't known.
        channels: Of its sound; 0 for none.
        hertz: Samples a second of its sound.
    """

    path: Path
    width: int = 0
    height: int = 0
    rate: Fraction = Fraction(0)
    channels: int = 0
    hertz: int = 0


def placed(
    timeline: Timeline, folder: Path, build: Path, store: Store, unusable: Callable[[str, str], None]
) -> dict[str, Medium]:
    """The media of a timeline's shots: copies in `build`/<their pass>/clips/ under `folder`, put there where they
    aren't. What can't be read is left out, and told to `unusable` as its shot and the reason.
    """
    found = {}
    for clip in timeline.clips:
        if clip.media is None:
            continue
        path = folder / build / clip.pass_id / "clips" / f"{clip.shot}.mp4"
        try:
            medium = probe(clip.media.path)
        except MediaError as error:
            unusable(clip.shot, str(error).replace(clip.media.sha256, "it"))
            continue
        if shelf.held(path, store) != clip.media.sha256:
            atomic.copy(clip.media.path, path)
        found[clip.shot] = medium._replace(path=path.absolute())
    return found


def probe(path: Path) -> Medium:
    """What a clip holds, by its header alone.

    Raises:
        MediaError: it isn't ISO-BMFF, or has no picture.
    """
    with media.opened(path) as file:
        if not file.streams.video:
            raise MediaError(f"{path.name} has no picture")
        picture = file.streams.video[0]
        rate = Fraction(picture.average_rate or 0)
        if not file.streams.audio:
            return Medium(path, picture.width, picture.height, rate)
        sound = file.streams.audio[0]
        return Medium(path, picture.width, picture.height, rate, sound.channels, sound.rate)
