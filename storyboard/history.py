"""Which key each shot of each pass was last rendered with: what a plan explains its changes against.

Only reasons come from here, never a decision. Damaged, it is forgotten.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from storyboard import atomic, digest


class History:
    """Keys by pass and shot, in one file of a folder that git ignores."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: dict[str, dict[str, str]] = _load(path)

    def key(self, pass_id: str, shot: str) -> str | None:
        """The key that a shot was last rendered with."""
        return self._keys.get(pass_id, {}).get(shot)

    def remember(self, pass_id: str, keys: Mapping[str, str]) -> None:
        """Note what was just rendered; what can't be written only explains less."""
        merged = self._keys.get(pass_id, {}) | dict(keys)
        if merged == self._keys.get(pass_id, {}):
            return
        self._keys[pass_id] = merged
        body = digest.canonical(self._keys)
        with suppress(OSError):
            atomic.ignored_folder(self._path.parent)
            atomic.write(self._path, digest.seal(body))


def _load(path: Path) -> dict[str, dict[str, str]]:
    try:
        body = digest.unseal(path.read_bytes())
    except (OSError, ValueError):
        return {}
    keys: dict[str, dict[str, str]] = json.loads(body)
    return keys
