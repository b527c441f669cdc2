"""How long clips are, measured once and remembered beside them."""

from fractions import Fraction

from storyboard import digest
from storyboard.media import MediaError, seconds
from storyboard.store import Blob, Record, Store

VERSION = 1


def measured(clip: Blob, store: Store) -> Fraction | None:
    """Seconds of its picture, exactly; None where it can't be read."""
    key = digest.of({"length": VERSION, "clip": clip.sha256})
    found = store.find(key)
    if not isinstance(found, Record):
        try:
            length = seconds(clip.path)
        except MediaError:
            return None
        found = store.put(key, {}, {"seconds": length.as_integer_ratio()})
    numerator, denominator = found.facts["seconds"]
    return Fraction(numerator, denominator)
