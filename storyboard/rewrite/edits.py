"""The edits that can be made to a storyboard's text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Union

from storyboard.source import Span

Path = tuple[str | int, ...]
"""Keys and places in lists, from the top: `("shots", 2, "duration")`."""

Value = Union[str, tuple[str, ...], Mapping[str, "Value"]]  # noqa: UP007 -- it names itself
"""A text, a list of texts, or keys and values."""


@dataclass(frozen=True)
class Set:
    """A key gets a value: a text, a list of texts, or keys and values, which are set one by one where there are some
    already. A key that isn't there yet is written where the language has it.
    """

    path: Path
    value: Value


class Words(NamedTuple):
    """Other words for those from `start` to `end` of a text, as it is read."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Reword:
    """A text, which may be a list's item, gets other words in some places, and keeps its quotes and its lines. One that
    is read through an alias is changed where it is written: for all who read it, each of whom has the same edit.
    """

    path: Path
    words: tuple[Words, ...]

    def of(self, old: str) -> str:
        """What the text is afterwards."""
        parts, at = [], 0
        for its in self.words:
            parts += [old[at : its.start], its.text]
            at = its.end
        return "".join([*parts, old[at:]])


@dataclass(frozen=True)
class Rename:
    """A key gets another name and stays where it is. Paths of other edits go by the old one."""

    path: Path
    key: str


@dataclass(frozen=True)
class Append:
    """A list gets one more text."""

    path: Path
    value: str


@dataclass(frozen=True)
class Remove:
    """A key goes, with its line."""

    path: Path


@dataclass(frozen=True)
class Order:
    """A list's items change their order: the place that each had, in the new order. What stands directly above an item
    and at its lines' ends goes with it; blank lines, and comments set off by them, stay.
    """

    path: Path
    places: tuple[int, ...] = field(repr=False)


@dataclass(frozen=True)
class Move:
    """A list's item goes into another list, before the one at `place` there, or to the end; its comments go with it."""

    path: Path
    to: Path
    place: int


Edit = Set | Reword | Rename | Append | Remove | Order | Move


class Uneditable(Exception):
    """An edit that can't be made without changing something else. `span` is the place, `help` what to write there."""

    def __init__(self, span: Span, message: str, help_: str) -> None:
        super().__init__(message)
        self.span = span
        self.help = help_


class Odd(Exception):
    """A form too rare to edit."""
