"""The words of a prompt: mentions found and replaced, parts joined."""

import unicodedata
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

LONGEST_ID = 64


@dataclass(frozen=True, slots=True)
class Mention:
    """`@id` in a text, at the half-open range `start` to `end`, the `@` included."""

    id: str
    start: int
    end: int


def mentions(text: str, known: Collection[str]) -> Iterator[Mention]:
    """The mentions in `text`, in order. An `@` inside a word is an e-mail address, and none.

    Ids may hold `-` and `.`, so `@mira-like` is mira where no mira-like is known, and the full stop of a
    sentence belongs to no id.
    """
    for written, at in _candidates(text):
        name = written if written in known else next((part for part in _shorter(written) if part in known), written)
        yield Mention(name, at, at + 1 + len(name))


@lru_cache(maxsize=1 << 14)  # each prompt is looked through for several reasons
def _candidates(text: str) -> tuple[tuple[str, int], ...]:
    """What follows each `@` that isn't inside a word, as long as an id may be, and where the `@` stands."""
    found = []
    at = text.find("@")
    while at >= 0:
        end = at + 1
        while end < len(text) and _in_id(text[end]):
            end += 1
        name = text[at + 1 : end].rstrip(".-")[:LONGEST_ID]
        if name and not (at and text[at - 1].isalnum()):
            found.append((name, at))
        at = text.find("@", end)
    return tuple(found)


def _in_id(character: str) -> bool:
    return character.isalnum() or character in "-_." or unicodedata.category(character)[0] in "LNM"


def _shorter(name: str) -> Iterator[str]:
    yield name
    for i in range(len(name) - 1, 0, -1):
        if name[i] in "-_.":
            yield name[:i]


def replace(text: str, known: Collection[str], spoken: Callable[[str], str]) -> str:
    """`text` with each known mention replaced by what `spoken` calls it."""
    if "@" not in text:
        return text
    out, done = [], 0
    for mention in mentions(text, known):
        if mention.id in known:
            out += [text[done : mention.start], spoken(mention.id)]
            done = mention.end
    return "".join([*out, text[done:]])


def sentences(*parts: str) -> str:
    """The parts that say something, each ended with a full stop unless it ends in `.`, `!` or `?`."""
    trimmed = (part.strip() for part in parts)
    return " ".join(part if part[-1] in ".!?" else part + "." for part in trimmed if part)


def listed(*parts: str) -> str:
    """The parts that say something, joined by commas."""
    return ", ".join(part.strip() for part in parts if part.strip())
