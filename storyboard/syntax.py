"""YAML 1.2 text to nodes with exact spans, by ruamel.yaml's C parser.

Events are read one at a time into an explicit stack, so that every bound is checked before anything grows:
neither an alias bomb nor a list nested 2,000 deep costs more than its own text. Scalars stay text; `decode`
reads each by the type of its field, so `16:9`, `no` and `010` are never guessed at here.

What isn't allowed is reported and read as its author meant it (a tag as if it weren't there, a merge key as if its
keys were written out), so that one run finds everything and nothing is blamed twice. A text with findings is never
compiled.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

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

from storyboard import text
from storyboard.diagnostic import Diagnostic, Related
from storyboard.misread import Misread, diagnose
from storyboard.source import Source, Span

MAX_DEPTH = 50
MAX_ALIASES = 100
MAX_NODES = 200_000
MAX_FOUND = 100
"""Findings of the text; after so many, nobody reads on."""

_TAG = re.compile(r"!\S*")
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
    """The document's mapping, and what is wrong with the text. None where nothing can be told of its shape."""
    root, found = _read(source)
    if isinstance(root, Mapping) or (found and root is None):
        return (root if isinstance(root, Mapping) else None), sorted(found, key=lambda d: d.span.start)
    if root is None or (isinstance(root, Scalar) and root.is_null):
        help_ = "a storyboard starts with 'storyboard: 1'; 'storyboard init' writes one"
        return None, [*found, Diagnostic("SB011", f"{source.name} is empty", source.span(0, 0), help_)]
    kind = "a list" if isinstance(root, Sequence) else "a text"
    help_ = "a storyboard is keys and values, such as 'storyboard: 1'"
    return None, [*found, Diagnostic("SB103", f"the storyboard is {kind}, not keys and values", root.span, help_)]


