"""The files that a storyboard is compiled from, wherever they are kept."""

from collections.abc import Iterable, Sequence
from typing import IO, Literal, Protocol


class Place(Protocol):
    """A file or a folder: a `Path`, or as much of one as compiling takes, with its methods' meaning and errors."""

    @property
    def name(self) -> str:
        """Its last part."""
        ...

    @property
    def parents(self) -> Sequence["Place"]:
        """The folders that it is in, the nearest first."""
        ...

    def __truediv__(self, name: str) -> "Place":
        """What stands at a path from here."""
        ...

    def resolve(self) -> "Place":
        """The same without links and `..`."""
        ...

    def is_file(self) -> bool:
        """Whether it, or what a link leads to, is a file."""
        ...

    def open(self, mode: Literal["rb"]) -> IO[bytes]:
        """A stream of its bytes."""
        ...

    def read_bytes(self) -> bytes:
        """All its bytes."""
        ...

    def glob(self, pattern: str) -> "Iterable[Place]":
        """What is in it, by a pattern of one name."""
        ...


def is_inside(place: Place, folder: Place) -> bool:
    """Whether what stands there is in a folder, once links are followed."""
    try:
        real = place.resolve()
    except RuntimeError:  # links that lead in a circle, which reading tells of
        return True
    return folder.resolve() in [real, *real.parents]
