"""Values to text: findings with their code frames, plans as rows. Nothing is printed here.

Whatever an author or a provider wrote passes `safe` on its way out, so that no text can move the cursor, hide
itself, or reverse what is read (CWE-150).
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any

from storyboard import money, timing
from storyboard.diagnostic import Diagnostic
from storyboard.plan import Plan, State, Step
from storyboard.source import Source, Span
from storyboard.text import reveal

_SPACES_AND_MARKS = re.compile("[\t\n\r\u061c\u200e\u200f]")
_RUN = re.compile(r"[^\s\"'<>]+")
_WIDTH = 110
_STYLES = {"error": "1;31", "warning": "1;33", "help": "1;36", "frame": "34", "strong": "1"}


def safe(text: str) -> str:
    """`text` with credentials in URLs masked and control, direction and hidden characters made visible."""
    if text.isprintable() and "@" not in text:
        return text
    shown = _SPACES_AND_MARKS.sub(lambda found: _visible(found[0]), _masked_url(text, "*"))
    return reveal(shown, _visible)


def _masked_url(text: str, mask: str = "***") -> str:
    """`text` with whatever stands between the `//` and the last `@` of a URL masked, a password with `/` or `@` in it
    included; a mask of one character keeps every place.
    """
    if "@" not in text:
        return text

    def masked(found: re.Match[str]) -> str:
        run: str = found[0]
        end = run.rfind("@")
        starts = [run.find(slashes, 0, end) + len(slashes) for slashes in ("//", r"\/\/") if slashes in run[:end]]
        start = min(starts, default=end)
        return run if start >= end else run[:start] + (mask * (end - start) if len(mask) == 1 else mask) + run[end:]

    return _RUN.sub(masked, text)


def _visible(character: str) -> str:
    # One character for one, so that columns stay: the control pictures of Unicode, else a replacement mark.
    if character in "\t\n":
        return " "
    return chr(0x2400 + ord(character)) if ord(character) < 0x20 else "\ufffd"


def _paint(text: str, style: str, color: bool) -> str:
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if color and text else text


def findings(found: Sequence[Diagnostic], *, color: bool = False) -> str:
    """Every finding with its source line and caret, and a count at the end."""
    blocks = [_finding(finding, color) for finding in found]
    return "\n".join([*blocks, summary(found)])


def summary(found: Iterable[Diagnostic]) -> str:
    """Such as `2 errors, 1 warning`."""
    found = list(found)
    errors = sum(finding.is_error for finding in found)
    return f"{count(errors, 'error')}, {count(len(found) - errors, 'warning')}"


def count(number: int, noun: str) -> str:
    """Such as `2 clips`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def as_json(found: Sequence[Diagnostic]) -> dict[str, Any]:
    """The object that `check --json` prints."""
    errors = sum(finding.is_error for finding in found)
    masked = [_masked(finding.as_json()) for finding in found]
    return {"format": 1, "errors": errors, "warnings": len(found) - errors, "diagnostics": masked}


