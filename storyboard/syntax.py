"""YAML 1.2 text to nodes with exact spans, by ruamel.yaml's C parser.

Events are read one at a time into an explicit stack, so that every bound is checked before anything grows:
neither an alias bomb nor a list nested 2,000 deep costs more than its own text. Scalars stay text; `decode`
reads each by the type of its field, so `16:9`, `no` and `010` are never guessed at here.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ruamel.yaml.cyaml import CParser  # type: ignore[attr-defined]
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from ruamel.yaml.reader import ReaderError

from storyboard.diagnostic import Diagnostic, Related
from storyboard.misread import Misread, diagnose
from storyboard.source import Source, Span

MAX_DEPTH = 50
MAX_ALIASES = 100
MAX_NODES = 200_000
MAX_FOUND = 100
"""Findings of the text; after so many, nobody reads on."""

_LINE_SEPARATOR = re.compile("[\x85\u2028\u2029]")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})


@dataclass(slots=True, eq=False)
class Scalar:
    """A text. `plain` tells whether it stood without quotes, where `null` and nothing mean no value."""

    text: str
    plain: bool
    span: Span
    anchored: bool = False

    @property
    def is_null(self) -> bool:
        """True for an empty value, `~` and `null` without quotes (YAML 1.2 core schema)."""
        return self.plain and self.text in _NULLS


@dataclass(slots=True, eq=False)
class Sequence:
    """A list."""

    items: "list[Node]"
    span: Span


@dataclass(slots=True, eq=False)
class Mapping:
    """Keys and values in the order written; each key once."""

    entries: "dict[str, tuple[Scalar, Node]]"
    span: Span

    def value(self, key: str) -> "Node | None":
        """The node under `key`."""
        entry = self.entries.get(key)
        return entry[1] if entry else None


Node = Scalar | Sequence | Mapping


class _Stop(Exception):
    """Nothing after this finding can be trusted."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


def parse(source: Source) -> tuple[Mapping | None, list[Diagnostic]]:
    """The document's mapping, and what is wrong with the text. Reads on after a duplicate key."""
    if (hidden := _LINE_SEPARATOR.search(source.text)) is not None:
        at = source.span(hidden.start(), hidden.end())
        message = f"an invisible line separator, U+{ord(hidden[0]):04X}"
        return None, [Diagnostic("SB002", message, at, "remove it, or write a line break")]
    reader = _Reader(source)
    try:
        try:
            root = reader.document(_events_in_c(source.text))
        except MarkedYAMLError as error:
            if error.problem != _NOT_IN_C or _STAND_IN in source.text:
                raise
            reader = _Reader(source, restore=True)
            root = reader.document(_events_in_c(_INNER_COLON.sub(_STAND_IN, source.text)))
    except _Stop as stop:
        return None, [*reader.found, stop.diagnostic]
    except ReaderError as error:
        start = len(source.text.encode()[: error.position].decode(errors="ignore"))  # it counts bytes
        at = source.span(start, start + 1)
        message = f"the character U+{ord(at.text or chr(0)):04X} isn't allowed in YAML"
        return None, [*reader.found, Diagnostic("SB002", message, at, "remove it")]
    except YAMLError as error:
        return None, [*reader.found, _syntax_error(source, error)]
    if isinstance(root, Mapping):
        return root, reader.found
    if root is None or (isinstance(root, Scalar) and root.is_null):
        help_ = "a storyboard starts with 'storyboard: 1'; 'storyboard init' writes one"
        return None, [Diagnostic("SB011", f"{source.name} is empty", source.span(0, 0), help_)]
    kind = "a list" if isinstance(root, Sequence) else "a text"
    help_ = "a storyboard is keys and values, such as 'storyboard: 1'"
    return None, [
        *reader.found,
        Diagnostic("SB103", f"the storyboard is {kind}, not keys and values", root.span, help_),
    ]


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end hasn't been read yet."""

    node: Sequence | Mapping
    start: int
    anchor: str | None
    nodes_before: int
    key: Scalar | None = None
    height: int = 1