def _read(source: Source) -> "tuple[Node | None, list[Diagnostic]]":
    fit = text.fit(source, MAX_FOUND - 1)
    if fit.text is None:
        return None, list(fit.found)
    reader = _Reader(source, fit)
    try:
        try:
            reader.document(_events_in_c(fit.text))
        except MarkedYAMLError as error:
            if error.problem != _NOT_IN_C or _STAND_IN in fit.text:
                raise
            reader = _Reader(source, fit, restore=True)
            reader.document(_events_in_c(_INNER_COLON.sub(_STAND_IN, fit.text)))
    except _Stop as stop:
        return None, [*reader.found, stop.diagnostic]
    except YAMLError as error:
        mistake = _syntax_error(source, fit, error)
        found = [one for one in reader.found if one.span.start != mistake.span.start]  # a '*' taken for an alias
        return (reader.root if mistake.code == "SB010" else None), [*found, mistake]
    return reader.root, reader.found


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end hasn't been read yet."""

    node: Sequence | Mapping
    start: int
    anchor: str | None
    nodes_before: int
    key: Scalar | None = None
    role: str = "entry"  # of the value that comes next: also "merge" or "none"
    merged: "list[Mapping]" = field(default_factory=list)
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
    def __init__(self, source: Source, fit: text.Fit, *, restore: bool = False) -> None:
        self.source = source
        self.root: Node | None = None
        self.found: list[Diagnostic] = list(fit.found)
        self._fit = fit
        self._restore = restore
        self._anchors: dict[str, tuple[Node, int, int]] = {}  # name: (node, nodes expanded, height)
        self._nodes = 0
        self._aliases = 0
        self._stack: list[_Open] = []

    def document(self, events: Iterable[object]) -> None:
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
                    self.found.append(Diagnostic("SB010", "a second document starts here", self._span(event), help_))
                    return
            if done is not None:
                if self._stack:
                    self._place(done, height)
                else:
                    self.root = done

    def _found(self, code: str, message: str, span: Span, help_: str, related: tuple[Related, ...] = ()) -> None:
        finding = Diagnostic(code, message, span, help_, related=related)
        if len(self.found) >= MAX_FOUND - 1:
            raise _Stop(finding)
        self.found.append(finding)

    def _span(self, event: object) -> Span:
        start: int = event.start_mark.index  # type: ignore[attr-defined]
        end: int = event.end_mark.index  # type: ignore[attr-defined]
        if self._fit.cuts:
            original = self._fit.original
            return Span(self.source, original(start), original(end - 1) + 1 if end > start else original(start))
        return Span(self.source, start, end)

    def _count(self, nodes: int, span: Span) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            message = f"the storyboard has more than {MAX_NODES:,} values once its aliases are expanded"
            raise _Stop(Diagnostic("SB006", message, span, "write the values out, or split the film"))

    def _untagged(self, event: object, span: Span) -> Span:
        """Report a node's tag, and the node's place without it."""
        tag = event.tag  # type: ignore[attr-defined]
        if tag is None:
            return span
        body = self.source.text
        written = _TAG.search(body, span.start, max(span.end, span.start + 80))
        start, end = written.span() if written else (span.start, span.start + 1)
        help_ = "remove the tag, as each key knows its type; or quote the text, if it starts with '!'"
        shown = _short(body[start:end])
        self._found("SB009", f"the tag '{shown}' isn't allowed", self.source.span(start, end), help_)
        if not written or body[span.start : start].strip():  # an anchor stands before it
            return span
        while end < span.end and body[end].isspace():
            end += 1
        return self.source.span(min(end, span.end), span.end)

    def _scalar(self, event: object) -> Scalar:
        words: str = event.value  # type: ignore[attr-defined]
        style: str = event.style  # type: ignore[attr-defined]
        span = self._span(event)
        if style in {"|", ">"}:  # their end mark stands after the last line break
            span = Span(self.source, span.start, span.start + len(span.text.rstrip()))
        elif style == '"' and not words.isprintable():
            for finding in text.escaped(self.source, span.start, span.end):
                self._found(finding.code, finding.message, finding.span, finding.help)
                words = text.clean(words)
        span = self._untagged(event, span)
        self._count(1, span)
        anchor: str | None = event.anchor  # type: ignore[attr-defined]
        if self._restore:
            words = words.replace(_STAND_IN, ":")
        node = Scalar(words, style not in {'"', "'", "|", ">"}, span, anchor is not None)
        if anchor is not None:
            self._anchors[anchor] = (node, 1, 1)
        return node

    def _open(self, event: object, node: Mapping | Sequence) -> None:
        self._count(1, node.span)
        anchor: str | None = event.anchor  # type: ignore[attr-defined]
        if len(self._stack) >= MAX_DEPTH:
            raise _too_deep(node.span)
        self._untagged(event, node.span)
        if anchor is not None:
            self._anchors.pop(anchor, None)
        self._stack.append(_Open(node, node.span.start, anchor, self._nodes - 1))

    def _close(self, event: object) -> tuple[Node, int]:
        opened = self._stack.pop()
        raw = self.source.text[opened.start : self._span(event).end]
        opened.node.span = Span(self.source, opened.start, opened.start + len(raw.rstrip()))
        if isinstance(opened.node, Mapping):
            for merged in opened.merged:
                self._count(len(merged.entries), opened.node.span)
                for name, entry in merged.entries.items():
                    opened.node.entries.setdefault(name, entry)
        if opened.anchor is not None:
            self._anchors[opened.anchor] = (opened.node, self._nodes - opened.nodes_before, opened.height)
        return opened.node, opened.height

    def _alias(self, event: object) -> tuple[Node, int]:
        span = self._span(event)
        name: str = event.anchor  # type: ignore[attr-defined]
        self._aliases += 1
        if self._aliases > MAX_ALIASES:
            message = f"more than {MAX_ALIASES} aliases"
            raise _Stop(Diagnostic("SB006", message, span, "write the values out, or use 'defaults' and 'style'"))
        if name not in self._anchors:
            if any(opened.anchor == name for opened in self._stack):
                message, help_ = "stands inside what it names", "write the value out where it is used"
            else:
                message = "names nothing above it"
                help_ = f"mark its value with '&{_short(name)}' further up; or quote the text, if it starts with '*'"
            self._found("SB006", f"the alias '*{_short(name)}' {message}", span, help_)
            return Scalar(span.text, False, span), 1
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
            self._key(parent, node)
        else:
            key, role = parent.key, parent.role
            parent.key, parent.role = None, "entry"
            if role == "merge":
                nodes = node.items if isinstance(node, Sequence) else [node]
                parent.merged += [one for one in nodes if isinstance(one, Mapping)]
            elif role == "entry":
                self._entry(holder, key, node)

    def _key(self, parent: _Open, node: Node) -> None:
        if isinstance(node, Scalar):
            parent.key = node
            if node.text == "<<" and node.plain:
                parent.role = "merge"
                help_ = (
                    "merge keys aren't part of YAML 1.2: write the keys out, or use 'defaults', or 'extends' in a pass"
                )
                self._found("SB008", "the merge key '<<' isn't allowed", node.span, help_)
        else:
            parent.key, parent.role = Scalar("", True, node.span), "none"
            help_ = "a key is a word followed by ':'; quote a text that starts with '[' or '{'"
            self._found("SB004", "a key can't be a list or a mapping", node.span, help_)

    def _entry(self, holder: Mapping, key: Scalar, node: Node) -> None:
        name = key.text if key.text.isascii() else unicodedata.normalize("NFC", key.text)
        first = holder.entries.get(name)
        if first is None:
            holder.entries[name] = (key, node)
        else:
            related = (Related(first[0].span, "it was first written here"),)
            message = f"the key '{_short(key.text)}' is written twice"
            self._found("SB005", message, key.span, "remove one of the two", related)


def _too_deep(span: Span) -> _Stop:
    help_ = "check for brackets or indentation left open"
    return _Stop(Diagnostic("SB007", f"the nesting is more than {MAX_DEPTH} deep", span, help_))


def _short(text: str, length: int = 60) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _syntax_error(source: Source, fit: text.Fit, error: YAMLError) -> Diagnostic:
    problem = str(getattr(error, "problem", None) or error).splitlines()[0]
    mark, since = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
    misread = Misread(
        problem,
        fit.original(mark.index) if mark is not None else 0,
        str(getattr(error, "context", None) or ""),
        fit.original(since.index) if since is not None else None,
    )
    return diagnose(source, misread)
