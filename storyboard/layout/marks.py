"""A text with its tree, and with what the tree doesn't tell: where comments, anchors and aliases stand."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from storyboard.source import Source
from storyboard.syntax import Mapping, Node, Scalar, Sequence, parse

ANCHOR = re.compile(r"&[^\s,\[\]{}]+")
HEADER = re.compile(r"([|>][-+0-9]*)[^\n]*")
"""The first line of a block scalar, and the signs in it."""

_ALIAS = re.compile(r"\*[^\s,\[\]{}]+")
_BLANKS = re.compile(r"(?:[ \t\n]+|#[^\n]*)*")  # libyaml takes any # between two tokens for a comment
_SIGNS = re.compile(r"#[^\n]*|[&*]")


class Odd(Exception):
    """A form too rare to lay out: explicit keys, keys by alias, an anchor on a line of its own …"""


@dataclass(frozen=True)
class Marked:
    """A text, its tree, and the offsets of its comments and pins.

    A pin keeps the keys around it in the order written: an alias must stay below its anchor, and the blank lines
    after a block scalar with `+` are part of it.
    """

    text: str
    root: Mapping
    comments: list[int]
    pins: list[int]

    def comment(self, start: int) -> str:
        """The comment at an offset, with a space before its first letter."""
        end = self.text.find("\n", start)
        written = self.text[start : end if end >= 0 else None].rstrip()
        return "# " + written[1:] if written[1:2].isalpha() else written

    def all_comments(self) -> Counter[str]:
        """Every comment, and how often it stands there."""
        return Counter(map(self.comment, self.comments))

    def is_pinned(self, start: int, end: int) -> bool:
        """Whether there is a pin within these offsets."""
        return bisect_left(self.pins, start) < bisect_left(self.pins, end)

    def skip(self, at: int) -> int:
        """The offset of the next token: past spaces, line breaks and comments."""
        found = _BLANKS.match(self.text, at)
        return found.end() if found else at

    def alias(self, at: int) -> str:
        """The alias that stands at an offset.

        Raises:
            Odd: there is none.
        """
        found = _ALIAS.match(self.text, at)
        if found is None:
            raise Odd
        return found[0]

    def inside(self, node: Mapping | Sequence) -> int:
        """Where a list or mapping itself starts, past its anchor."""
        start = node.span.start
        anchor = ANCHOR.match(self.text, start)
        first = next(iter(node.entries.values()), None) if isinstance(node, Mapping) else None
        if anchor is None or (first and first[0].span.start == start):  # then it is the first key's
            return start
        return self.skip(anchor.end())


def is_empty(node: Node) -> bool:
    """True for a value of which nothing is written."""
    return isinstance(node, Scalar) and node.span.start == node.span.end


def read(text: str) -> Marked | None:
    """A text that ends its lines with LF; None where it isn't YAML, or isn't keys and values."""
    root, found = parse(Source("storyboard.yaml", text))
    if root is None or any(finding.is_error for finding in found):
        return None
    marked = Marked(text, root, [], [])

    def scan(start: int, end: int) -> None:
        for sign in _SIGNS.finditer(text, start, end):
            (marked.comments if sign[0][0] == "#" else marked.pins).append(sign.start())

    at = 0
    for scalar in sorted(_scalars(root, set()), key=lambda scalar: scalar.span.start):
        start, end = scalar.span.start, scalar.span.end
        if anchor := ANCHOR.match(text, start, end):
            marked.pins.append(start)
            start = min(marked.skip(anchor.end()), end)
        scan(at, start)
        if not scalar.plain and (header := HEADER.match(text, start, end)):
            if "+" in header[1]:
                marked.pins.append(start)
            scan(header.end(1), header.end())
        at = end
    scan(at, len(text))
    marked.pins.sort()
    return marked


def _scalars(node: Node, seen: set[int]) -> Iterator[Scalar]:
    if id(node) in seen:  # by an alias
        return
    seen.add(id(node))
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from _scalars(item, seen)
    else:
        for key, value in node.entries.values():
            yield key
            yield from _scalars(value, seen)
