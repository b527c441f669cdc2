"""A lock as text: TOML (v1.0.0), one field a line, laid out so that git merges what two branches did to different
shots.

    # s010 draft
    shot.s010.draft.key = "..."
    shot.s010.draft.clip = "..."
    shot.s010.draft.approved.clip = "..."
    shot.s010.draft.take-2.key = "..."

    # s010 final
    shot.s010.final = {}

    # end

Each line names its place, so that no two are alike: git can't take one shot's for another's, as it did when a heading
alone told them apart. After what a shot says stands a blank line, and then a comment, which no change of it touches.
Fields stand in one order; their values are JSON too.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from storyboard.diagnostic import Diagnostic, Rejected
from storyboard.lock import SHOWN, Acceptance, Approval, Entry, Lock, Place
from storyboard.source import Source
from storyboard.text import MAX_BYTES

VERSION = 1
MOST_BYTES = 8 * MAX_BYTES

_HEAD = f"# What every shot of every pass was rendered as. Written by storyboard; commit it.\nversion = {VERSION}\n"
_TAIL = "\n# end\n"
_PLAIN = r'[^"\\\x00-\x1f\x7f]*'
_STRING = rf'"{_PLAIN}(?:\\(?:["\\bfnrt]|u(?![dD][89a-fA-F])[0-9a-fA-F]{{4}}){_PLAIN})*"'
_KINDS = {
    "a text in double quotes": _STRING,
    "a whole number": "(?:0|-?[1-9][0-9]{0,18})",
    "64 hex digits in double quotes": '"[0-9a-f]{64}"',
    "US dollars in double quotes": '"[0-9]{1,12}(?:[.][0-9]{1,40})?"',
}
_TEXT, _NUMBER, _DIGEST, _MONEY = _KINDS
_FIELDS: Mapping[str, str] = {
    "key": _DIGEST,
    "clip": _DIGEST,
    "size": _NUMBER,
    "model": _TEXT,
    "seed": _NUMBER,
    "id": _TEXT,
    "price": _MONEY,
    "at": _TEXT,
    "by": _TEXT,
    "approved.clip": _DIGEST,
    "approved.key": _DIGEST,
    "approved.by": _TEXT,
    "approved.at": _TEXT,
    "approved.note": _TEXT,
    "accepted.key": _DIGEST,
    "accepted.by": _TEXT,
    "accepted.at": _TEXT,
    "accepted.note": _TEXT,
}
_OPTIONAL = {"seed", "id", "price", "at", "by", "approved.note", "accepted.note"}


def _pattern(prefix: str, start: str) -> str:
    """The lines of the fields whose names start with a prefix, up to the next dot; each line begins with `start`."""
    names = [name for name in _FIELDS if name.startswith(prefix) and "." not in name.removeprefix(prefix)]
    lines = ((name, f"{start}{re.escape(name)} = ({_KINDS[_FIELDS[name]]})\n") for name in names)
    return "".join(f"(?:{line})?" if name in _OPTIONAL else line for name, line in lines)


def _entry_pattern(start: str) -> str:
    return rf"{_pattern('', start)}(?:{_pattern('approved.', start)})?(?:{_pattern('accepted.', start)})?"


_PART = rf'([A-Za-z0-9_-]+|(?!""){_STRING})'
_PLACE = rf"(shot\.{_PART}\.{_PART})"
_BETWEEN = r"(?:#[^\x00-\x08\x0a-\x1f\x7f]*\n|\n)*"
_OF_IT = r"\1\."
_TABLE = re.compile(
    rf"{_BETWEEN}(?={_PLACE}[. ])(?:\1 = {{}}\n|(?:{_entry_pattern(_OF_IT)})?((?:{_OF_IT}take-.*\n)*))(?!\1[. ])"
)
_TAKE = re.compile(_entry_pattern(""))
_NUMBER_OF_TAKE = re.compile(r"take-([1-9][0-9]{0,9})\.")
_LINE = re.compile(rf"{_PLACE}(?: = {{}}|\.(take-[1-9][0-9]{{0,9}}\.)?([a-z.]+) = (.*))\n")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_HEADING = re.compile(rf"{_BETWEEN}version = ([1-9][0-9]{{0,8}})\n")
_REST = re.compile(_BETWEEN)
_UNSEEN = re.compile("[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff]")
_WORDS = len(Approval._fields)
_MARKERS = ("<<<<<<<", "=======", ">>>>>>>", "|||||||")


def written(lock: Lock) -> str:
    """The text of a lock; the same for equal locks. A take whose shot has no place of its own gives it one."""
    tables: dict[tuple[str, str], str] = {}
    for place in sorted(lock.entries):
        one, table = lock.entries[place], (place.shot, place.pass_id)
        if table not in tables:
            tables[table] = ""
        if one is not None:
            start = f"shot.{_part(place.shot)}.{_part(place.pass_id)}."
            tables[table] += _lines(one, start if place.take == SHOWN else f"{start}take-{place.take}.")
    return "".join([_HEAD, *(_table(*place, lines) for place, lines in tables.items()), _TAIL])


def _table(shot: str, pass_id: str, lines: str) -> str:
    shot, pass_id = _part(shot), _part(pass_id)
    return f"\n# {shot} {pass_id}\n{lines or f'shot.{shot}.{pass_id} = {{}}'}" + ("" if lines else "\n")


def _lines(one: Entry, prefix: str) -> str:
    values = one._asdict()
    for name in ("approved", "accepted"):
        if said := values.pop(name):
            values |= {f"{name}.{key}": value for key, value in said._asdict().items()}
    said = ((name, value) for name, value in values.items() if not (name in _OPTIONAL and value in (None, "")))
    return "".join(f"{prefix}{name} = {_value(value)}\n" for name, value in said)


def _value(value: str | int) -> str:
    """A value as both JSON and TOML have it; what can't be seen is escaped, and what isn't text is replaced."""
    if not isinstance(value, str):
        return str(value)
    if value.isascii() and value.isprintable() and '"' not in value and "\\" not in value:
        return f'"{value}"'
    text = json.dumps(value.encode("utf-16", "surrogatepass").decode("utf-16", "replace"), ensure_ascii=False)
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _part(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def parsed(name: str, data: bytes) -> Lock:
    """The lock that a file's bytes are, shown as `name` where it is wrong; its lines may end as Windows ends them.

    Raises:
        Rejected: it isn't one; carries what is wrong, where, and the cure.
    """
    nowhere = Source(name, "").span(0, 0)
    if len(data) > MOST_BYTES:
        raise Rejected([Diagnostic("SB014", "the lock is too large", nowhere, _cure(name))])
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        source = Source(name, data[: error.start].decode())
        place = source.span(len(source.text), len(source.text))
        raise Rejected([Diagnostic("SB014", "the lock isn't UTF-8 text", place, _cure(name))]) from error
    return read(Source(name, text.replace("\r\n", "\n")))


def read(source: Source) -> Lock:
    """The lock that a text is.

    Raises:
        Rejected: it isn't one; carries what is wrong, where, and the cure.
    """
    text = source.text if source.text.endswith("\n") else f"{source.text}\n"
    entries: dict[Place, Entry | None] = {}
    at = _after_head(source, text)
    while found := _TABLE.match(text, at):
        start, shot, pass_id, *values, takes = found.groups()
        place = Place(_text(shot), _text(pass_id))
        if place in entries:
            raise _wrong(source, found.start(1), "the lock has this twice")
        entries[place] = _entry(values) if values[0] else None
        for number, one in _takes(source, found.end() - len(takes), start, takes) if takes else ():
            entries[place._replace(take=number)] = one
        at = found.end()
    end = _REST.match(text, at)
    if end and end.end() < len(text):
        raise _reason(source, text, end.end())
    return Lock(entries)


def _after_head(source: Source, text: str) -> int:
    """Where the tables start."""
    head = _HEADING.match(text)
    if not head:
        start = _REST.match(text)
        raise _wrong(source, start.end() if start else 0, f"the lock doesn't start with 'version = {VERSION}'")
    if int(head[1]) > VERSION:
        message = f"the lock is of version {head[1]}, and this storyboard knows version {VERSION}"
        raise Rejected([Diagnostic("SB014", message, source.span(*head.span(1)), "install a newer storyboard")])
    return head.end()


def _rows(text: str) -> list[str]:
    """Lines with their breaks; a text may hold what `str.splitlines` takes for one."""
    return re.findall(r".*\n", text)


def _text(value: str) -> str:
    if value[0] != '"':
        return value
    text: str = json.loads(value) if "\\" in value else value[1:-1]
    return text


def _entry(values: list[str]) -> Entry:
    """An entry from the values of its fields as they are written, in their order; None for those that are left out."""
    key, clip, size, model, seed, id_, price, at, by, *more = values
    approved, accepted = (
        [_text(value) if value else "" for value in said] if said[0] else None for said in (more[:5], more[5:])
    )
    return Entry(
        key[1:-1],
        clip[1:-1],
        int(size),
        _text(model),
        int(seed) if seed else None,
        _text(id_) if id_ else "",
        price[1:-1] if price else None,
        _text(at) if at else "",
        _text(by) if by else "",
        Approval(*approved) if approved else None,
        Acceptance(*accepted) if accepted else None,
    )


def _takes(source: Source, at: int, start: str, text: str) -> Iterator[tuple[int, Entry]]:
    """The takes that the lines at an offset tell of, which all begin with their place."""
    seen = dict[int, tuple[int, str]]()
    last = 0
    for row in _rows(text):
        found = _NUMBER_OF_TAKE.match(row, len(start) + 1)
        number = int(found[1]) if found else 0
        if not found or (number in seen and number != last):
            message = "the lock has this take twice" if found else "the lock can't be read here"
            raise _wrong(source, at, message)
        first, said = seen.get(number, (at, ""))
        seen[number], last = (first, said + row[found.end() :]), number
        at += len(row)
    for number, (first, said) in seen.items():
        own = _TAKE.fullmatch(said)
        if own is None:
            raise _misfit(source, f"{source.text}\n", first)
        yield number, _entry(list(own.groups()))


def _reason(source: Source, text: str, at: int) -> Rejected:
    """Why no table can be read at an offset, where something stands."""
    return _misfit(source, text, at) if _LINE.match(text, at) else _wrong(source, at, "the lock can't be read here")


def _misfit(source: Source, text: str, at: int) -> Rejected:
    """What is wrong with the lines of one clip, which start at an offset."""
    start, last, seen = at, -1, set[str]()
    names = list(_FIELDS)
    first = _LINE.match(text, at)
    while first and (found := _LINE.match(text, at)) and (found[1], found[4]) == (first[1], first[4]):
        name, value = found[5], found[6]
        if name is None or name not in _FIELDS:
            return _wrong(source, at, "the lock can't be read here" if name else "the lock has this twice")
        if not re.fullmatch(_KINDS[_FIELDS[name]], value):
            return _wrong(source, at, f"'{name}' isn't {_FIELDS[name]}")
        if name in seen or names.index(name) < last:
            return _wrong(source, at, f"'{name}' {'is written twice' if name in seen else 'stands too late'}")
        seen.add(name)
        last = names.index(name)
        at = found.end()
    if lacking := _lacking(seen):
        return _wrong(source, start, f"the lock lacks {lacking} here")
    return _wrong(source, at, "the lock can't be read here")


def _lacking(seen: set[str]) -> str:
    """The fields that must be there and aren't."""
    groups = {"", *(name.partition(".")[0] for name in seen if "." in name)}
    needed = (name for name in _FIELDS if name.rpartition(".")[0] in groups and name not in _OPTIONAL)
    return ", ".join(name for name in needed if name not in seen)


def _line(source: Source, at: int) -> Any:
    """The line that starts at an offset."""
    return source.span(at, at + len(source.text[at:].partition("\n")[0]))


def _cure(name: str) -> str:
    return f"take {name} from a commit ('git checkout HEAD -- {name}'), or remove it and render"


def _wrong(source: Source, at: int, message: str) -> Rejected:
    place = _line(source, at)
    help_ = _cure(source.name)
    if place.text.startswith(_MARKERS):
        message = "a merge left its conflict in the lock"
        help_ = f"'storyboard init --git', then 'git checkout --merge -- {source.name}': git merges it anew"
    return Rejected([Diagnostic("SB014", message, place, help_)])
