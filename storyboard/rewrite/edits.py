"""The edits that can be made to a storyboard's text."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from storyboard.source import Span

Path = tuple[str | int, ...]
"""Keys and places in lists, from the top: `("shots", 2, "duration")`."""


@dataclass(frozen=True)
class Set:
    """A key gets a value: a text, or keys and texts, which are set one by one where there are some already.
    A key that isn't there yet is written where the language has it.
    """

    path: Path
    value: str | Mapping[str, str]


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


Edit = Set | Remove | Order


class Uneditable(Exception):
    """An edit that can't be made without changing something else. `span` is the place, `help` what to write there."""

    def __init__(self, span: Span, message: str, help_: str) -> None:
        super().__init__(message)
        self.span = span
        self.help = help_


class Odd(Exception):
    """A form too rare to edit."""
