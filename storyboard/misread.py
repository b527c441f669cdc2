"""A YAML parser's error, in the author's words: where the mistake was made, not where the parser gave up."""

import re
from dataclasses import dataclass

from storyboard.diagnostic import Diagnostic, Related
from storyboard.source import Source, Span


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
        return _unquoted(here)
    if "tab character" in said:
        return _found("a tab can't indent in YAML", here, "indent with spaces")
    if "mapping values are not allowed" in said:
        return _stray_colon(source, here, row)
    if "end of stream" in said and "quoted" in error.context:
        return _found("this quote is never closed", since, "close it with the same quote")
    if "expected ',' or" in said or ("flow" in error.context and "expected" in said):
        opened = since.text or "["
        close = "]" if opened == "[" else "}"
        related = (Related(here, f"expected ',' or '{close}' before this"),) if here.text.strip() else ()
        return _found(
            f"the '{opened}' isn't closed", since, f"close it with '{close}', or add the missing ','", related
        )
    if "unknown escape" in said or "hexdecimal" in said:
        escape = source.span(error.at, error.at + 2)
        help_ = "write \\\\ for a backslash, or put the text into single quotes"
        return _found(f"'{escape.text}' isn't an escape in a double-quoted text", escape, help_)
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
    if "did not find expected" in said and "block" in error.context:
        return _indentation(source, here, since, row)
    related = (Related(since, error.context),) if error.since not in {None, error.at} else ()
    return _found(f"this isn't YAML: {said}", here, "quote the text, or check the indentation", related)


def _found(message: str, span: Span, help_: str, related: tuple[Related, ...] = ()) -> Diagnostic:
    return Diagnostic("SB004", message, span, help_, related=related)


def _unquoted(here: Span) -> Diagnostic:
    if here.text == "\t":
        return _found("a tab can't indent in YAML", here, "indent with spaces")
    shown = here.text or "this"
    return _found(f"a text can't start with '{shown}' in YAML", here, f'quote it: "{shown}…"')


def _stray_colon(source: Source, here: Span, row: str) -> Diagnostic:
    before = row[: source.line_column(here.start)[1] - 1].strip().removeprefix("- ")
    if before and ":" not in before and " " not in before:
        start = here.start - len(before)
        help_ = "align it with the keys above it; or give the line above, if it is a text, quotes"
        return _found(f"'{before}' is indented more than the line above", source.span(start, here.start), help_)
    return _found("': ' inside a text reads as a key", here, "put the text into quotes")


def _no_colon(source: Source, since: Span) -> Diagnostic:
    number = source.line_column(since.start)[0]
    text = source.line(number)
    stuck = re.match(r"\s*(?:- )?([\w.-]+):(?=\S)", text)
    if stuck:
        colon = since.start - source.line_column(since.start)[1] + 1 + stuck.end() - 1
        help_ = f"write '{stuck[1]}: {text[stuck.end() :].strip()}'"
        return _found("a space is missing after ':'", source.span(colon, colon + 1), help_)
    start = since.start + len(text) - len(text.lstrip()) if source.line_column(since.start)[1] == 1 else since.start
    shown = text.strip()
    span = source.span(start, start + len(shown))
    return _found("this line has no ':'", span, f"write '{shown.split()[0] if shown else 'key'}: …'")


def _indentation(source: Source, here: Span, since: Span, row: str) -> Diagnostic:
    number, column = source.line_column(here.start)
    before = row[: column - 1].rstrip()
    if before.endswith(("]", "}")):
        return _found(f"the text goes on after the '{before[-1]}'", here, "put all of the text into quotes")
    if re.search(r"[>|][+-]?\d?$", before):
        return _found("the text starts on the line below the '>' or '|'", here, "move it to the next line")
    if before.strip():
        help_ = "put all of the text into quotes, and use the other kind inside"
        return _found("the text goes on after its closing quote", here, help_)
    word = row.strip().partition(":")[0]
    span = source.span(here.start, here.start + len(word))
    begun = source.line_column(since.start)
    related = (Related(since, "what it should line up with begins here"),) if begun[0] != number else ()
    spaces = [str(n) for n in (begun[1] - 1, begun[1] + 1) if n != column - 1]
    help_ = f"indent it like its neighbours: {' or '.join(spaces)} spaces"
    return _found("this line's indentation fits nothing above it", span, help_, related)
