"""A YAML parser's error, in the author's words: where the mistake was made, not where the parser gave up."""

import re
from dataclasses import dataclass

from storyboard.diagnostic import Diagnostic, Related
from storyboard.source import Source, Span

_SHOWN = 60
_LONGEST_KEY = 1024
"""YAML 1.2 section 7.4.2: a key on a line is found within so many characters."""

_HALVES = re.compile(r"\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(?:x[0-9A-Fa-f]{0,2}|u[0-9A-Fa-f]{0,4}|U[0-9A-Fa-f]{0,8}|.?)")


@dataclass(frozen=True)
class Misread:
    """What the parser said: the problem and its offset, and what it was reading and from where."""

    problem: str
    at: int
    context: str = ""
    since: int | None = None


def diagnose(source: Source, error: Misread) -> Diagnostic:
    """The finding for one parser error."""
    here = source.span(error.at, error.at + 1)
    since = source.span(error.since, error.since + 1) if error.since is not None else here
    row = source.line(source.line_column(error.at)[0])
    said = error.problem
    if "cannot start any token" in said:
        return _unquoted(source, here)
    if "tab character" in said:
        return _found("a tab can't indent in YAML", here, "indent with spaces")
    if "mapping values are not allowed" in said:
        return _stray_colon(source, here, row)
    if "end of stream" in said and "quoted" in error.context:
        return _found("this quote is never closed", since, "close it with the same quote")
    if "document indicator" in said:
        there = Related(source.span(error.at, error.at + 3), "a text in quotes can't have this at a line's start")
        return _found("this quote is never closed", since, "close it with the same quote", (there,))
    if "node content" in said and error.context.endswith("flow node"):
        return _nothing(here)
    if "expected ',' or" in said or ("flow" in error.context and "expected" in said):
        opened = since.text or "["
        close = "]" if opened == "[" else "}"
        related = (Related(here, f"expected ',' or '{close}' before this"),) if here.text.strip() else ()
        return _found(
            f"the '{opened}' isn't closed", since, f"close it with '{close}', or add the missing ','", related
        )
    if "quoted" in error.context and ("escape" in said or "hexdecimal" in said):
        return _escape(source, error.at)
    if "<document start>" in said:
        help_ = "remove the '...' or '---' above it: one file holds one storyboard"
        return Diagnostic("SB010", "a second document starts here", here, help_)
    if "block sequence entries" in said:
        return _found("a text can't start with '- '", here, "quote it, or put the list on lines of its own")
    if "could not find expected ':'" in said:
        return _no_colon(source, since)
    if "alias" in error.context or "anchor" in error.context:
        mark = since.text or "*"
        help_ = "quote the text: '*' starts an alias and '&' an anchor in YAML"
        return _found(f"a text can't start with '{mark}'", since, help_)
    if "directive" in error.context or "YAML document" in said or "directive" in said:
        return _found("a line that starts with '%' is a directive", since, "remove it: a storyboard needs none")
    if "tag" in error.context or "tag" in said:
        return _found("a text can't start with '!' in YAML", since, _quote(source, since))
    if "mapping keys" in said:
        return _found("a text can't start with '? ' in YAML", here, _quote(source, here))
    if "indicator equal to 0" in said:
        return _found(
            "no text is indented by 0 spaces", here, "remove the number, or count the spaces of its first line"
        )
    if "did not find expected" in said and "block" in error.context:
        return _indentation(source, here, since, row)
    related = (Related(since, error.context),) if error.since not in {None, error.at} else ()
    return _found(f"this isn't YAML: {said}", here, "quote the text, or check the indentation", related)


def _found(message: str, span: Span, help_: str, related: tuple[Related, ...] = ()) -> Diagnostic:
    return Diagnostic("SB004", message, span, help_, related=related)


def _unquoted(source: Source, here: Span) -> Diagnostic:
    if here.text == "\t":
        return _found("a tab can't indent in YAML", here, "indent with spaces")
    if here.text in {">", "|"}:
        return _found(f"a text between brackets can't start with '{here.text}'", here, "put the text into quotes")
    return _found(f"a text can't start with '{here.text or 'this'}' in YAML", here, _quote(source, here))


def _quote(source: Source, here: Span) -> str:
    """The cure for a text that has to be quoted, in quotes as far as it can be told where it ends."""
    number, column = source.line_column(here.start)
    row = source.line(number)
    before, rest = row[: column - 1], row[column - 1 : column + _SHOWN]
    if re.search(r"[\[{][^\]}]*$", before):
        rest = re.split(r"\s*[,\[\]{}]", rest)[0]
    rest = _short(rest.partition(" #")[0].rstrip() or here.text)
    mark = "'" if '"' in rest or "\\" in rest else '"'
    return "quote it" if mark in rest else f"quote it: {mark}{rest}{mark}"


def _nothing(here: Span) -> Diagnostic:
    if here.text in {"]", "}"}:
        return _found(f"this '{here.text}' closes nothing that is open", here, "remove it, or close what is open first")
    return _found(f"nothing stands before this '{here.text}'", here, "write a value there, or remove it")


