"""What a prompt's words ask for: phrases of `words.toml` found in a text. English only.

Most prompts hold no word of any phrase, and cost one look. The others are searched for the phrases of their words
alone, compiled when first needed.
"""

import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

AXIS = {"in": "depth", "out": "depth", "left": "across", "right": "across", "up": "upright", "down": "upright"}
"""The ways that a camera goes, and the axis of each. Besides, it is `static`, or moves in no one direction: `any`."""
OPPOSITE = {"in": "out", "out": "in", "left": "right", "right": "left", "up": "down", "down": "up"}

_MOST_READ = 8_000  # characters: several times what models read
_MOST_FOUND = 20  # of one phrase, and of one rule
_MOST_WORDS = 2  # of a name
_NEAR = 60  # characters

_WORD = re.compile(r"[a-z]+")
_QUOTED = re.compile(r"\"[^\"]{0,400}\"|“[^”]{0,400}”|«[^»]{0,400}»|(?<!\w)['‘](?=\S)[^\"\n]{0,200}?(?<=\S)['’](?!\w)")
_QUOTES = frozenset("\"“«'‘")
_LEADING = " \n\t,\"”»'’"

# Parts of phrases. What repeats is bounded, or can match in one way only.
_START, _END = r"(?<![\w@.-])", r"(?!\w)"  # not within a mention, an address, or a word of several parts
_SPACE = r"[\s-]+"
_ANY = r"@?\w+(?:['’]\w+)*"
_BETWEEN = rf"(?:[\s,-]{{1,4}}{_ANY}){{0,3}}?"
_CAPITALS = r"[\s,:]+(?-i:[A-Z]{2,})"
_OPENED = r"[\s,:]*(?:[\"“«]|(?<!\w)['‘](?=\w))(?:_*[\"”»'’])?"
_CLOSED = r"(?:[\"”»]|(?<=_)['’]),?"
_CLAUSE = r"(?:^|[.,;:!?])\s*"  # its start
_NAMED = r"\s+(?:(?:a|an|the|any)\s+)?(?:single\s+)?(?=[^\W\d_]|@)"
_NAME = re.compile(r"@?[^\W\d_][\w'’-]*")
_DOING = re.compile(r"\w+ing\b", re.IGNORECASE)
_DENIED = re.compile(
    r"\b(?:no|not|without|never|avoid|nothing|nobody|free of|devoid of|\w+n['’]t)\b[^.;:!?]{0,30}$", re.IGNORECASE
)


class Found(NamedTuple):
    """Words at the half-open range `start` to `end`: of a move its way, of what shouldn't be seen its name's start."""

    start: int
    end: int
    way: str = ""
    named: int = 0


@dataclass(frozen=True, eq=False)  # by identity: a pattern's hash is costly
class _Phrase:
    regex: str
    needs: tuple[frozenset[str], ...]  # words, of each of which one must be in the text
    way: str = ""
    after: re.Pattern[str] | None = None  # what must stand right before it

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What finds it, compiled for the first text that may hold it."""
        return _compiled(self.regex)

    @property
    def hints(self) -> frozenset[str]:
        """The rarest of its needs."""
        needs = [need for need in self.needs if "QUOTE" not in need]
        return min(needs, key=lambda words: (not words.isdisjoint(_stop()), len(words), -min(map(len, words))))


@dataclass(frozen=True)
class _Rule:
    """Phrases by the words that they are looked for by, and what is none of the rule's business."""

    phrases: Mapping[str, tuple[_Phrase, ...]]
    but: str

    @cached_property
    def exceptions(self) -> re.Pattern[str]:
        """What is excepted."""
        return _compiled(self.but)

    def find(self, text: str, words: Collection[str]) -> list[Found]:
        """What is there, less what is excepted; of what overlaps the most telling, the first, the longest."""
        hinted = {phrase for word in self.phrases.keys() & words for phrase in self.phrases[word]}
        wanted = [phrase for phrase in hinted if not any(need.isdisjoint(words) for need in phrase.needs)]
        if not wanted:
            return []
        found = [
            Found(one.end() - len(one[0].lstrip(_LEADING)), one.end(), phrase.way)
            for phrase in wanted
            for one in islice(phrase.pattern.finditer(text), _MOST_FOUND)
            if phrase.after is None or phrase.after.search(text, max(0, one.start() - _NEAR), one.start())
        ]
        kept: list[Found] = []
        for one in sorted(found, key=lambda one: (one.way == "any", one.start, -one.end, one.way)):
            if not overlaps(one, kept) and not overlaps(one, self._excepted(text, one)):
                kept.append(one)
        return sorted(kept)[:_MOST_FOUND]

    def _excepted(self, text: str, one: Found) -> Iterator[Found]:
        near = self.exceptions.finditer(text, max(0, one.start - _NEAR), one.end + _NEAR)
        return (Found(*other.span()) for other in near)