def json_text(value: Any) -> str:
    """JSON for people's terminals too: what could move the cursor or reorder a line stands there as an escape."""
    return reveal(json.dumps(value, indent=2, ensure_ascii=False), lambda character: json.dumps(character)[1:-1])


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return _masked_url(value)
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items()}
    return [_masked(item) for item in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class _Mark:
    """A place that is underlined: by `^` in the finding's colour, or by `-` with what it has to do with it."""

    span: Span
    sign: str
    style: str
    note: str = ""


def _finding(finding: Diagnostic, color: bool) -> str:
    head = _paint(f"{finding.severity}[{finding.code}]", finding.severity, color)
    lines = [f"{head}: {_paint(safe(finding.message), 'strong', color)}"]
    marks = [_Mark(finding.span, "^", finding.severity)]
    marks += (_Mark(related.span, "-", "frame", safe(related.message)) for related in finding.related)
    for source in {id(mark.span.source): mark.span.source for mark in marks}.values():
        lines += _frame(source, [mark for mark in marks if mark.span.source is source], color)
    if finding.help:
        lines.append(f"  {_paint('help', 'help', color)}: {safe(finding.help)}")
    return "\n".join([*lines, ""])


def _frame(source: Source, marks: Sequence[_Mark], color: bool) -> Iterator[str]:
    """One file's marked lines in their order, `...` where lines are left out; above them the first mark's place."""
    rows = [source.line_column(mark.span.start)[0] for mark in marks]
    width = len(str(max(rows)))
    bar, gutter = _paint("|", "frame", color), " " * width
    number, column = source.line_column(marks[0].span.start)
    yield f"{gutter}{_paint('-->', 'frame', color)} {safe(source.name)}:{number}:{column}"
    last = 0
    for number, group in groupby(sorted(zip(rows, marks, strict=True), key=lambda row: row[0]), lambda row: row[0]):
        if last and number == last + 2:  # the line itself says more than three dots
            between = _line(source, last + 1)
            shown = between if len(between) <= _WIDTH else between[:_WIDTH] + "…"
            yield f"{_paint(str(last + 1).ljust(width), 'frame', color)} {bar} {shown}".rstrip()
        elif last and number > last + 1:
            yield _paint("...", "frame", color)
        last, shown = number, ""
        for _, mark in group:
            line, caret = _underlined(source, number, mark)
            if not shown or line != shown:  # a second place on a long line has a window of its own
                yield f"{_paint(str(number).ljust(width), 'frame', color)} {bar} {line}".rstrip()
            shown = line
            note = f" {mark.note}" if mark.note else ""
            yield f"{gutter} {bar} {caret[0]}{_paint(caret[1] + note, mark.style, color)}"


def _underlined(source: Source, number: int, mark: _Mark) -> tuple[str, tuple[str, str]]:
    """A line, cut to a window around a place where it is long; the spaces before the underline, and the underline."""
    shown = _line(source, number)
    before = source.line_column(mark.span.start)[1] - 1
    length = max(1, min(mark.span.end - mark.span.start, len(shown) - before))
    if len(shown) > _WIDTH:
        first = max(0, min(before - 30, len(shown) - _WIDTH))
        rest = "…" if first + _WIDTH < len(shown) else ""
        shown, before = ("…" if first else "") + shown[first : first + _WIDTH] + rest, before - first + bool(first)
        length = max(1, min(length, len(shown) - len(rest) - before))
    underline = mark.sign * max(1, _cells(shown[before : before + length]))
    return shown, (" " * _cells(shown[:before]), underline)


@lru_cache(maxsize=2)
def _line(source: Source, number: int) -> str:
    return safe(source.line(number))  # before it is cut, which could hide the start of a URL


def _cells(text: str) -> int:
    """How many terminal cells a text takes: two for wide characters (Unicode Annex 11), none for marks."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.category(c) in {"Mn", "Me", "Cf"} else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


PLAN_HEAD = ("shot", "state", "asked", "bought", "price", "reason")


def plan_rows(plan: Plan) -> list[tuple[str, ...]]:
    """A row a shot, under `PLAN_HEAD`."""
    return [_plan_row(step, plan.pass_id) for step in plan.steps]


def _plan_row(step: Step, pass_id: str) -> tuple[str, ...]:
    job = step.job
    bought = f"{float(job.seconds):g} s" if job and step.state != "cached" else "-"
    price = "-" if step.state != "submit" else dollars(money.usd(step.cost))
    asked = f"{float(step.of.asked):g} s"
    reasons = [change.brief for change in step.changes] or step.reasons
    name = step.name if step.pass_id == pass_id else f"{step.name} ({step.pass_id})"
    return (safe(name), step.state, asked, bought, price, safe("; ".join(reasons)))


def dollars(amount: str | None) -> str:
    """An amount for people; `unknown` where it isn't known."""
    return "unknown" if amount is None else f"${amount}"


def plan_total(plan: Plan) -> str:
    """One line: what a render would do and cost."""
    jobs = len(plan.submits)
    counts = [f"{count(jobs, 'clip')} to make"]
    states: tuple[State, ...] = ("resume", "held", "blocked", "cached", "clip", "skipped")
    counts += [f"{plan.count(state)} {state}" for state in states if plan.count(state)]
    cost = dollars(money.usd(plan.cost))
    likely = ""
    if plan.forecast and plan.forecast.high != plan.cost:
        expected, high = dollars(money.usd(plan.forecast.expected)), dollars(money.usd(plan.forecast.high))
        likely = f" ({expected} expected, {high} high, by the ledger)"
    return f"{plan.pass_id}: {', '.join(counts)}; cost {cost}{likely}"


def columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Plain aligned columns, for anything that isn't a terminal."""
    table = [head, *rows]
    widths = [max(_cells(row[n]) for row in table) for n in range(len(head))]
    lines = (
        "  ".join(cell + " " * (width - _cells(cell)) for cell, width in zip(row, widths, strict=True)) for row in table
    )
    return "\n".join(line.rstrip() for line in lines)


def duration(seconds: int) -> str:
    """A stretch of time for people: `45 s`, `12 min`, `1 h 05 min`."""
    if seconds < 90:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def length(frames: int, fps: timing.Rate) -> str:
    """A film's length for people, such as `42.0 s`."""
    return f"{float(frames / fps):.1f} s"
