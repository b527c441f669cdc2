"""A storyboard's text in its canonical form: order of keys, indentation and spacing. Nothing is reflowed or requoted.

Lines are moved and indented as they stand; what they mean is read off the tree of `syntax`. The outcome is parsed
again and compared with what was there, values and comments, so that nothing can be changed or lost.

Where a comment belongs, and with what it moves when keys are put in order:

- behind a value: to that key or item;
- on lines of its own: to the key or item below, unless it is indented deeper than that, or stands right under
  the one above with a blank line after it; then to the one above;
- deeper than what follows and set off by a blank line: to the end of the list or mapping that it is indented as;
- at the top of the file, followed by a blank line or telling an editor of the schema: to the file.
"""

from itertools import groupby, pairwise

from storyboard.layout.entries import Entry, Line, Reader
from storyboard.layout.marks import Marked, Odd, read
from storyboard.syntax import Mapping, Node, Scalar, Sequence

_AT_LEAST = 2
"""Spaces before a comment behind a value."""


def layout(text: str) -> str:
    """`text` in its canonical form, which has the same values, keys and comments.

    A text that isn't YAML, or isn't keys and values, stays as it is; so does one that can't be laid out safely,
    but for its line breaks.
    """
    clean = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    original = read(clean)
    if original is None:
        return text
    for in_order in (True, False):
        made = _settled(original, in_order=in_order)
        if made is not None:
            return made
    return clean


def _settled(original: Marked, *, in_order: bool) -> str | None:
    """The form that laying out changes no more; None where there is none, or it isn't what was written."""
    now = original
    for _ in range(3):
        try:
            made = _Writer(Reader(now, in_order=in_order)).text(whole=now.text.endswith("\n"))
        except Odd:
            return None
        if made == now.text:
            return made
        again = read(made)
        if again is None or not _same(original.root, again.root) or original.all_comments() != again.all_comments():
            return None
        now = again
    return None


def _same(one: Node, other: Node) -> bool:
    if isinstance(one, Scalar):
        return isinstance(other, Scalar) and (one.text, one.plain) == (other.text, other.plain)
    if isinstance(one, Sequence):
        if not isinstance(other, Sequence) or len(one.items) != len(other.items):
            return False
        return all(map(_same, one.items, other.items))
    if not isinstance(other, Mapping) or one.entries.keys() != other.entries.keys():
        return False
    return all(_same(value, other.entries[key][1]) for key, (_, value) in one.entries.items())


class _Writer:
    """Entries to text."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._lines: list[Line] = []
        self._sealed = False  # a blank line here would become part of a value

    def text(self, *, whole: bool) -> str:
        """The whole text. Only the last line break may be left out, where a block scalar would read it."""
        root = self._reader.root
        for line in self._reader.header:
            self._put(0, line)
        self._children(root, root.children, -2)
        while not self._sealed and not self._lines[-1].body:
            self._lines.pop()
        self._align()
        lines = (f"{body}{' ' * gap}{comment}" for body, comment, gap, _ in self._lines)
        return "\n".join(lines) + ("\n" if whole or not self._reader.last.is_block else "")

    def _entry(self, entry: Entry, depth: int, at: int, prefix: str) -> None:
        """Write an entry `depth` deep; its first line, and what is above, at `at` behind the dashes of its items."""
        for line in entry.above:
            self._put(at, line)
        children = entry.children
        if children and entry.head.body == "-":
            self._entry(children[0], depth + 2, at, f"{prefix}- ")
            children = children[1:]
        else:
            self._lines.append(entry.head._replace(body=f"{' ' * at}{prefix}{entry.head.body}"))
            self._lines += (line._replace(body=" " * depth + line.body) if line.body else line for line in entry.rest)
            self._sealed = entry.keeps
        self._children(entry, children, depth)
        for line in entry.tail:
            self._put(depth, line)

    def _children(self, entry: Entry, left: list[Entry], depth: int) -> None:
        is_top = entry is self._reader.root
        together = set(pairwise(sorted(entry.children, key=lambda child: child.row))) if is_top else set()
        for one, two in pairwise(entry.children):
            is_section = is_top and (two.is_long or (one.is_long and (one, two) not in together))
            if (one.tail or is_section) and two.above[:1] != [""]:
                two.above.insert(0, "")
        for child in left:
            self._entry(child, depth + 2, depth + 2, "")
        for line in entry.foot:
            self._put(depth + 2, line)

    def _put(self, depth: int, line: str) -> None:
        """Write a comment or a blank line; never a second blank one."""
        if line:
            self._lines.append(Line(" " * depth + line))
            self._sealed = False
        elif self._lines and self._lines[-1].body.strip() and not self._sealed:
            self._lines.append(Line(""))

    def _align(self) -> None:
        """Comments that stood in one column still do; others keep their distance."""
        noted = [n for n, line in enumerate(self._lines) if line.comment]
        for _, same in groupby(noted, key=lambda n: self._lines[n].column):
            rows = list(same)
            gap = max(_AT_LEAST, min(self._lines[n].gap for n in rows))
            column = max(len(self._lines[n].body) for n in rows) + gap
            for n in rows:
                self._lines[n] = self._lines[n]._replace(gap=column - len(self._lines[n].body))
