"""A storyboard's lines by the key or item that they belong to, the keys in the order of the language."""

import re
from bisect import bisect_right
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from storyboard.layout import flow, order
from storyboard.layout.marks import ANCHOR, HEADER, Marked, Odd, is_empty
from storyboard.model import Storyboard
from storyboard.syntax import Mapping, Node, Scalar, Sequence

_ITEM = re.compile(r"#\s*- ")
_TO_EDITORS = re.compile(r"#\s*yaml-language-server")


class Line(NamedTuple):
    """A line, and the comment behind what it says: with the spaces before it, and its column as written."""

    body: str
    comment: str = ""
    gap: int = 0
    column: int = 0


@dataclass(slots=True, eq=False)
class Entry:
    """A key of a block mapping or an item of a block list, with everything that goes where it goes.

    Attributes:
        column: Where it was written.
        depth: The same, one more for an item that stands as deep as the key of its list.
        place: Its position in the order of the language.
        head: The key or dash, and what stands behind it on the line.
        rest: Further lines of its value, indented from its own column.
        above: Comments over it. In this and the next two, "" stands for blank lines.
        foot: Comments at the end of what it holds, as deep.
        tail: Comments right under it, as deep as itself.
        is_block: Its value is a block scalar, `|` or `>`.
        keeps: And one with `+`.
    """

    parent: "Entry | None"
    row: int
    column: int
    depth: int
    place: int = 0
    head: Line = field(default_factory=lambda: Line(""))
    rest: list[Line] = field(default_factory=list)
    children: "list[Entry]" = field(default_factory=list)
    above: list[str] = field(default_factory=list)
    foot: list[str] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)
    is_block: bool = False
    keeps: bool = False

    @property
    def is_long(self) -> bool:
        """True where it takes more than a line."""
        return bool(self.rest or self.children or self.foot)


