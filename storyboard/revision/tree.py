"""The files of a storyboard's folder as they were in a commit, with the links among them followed."""

import errno
import io
import os
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import IO, Literal

from storyboard.assets import Problem
from storyboard.git import File, Objects

MOST_BYTES = 64 << 20
"""Of a text: a lock may have 32 MiB, a storyboard 4."""

_LINK = "120000"
_MOST_LINKS = 40
"""As Linux has it (path_resolution(7))."""


class Nowhere(OSError):
    """A path leads to no file; `problem` says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, eq=False)
class Tree:
    """Files by their paths from the storyboard's folder, and where that folder is on the disk."""

    files: Mapping[str, File]
    objects: Objects
    root: str

    @cached_property
    def folders(self) -> frozenset[str]:
        """Every folder that holds a file."""
        found: set[str] = set()
        for path in self.files:
            folder = posixpath.dirname(path)
            while folder and folder not in found:
                found.add(folder)
                folder = posixpath.dirname(folder)
        return frozenset(found)

    def follow(self, path: str) -> str:
        """Where a path leads to, a file or a folder, without links and `..`.

        Raises:
            Nowhere: to nothing, or out of the folder.
        """
        real: list[str] = []
        above: list[str] = []  # the names of the folders that were left, the outermost first
        left, links = path.split("/")[::-1], 0
        while left:
            part = left.pop()
            if part in {"", "."}:
                continue
            if part == "..":
                if real:
                    real.pop()
                else:
                    above.insert(0, self._over(len(above)))
                continue
            if above:
                if part != above.pop(0):
                    raise Nowhere("outside")
                continue
            name = "/".join([*real, part])
            file = self.files.get(name)
            if file is not None and file.mode == _LINK:
                links += 1
                if links > _MOST_LINKS:
                    raise Nowhere("loop")
                target = self.objects.read(file.object).decode("utf-8", "surrogateescape")
                if target.startswith("/"):
                    if not target.startswith(f"{self.root}/"):
                        raise Nowhere("outside")
                    target, real, above = target[len(self.root) :], [], []
                left += target.split("/")[::-1]
            elif (file is None and name not in self.folders) or (file is not None and any(left)):
                rest = posixpath.normpath(posixpath.join(name, *left[::-1]))
                raise Nowhere("outside" if rest.startswith("..") else "missing")
            else:
                real.append(part)
        if above:
            raise Nowhere("outside")
        return "/".join(real)

    def _over(self, levels: int) -> str:
        """The name of the storyboard's folder, or of the one that many levels over it."""
        return ["", *self.root.split("/")][max(0, len(self.root.split("/")) - levels)]

    def file(self, path: str) -> tuple[str, File]:
        """The file that a path leads to, and its own path.

        Raises:
            Nowhere: to no file.
        """
        real = self.follow(path)
        if real not in self.files:
            raise Nowhere("folder")
        return real, self.files[real]


@dataclass(frozen=True)
class Spot:
    """A path in a tree, read as a `Path` is: the `files.Place` of a commit."""

    tree: Tree = field(repr=False)
    path: str = ""

    @property
    def name(self) -> str:
        """Its last part."""
        return posixpath.basename(self.path)

    @property
    def parents(self) -> Sequence["Spot"]:
        """The folders that it is in, the nearest first."""
        parts = [part for part in self.path.split("/") if part]
        return [Spot(self.tree, "/".join(parts[:n])) for n in range(len(parts) - 1, -1, -1)]

    def __truediv__(self, name: str) -> "Spot":
        return Spot(self.tree, posixpath.join(self.path, name))

    def resolve(self) -> "Spot":
        """The same without links and `..`; what leaves the folder keeps its `..`."""
        try:
            return Spot(self.tree, self.tree.follow(self.path))
        except Nowhere as error:
            if error.problem == "loop":
                raise RuntimeError("links lead in a circle") from error
            return Spot(Tree({}, self.tree.objects, "/"), self.path) if error.problem == "outside" else self

    def is_file(self) -> bool:
        """Whether it, or what a link leads to, is a file."""
        try:
            return bool(self.tree.file(self.path))
        except Nowhere:
            return False

    def read_bytes(self) -> bytes:
        """All its bytes. Raises OSError where it is no file."""
        try:
            _, file = self.tree.file(self.path)
        except Nowhere as error:
            number = errno.EISDIR if error.problem == "folder" else errno.ENOENT
            raise OSError(number, os.strerror(number), self.path) from error
        if file.size > MOST_BYTES:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), self.path)
        return self.tree.objects.read(file.object)

    def open(self, mode: Literal["rb"]) -> IO[bytes]:  # noqa: ARG002 -- the only mode there is
        """A stream of its bytes. Raises OSError where it is no file."""
        return io.BytesIO(self.read_bytes())

    def glob(self, pattern: str) -> Iterator["Spot"]:
        """What is in it, by a pattern of one name."""
        try:
            folder = self.tree.follow(self.path)
        except Nowhere:
            return
        start = f"{folder}/" if folder else ""
        for path in self.tree.files:
            rest = path.removeprefix(start)
            if path.startswith(start) and "/" not in rest and fnmatchcase(rest, pattern):
                yield Spot(self.tree, path)
