"""Where the letters of a text stand as it is written: within quotes, escapes, folds and block scalars."""

import re
from collections.abc import Iterator, Sequence

from storyboard.layout import marks
from storyboard.rewrite.edits import Odd

_BLANKS = " \t\r\n"
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(\r\n|.))", re.DOTALL)
_NAMED = dict(zip('0abtnvfre"/\\N_LP', '\0\a\b\t\n\v\f\r\x1b"/\\\x85\xa0\u2028\u2029', strict=True))
"""YAML 1.2.2, 5.7: the escapes of double-quoted texts. Those of blanks and line breaks stand for blanks or nothing."""


def style(written: str) -> str:
    """The sign that a text starts with as it is written, past its anchor: a quote, `|`, `>`, or "" for a plain one."""
    first = written[_start(written) :][:1]
    return first if first and first in "\"'|>" else ""


def ranges(written: str, text: str, wanted: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Where ranges of a text stand as it is written. Folding only changes blanks, so what isn't blank is counted.

    Raises:
        Odd: a range is empty or blank, or the two hold different letters.
    """
    there = list(_letters(written))
    held = [n for n, letter in enumerate(text) if letter not in _BLANKS]
    if [letter for letter, _, _ in there] != [text[n] for n in held]:
        raise Odd
    found = []
    for start, end in wanted:
        its = [k for k, n in enumerate(held) if start <= n < end]
        if not its:
            raise Odd
        found.append((there[its[0]][1], there[its[-1]][2]))
    return found


def _start(written: str) -> int:
    anchor = marks.ANCHOR.match(written)
    if anchor is None:
        return 0
    rest = written[anchor.end() :]
    return len(written) - len(rest.lstrip(_BLANKS))


def _letters(written: str) -> Iterator[tuple[str, int, int]]:
    """Each letter that isn't blank, from where to where it is written."""
    at, end = _start(written), len(written)
    sign = style(written)
    if sign in {"|", ">"}:
        header = re.compile(r"[^\r\n]*").match(written, at)
        at = header.end() if header else end
    elif sign:
        at, end = at + 1, end - 1
    while at < end:
        letter, size = written[at], 1
        if sign == '"' and letter == "\\":
            escape = _ESCAPE.match(written, at)
            if escape is None:
                raise Odd
            digits = escape[1] or escape[2] or escape[3]
            letter = chr(int(digits, 16)) if digits else _NAMED.get(escape[4], " ")
            size = len(escape[0])
        elif sign == "'" and letter == "'":
            size = 2
        if letter not in _BLANKS:
            yield letter, at, at + size
        at += size