class Reader:
    """Reads a text from top to bottom.

    Attributes:
        root: Holds the entries of the top level.
        header: The comments of the file itself, and "" for blank lines.
        last: The entry that was written last.

    Raises:
        Odd: the text holds something that can't be laid out.
    """

    def __init__(self, marked: Marked, *, in_order: bool) -> None:
        self._marked = marked
        self._text = marked.text
        self._in_order = in_order
        self._rows = marked.text.removesuffix("\n").split("\n")
        self._starts = [0]
        for row in self._rows:
            self._starts.append(self._starts[-1] + len(row) + 1)
        self._comments = {self._row(at): at for at in marked.comments}
        self._done = -1  # the last row that belongs to an entry
        self.root = self.last = Entry(None, -1, -2, -2)
        self.header: list[str] = []
        start = marked.root.span.start
        if self._text[start] == "{":
            self._leaf(self._entry(self.root, start), "", marked.root, start, Storyboard)
        else:
            self._collection(self.root, marked.root, start, Storyboard)
        self._share(range(self._done + 1, len(self._rows)), None)

    def _row(self, offset: int) -> int:
        return bisect_right(self._starts, offset) - 1

    def _entry(self, parent: Entry, start: int) -> Entry:
        row = self._row(start)
        column = start - self._starts[row]
        entry = Entry(parent, row, column, column + (column == parent.column))
        if row < self._done:
            raise Odd
        if row > self._done + 1:
            self._share(range(self._done + 1, row), entry)
        parent.children.append(entry)
        self.last, self._done = entry, row
        return entry

    def _collection(self, parent: Entry, node: Mapping | Sequence, at: int, wanted: Any) -> int:
        """Read a block list or mapping that starts at `at`; where its last value ends."""
        if isinstance(node, Sequence):
            inner = order.item(wanted)
            for item in node.items:
                dash = self._marked.skip(at)
                if self._text[dash] != "-":
                    raise Odd
                at = self._value(self._entry(parent, dash), "-", item, dash + 1, inner)
            return at
        first, places = at, order.places(wanted, node)
        for name, (key, value) in node.entries.items():
            start, colon = key.span.start, self._marked.skip(key.span.end)
            if start < at or self._text[colon] != ":":
                raise Odd
            entry = self._entry(parent, start)
            if self._text[self._starts[entry.row] : start].strip(" -\t"):
                raise Odd
            entry.place, inner = places.get(name, (len(places), None))
            at = self._value(entry, f"{key.span.text}:", value, colon + 1, inner)
        if self._in_order and not self._marked.is_pinned(first, at):
            foremost = parent.children[0]
            parent.children.sort(key=lambda entry: entry.place)
            now = parent.children[0]
            while now is not foremost and now.above[:1] == [""]:
                del now.above[0]
        return at

    def _value(self, entry: Entry, head: str, node: Node, after: int, wanted: Any) -> int:
        """Read what stands behind a key's colon or an item's dash; where it ends."""
        start = after if is_empty(node) else self._marked.skip(after)
        if isinstance(node, Scalar) or node.span.start != start:
            return self._leaf(entry, head, node, start, wanted)
        inside = self._marked.inside(node)
        if self._text[inside] in "[{":
            return self._leaf(entry, head, node, start, wanted)
        if inside > start:
            if self._row(start) > entry.row:
                raise Odd
            head = f"{head} {self._text[start:inside].split()[0]}"
        entry.head = self._noted(head, entry.row) if self._row(inside) > entry.row else Line(head)
        end = self._collection(entry, node, inside, wanted)
        if head == "-":  # it goes before its first key, and what stands between the two goes above both
            first = entry.children[0]
            if entry.head.comment:
                block = min(entry.children, key=lambda child: child.row).above
                (block if block and block[0] else first.above).insert(0, entry.head.comment)
            first.above = [line for line in first.above if line]
        return end

    def _leaf(self, entry: Entry, head: str, node: Node, start: int, wanted: Any) -> int:
        """Read a scalar, an alias or a flow collection; where it ends."""
        end = node.span.end
        brackets = None if isinstance(node, Scalar) else node
        if node.span.start != start:
            brackets, end = None, start + len(self._marked.alias(start))
        elif isinstance(node, Scalar) and not node.plain:
            anchor = ANCHOR.match(self._text, start)
            header = HEADER.match(self._text, self._marked.skip(anchor.end()) if anchor else start)
            if header:
                self._block(entry, head, header, start)
                return end
        row, last = self._row(start), self._row(max(start, end - 1))
        opening = self._text[start:end]
        changes: list[tuple[int, int, str]] = []
        with suppress(Odd):
            if brackets and row == last:
                opening, _ = flow.written(self._marked, brackets, start, wanted, in_order=self._in_order)
            elif brackets:
                changes = list(flow.spaces(self._marked, brackets, wanted, in_order=self._in_order))
        if row < last:
            opening = self._changed(row, changes)[start - self._starts[row] :]
        if row > entry.row:
            entry.head = self._noted(head, entry.row)
        else:
            head = f"{head} " if head and opening else head
            entry.head = self._noted(head + opening, row)
        self._done = last
        if last == entry.row:
            return end
        lines = [self._line(n, changes) for n in range(entry.row + 1, last + 1)]
        column = start - self._starts[row]
        if brackets:
            entry.rest = self._nested(entry.row, brackets, lines, column - len(head))
        else:
            entry.rest = _hung(lines, column if row == entry.row else None, len(head))
        return end

    def _changed(self, row: int, changes: Iterable[tuple[int, int, str]]) -> str:
        """What a row says, without its comment and with other spacing."""
        first, end = self._starts[row], self._comments.get(row, self._starts[row + 1] - 1)
        body = self._text[first:end]
        for start, stop, written in reversed(list(changes)):
            if first <= start and stop <= end:
                body = body[: start - first] + written + body[stop - first :]
        return _trimmed(body)

    def _line(self, row: int, changes: list[tuple[int, int, str]]) -> Line:
        line = self._noted(self._changed(row, changes), row)
        return line if line.body.strip() or not line.comment else Line(" " * line.column + line.comment)

    def _nested(self, row: int, node: Mapping | Sequence, lines: list[Line], moved: int) -> list[Line]:
        """The further lines of brackets that stand on several: two spaces a level.

        Where the line goes on behind a bracket, those below stay under what stands there; `moved` is by how much
        the first line is moved to the left.
        """
        around: dict[int, tuple[int, bool]] = {}
        for start, end, ends_line in flow.openings(self._marked, node):
            first = self._row(start)
            around |= dict.fromkeys(range(first + 1, self._row(end - 1) + 1), (first, ends_line))
        depths, moves = {row: 0}, {row: -moved}
        for n, line in enumerate(lines, row + 1):
            before = len(line.body) - len(line.body.lstrip())
            first, ends_line = around.get(n, (row, True))
            closes = line.body.lstrip()[:1] in {"]", "}"}
            within = depths[first] + (0 if closes else 2)
            depths[n] = within if ends_line else max(within, before + moves[first])
            moves[n] = depths[n] - before
        return [line._replace(body=_indented(depths[n], line.body)) for n, line in enumerate(lines, row + 1)]

    def _block(self, entry: Entry, head: str, header: re.Match[str], start: int) -> None:
        """Read a block scalar. Its content moves as a whole, as its first line tells how deep it stands."""
        if self._row(header.start()) > entry.row:
            raise Odd
        entry.head = self._noted(f"{head} {self._text[start : header.end(1)]}", entry.row)
        entry.is_block, entry.keeps = True, "+" in header[1]
        told = re.search(r"[1-9]", header[1])
        rows = self._rows[entry.row + 1 :] if entry.row + 1 < len(self._rows) else []
        filled = next((row for row in rows if row.strip(" ")), "")
        indent = entry.column + int(told[0]) if told else len(filled) - len(filled.lstrip(" "))
        if indent <= entry.column:  # it is empty
            indent = len(self._text)
        blank = 0
        for row in rows:
            inside = len(row) > indent and not row[:indent].strip(" ")
            if not inside and row.strip(" "):
                break
            blank = 0 if inside else blank + 1
            entry.rest.append(Line(" " * (int(told[0]) if told else 2) + row[indent:] if inside else ""))
        if not entry.keeps:
            del entry.rest[len(entry.rest) - blank :]
        self._done = entry.row + len(entry.rest)

    def _noted(self, body: str, row: int) -> Line:
        """A line of a row, with the comment behind it."""
        at = self._comments.get(row)
        if at is None:
            return Line(body)
        before = self._rows[row][: at - self._starts[row]]
        return Line(body, self._marked.comment(at), len(before) - len(before.rstrip()), len(before))

    # Whose comment is it?

    def _share(self, rows: Iterable[int], after: Entry | None) -> None:
        """Hand the comments and blank lines before an entry, or the text's end, to whom they belong."""
        if after and self.last is self.root:
            self._share_top(rows, after)
            return
        sibling: Entry | None = self.last
        while after and sibling and sibling.parent is not after.parent:
            sibling = sibling.parent
        under, where = self.last, self.last.tail
        blank = self.last.is_block and bool(self.last.rest) and not self.last.rest[-1].body.strip()
        above: list[str] = []
        for row in rows:
            at = self._comments.get(row)
            if at is None:
                if self._rows[row].strip():
                    raise Odd
                blank = True
                continue
            depth = at - self._starts[row]
            if _ITEM.match(self._text, at) and _holds_items(self.last, depth):
                depth += 1
            owner = None
            if not above and (after is None or (sibling and depth > after.depth)):
                owner = _owner(under, depth, self.root if after is None else sibling)
            if owner is None:
                where = above
            elif depth > owner.depth and not owner.children and not owner.is_block:
                under, where = owner, owner.foot
            elif owner.parent and (blank or where is owner.parent.foot):
                under, where = owner, owner.parent.foot
            else:
                under, where = owner, owner.tail
            where += [""] * blank + [self._marked.comment(at)]
            blank = False
        above += [""] * blank
        if sibling and above[:1] != [""] and "" in above:
            cut = above.index("")
            sibling.tail += above[:cut]
            del above[:cut]
        if after:
            after.above = above

    def _share_top(self, rows: Iterable[int], after: Entry) -> None:
        for row in rows:
            at = self._comments.get(row)
            line = self._rows[row].strip() if at is None or at > self._starts[row] else self._marked.comment(at)
            after.above.append(line)
            if not line.startswith("#") or _TO_EDITORS.match(line):
                self.header += after.above
                after.above = []


