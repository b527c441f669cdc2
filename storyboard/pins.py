"""What https references held when they were fetched, so that each is fetched once.

Like the memo of hashes it checks itself: damaged, it is forgotten, and the references are fetched again.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from storyboard import atomic, digest

Held = tuple[str, str]
"""SHA-256 and media type of a URL's bytes."""


class Pins:
    """URLs that are known, kept in one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = _load(path)

    def get(self, url: str) -> Held | None:
        """What a URL held; None where it was never fetched."""
        return self._known.get(url)

    def remember(self, found: Mapping[str, Held]) -> None:
        """Keep what URLs hold.

        Raises:
            OSError: it can't be written.
        """
        if not found:
            return
        self._known = {**_load(self._path), **self._known, **found}
        body = json.dumps(self._known, separators=(",", ":"), sort_keys=True)
        atomic.ignored_folder(self._path.parent)
        atomic.write(self._path, digest.seal(body.encode()))


def _load(path: Path) -> dict[str, Held]:
    try:
        body = digest.unseal(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return {url: (sha, media) for url, (sha, media) in json.loads(body).items()}
