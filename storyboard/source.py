"""Text with places in it: half-open offset spans, and line and column only when someone asks.

Offsets and columns count Unicode code points; lines and columns start at 1.
"""

from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple


@dataclass(frozen=True)
class Source:
    """A text and the name it is shown under (a path as the author would write it)."""

    name: str
    text: str = field(repr=False)

    @cached_property
    def _starts(self) -> list[int]:
        # YAML 1.2 section 5.4: only CR, LF and CR LF break lines.
        text, starts, offset = self.text, [0], 0
        for line in text.splitlines(keepends=True):
            offset += len(line)
            if line.endswith(("\n", "\r")):
                starts.append(offset)
        return starts

    def line_column(self, offset: int) -> tuple[int, int]:
        """The line and column of one offset, both from 1."""
        row = bisect_right(self._starts, offset) - 1
        return row + 1, offset - self._starts[row] + 1

    def line(self, number: int) -> str:
        """One line's text (from 1), without its line break."""
        if number > len(self._starts):
            return ""
        end = self._starts[number] if number < len(self._starts) else len(self.text)
        return self.text[self._starts[number - 1] : end].rstrip("\r\n")

    def span(self, start: int, end: int) -> "Span":
        """The span of `start` to `end`, kept inside the text."""
        start = max(0, min(start, len(self.text)))
        return Span(self, start, max(start, min(end, len(self.text))))


class Span(NamedTuple):
    """A half-open range of offsets in one source. A tuple, because a storyboard has one for every value."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        """The characters it covers."""
        return self.source.text[self.start : self.end]