def _owner(under: Entry, depth: int, top: Entry | None) -> Entry | None:
    """The entry within `top`, from `under` upwards, that a comment so deep stands under."""
    if under is top:
        return None if under.is_block or depth <= under.depth else under
    while under.depth > depth and under.parent and under.parent is not top:
        under = under.parent
    return under


def _holds_items(entry: Entry | None, column: int) -> bool:
    """Whether an entry is in a list that stands as deep as its key, in this column."""
    while entry and not entry.column == column < entry.depth:
        entry = entry.parent
    return entry is not None


def _hung(lines: list[Line], column: int | None, now: int) -> list[Line]:
    """A text's further lines, as deep below each other as they are.

    Where they stand under the first, which starts at `column` and will at `now`, they stay under it.
    """
    depths = [len(line.body) - len(line.body.lstrip()) for line in lines]
    least = min((depth for depth, line in zip(depths, lines, strict=True) if line.body), default=2)
    moved = 2 - least if column is None or least < column else now - column
    return [line._replace(body=_indented(depth + moved, line.body)) for depth, line in zip(depths, lines, strict=True)]


def _indented(depth: int, body: str) -> str:
    return " " * depth + body.lstrip() if body else ""


def _trimmed(line: str) -> str:
    r"""Without the spaces at its end, but for one that `\` keeps within double quotes."""
    short = line.rstrip(" \t")
    return line[: len(short) + 1] if short.endswith("\\") else short
