"""The files that a storyboard refers to: where they really are, and what they really are."""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from storyboard.memo import Memo

MAX_BYTES = 1 << 30
Problem = Literal["missing", "outside", "absolute", "folder", "special", "empty", "large", "unreadable"]


@dataclass(frozen=True, slots=True)
class Asset:
    """One reference to a file, as written, and what stands behind it.

    `problem` says why it can't be used; `sha256` and `media` (a type by its bytes, "" if unknown) are then "".
    """

    written: str
    path: Path
    sha256: str = ""
    media: str = ""
    problem: Problem | None = None


class Assets(Mapping[str, Asset]):
    """Assets by how they were written, each looked at when first asked for."""

    def __init__(self, root: Path, memo: Memo) -> None:
        self._root = root.resolve()
        self._memo = memo
        self._found: dict[str, Asset] = {}
        self._inside: dict[str, bool] = {}

    def __getitem__(self, written: str) -> Asset:
        found = self._found.get(written)
        if found is None:
            found = self._found[written] = self._look(written)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def gather(self, written: Iterable[str]) -> None:
        """Look at many."""
        for one in written:
            self[one]

    def _look(self, written: str) -> Asset:
        path = self._root / written
        if "\0" in written:
            return Asset(written, path, problem="missing")
        if written.startswith(("/", "~", "\\")) or Path(written).is_absolute():
            return Asset(written, path, problem="absolute")
        try:
            if not self._is_inside(path):
                return Asset(written, path, problem="outside")
            status = path.stat()
            problem = _unusable(status)
            if problem:
                return Asset(written, path, problem=problem)
            real = path.resolve() if path.is_symlink() else path
            seen = self._memo.look(real)
        except (FileNotFoundError, NotADirectoryError):
            return Asset(written, path, problem="missing")
        except (OSError, ValueError, RuntimeError):  # RuntimeError: a loop of links
            return Asset(written, path, problem="unreadable")
        return Asset(written, real, seen.sha256, seen.media)

    def _is_inside(self, path: Path) -> bool:
        # Most references share a few folders, so the folder's real place is found once for all of them.
        folder = str(path.parent)
        if folder not in self._inside:
            self._inside[folder] = Path(os.path.realpath(folder)).is_relative_to(self._root)
        if path.name == ".." or not self._inside[folder]:
            return False
        return not path.is_symlink() or path.resolve().is_relative_to(self._root)


def _unusable(status: os.stat_result) -> Problem | None:
    if stat.S_ISDIR(status.st_mode):
        return "folder"
    if not stat.S_ISREG(status.st_mode):
        return "special"
    if status.st_size == 0:
        return "empty"
    return "large" if status.st_size > MAX_BYTES else None
