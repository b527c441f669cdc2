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
from storyboard.rewrite.edits import Edit, Odd, Order, Path, Remove, Set, Uneditable
from storyboard.rewrite.places import BREAK
from storyboard.rewrite.splices import Splices, Style, spliced
from storyboard.salvage import plain
from storyboard.source import Source, Span

__all__ = ["Edit", "Order", "Path", "Remove", "Set", "Uneditable", "rewritten"]


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
    for edit in edits:
        if _made(source, [edit]) is None:
            raise _uneditable(source, edit)
    raise _uneditable(source, edits[0])


def _made(source: Source, edits: Sequence[Edit]) -> str | None:
    """The new text; None where it wouldn't mean what the edits say."""
    root = _parsed(source.text)
    if root is None:
        return None
    wanted = deepcopy(plain(root))
    text = source.text
    values = [edit for edit in edits if not isinstance(edit, Order)]
    moves = sorted((edit for edit in edits if isinstance(edit, Order)), key=lambda edit: -len(edit.path))
    try:
        for edit in (*values, *moves):
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
    for step in way:
        values = values[step]
    if isinstance(edit, Remove):
        del values[last]
    elif isinstance(edit, Order):
        values[last] = [values[last][n] for n in edit.places]
    elif isinstance(edit.value, str):
        values[last] = edit.value
    else:
        old = values.get(last) if isinstance(values, dict) else values[last]
        values[last] = (old if isinstance(old, dict) else {}) | dict(edit.value)


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
        case _:
            help_ = f"put the entries of '{key}' in order by hand"
    return Uneditable(span, f"'{key}' can't be edited here without changing something else", help_)
