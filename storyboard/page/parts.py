"""What pages are made of: badges, tables, changes with their words marked, frames or a slate, a shot's card, strips."""

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from storyboard.changes import Change
from storyboard.page.markup import Child, Element, element, shown
from storyboard.page.pictures import Picture

_MOST = 300
"""Words that are compared one by one; comparing takes as long as the square of them, at worst."""
_FEW = 4
"""Shots that a long strip shows at either end; the others are folded away."""
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


class View(NamedTuple):
    """One side of a shot as it is seen.

    Attributes:
        label: What it is of, such as `HEAD, draft`.
        frames: Its frames; none where there is no clip.
        instead: What is said in their place.
        clip: A `data:` URL of it moving, or "".
    """

    label: str
    frames: Sequence[Picture] = ()
    instead: str = ""
    clip: str = ""


def badges(words: Iterable[tuple[str, str]]) -> Element:
    """Short words in a row, each with its class."""
    return element("ul", (element("li", word, class_=f"badge {kind}") for kind, word in words), class_="badges")


def table(head: Sequence[str], rows: Iterable[Sequence[Child]], classes: Sequence[str | None] = ()) -> Element:
    """A table whose rows begin with what they are about; `classes` are those of its columns. One that is wider than
    its place is scrolled by itself.
    """
    its = [*classes, *[None] * (len(head) - len(classes))]
    top = element("tr", (element("th", word, scope="col", class_=c) for word, c in zip(head, its, strict=True)))
    body = (
        element(
            "tr",
            element("th", first, scope="row", class_=its[0]),
            (element("td", cell, class_=c) for cell, c in zip(rest, its[1:], strict=True)),
        )
        for first, *rest in rows
    )
    made = element("table", element("thead", top) if any(head) else None, element("tbody", body))
    return element("div", made, class_="table")


def changes(found: Sequence[Change]) -> Element | None:
    """Fields, old and new, the words that differ marked."""
    if not found:
        return None
    rows: list[Sequence[Child]] = []
    for change in found:
        # Whole, before they are taken apart: of a piece nobody could tell that it is a password.
        old, new = (None, change.note) if change.note else marked(shown(change.old), shown(change.new))
        rows.append((change.field, old, new))
    return table(("field", "before", "now"), rows, (None, "text", "text"))


def marked(old: str, new: str) -> tuple[list[Child], list[Child]]:
    """Two texts with the words that differ marked as deleted and inserted."""
    a, b = _WORDS.findall(old), _WORDS.findall(new)
    before: list[Child] = []
    after: list[Child] = []
    for same, one, other in _runs(a, b):
        for side, words, tag in ((before, one, "del"), (after, other, "ins")):
            if words:
                side.append("".join(words) if same else element(tag, "".join(words)))
    return before, after


def _runs(a: Sequence[str], b: Sequence[str]) -> Iterator[tuple[bool, Sequence[str], Sequence[str]]]:
    """Stretches of words that both have, and of those that one has: of long texts what is between start and end."""
    start = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    most = min(len(a), len(b)) - start
    end = next((n for n in range(most) if a[-1 - n] != b[-1 - n]), most)
    yield True, a[:start], b[:start]
    inner = a[start : len(a) - end], b[start : len(b) - end]
    if max(map(len, inner)) > _MOST:
        yield False, *inner
    else:
        for kind, i, j, k, m in SequenceMatcher(None, *inner, autojunk=False).get_opcodes():
            yield kind == "equal", inner[0][i:j], inner[1][k:m]
    yield True, a[len(a) - end :], b[len(b) - end :]


def view(one: View) -> Element:
    """Frames of a clip in a row, or a slate that says what there is instead."""
    if one.frames:
        names = ("first", "middle", "last") if len(one.frames) > 1 else ("middle",)
        row = element(
            "div",
            (picture(it, f"{one.label}: {name} frame") for name, it in zip(names, one.frames, strict=True)),
            class_="frames",
        )
    else:
        row = element("div", one.instead, class_="slate")
    moving: Element | None = None
    if one.clip:
        flags = dict.fromkeys(("muted", "loop", "controls", "playsinline"), "")
        moving = element("video", src=one.clip, preload="metadata", aria_label=f"{one.label}: clip", **flags)
    return element("figure", element("figcaption", one.label), row, moving, class_="side")


def picture(one: Picture, alt: str) -> Element:
    """A picture, decoded when it comes into sight."""
    return element("img", src=one.url, alt=alt, width=one.width, height=one.height, loading="lazy", decoding="async")


def card(number: int, head: Sequence[Child], words: str, views: Sequence[View], tables: Sequence[Child]) -> Element:
    """A shot: its head, its words, its sides next to each other, and what is said of it. `#shot-N` leads to it."""
    return element(
        "article",
        element("div", head, class_="head"),
        element("p", words, class_="words") if words else None,
        element("div", map(view, views), class_="sides") if views else None,
        element("div", tables, class_="tables"),
        class_="card",
        id=f"shot-{number}",
    )


def strip(shots: Sequence[tuple[str, Picture | None]]) -> list[Element]:
    """Shots in a thin row, each a thumbnail and its id; of a long row the middle is folded away."""
    if len(shots) <= 2 * _FEW + 2:
        return [_row(shots)]
    hidden = shots[_FEW:-_FEW]
    folded = element("summary", f"{len(hidden)} more unchanged shots: {hidden[0][0]} to {hidden[-1][0]}")
    return [_row(shots[:_FEW]), element("details", folded, _row(hidden)), _row(shots[-_FEW:])]


def _row(shots: Sequence[tuple[str, Picture | None]]) -> Element:
    cells = (
        element("li", picture(it, "") if it else element("div", "no clip", class_="slate"), name, title=name)
        for name, it in shots
    )
    return element("ol", cells, class_="strip", aria_label="unchanged shots")


def index(shots: Sequence[tuple[int, str, str]]) -> Element:
    """Links to cards: each one's number, the shot's id, and a word on it."""
    links = (
        element("li", element("a", name, href=f"#shot-{number}"), " ", element("span", word, class_="faint"))
        for number, name, word in shots
    )
    return element("nav", element("ul", links, class_="index"), aria_label="changed shots")