_NOT_IN_C = "found unexpected ':'"
"""The one thing of YAML 1.2 that the bundled libyaml refuses: a `:` inside a plain text within `[…]` or `{…}`, as
in a URL or in 16:9. Such a text is read once more with every inner colon replaced by a character of the private
use area, one for one so that places stay, and put back in each scalar."""
_STAND_IN = "\ue03a"
_INNER_COLON = re.compile(r"(?<=[^\s\[\]{},\"']):(?=[^\s\[\]{},])")


def _events_in_c(text: str) -> Iterator[object]:
    parser = CParser(text)
    while True:
        event = parser.get_event()
        yield event
        if isinstance(event, StreamEndEvent):
            return


class _Reader:
    def __init__(self, source: Source, *, restore: bool = False) -> None:
        self.source = source
        self._restore = restore
        self.found: list[Diagnostic] = []
        self._anchors: dict[str, tuple[Node, int, int]] = {}  # name: (node, nodes expanded, height)
        self._nodes = 0
        self._aliases = 0
        self._stack: list[_Open] = []

    def document(self, events: Iterable[object]) -> Node | None:
        root: Node | None = None
        documents = 0
        for event in events:
            done: Node | None = None
            height = 1
            kind = type(event)
            if kind is ScalarEvent:
                done = self._scalar(event)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                self._open(
                    event,
                    Mapping({}, self._span(event)) if kind is MappingStartEvent else Sequence([], self._span(event)),
                )
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                done, height = self._close(event)
            elif kind is AliasEvent:
                done, height = self._alias(event)
            elif kind is DocumentStartEvent:
                documents += 1
                if documents > 1:
                    help_ = "one file holds one storyboard: remove the '---' and what follows"
                    raise _Stop(Diagnostic("SB010", "a second document starts here", self._span(event), help_))
            if done is not None:
                if self._stack:
                    self._place(done, height)
                else:
                    root = done
        return root

    def _span(self, event: object) -> Span:
        return self.source.span(event.start_mark.index, event.end_mark.index)  # type: ignore[attr-defined]

    def _count(self, nodes: int, span: Span) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            message = f"the storyboard has more than {MAX_NODES:,} values once its aliases are expanded"
            raise _Stop(Diagnostic("SB006", message, span, "write the values out, or split the film"))

    def _no_tag(self, event: object, span: Span) -> None:
        tag = event.tag  # type: ignore[attr-defined]
        if tag is not None:
            written = re.search(r"!\S*", span.text or self.source.text[span.start : span.start + 80])
            shown = written[0] if written else str(tag)
            place = self.source.span(span.start + (written.start() if written else 0), span.start)
            place = self.source.span(place.start, place.start + len(shown))
            help_ = "remove the tag, as each key knows its type; or quote the text, if it starts with '!'"
            raise _Stop(Diagnostic("SB009", f"the tag '{_short(shown)}' isn't allowed", place, help_))

    def _scalar(self, event: object) -> Scalar:
        text: str = event.value  # type: ignore[attr-defined]
        style: str = event.style  # type: ignore[attr-defined]
        start: int = event.start_mark.index  # type: ignore[attr-defined]
        end: int = event.end_mark.index  # type: ignore[attr-defined]
        if style in {"|", ">"}:  # their end mark stands after the last line break
            raw = self.source.text[start:end]
            end -= len(raw) - len(raw.rstrip())
        span = Span(self.source, start, end)
        self._no_tag(event, span)
        self._count(1, span)
        anchor: str | None = event.anchor  # type: ignore[attr-defined]
        if self._restore:
            text = text.replace(_STAND_IN, ":")
        node = Scalar(text, style not in {'"', "'", "|", ">"}, span, anchor is not None)
        if anchor is not None:
            self._anchors[anchor] = (node, 1, 1)
        return node

    def _open(self, event: object, node: Mapping | Sequence) -> None:
        self._no_tag(event, node.span)
        self._count(1, node.span)
        anchor: str | None = event.anchor  # type: ignore[attr-defined]
        if len(self._stack) >= MAX_DEPTH:
            raise _too_deep(node.span)
        if anchor is not None:
            self._anchors.pop(anchor, None)
        self._stack.append(_Open(node, node.span.start, anchor, self._nodes - 1))

    def _close(self, event: object) -> tuple[Node, int]:
        opened = self._stack.pop()
        end: int = event.end_mark.index  # type: ignore[attr-defined]
        raw = self.source.text[opened.start : end]
        opened.node.span = Span(self.source, opened.start, opened.start + len(raw.rstrip()))
        if opened.anchor is not None:
            self._anchors[opened.anchor] = (opened.node, self._nodes - opened.nodes_before, opened.height)
        return opened.node, opened.height

    def _alias(self, event: object) -> tuple[Node, int]:
        span = self._span(event)
        name: str = event.anchor  # type: ignore[attr-defined]
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            message = f"more than {MAX_ALIASES} aliases"
            raise _Stop(Diagnostic("SB006", message, span, "write the values out, or use 'style' and 'characters'"))
        if name not in self._anchors:
            if any(opened.anchor == name for opened in self._stack):
                help_ = "write the value out where it is used"
                raise _Stop(Diagnostic("SB006", f"the alias '*{name}' stands inside what it names", span, help_))
            help_ = f"mark the value it stands for with '&{name}', before this place"
            raise _Stop(Diagnostic("SB006", f"the alias '*{name}' names nothing above it", span, help_))
        node, nodes, height = self._anchors[name]
        self._count(nodes, span)
        if len(self._stack) + height > MAX_DEPTH + 1:
            raise _too_deep(span)
        return node, height

    def _place(self, node: Node, height: int) -> None:
        parent = self._stack[-1]
        parent.height = max(parent.height, height + 1)
        holder = parent.node
        if isinstance(holder, Sequence):
            holder.items.append(node)
        elif parent.key is None:
            if not isinstance(node, Scalar):
                help_ = "a key is a word followed by ':'; quote a text that starts with '[' or '{'"
                raise _Stop(Diagnostic("SB004", "a key can't be a list or a mapping", node.span, help_))
            if node.text == "<<" and node.plain:
                help_ = "merge keys aren't part of YAML 1.2: write the keys out, or use 'style' and 'characters'"
                raise _Stop(Diagnostic("SB008", "the merge key '<<' isn't allowed", node.span, help_))
            parent.key = node
        else:
            key, parent.key = parent.key, None
            name = key.text if key.text.isascii() else unicodedata.normalize("NFC", key.text)
            first = holder.entries.get(name)
            if first is None:
                holder.entries[name] = (key, node)
            else:
                related = (Related(first[0].span, "it was first written here"),)
                message = f"the key '{_short(key.text)}' is written twice"
                self.found.append(Diagnostic("SB005", message, key.span, "remove one of the two", related=related))
                if len(self.found) >= MAX_FOUND:
                    raise _Stop(self.found.pop())


def _too_deep(span: Span) -> _Stop:
    help_ = "check for brackets or indentation left open"
    return _Stop(Diagnostic("SB007", f"the nesting is more than {MAX_DEPTH} deep", span, help_))


def _short(text: str, length: int = 60) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _syntax_error(source: Source, error: YAMLError) -> Diagnostic:
    problem = str(getattr(error, "problem", None) or error).splitlines()[0]
    mark, since = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    misread = Misread(
        problem,
        mark.index if mark is not None else 0,
        str(getattr(error, "context", None) or ""),
        since.index if since is not None else None,
    )
    return diagnose(source, misread)