def overlaps(one: Found, others: Iterable[Found]) -> bool:
    """Whether a range has a character in common with another."""
    return any(other.start < one.end and one.start < other.end for other in others)


def telling(text: str) -> frozenset[str]:
    """The words of a text, and a quotation mark for any, where a phrase may be in it: in most texts none is."""
    words = _WORD.findall(text[:_MOST_READ].casefold())
    if _hints().isdisjoint(words):
        return frozenset()
    return frozenset(words if _QUOTES.isdisjoint(text) else [*words, "QUOTE"])


def masked(text: str) -> str:
    """`text`, as far as it is read, with what stands in quotation marks blanked: people may say what they like."""
    text = text[:_MOST_READ]
    if _QUOTES.isdisjoint(text):
        return text
    return _QUOTED.sub(lambda one: one[0][0] + "_" * (len(one[0]) - 2) + one[0][-1], text)


def sound(text: str, words: Collection[str]) -> list[Found]:
    """Where sound is asked for."""
    return _undenied(text, _rule("sound").find(text, words))


def lettering(text: str, words: Collection[str]) -> list[Found]:
    """Where lettering is asked for."""
    return _undenied(text, _rule("lettering").find(text, words))


def moves(text: str, words: Collection[str]) -> list[Found]:
    """Where it is said how the camera moves, or stays."""
    found = _rule("camera").find(text, words)
    return [one for one in found if one.way == "static" or not _denied(text, one)]


def _undenied(text: str, found: list[Found]) -> list[Found]:
    """Without what the text asks to leave out: "no subtitles" asks for none."""
    return [one for one in found if not _denied(text, one)]


def _denied(text: str, one: Found) -> bool:
    return _DENIED.search(text, max(0, one.start - _NEAR), one.start) is not None


def absences(text: str, words: Collection[str]) -> Iterator[Found]:
    """Where something is named that shouldn't be seen."""
    rule, data = _rule("absence"), _data()["absence"]
    for one in rule.find(text, words):
        doing = text[one.start : one.end].strip().casefold() == "without" and _DOING.match(text, one.end)
        end = _name_end(text, one.end)
        alone = text[one.end : end].casefold() in data["alone"].split()
        if end > one.end and not doing and not alone and not rule.exceptions.match(text, one.end):
            yield Found(one.start, end, "", one.end)


def _name_end(text: str, start: int) -> int:
    """Where the name of a thing ends that starts there: up to two words, before one that starts something else."""
    end = start
    for number, word in enumerate(_NAME.finditer(text, start)):
        if text[end : word.start()].strip() or word[0].casefold() in _stop() or number == _MOST_WORDS:
            break
        end = word.end()
    return end


def camera(text: str) -> frozenset[str]:
    """Where a `camera` value says that the camera goes: a move wins over stillness, a direction over a mere move."""
    if "dolly zoom" in text.casefold():  # in and out at once
        return frozenset({"any"})
    found = {(one.lastgroup or "").partition("_")[0] for one in _camera_pattern().finditer(text[:_MOST_READ])}
    return frozenset(found & AXIS.keys() or found & {"any"} or found)


# From data to patterns


@cache
def _data() -> Mapping[str, Any]:
    return tomllib.loads((Path(__file__).parent / "words.toml").read_text("utf-8"))


@cache
def _hints() -> frozenset[str]:
    return frozenset().union(*(_rule(name).phrases for name in ("sound", "lettering", "absence", "camera")))


@cache
def _stop() -> frozenset[str]:
    return frozenset(_data()["absence"]["stop"].split())


@cache
def _rule(name: str) -> _Rule:
    data = _data()[name]
    phrases: dict[str, list[_Phrase]] = {}
    for phrase in _phrases(name, data):
        for hint in phrase.hints:
            phrases.setdefault(hint, []).append(phrase)
    but = "|".join(_regex(phrase, data) for phrase in data["but"])
    return _Rule({hint: tuple(known) for hint, known in phrases.items()}, but)


