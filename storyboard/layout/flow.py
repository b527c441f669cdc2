"""Lists and mappings in brackets: `{a: 1, b: [x, y]}`."""

from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from storyboard.layout import order
from storyboard.layout.marks import Marked, Odd, is_empty
from storyboard.syntax import Mapping, Node, Scalar, Sequence

_CLOSING = {"": "", "[": "]", "{": "}"}


def written(marked: Marked, node: Node, at: int, wanted: Any, *, in_order: bool) -> tuple[str, int]:
    """A value that starts at `at` and ends on the same line, laid out, and where it ends.

    Raises:
        Odd: it holds an explicit key, or a colon without a value.
    """
    text = marked.text
    if node.span.start != at:
        alias = marked.alias(at)
        return alias, at + len(alias)
    if isinstance(node, Scalar):
        return node.span.text, node.span.end
    inside = marked.inside(node)
    prefix = f"{text[at:inside].rstrip()} " if inside > at else ""
    bracket = text[inside] if text[inside] in "[{" else ""  # [a: 1] holds a mapping without
    end = inside + len(bracket)
    parts: list[tuple[int, str]] = []
    if isinstance(node, Sequence):
        for item in node.items:
            part, end = written(marked, item, _next(text, end), order.item(wanted), in_order=in_order)
            parts.append((0, part))
    else:
        places = order.places(wanted, node)
        for name, (key, value) in node.entries.items():
            place, inner = places.get(name, (len(places), None))
            if key.span.start != _next(text, end):
                raise Odd
            part, end = key.span.text, key.span.end
            colon = marked.skip(end)
            if (text[colon] == ":") == is_empty(value):
                raise Odd
            if text[colon] == ":":
                value_, end = written(marked, value, marked.skip(colon + 1), inner, in_order=in_order)
                part = f"{part}: {value_}"
            parts.append((place, part))
        if in_order and not marked.is_pinned(at, end):
            parts.sort(key=itemgetter(0))
    if bracket:
        end = _next(text, end) + 1
    return f"{prefix}{bracket}{', '.join(part for _, part in parts)}{_CLOSING[bracket]}", end


def spaces(marked: Marked, node: Mapping | Sequence, wanted: Any, *, in_order: bool) -> Iterator[tuple[int, int, str]]:
    """What to write between which offsets of a value of several lines; each within one line.

    Raises:
        Odd: as `written`.
    """
    text = marked.text
    at = marked.inside(node) + 1
    places = order.places(wanted, node) if isinstance(node, Mapping) else {}
    parts = node.entries.values() if isinstance(node, Mapping) else [(None, item) for item in node.items]
    for key, value in parts:
        start = at = marked.skip(at)
        if key is not None:
            if key.span.start != start:
                raise Odd
            at = marked.skip(key.span.end)
            if (text[at] == ":") == is_empty(value):
                raise Odd
            at = marked.skip(at + 1) if text[at] == ":" else key.span.end
        _, inner = places.get(key.text, (0, None)) if key else (0, order.item(wanted))
        end = at + len(marked.alias(at)) if value.span.start != at and not is_empty(value) else value.span.end
        if is_empty(value):
            end = at
        elif "\n" not in text[start:end]:
            part, _ = written(marked, value, at, inner, in_order=in_order)
            yield start, end, f"{key.span.text}: {part}" if key else part
        else:
            if key and "\n" not in text[key.span.end : at]:
                yield key.span.end, at, ": "
            if not isinstance(value, Scalar) and value.span.start == at and text[marked.inside(value)] in "[{":
                yield from spaces(marked, value, inner, in_order=in_order)
        comma = marked.skip(end)
        if text[comma] != ",":
            return
        at = comma + 1
        if "\n" not in text[end:comma]:
            yield end, comma, ""
        after = marked.skip(at)
        if "\n" not in text[at:after] and text[after] not in "]}":
            yield at, after, " "


def openings(marked: Marked, node: Mapping | Sequence) -> Iterator[tuple[int, int, bool]]:
    """Each pair of brackets in a value, outermost first: from where to where, and whether the line ends behind it."""
    start = marked.inside(node)
    if marked.text[start] in "[{":
        yield start, node.span.end, "\n" in marked.text[start + 1 : marked.skip(start + 1)]
    parts = [value for _, value in node.entries.values()] if isinstance(node, Mapping) else node.items
    for part in parts:
        if not isinstance(part, Scalar) and part.span.start > start:
            yield from openings(marked, part)


def _next(text: str, at: int) -> int:
    """Where the next part starts, or the closing bracket stands."""
    while text[at] in " \t,":
        at += 1
    return at
