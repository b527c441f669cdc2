"""The files that a storyboard refers to: where they really are, and what they really are."""

import errno
import os
import stat
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from storyboard.memo import Memo
from storyboard.pins import Pins

MAX_BYTES = 1 << 30
Problem = Literal["missing", "outside", "absolute", "loop", "folder", "special", "empty", "large", "unreadable"]


class Asset(NamedTuple):
    """One reference to a file, as written, and what stands behind it.

    `problem` says why it can't be used; `sha256` and `media` (a type by its bytes, "" if unknown) are then "".
    """

    written: str
    path: str
    sha256: str = ""
    media: str = ""
    problem: Problem | None = None


class Referred(Mapping[str, Asset]):
    """Assets by how they were written, each looked at when first asked for.

    A URL is one too: it holds what it held when it was fetched, nothing while it never was.
    """

    def __init__(self, root: Path, pins: Pins) -> None:
        self._root = root.resolve()
        self._pins = pins
        self._found: dict[str, Asset] = {}

    def __getitem__(self, written: str) -> Asset:
        found = self._found.get(written)
        if found is None:
            found = self._found[written] = self._look(written)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def _look(self, written: str) -> Asset:
        if "://" in written:
            pinned = self._pins.get(written)
            return Asset(written, "", *pinned) if pinned else Asset(written, "")
        path = f"{self._root}/{written}"
        if "\0" in written:
            return Asset(written, path, problem="missing")
        if written.startswith(("/", "~", "\\")) or written[1:3] in {":\\", ":/"}:
            return Asset(written, path, problem="absolute")
        return self._at(written, path)

    @abstractmethod
    def _at(self, written: str, path: str) -> Asset:
        """What is at a path that starts from the folder."""


class Assets(Referred):
    """The assets of a folder on the disk."""

    def __init__(self, root: Path, memo: Memo, pins: Pins) -> None:
        super().__init__(root, pins)
        self._memo = memo
        self._inside: dict[str, bool] = {}

    def _at(self, written: str, path: str) -> Asset:
        try:
            status = os.lstat(path)
            if stat.S_ISLNK(status.st_mode) or not self._folder_is_inside(path):
                path = os.path.realpath(path, strict=True)
                if not Path(path).is_relative_to(self._root):
                    return Asset(written, path, problem="outside")
                status = os.lstat(path)
            problem = _unusable(status)
            if problem:
                return Asset(written, path, problem=problem)
            seen = self._memo.look(path, status)
        except (FileNotFoundError, NotADirectoryError):
            inside = os.path.realpath(path).startswith(f"{self._root}{os.sep}")
            return Asset(written, path, problem="missing" if inside else "outside")
        except OSError as error:
            return Asset(written, path, problem="loop" if error.errno == errno.ELOOP else "unreadable")
        except ValueError:
            return Asset(written, path, problem="special")
        return Asset(written, path, seen.sha256, seen.media)

    def _folder_is_inside(self, path: str) -> bool:
        # Most references share a few folders, so a folder's real place is found once for all of them.
        folder = path.rpartition("/")[0]
        if folder not in self._inside:
            real = os.path.realpath(folder)
            self._inside[folder] = Path(real).is_relative_to(self._root) and not path.endswith("/..")
        return self._inside[folder]


def _unusable(status: os.stat_result) -> Problem | None:
    if stat.S_ISDIR(status.st_mode):
        return "folder"
    if not stat.S_ISREG(status.st_mode):
        return "special"
    if status.st_size == 0:
        return "empty"
    return "large" if status.st_size > MAX_BYTES else None
