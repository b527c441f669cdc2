"""Remembered hashes of files, so that an unchanged file is read once.

A file is the same while its device, inode, size, modification and change times are. The change time can't be
set by a program, so a rewrite that keeps size and modification time is seen; a file changed within `SETTLED`
of being hashed is not remembered, because two writes in one tick of the file system's clock look alike. (What the
store itself just wrote is: nothing else writes there.)
The memo is a cache that checks itself: damaged, it is forgotten.
"""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from storyboard import atomic, digest
from storyboard.sniff import KINDS, NEEDED, sniff

SETTLED = 2_000_000_000
"""Nanoseconds; FAT's modification times, the coarsest in use, tick every 2 s."""


MOST = 50_000
"""Files remembered; beyond it only those used in this run are kept."""


class Seen(NamedTuple):
    """A regular file's content: its SHA-256, size in bytes, and media type by its first bytes ("" if unknown)."""

    sha256: str
    size: int
    media: str


class Memo:
    """Hashes by file identity. `now` is the wall clock in nanoseconds."""

    def __init__(self, path: Path, now: Callable[[], int]) -> None:
        self._path = path
        self._now = now
        self._known, self._used = _load(path), set[str]()
        self._changed = False

    def look(self, path: Path | str, found: os.stat_result | None = None) -> Seen:
        """What a file holds, hashed now unless it is known. `found` is its `lstat`, if that is at hand.

        Raises:
            OSError: it can't be read, or is a link at its last component.
            ValueError: it isn't a regular file.
        """
        if found is None:
            found = os.lstat(path)
        identity = _identity(found)
        known = self._known.get(identity)
        if known is None:
            known = self._hash(Path(path))
        else:
            self._used.add(identity)
        return Seen(known[0], found.st_size, known[1])

    def learn(self, path: Path, sha256: str) -> None:
        """Remember a file that was just put at `path` by someone who hashed it on the way.

        Only for a file whose name is its hash: of any other, another process may have put its own there since.
        """
        with path.open("rb") as stream:
            media = sniff(stream.read(NEEDED))
            identity = _identity(os.fstat(stream.fileno()))
        self._known[identity] = (sha256, media)
        self._used.add(identity)
        self._changed = True

    def _hash(self, path: Path) -> tuple[str, str]:
        # Opened without following or blocking, and checked after opening: what is hashed is what was looked at.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(handle, "rb") as stream:
            before = os.fstat(handle)
            if not stat.S_ISREG(before.st_mode):
                raise ValueError(f"{path} isn't a regular file")
            media = sniff(stream.read(NEEDED))
            stream.seek(0)
            hashed = digest.sha256_stream(stream), media
            after = os.fstat(handle)
        if _identity(before) == _identity(after) and self._now() - max(after.st_mtime_ns, after.st_ctime_ns) > SETTLED:
            self._known[_identity(after)] = hashed
            self._used.add(_identity(after))
            self._changed = True
        return hashed

    def save(self) -> None:
        """Keep what was learnt; a memo that can't be written is only slower."""
        if not self._changed:
            return
        if len(self._known) > MOST:
            self._known = {identity: self._known[identity] for identity in self._used}
        body = json.dumps({"kinds": KINDS, "known": self._known}, separators=(",", ":"))
        try:
            atomic.ignored_folder(self._path.parent)
            atomic.write(self._path, digest.seal(body.encode()), durable=False)
        except OSError:
            return
        self._changed = False


def _identity(found: os.stat_result) -> str:
    return f"{found.st_dev}:{found.st_ino}:{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}"


def _load(path: Path) -> dict[str, tuple[str, str]]:
    try:
        body = json.loads(digest.unseal(path.read_bytes()))
        # What files are was told by the kinds known then.
        return {one: (sha, media) for one, (sha, media) in body["known"].items()} if body["kinds"] == KINDS else {}
    except (OSError, ValueError, KeyError):
        return {}
