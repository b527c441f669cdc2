"""What edits put in the places of a text."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

from storyboard import syntax
from storyboard.layout import marks, order
from storyboard.model import Storyboard
from storyboard.rewrite.edits import Edit, Odd, Order, Path, Remove
from storyboard.rewrite.places import BREAK, Places
from storyboard.salvage import plain
from storyboard.syntax import Node, Scalar

_BARE = re.compile(r"(?:-?[0-9])?[A-Za-z0-9_]*(?:(?<=\w)[./-][A-Za-z0-9_]+)*")
_BARE_IN_BLOCK = re.compile(r"(?:-?[0-9])?[A-Za-z0-9_]*(?:(?<=\w)[.:/-][A-Za-z0-9_]+)*")
_BARE_IN_JSON = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?|true|false")
_NULLS = frozenset({"null", "Null", "NULL"})


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


@dataclass(frozen=True)
class Style:
    """How values are written at a place: within `{…}`, and as JSON where keys are in double quotes there."""

    is_flow: bool
    is_json: bool = False

    def value(self, value: str | Mapping[str, str]) -> str:
        """A text, or keys and texts between braces."""
        if isinstance(value, str):
            return self._scalar(value)
        inner = Style(is_flow=True, is_json=self.is_json)
        return "{" + ", ".join(inner.entry(key, text) for key, text in value.items()) + "}"

    def entry(self, key: str, value: str | Mapping[str, str]) -> str:
        """A key and its value."""
        return f"{json.dumps(key) if self.is_json else key}: {self.value(value)}"

    def _scalar(self, text: str) -> str:
        bare = _BARE_IN_JSON if self.is_json else _BARE if self.is_flow else _BARE_IN_BLOCK
        if text and bare.fullmatch(text) and text not in _NULLS:
            return text
        return json.dumps(text, ensure_ascii=False)


class Splices:
    """What edits put in the places of one text."""

    def __init__(self, text: str, root: syntax.Mapping) -> None:
        self._at = Places(text)
        self._root = root

    def of(self, edits: Iterable[Edit]) -> list[Splice]:
        """What the edits change.

        Raises:
            Odd: an edit is of a form that isn't known.
        """
        splices: list[Splice] = []
        for edit in edits:
            owner, wanted = self._owner(edit.path[:-1])
            key = edit.path[-1]
            if isinstance(edit, Order):
                node = owner.value(str(key))
                if not isinstance(node, syntax.Sequence) or sorted(edit.places) != list(range(len(node.items))):
                    raise Odd
                splices += self._moved(node, self._at.next_line(owner.entries[str(key)][0].span.end), edit.places)
            elif not isinstance(key, str):
                raise Odd
            elif isinstance(edit, Remove):
                splices.append(self._removed(owner, key))
            else:
                splices += self._set(owner, key, edit.value, wanted)
        return splices

    def _owner(self, path: Path) -> tuple[syntax.Mapping, Any]:
        """The mapping at a path, and the language's type of it."""
        node: Node = self._root
        wanted: Any = Storyboard
        for step in path:
            if isinstance(node, syntax.Mapping):
                wanted = order.places(wanted, node).get(str(step), (0, None))[1]
                node = node.entries[str(step)][1]
            elif isinstance(node, syntax.Sequence) and isinstance(step, int):
                wanted, node = order.item(wanted), node.items[step]
        if not isinstance(node, syntax.Mapping):
            raise Odd
        return node, wanted

    def _style(self, owner: syntax.Mapping) -> Style:
        first = next(iter(owner.entries.values()), None)
        is_flow = self._at.is_flow(owner)
        return Style(is_flow, is_flow and first is not None and first[0].span.text.startswith('"'))

    def _set(self, owner: syntax.Mapping, key: str, value: str | Mapping[str, str], wanted: Any) -> Iterator[Splice]:
        style = self._style(owner)
        entry = owner.entries.get(key)
        if entry is None:
            yield self._added(owner, key, value, wanted, style)
            return
        node = entry[1]
        start, end = self._at.value(*entry)
        if isinstance(node, syntax.Mapping) and not isinstance(value, str):
            if self._at.text[start] != "*":
                kind = order.places(wanted, owner).get(key, (0, None))[1]
                for inner, text in value.items():
                    yield from self._set(node, inner, text, kind)
                return
            held = plain(node) | dict(value)
            if not all(isinstance(text, str) for text in held.values()):
                raise Odd
            value = held
        elif not isinstance(node, Scalar) and self._at.text[start] != "*" and not self._at.is_flow(node):
            raise Odd
        if start == end:
            yield Splice(start, end, " " + style.value(value))
            return
        anchor = marks.ANCHOR.match(self._at.text, start)
        start = self._at.skip(anchor.end()) if anchor else start
        yield Splice(start, end, self._like(self._at.text[start], value, style))

    def _like(self, first: str, value: str | Mapping[str, str], style: Style) -> str:
        """A value in the quotes that the old one had, by its first character."""
        if isinstance(value, str) and value.isprintable():
            if first == "'":
                return "'" + value.replace("'", "''") + "'"
            if first == '"':
                return json.dumps(value, ensure_ascii=False)
        return style.value(value)

    def _added(
        self, owner: syntax.Mapping, key: str, value: str | Mapping[str, str], wanted: Any, style: Style
    ) -> Splice:
        """A key put behind the last one that the language has before it, else behind the first."""
        places = order.places(wanted, owner)
        place = places.get(key, (len(places), None))[0]
        before = [entry for name, entry in owner.entries.items() if places.get(name, (0, None))[0] < place]
        if not owner.entries:
            if not style.is_flow:
                raise Odd
            at = self._at.inside(owner) + 1
            return Splice(at, at, style.entry(key, value))
        first = next(iter(owner.entries.values()))
        end = self._at.value(*(before[-1] if before else first))[1]
        if style.is_flow:
            return Splice(end, end, f", {style.entry(key, value)}")
        at = self._at.line_end(end)
        indent = " " * (first[0].span.start - self._at.line(first[0].span.start))
        return Splice(at, at, f"{self._at.line_break}{indent}{style.entry(key, value)}")

    def _removed(self, owner: syntax.Mapping, key: str) -> Splice:
        entries = sorted(owner.entries.values(), key=lambda entry: entry[0].span.start)
        n = next(n for n, (name, _) in enumerate(entries) if name is owner.entries[key][0])
        start, end = entries[n][0].span.start, self._at.value(*entries[n])[1]
        if self._at.is_flow(owner) and n:
            return Splice(self._at.value(*entries[n - 1])[1], end, "")
        line = self._at.line(start)
        if self._at.is_flow(owner) or self._at.text[line:start].strip():
            if n + 1 < len(entries):
                return Splice(start, entries[n + 1][0].span.start, "")
            if self._at.is_flow(owner):
                return Splice(start, end, "")
            raise Odd
        return Splice(line, self._at.next_line(end), "")

    def _moved(self, node: syntax.Sequence, top: int, places: Sequence[int]) -> list[Splice]:
        if self._at.text[self._at.inside(node)] == "[":
            spans = [item.span for item in node.items]
            return [
                Splice(spans[n].start, spans[n].end, self._at.text[spans[at].start : spans[at].end])
                for n, at in enumerate(places)
                if n != at
            ]
        blocks, between = self._blocks(node, top)
        whole = [self._at.text[one:end] for one, end in blocks]
        apart = ["", *(self._at.text[one:end] for one, end in between)]
        is_open = not BREAK.search(whole[-1][-1:])  # the text's last line, without a break
        if is_open:
            whole[-1] += self._at.line_break
        made = "".join(gap + whole[at] for gap, at in zip(apart, places, strict=True))
        return [Splice(blocks[0][0], blocks[-1][1], made.removesuffix(self._at.line_break) if is_open else made)]

    def _blocks(self, node: syntax.Sequence, top: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """The lines of each item, with the comments that are its own, and what is between them."""
        items = list(self._at.items(node, self._at.inside(node)))
        rows = [(self._at.line(dash), self._at.next_line(end)) for dash, end in items]
        if any(self._at.text[line:dash].strip() for (line, _), (dash, _) in zip(rows, items, strict=True)):
            raise Odd
        depth = items[0][0] - rows[0][0]
        starts, ends = [self._at.above(rows[0][0], top)], []
        for (_, end), (line, _) in pairwise(rows):
            ends.append(self._at.under(end, line, depth))
            starts.append(self._at.above(line, ends[-1]))
        ends.append(self._at.under(rows[-1][1], len(self._at.text), depth))
        return list(zip(starts, ends, strict=True)), list(zip(ends, starts[1:], strict=False))