def _phrases(name: str, data: Mapping[str, Any]) -> Iterator[_Phrase]:
    match name:
        case "absence":
            for key, after in (("words", None), ("clauses", _compiled(f"{_CLAUSE}$"))):
                for phrase in data[key]:
                    yield _Phrase(_regex(phrase, data) + _NAMED, _needs(phrase, data), "", after)
        case "camera":
            for way in ("up", "down", "static", "any"):
                for phrase in data[way]:
                    yield _Phrase(_regex(phrase, data), _needs(phrase, data), way)
            yield from _moves()
        case _:
            for phrase in data["phrases"]:
                yield _Phrase(_regex(phrase, data), _needs(phrase, data))


def _compiled(regex: str) -> re.Pattern[str]:
    return re.compile(regex, re.IGNORECASE)


def _regex(phrase: str, lists: Mapping[str, Any]) -> str:
    """A phrase as a regular expression."""
    out = ""
    for part in phrase.split():
        gap = _SPACE if out else ""
        match part:
            case "QUOTE":
                out += _OPENED if out else _CLOSED
            case "CAPS":
                out += _CAPITALS
            case "…":
                out += _BETWEEN
            case _:
                one = _one_of(_choices(part, lists))
                out += f"(?:{gap}{one})?" if part.endswith("?") else gap + one
    return f"{'' if phrase.startswith('QUOTE') else _START}{out}{'' if phrase.endswith('QUOTE') else _END}"


def _one_of(words: Iterable[str]) -> str:
    return "(?:" + "|".join(re.escape(word).replace("'", "['’]") for word in words) + ")"


def _choices(part: str, lists: Mapping[str, Any]) -> list[str]:
    return str(lists.get(part, part)).rstrip("?").split("/")


def _needs(phrase: str, lists: Mapping[str, Any]) -> tuple[frozenset[str], ...]:
    parts = (part for part in phrase.split() if part not in {"CAPS", "…"} and not part.endswith("?"))
    return tuple(_firsts(["QUOTE"] if part == "QUOTE" else _choices(part, lists)) for part in parts)


def _firsts(words: Iterable[str]) -> frozenset[str]:
    """Of each, what `telling` would read first: "don" of "don't"."""
    return frozenset(word if word == "QUOTE" else _WORD.findall(word)[0] for word in words)


def _axes() -> Iterator[tuple[list[str], Mapping[str, list[str]]]]:
    """For each axis: its verbs, and the words for each way along it."""
    for axis in _data()["moves"].values():
        if isinstance(axis, dict):
            yield axis["verbs"].split(), {way: ws.split() for way, ws in axis.items() if way != "verbs"}


def _gap(most: int) -> str:
    """Words between a verb and its direction, none of them a direction itself, but for "from left"."""
    ways = "|".join(word for _, ways in _axes() for words in ways.values() for word in words)
    return rf"(?:[\s,-]{{1,4}}(?:from{_SPACE}\w+|(?!(?:{ways}){_END}){_ANY})){{0,{most}}}?{_SPACE}(?<!from\s)"


def _moves() -> Iterator[_Phrase]:
    """Moves with a direction: said of the camera in any form, or as an order ("slow push in")."""
    subjects, every, before = (_data()["moves"][key].split() for key in ("subjects", "orders", "before"))
    ordered = _compiled(rf"(?:{_CLAUSE}|\b{_one_of(before)}\s+)$")
    for verbs, ways in _axes():
        orders = [verb for verb in verbs if verb in every]
        for way, words in ways.items():
            said = f"{_START}{_one_of(subjects)}{_BETWEEN}{_SPACE}{_one_of(verbs)}{_gap(3)}{_one_of(words)}{_END}"
            yield _Phrase(said, (_firsts(subjects), _firsts(verbs), _firsts(words)), way)
            manner = r"(?:(?:slowly|gently|quickly|to|the)\s+){0,3}"
            thing = r"(?!\s+(?:the|a|an|his|her|its|their)\b)"  # "pull back the curtain"
            order = f"{_START}{_one_of(orders)}{_SPACE}{manner}{_one_of(words)}{_END}{thing}"
            yield _Phrase(order, (_firsts(orders), _firsts(words)), way, ordered)


@cache
def _camera_pattern() -> re.Pattern[str]:
    """The moves of a `camera` value, which needs no word for the camera."""
    patterns = [
        f"(?P<{way}_1>{_START}{_one_of(verbs)}{_gap(4)}{_one_of(words)}{_END})"
        for verbs, ways in _axes()
        for way, words in ways.items()
    ]
    plain = _data()["camera_key"].items()
    patterns += [f"(?P<{way}>{_START}{_one_of(words.split())}{_END})" for way, words in plain]
    return _compiled("|".join(patterns))
