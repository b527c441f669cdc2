"""The lock's file: read once, and changed so that two who change it at the same time lose nothing."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from storyboard import atomic
from storyboard.diagnostic import Diagnostic, Rejected
from storyboard.lock import EMPTY, Lock
from storyboard.lock.text import parsed, written
from storyboard.source import Source


def beside(storyboard: Path) -> Path:
    """Where a storyboard's lock is: `storyboard.lock` beside `storyboard.yaml`."""
    return storyboard.with_name(f"{storyboard.stem}.lock")


class LockFile:
    """A lock on the disk; an absent one is empty."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: Lock | None = None

    def read(self) -> Lock:
        """The lock as it was when it was first asked for, or as it was last written here.

        Raises:
            Rejected: it can't be read.
        """
        if self._lock is None:
            self._lock = _read(self.path)
        return self._lock

    def change(self, change: Callable[[Lock], Lock]) -> Lock:
        """Change the lock as it is now, and write it if that makes a difference.

        Raises:
            Rejected: it can't be read, and stays as it is.
            OSError: it can't be written.
        """
        with _alone(self.path.parent):
            old = _read(self.path)
            self._lock = change(old)
            if self._lock != old:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                atomic.write(self.path, written(self._lock).encode())
        return self._lock


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else who does the same is inside; where the folder can't be locked, that is left to luck."""
    handle = -1
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if handle >= 0:
            os.close(handle)


def _read(path: Path) -> Lock:
    nowhere = Source(path.name, "").span(0, 0)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return EMPTY
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Rejected(
            [Diagnostic("SB014", f"the lock can't be read: {reason}", nowhere, "check its rights")]
        ) from error
    return parsed(path.name, data)
