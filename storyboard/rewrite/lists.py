"""What edits of lists put in the places of a text: items in another order, in another list, or one more."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from storyboard import syntax
from storyboard.rewrite.edits import Odd
from storyboard.rewrite.places import BREAK, Places, Splice


class Written(NamedTuple):
    """A list, and where the line after its key starts."""

    node: syntax.Sequence
    top: int


class _Lines(NamedTuple):
    """The lines of each item of a list, with the comments that are its own; what is between them; how deep it is."""

    blocks: list[tuple[int, int]]
    between: list[tuple[int, int]]
    depth: int


def moved(at: Places, its: Written, places: Sequence[int]) -> Iterator[Splice]:
    """The items in another order: the place that each had, in the new one.

    Raises:
        Odd: they share lines with something else.
    """
    if sorted(places) != list(range(len(its.node.items))):
        raise Odd
    if at.text[at.inside(its.node)] == "[":
        spans = [item.span for item in its.node.items]
        for n, other in enumerate(places):
            if n != other:
                yield Splice(spans[n].start, spans[n].end, at.text[spans[other].start : spans[other].end])
        return
    lines = _lines(at, its)
    whole = [at.text[one:end] for one, end in lines.blocks]
    apart = ["", *(at.text[one:end] for one, end in lines.between)]
    is_open = not BREAK.search(whole[-1][-1:])  # the text's last line, without a break
    if is_open:
        whole[-1] += at.line_break
    made = "".join(gap + whole[other] for gap, other in zip(apart, places, strict=True))
    yield Splice(lines.blocks[0][0], lines.blocks[-1][1], made.removesuffix(at.line_break) if is_open else made)


def carried(at: Places, source: Written, target: Written, number: int, place: int) -> Iterator[Splice]:
    """An item put into another list, before the one at `place` there, or at its end.

    Raises:
        Odd: it is alone in its list, the lists aren't as deep, or they share lines with something else.
    """
    if at.text[at.inside(source.node)] == "[" or at.text[at.inside(target.node)] == "[":
        raise Odd
    here, there = _lines(at, source), _lines(at, target)
    if here.depth != there.depth or len(here.blocks) == 1:
        raise Odd
    start, end = here.blocks[number]
    text = at.text[start:end]
    if not BREAK.search(text[-1:]):
        text += at.line_break
    put = there.blocks[place][0] if place < len(there.blocks) else there.blocks[-1][1]
    if place >= len(there.blocks) and not BREAK.search(at.text[put - 1 : put]):
        text = at.line_break + text.removesuffix(at.line_break)
    yield Splice(start, end, "")
    yield Splice(put, put, text)


def appended(at: Places, its: Written, written: str) -> Splice:
    """One more item.

    Raises:
        Odd: the list is empty, or its items share lines with something else.
    """
    node = its.node
    if not node.items:
        raise Odd
    if at.text[at.inside(node)] == "[":
        last = node.items[-1].span.end
        if not node.span.start < last < node.span.end:  # an alias, written elsewhere
            raise Odd
        return Splice(last, last, f", {written}")
    dash, end = list(at.items(node, at.inside(node)))[-1]
    indent = at.text[at.line(dash) : dash]
    if indent.strip():
        raise Odd
    end = at.line_end(end)
    return Splice(end, end, f"{at.line_break}{indent}- {written}")


def _lines(at: Places, its: Written) -> _Lines:
    items = list(at.items(its.node, at.inside(its.node)))
    rows = [(at.line(dash), at.next_line(end)) for dash, end in items]
    if any(at.text[line:dash].strip() for (line, _), (dash, _) in zip(rows, items, strict=True)):
        raise Odd
    depth = items[0][0] - rows[0][0]
    starts, ends = [at.above(rows[0][0], its.top)], []
    for (_, end), (line, _) in pairwise(rows):
        ends.append(at.under(end, line, depth))
        starts.append(at.above(line, ends[-1]))
    ends.append(at.under(rows[-1][1], len(at.text), depth))
    return _Lines(list(zip(starts, ends, strict=True)), list(zip(ends, starts[1:], strict=False)), depth)
