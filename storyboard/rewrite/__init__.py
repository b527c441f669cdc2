"""Edits of a storyboard's text that leave everything else as it stands: comments, quotes, spaces, line breaks.

What an edit means is known without the text: the same edit is made to the values that the text held, and the new
text is read again and compared with that, values and comments. So nothing else can change, be it through an alias,
a block scalar or a form too rare to think of: such an edit isn't made, and it is said what to write by hand.
"""

from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from itertools import groupby
from typing import Any

from storyboard import syntax
from storyboard.layout import marks
from storyboard.rewrite.edits import (
    Append,
    Edit,
    Move,
    Odd,
    Order,
    Path,
    Remove,
    Rename,
    Reword,
    Set,
    Uneditable,
    Value,
    Words,
)
from storyboard.rewrite.places import BREAK, spliced
from storyboard.rewrite.splices import Splices, Style
from storyboard.salvage import plain
from storyboard.source import Source, Span

__all__ = [
    "Append",
    "Edit",
    "Move",
    "Order",
    "Path",
    "Remove",
    "Rename",
    "Reword",
    "Set",
    "Uneditable",
    "Value",
    "Words",
    "rewritten",
]


def rewritten(source: Source, edits: Sequence[Edit]) -> str:
    """The text with the edits made; paths are those of the text as it stands, whatever the edits move.

    Raises:
        Uneditable: one of them can't be made; none is.
    """
    if not edits:
        return source.text
    made = _made(source, edits)
    if made is not None:
        return made
    groups = _groups(source, edits)
    good, bad = 0, len(groups)  # how many of the first ones can be made together, and how many can't
    while bad - good > 1:
        middle = (good + bad) // 2
        if _made(source, [edit for group in groups[:middle] for edit in group]) is None:
            bad = middle
        else:
            good = middle
    raise _uneditable(source, groups[bad - 1][0])


def _groups(source: Source, edits: Sequence[Edit]) -> list[list[Edit]]:
    """The edits, those of one text together that several read through an alias."""
    root = _parsed(source.text)
    groups: dict[int, list[Edit]] = {}
    for n, edit in enumerate(edits):
        node: syntax.Node | None = root if isinstance(edit, Reword) else None
        for step in edit.path:
            if isinstance(node, syntax.Mapping):
                node = node.value(str(step))
            elif isinstance(node, syntax.Sequence) and isinstance(step, int) and step < len(node.items):
                node = node.items[step]
        groups.setdefault(n if node is None else -id(node), []).append(edit)
    return list(groups.values())


def _made(source: Source, edits: Sequence[Edit]) -> str | None:
    """The new text; None where it wouldn't mean what the edits say."""
    root = _parsed(source.text)
    if root is None:
        return None
    wanted = deepcopy(plain(root))
    text = source.text
    values = [edit for edit in edits if not isinstance(edit, Order)]
    moves = sorted((edit for edit in edits if isinstance(edit, Order)), key=lambda edit: -len(edit.path))
    last = sorted((edit for edit in values if isinstance(edit, Rename | Move)), key=lambda edit: -len(edit.path))
    try:
        for edit in (*(edit for edit in values if edit not in last), *last, *moves):  # while paths hold
            _mean(wanted, edit)
        text = spliced(text, Splices(text, root).of(values))
        for _, same in groupby(moves, key=lambda edit: len(edit.path)):  # the inner lists first
            now = _parsed(text)
            if now is None:
                return None
            text = spliced(text, Splices(text, now).of(list(same)))
    except (Odd, KeyError, IndexError, TypeError):
        return None
    again = _parsed(text)
    if again is None or plain(again) != wanted or _comments(text) != _comments(source.text):
        return None
    return text


def _parsed(text: str) -> syntax.Mapping | None:
    root, found = syntax.parse(Source("", text))
    return None if any(finding.is_error for finding in found) else root


def _comments(text: str) -> Counter[str]:
    marked = marks.read(BREAK.sub("\n", text))
    return marked.all_comments() if marked else Counter()


def _mean(values: Any, edit: Edit) -> None:
    """Make an edit to the values themselves."""
    *way, last = edit.path
    holder = _at(values, way)
    match edit:
        case Remove():
            del holder[last]
        case Order(places=places):
            holder[last] = [holder[last][n] for n in places]
        case Append(value=value):
            holder[last].append(value)
        case Reword():
            holder[last] = edit.of(holder[last])
        case Rename(key=key):
            _rename(holder, str(last), key)
        case Move(to=to, place=place):
            target = _at(values, to)
            target.insert(place, holder.pop(last))
        case Set(value=value):
            holder[last] = _set(holder.get(last), value)


def _at(values: Any, path: Sequence[str | int]) -> Any:
    for step in path:
        values = values[step]
    return values


def _set(old: Any, value: Value) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        return list(value)
    held = old if isinstance(old, dict) else {}
    return held | {key: _set(held.get(key), its) for key, its in value.items()}


def _rename(holder: dict[str, Any], old: str, new: str) -> None:
    entries = [(new if key == old else key, value) for key, value in holder.items()]
    holder.clear()
    holder.update(entries)


def _uneditable(source: Source, edit: Edit) -> Uneditable:
    span = source.span(0, 0)
    node: syntax.Node | None = syntax.parse(source)[0]
    for step in edit.path:
        place: Span | None = None
        if isinstance(node, syntax.Mapping) and step in node.entries:
            name, node = node.entries[str(step)]
            place = name.span
        elif isinstance(node, syntax.Sequence) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            place = source.span(node.span.start, node.span.start + 1)
        if place is None or place.start < span.start:  # it isn't there, or by an alias
            break
        span = place
    key = next((step for step in reversed(edit.path) if isinstance(step, str)), "")
    match edit:
        case Set(value=value):
            help_ = f"write '{key}: {Style(is_flow=False).value(value)}' there by hand"
        case Remove():
            help_ = f"remove '{key}' there by hand"
        case Reword(words=words):
            help_ = f"write {' and '.join(dict.fromkeys(repr(its.text) for its in words))} there by hand"
        case Rename(key=new):
            help_ = f"write '{new}' there by hand"
        case Append(value=value):
            help_ = f"add {value} to it by hand"
        case Move():
            help_ = "move it there by hand"
        case _:
            help_ = f"put the entries of '{key}' in order by hand"
    return Uneditable(span, f"'{key}' can't be edited here without changing something else", help_)
