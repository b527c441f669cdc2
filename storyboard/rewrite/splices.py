"""What edits put in the places of a text."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storyboard import syntax
from storyboard.layout import marks, order
from storyboard.model import Storyboard
from storyboard.rewrite import letters, lists
from storyboard.rewrite.edits import Append, Edit, Move, Odd, Order, Path, Remove, Rename, Reword, Value, Words
from storyboard.rewrite.places import Places, Splice
from storyboard.salvage import plain
from storyboard.syntax import Node, Scalar

_BARE = re.compile(r"(?:-?[0-9])?[A-Za-z0-9_]*(?:(?<=\w)[./-][A-Za-z0-9_]+)*")
_BARE_IN_BLOCK = re.compile(r"(?:-?[0-9])?[A-Za-z0-9_]*(?:(?<=\w)[.:/-][A-Za-z0-9_]+)*")
_BARE_IN_JSON = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?|true|false")
_PLAIN = re.compile(r"(?!(?:null|Null|NULL|-)\Z)[\w-][\w.-]*")
"""A text that needs no quotes in any script: an id, but for those that mean something else."""
_NULLS = frozenset({"null", "Null", "NULL"})


@dataclass(frozen=True)
class Style:
    """How values are written at a place: within `{…}`, and as JSON where keys are in double quotes there."""

    is_flow: bool
    is_json: bool = False

    def value(self, value: Value) -> str:
        """A text, a list between brackets, or keys and values between braces."""
        if isinstance(value, str):
            return self._scalar(value)
        inner = Style(is_flow=True, is_json=self.is_json)
        if isinstance(value, tuple):
            return "[" + ", ".join(map(inner.value, value)) + "]"
        return "{" + ", ".join(inner.entry(key, text) for key, text in value.items()) + "}"

    def entry(self, key: str, value: Value) -> str:
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
            its = list(self._of(edit))
            if isinstance(edit, Reword | Rename):  # what is written once and read twice has the same edit twice
                its = [splice for splice in its if splice not in splices]
            splices += its
        return splices

    def _of(self, edit: Edit) -> Iterator[Splice]:
        *way, key = edit.path
        match edit:
            case Reword(words=words):
                yield from self._reworded(tuple(way), key, words)
            case Move(to=to, place=place):
                yield from lists.carried(self._at, self._list(tuple(way)), self._list(to), int(key), place)
            case Order(places=places):
                yield from lists.moved(self._at, self._list(edit.path), places)
            case Append(value=value):
                style = self._style(self._owner(tuple(way))[0])
                yield lists.appended(self._at, self._list(edit.path), style.value(value))
            case _:
                owner, wanted = self._owner(tuple(way))
                if not isinstance(key, str):
                    raise Odd
                if isinstance(edit, Rename):
                    its = owner.entries[key][0]
                    yield from self._other(its, [Words(0, len(its.text), edit.key)], self._style(owner))
                elif isinstance(edit, Remove):
                    yield self._removed(owner, key)
                else:
                    yield from self._set(owner, key, edit.value, wanted)

    def _list(self, path: Path) -> lists.Written:
        """The list at a path, and where the line after its key starts."""
        owner, key = self._owner(path[:-1])[0], str(path[-1])
        name, node = owner.entries[key]
        if not isinstance(node, syntax.Sequence):
            raise Odd
        return lists.Written(node, self._at.next_line(name.span.end))

    def _reworded(self, way: Path, key: str | int, words: Sequence[Words]) -> Iterator[Splice]:
        if isinstance(key, str):
            owner = self._owner(way)[0]
            style, node = self._style(owner), owner.entries[key][1]
        else:
            its = self._list(way).node
            style, node = self._style(self._owner(way[:-1])[0]), its.items[key]
            style = Style(style.is_flow or self._at.is_flow(its), style.is_json)
        if not isinstance(node, Scalar):
            raise Odd
        yield from self._other(node, words, style)

    def _other(self, node: Scalar, words: Sequence[Words], style: Style) -> Iterator[Splice]:
        """Other words within one text, as its quotes have them."""
        written, start = node.span.text, node.span.start
        sign = letters.style(written)
        spans = letters.ranges(written, node.text, [(its.start, its.end) for its in words])
        for its, (first, last) in zip(words, spans, strict=True):
            text = its.text
            if sign == '"':
                text = json.dumps(text, ensure_ascii=False)[1:-1]
            elif sign == "'":
                text = text.replace("'", "''")
            elif not sign and its.end - its.start == len(node.text) and not _PLAIN.fullmatch(text):
                text = style.value(text)
            yield Splice(start + first, start + last, text)

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

    def _set(self, owner: syntax.Mapping, key: str, value: Value, wanted: Any) -> Iterator[Splice]:
        style = self._style(owner)
        entry = owner.entries.get(key)
        if entry is None:
            yield self._added(owner, key, value, wanted, style)
            return
        node = entry[1]
        start, end = self._at.value(*entry)
        if isinstance(node, syntax.Mapping) and isinstance(value, Mapping):
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

    def _like(self, first: str, value: Value, style: Style) -> str:
        """A value in the quotes that the old one had, by its first character."""
        if isinstance(value, str) and value.isprintable():
            if first == "'":
                return "'" + value.replace("'", "''") + "'"
            if first == '"':
                return json.dumps(value, ensure_ascii=False)
        return style.value(value)

    def _added(self, owner: syntax.Mapping, key: str, value: Value, wanted: Any, style: Style) -> Splice:
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
