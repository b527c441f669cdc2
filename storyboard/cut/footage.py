"""What a clip of the film is conformed from."""

from typing import NamedTuple

from storyboard.store import Blob
from storyboard.timeline import Span


class Footage(NamedTuple):
    """A clip's own media, or what effects or a slate put in their place.

    Attributes:
        source: What of it the clip's frames show, in seconds; more of it before and after is handle.
        slate: Whether it stands in for a clip.
    """

    media: Blob
    source: Span
    slate: bool = False
