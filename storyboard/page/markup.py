"""HTML built as values: whatever is put in is text unless it is an element, so nothing that anybody wrote is markup.

Only the tags and attributes of a page that does nothing are there: no script, no handler, no form, no link to
elsewhere, and pictures and clips only as they stand in the page itself.
"""

import base64
import re
from collections.abc import Iterable
from hashlib import sha256
from html import escape
from typing import NamedTuple, Union

from storyboard.report import safe

Child = Union["Element", str, None, Iterable["Child"]]

_TAGS = """
    html head meta title style body header main nav section article footer h1 h2 h3 p div span a ul ol li table thead
    tbody tr th td figure figcaption img video details summary del ins strong code
"""
_ATTRIBUTES = """
    class id href src alt width height lang charset name content http-equiv loading decoding scope title aria-label
    muted loop controls playsinline preload
"""
TAGS, ATTRIBUTES = frozenset(_TAGS.split()), frozenset(_ATTRIBUTES.split())
_VOID = frozenset({"meta", "img"})
_INLINE = re.compile(r"data:(image/webp|image/jpeg|video/mp4);base64,[A-Za-z0-9+/]+={0,2}")
_WITHIN = re.compile(r"#[a-z0-9-]+")


class Element(NamedTuple):
    """A tag with its attributes, each a text, and what stands in it."""

    tag: str
    attributes: tuple[tuple[str, str], ...]
    children: tuple[Child, ...]


def element(tag: str, *children: Child, **attributes: str | int | None) -> Element:
    """An element. `class_` and `http_equiv` are spelt as HTML has them; an attribute that is None is left out.

    Raises:
        ValueError: it could do something, or lead elsewhere.
    """
    if tag not in TAGS:
        raise ValueError(f"<{tag}> has no place in a page")
    its = []
    for key, value in attributes.items():
        name = key.rstrip("_").replace("_", "-")
        if value is None:
            continue
        if name not in ATTRIBUTES:
            raise ValueError(f"the attribute {name} has no place in a page")
        text = str(value)
        if (name == "src" and not _INLINE.fullmatch(text)) or (name == "href" and not _WITHIN.fullmatch(text)):
            raise ValueError(f"{name}={text[:40]!r} leads out of the page")
        its.append((name, text))
    return Element(tag, tuple(its), children)


def shown(text: str) -> str:
    """A text as a page shows it: with hidden characters visible and credentials masked, its line breaks kept."""
    lines = "\n".join(safe(line) for line in text.replace("\r\n", "\n").split("\n"))
    return lines.encode("utf-8", "replace").decode()


def _add(child: Child, pieces: list[str]) -> None:
    if isinstance(child, str):
        pieces.append(escape(shown(child)))
    elif isinstance(child, Element):
        _write(child, pieces)
    elif child is not None:
        for one in child:
            _add(one, pieces)


def _write(one: Element, pieces: list[str]) -> None:
    plain = {"src"}  # checked, and long: nothing in it is anybody's words
    said = (f' {name}="{value if name in plain else escape(shown(value))}"' for name, value in one.attributes)
    pieces.append(f"<{one.tag}{''.join(said)}>")
    if one.tag not in _VOID:
        for child in one.children:
            _add(child, pieces)
        pieces.append(f"</{one.tag}>")


class _Styles(NamedTuple):
    """A style sheet of ours, which is written as it is."""

    text: str

    @property
    def hash(self) -> str:
        """As a Content-Security-Policy names it (CSP Level 3, 2.3.1)."""
        return f"'sha256-{base64.b64encode(sha256(self.text.encode()).digest()).decode()}'"


def document(title: str, styles: str, *body: Child) -> str:
    """A whole page of its own: it asks for nothing, runs nothing, and its browser is told so.

    Args:
        styles: CSS of ours; nobody else's words belong into it.
    """
    css = _Styles(styles)
    policy = "; ".join(
        (
            *("default-src 'none'", "img-src data:", "media-src data:", f"style-src {css.hash}"),
            *("base-uri 'none'", "form-action 'none'"),
        )
    )
    head = (
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
    )
    pieces = ["<!doctype html>\n", '<html lang="en"><head>']
    for one in head:
        _write(one, pieces)
        pieces.append("\n")
    pieces += ["<style>", css.text, "</style></head>\n"]
    _write(element("body", *body), pieces)
    pieces.append("</html>\n")
    return "".join(pieces)
