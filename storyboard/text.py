"""A file to text, and the characters that no storyboard may hold.

What a reviewer sees must be what is compiled (Trojan Source, CVE-2021-42574): characters that reorder a line or
can't be seen are errors wherever they stand, comments included. Joiners, direction marks and variation selectors
stay, as scripts and emoji need them; so do Mongolian's vowel separator, the zero width space of scripts that write
no spaces, and the tags in a flag, each where it belongs.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from storyboard.diagnostic import Diagnostic
from storyboard.files import Place
from storyboard.source import Source, Span

MAX_BYTES = 4 << 20

_ILLEGAL = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff"
"""YAML 1.2 allows none but U+0085 and the line separators of these; those break lines in YAML 1.1 only."""
_NEVER = r"\xad\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f"
_MONGOLIAN = r"\u180b-\u180d\u180f\u1820-\u18aa"
_UNSPACED = r"\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\ua9e0-\ua9ff\uaa60-\uaadf"
_FLAG = r"\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f"
_UNFIT = re.compile(rf"{_FLAG}|([{_ILLEGAL}{_NEVER}]|(?<![{_MONGOLIAN}])\u180e|(?<![{_UNSPACED}])\u200b)")
_SUSPECT = re.compile(rf"[{_ILLEGAL}{_NEVER}\u180e\u200b]")
_MOST_CUTS = 10_000
_NO_YAML = re.compile(rf"[{_ILLEGAL}]")

_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_SHORT = dict(zip("0abvferNLP", "\0\a\b\v\f\x1b\r\x85\u2028\u2029", strict=True))
_HELD = re.compile(rf"[{_ILLEGAL}\r{_NEVER}]")


@dataclass(frozen=True)
class Fit:
    """A text as it reads without what it may not hold, and the findings. `cuts` are the offsets in `text` where
    something was left out, `moved` by how much what follows each of them stands further on in the source. There is
    no text where there was too much to tell of.
    """

    text: str | None
    found: tuple[Diagnostic, ...]
    cuts: tuple[int, ...] = ()
    moved: tuple[int, ...] = (0,)

    def original(self, offset: int) -> int:
        """Where in the source the character at an offset of `text` stands."""
        return offset + self.moved[bisect_right(self.cuts, offset)]


def read(path: Place, name: str) -> tuple[Source, list[Diagnostic]]:
    """A file's text as a Source shown as `name`; with findings, the text is empty or cut short."""
    nowhere = Source(name, "").span(0, 0)
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return nowhere.source, [Diagnostic("SB001", f"{name} can't be read: {reason}", nowhere)]
    if len(data) > MAX_BYTES:
        message = f"{name} is larger than {MAX_BYTES >> 20} MiB"
        return nowhere.source, [
            Diagnostic("SB003", message, nowhere, "a storyboard is text; split the film into several files")
        ]
    start = data[:1024]
    if start.startswith((b"\xff\xfe", b"\xfe\xff")) or start.count(0) * 3 > len(start):
        return nowhere.source, [Diagnostic("SB002", f"{name} is UTF-16, not UTF-8", nowhere, "save the file as UTF-8")]
    try:
        return Source(name, data.decode("utf-8-sig")), []
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", "replace")
        source = Source(name, before)
        message = f"byte 0x{data[error.start]:02x} isn't UTF-8 text"
        return source, [Diagnostic("SB002", message, source.span(len(before), len(before)), "save the file as UTF-8")]


def fit(source: Source, most: int) -> Fit:
    """A source's text without the characters that no storyboard may hold. Gives up after `most` findings."""
    text = source.text
    if not _SUSPECT.search(text):
        return Fit(text, ())
    kept, cuts, moved, end = [], [], [0], 0
    told: list[tuple[str, int, int, int]] = []  # the kind, from, to, how many
    for match in _UNFIT.finditer(text):
        if not match[1]:  # a flag
            continue
        at, kind = match.start(), _kind(match[1])
        if told and told[-1][0] == kind and (told[-1][2] == at or (kind == "reorders" and "\n" not in text[end:at])):
            told[-1] = (kind, told[-1][1], at + 1, told[-1][3] + 1)
        else:
            told.append((kind, at, at + 1, 1))
        if at > end or not at:
            kept.append(text[end:at])
            cuts.append(at - moved[-1])
            moved.append(moved[-1])
        moved[-1] += 1
        end = at + 1
        if len(told) > most or len(cuts) > _MOST_CUTS:
            break
    found = tuple(_unfit(source.span(start, end), kind, number) for kind, start, end, number in told[:most])
    if len(told) > most or len(cuts) > _MOST_CUTS:
        return Fit(None, found)
    return Fit("".join([*kept, text[end:]]), found, tuple(cuts), tuple(moved))


def reveal(words: str, how: Callable[[str], str]) -> str:
    """`words` with each character that no storyboard may hold replaced."""
    if not _SUSPECT.search(words):
        return words
    return _UNFIT.sub(lambda match: how(match[1]) if match[1] else match[0], words)


def escaped(source: Source, start: int, end: int) -> Iterator[Diagnostic]:
    """What the escapes of a double-quoted text, written from `start` to `end`, put into it and may not."""
    for match in _ESCAPE.finditer(source.text, start, end):
        digits = match[1] or match[2] or match[3]
        character = chr(min(int(digits, 16), 0x10FFFF)) if digits else _SHORT.get(match[4], "")
        if not character or not _HELD.match(character):
            continue
        span = source.span(match.start(), match.end())
        if unicodedata.category(character) == "Cc":
            message = f"'{match[0]}' puts a control character into a text"
            yield Diagnostic("SB013", message, span, "remove it; '\\n' is a line break, '\\\\' a backslash")
        else:
            does = "reorders what is shown" if _kind(character) == "reorders" else "can't be seen"
            message = f"'{match[0]}' stands for {_named(character)}, which {does}"
            yield Diagnostic("SB012", message, span, "remove it")


def clean(text: str) -> str:
    """`text` without what its escapes may not put into it."""
    return _HELD.sub("", text)


def _kind(character: str) -> str:
    if character in "\x85\u2028\u2029":
        return "separates lines"
    if character in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069":
        return "reorders"
    return "is illegal" if _NO_YAML.match(character) else "hides"


def _unfit(span: Span, kind: str, number: int) -> Diagnostic:
    named = _named(span.text[0])
    more = f" and {number - 1:,} more" if number > 1 else ""
    match kind:
        case "separates lines":
            return Diagnostic(
                "SB002", f"an invisible line separator, {named}", span, "remove it, or write a line break"
            )
        case "is illegal":
            return Diagnostic("SB002", f"the character {named} isn't allowed in YAML", span, "remove it")
        case "reorders":
            shows = f"{more} on this line show" if more else " shows"
            message = f"{named}{shows} the text in another order than it is read"
            return Diagnostic("SB012", message, span, "remove it; the marks U+200E and U+200F can set a direction")
        case _:
            help_ = "remove it: what is shown must be what is compiled"
            return Diagnostic("SB012", f"{named}{more} can't be seen", span, help_)


def _named(character: str) -> str:
    name = unicodedata.name(character, "").lower()
    return f"U+{ord(character):04X}" + (f" ({name})" if name else "")
