"""Where the nodes of a text stand in it: themselves, or their aliases."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from storyboard import syntax
from storyboard.layout import marks
from storyboard.rewrite.edits import Odd
from storyboard.syntax import Node, Scalar

BREAK = re.compile(r"\r\n|\n|\r")
_BLANKS = re.compile(r"(?:[ \t\r\n]+|#[^\r\n]*)*")
_COMMENT = re.compile(r"[ \t]*#")
_ALIAS = re.compile(r"\*[^\s,\[\]{}]+")


class Splice(NamedTuple):
    """What stands between two offsets instead of what did."""

    start: int
    end: int
    text: str


def spliced(text: str, splices: Iterable[Splice]) -> str:
    """The text with the splices made.

    Raises:
        Odd: two of them want the same place.
    """
    parts, at = [], 0
    for splice in sorted(splices, key=lambda one: one.start):  # stable: what goes to one place keeps its order
        if splice.start < at:
            raise Odd
        parts += [text[at : splice.start], splice.text]
        at = splice.end
    return "".join([*parts, text[at:]])


class Places:
    """The offsets of what a text holds. Each raises `Odd` for a form that isn't known."""

    def __init__(self, text: str) -> None:
        self.text = text
        found = BREAK.search(text)
        self.line_break = found[0] if found else "\n"

    def skip(self, at: int) -> int:
        found = _BLANKS.match(self.text, at)
        return found.end() if found else at

    def value(self, key: Scalar, value: Node) -> tuple[int, int]:
        """Where the value of a key starts and ends, itself or its alias; both right behind the colon for none."""
        colon = self.skip(key.span.end)
        if self.text[colon : colon + 1] != ":":
            raise Odd
        return self.written(colon + 1, value)

    def written(self, after: int, value: Node) -> tuple[int, int]:
        """The same for a value behind a colon or a dash that ends at `after`."""
        start = self.skip(after)
        if self.text[start : start + 1] == "*":
            end = re.compile(r"\*[^\s,\[\]{}]+").match(self.text, start)
            return start, end.end() if end else start + 1
        if marks.is_empty(value):
            return after, after
        if value.span.start < after:
            raise Odd
        return start, self.end(value)

    def is_flow(self, node: Node) -> bool:
        return isinstance(node, syntax.Mapping | syntax.Sequence) and self.text[self.inside(node)] in "{["

    def inside(self, node: Node) -> int:
        """Where a value starts, past its anchor."""
        anchor = marks.ANCHOR.match(self.text, node.span.start)
        if anchor is None:
            return node.span.start
        first = next(iter(node.entries.values()), None) if isinstance(node, syntax.Mapping) else None
        return node.span.start if first and first[0].span.start == node.span.start else self.skip(anchor.end())

    def end(self, node: Node) -> int:
        """Where a value ends, without the comments and blank lines that follow."""
        if isinstance(node, Scalar) or self.is_flow(node):
            return node.span.end
        if isinstance(node, syntax.Mapping):
            return self.value(*max(node.entries.values(), key=lambda entry: entry[0].span.start))[1]
        return max(end for _, end in self.items(node, self.inside(node)))

    def items(self, node: syntax.Sequence, at: int) -> Iterator[tuple[int, int]]:
        """The dash and the end of each item of a block list that starts at `at`."""
        for item in node.items:
            dash = self.skip(at)
            if self.text[dash : dash + 1] != "-":
                raise Odd
            at = self.written(dash + 1, item)[1]
            yield dash, at

    def line(self, at: int) -> int:
        """Where the line of an offset starts."""
        return max(self.text.rfind("\n", 0, at), self.text.rfind("\r", 0, at)) + 1

    def line_end(self, at: int) -> int:
        """Where the line of an offset ends, before its break."""
        found = BREAK.search(self.text, at)
        return found.start() if found else len(self.text)

    def next_line(self, at: int) -> int:
        found = BREAK.search(self.text, at)
        return found.end() if found else len(self.text)

    def above(self, line: int, top: int) -> int:
        """Where the comments start that stand directly above a line, from `top` on."""
        while line > top:
            before = self.line(line - (2 if self.text[line - 2 : line] == "\r\n" else 1))
            if before < top or not _COMMENT.match(self.text, before):
                break
            line = before
        return line

    def under(self, at: int, end: int, depth: int) -> int:
        """Where what follows an item isn't its own any more: comments that are deeper than its dash are, and those that
        stand right under it, as deep, with a blank line after them.
        """
        own = at
        while at < end and _COMMENT.match(self.text, at):
            column = self.text.index("#", at) - at
            at = self.next_line(at)
            if column > depth:
                own = at
            elif column < depth:
                return own
        is_set_off = at < end and not self.text[at : self.line_end(at)].strip()
        return at if is_set_off else own