def _escape(source: Source, at: int) -> Diagnostic:
    start = source.text.rfind("\\", 0, at + 1)
    halves = _HALVES.match(source.text, start)
    if halves:
        character = chr(0x10000 + ((int(halves[1], 16) - 0xD800) << 10) + int(halves[2], 16) - 0xDC00)
        help_ = f"write {character} itself, or \\U{ord(character):08X}"
        return _found("two halves of a character, as JSON has them", source.span(start, halves.end()), help_)
    written = _ESCAPE.match(source.text, start)
    span = source.span(start, written.end() if written else at + 1)
    wanted = {"x": 2, "u": 4, "U": 8}.get(span.text[1:2], 0)
    if wanted and len(span.text) == wanted + 2:
        return _found(f"'{span.text}' is no character of Unicode", span, "write the character itself")
    help_ = "write \\\\ for a backslash, or put the text into single quotes"
    if wanted:
        help_ = f"\\{span.text[1]} takes {wanted} hexadecimal digits; {help_}"
    return _found(f"'{span.text}' isn't an escape in a double-quoted text", span, help_)


def _stray_colon(source: Source, here: Span, row: str) -> Diagnostic:
    number, column = source.line_column(here.start)
    before = row[: column - 1].strip().removeprefix("- ")
    if len(before) > _LONGEST_KEY:
        start = here.start - len(before)
        message = f"a key of {len(before):,} characters"
        return _found(message, source.span(start, here.start), f"a key is a word, of up to {_LONGEST_KEY:,} characters")
    if before and ":" not in before and " " not in before:
        start = here.start - len(before)
        above = source.line(number - 1) if number > 1 else ""
        first = len(source.text[: here.start - column + 1].rstrip("\r\n")) - len(above)
        is_first = not re.search(r"^\s*[^\s#]", source.text[:first], re.MULTILINE)
        if is_first and above.strip() and _indent(above) == _indent(row):
            return _no_colon(source, source.span(first + _indent(above), first + _indent(above) + 1))
        help_ = "align it with the keys above it; or give the line above, if it is a text, quotes"
        message = f"'{_short(before)}' is indented more than the line above"
        return _found(message, source.span(start, here.start), help_)
    return _found("': ' inside a text reads as a key", here, "put the text into quotes")


def _indent(row: str) -> int:
    return len(row) - len(row.lstrip())


def _no_colon(source: Source, since: Span) -> Diagnostic:
    number = source.line_column(since.start)[0]
    text = source.line(number)
    stuck = re.match(r"\s*(?:- )?([\w.-]{1,100}):(?=\S)", text)
    if stuck:
        colon = since.start - source.line_column(since.start)[1] + 1 + stuck.end() - 1
        help_ = f"write '{stuck[1]}: {_short(text[stuck.end() :].strip())}'"
        return _found("a space is missing after ':'", source.span(colon, colon + 1), help_)
    start = since.start + len(text) - len(text.lstrip()) if source.line_column(since.start)[1] == 1 else since.start
    shown = text.strip()
    span = source.span(start, start + len(shown))
    if len(shown) > _LONGEST_KEY:
        return _found("a line of text where a key belongs", span, "write 'key: …', with the text after the ':'")
    return _found("this line has no ':'", span, f"write '{_short(shown.split()[0]) if shown else 'key'}: …'")


def _indentation(source: Source, here: Span, since: Span, row: str) -> Diagnostic:
    number, column = source.line_column(here.start)
    before = row[: column - 1].rstrip()
    if here.text in {"]", "}"} and before.endswith(("]", "}")):
        return _found(f"this '{here.text}' closes nothing that is open", here, "remove it")
    if here.text in {"]", "}", ","} and not before.endswith(("]", "}", '"', "'")):
        if before and not before.endswith((":", "-")):
            return _found(f"the text goes on with '{here.text}'", here, "put all of the text into quotes")
        if here.text == "," or before:
            return _found(f"a text can't start with '{here.text}' in YAML", here, _quote(source, here))
        return _found(f"this '{here.text}' closes nothing that is open", here, "remove it")
    marked = re.search(r"(?:^|[:-]\s)\s*([*&][\w-]+)$", before[-200:])
    if marked:
        mark = here.start - (column - 1 - len(before)) - len(marked[1])
        help_ = "quote the text: '*' starts an alias and '&' an anchor in YAML"
        return _found(f"a text can't start with '{marked[1][0]}'", source.span(mark, mark + 1), help_)
    if before.endswith(("]", "}")):
        return _found(f"the text goes on after the '{before[-1]}'", here, "put all of the text into quotes")
    if re.search(r"[>|][+-]?\d?$", before[-4:]):
        return _found("the text starts on the line below the '>' or '|'", here, "move it to the next line")
    if before.endswith(('"', "'")):
        help_ = "put all of the text into quotes, and use the other kind inside"
        return _found("the text goes on after its closing quote", here, help_)
    if before.strip():
        return _found("the text can't go on like this", here, "put all of the text into quotes")
    word = _short(row.strip().partition(":")[0])
    span = source.span(here.start, here.start + len(word))
    begun = source.line_column(since.start)
    related = (Related(since, "what it should line up with begins here"),) if begun[0] != number else ()
    spaces = [str(n) for n in (begun[1] - 1, begun[1] + 1) if n != column - 1]
    help_ = f"indent it like its neighbours: {' or '.join(spaces)} spaces"
    return _found("this line's indentation fits nothing above it", span, help_, related)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
