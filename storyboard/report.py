"""Values to text: findings with their code frames, plans as rows. Nothing is printed here.

Whatever an author or a provider wrote passes `safe` on its way out, so that no text can move the cursor, hide
itself, or reverse what is read (CWE-150).
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from storyboard import money, timing
from storyboard.diagnostic import Diagnostic
from storyboard.plan import Plan, State, Step
from storyboard.source import Span

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_CREDENTIALS = re.compile(r"(?<=//)[^\s\"'<>]+(?=@)|(?<=\\/\\/)[^\s\"'<>]+(?=@)")
"""Whatever stands before the last `@` of a URL, a password with `/` or `@` in it included."""
_WIDTH = 110
_STYLES = {"error": "1;31", "warning": "1;33", "help": "1;36", "frame": "34", "strong": "1"}


def safe(text: str) -> str:
    """`text` with credentials in URLs masked and control and direction characters made visible."""
    if text.isprintable() and "@" not in text:
        return text
    masked = _CREDENTIALS.sub(lambda found: "*" * len(found[0]), text)
    return "".join(_visible(c) if unicodedata.category(c) == "Cc" or c in _BIDI else c for c in masked)


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


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return _CREDENTIALS.sub("***", value)
    if isinstance(value, dict):
        return {key: _masked(item) for key, item in value.items()}
    return [_masked(item) for item in value] if isinstance(value, list) else value


def _finding(finding: Diagnostic, color: bool) -> str:
    head = _paint(f"{finding.severity}[{finding.code}]", finding.severity, color)
    lines = [f"{head}: {_paint(safe(finding.message), 'strong', color)}"]
    lines += _frame(finding.span, color)
    for related in finding.related:
        lines += _frame(related.span, color, safe(related.message))
    if finding.help:
        lines.append(f"  {_paint('help', 'help', color)}: {safe(finding.help)}")
    return "\n".join([*lines, ""])


def _frame(span: Span, color: bool, note: str = "") -> Iterator[str]:
    number, column = span.source.line_column(span.start)
    line = span.source.line(number)
    length = max(1, min(span.end - span.start, len(line) - column + 1))
    before = column - 1
    shown = safe(line)  # before the window, which could hide the start of a URL
    if len(shown) > _WIDTH:  # a window around the place
        first = max(0, min(before - 30, len(shown) - _WIDTH))
        rest = "…" if first + _WIDTH < len(shown) else ""
        shown, before = ("…" if first else "") + shown[first : first + _WIDTH] + rest, before - first + bool(first)
        length = max(1, min(length, len(shown) - len(rest) - before))
    gutter = " " * len(str(number))
    bar = _paint("|", "frame", color)
    caret = " " * _cells(shown[:before]) + _paint("^" * max(1, _cells(shown[before : before + length])), "error", color)
    yield f"{gutter}{_paint('-->', 'frame', color)} {safe(span.source.name)}:{number}:{column}"
    yield f"{_paint(str(number), 'frame', color)} {bar} {shown}".rstrip()
    yield f"{gutter} {bar} {caret}{f' {note}' if note else ''}"


def _cells(text: str) -> int:
    """How many terminal cells a text takes: two for wide characters (Unicode Annex 11), none for marks."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


PLAN_HEAD = ("shot", "state", "asked", "bought", "price", "reason")


def plan_rows(plan: Plan) -> list[tuple[str, ...]]:
    """A row a shot, under `PLAN_HEAD`."""
    return [_plan_row(step) for step in plan.steps]


def _plan_row(step: Step) -> tuple[str, ...]:
    job = step.job
    bought = f"{float(job.seconds):g} s" if job and step.state != "cached" else "-"
    price = "-" if step.state != "submit" else dollars(money.usd(step.cost))
    asked = f"{float(step.of.asked):g} s"
    return (safe(step.shot), step.state, asked, bought, price, safe("; ".join(step.reasons)))


def dollars(amount: str | None) -> str:
    """An amount for people; `unknown` where it isn't known."""
    return "unknown" if amount is None else f"${amount}"


def plan_total(plan: Plan) -> str:
    """One line: what a render would do and cost."""
    jobs = len(plan.submits)
    counts = [f"{count(jobs, 'clip')} to make"]
    states: tuple[State, ...] = ("resume", "held", "blocked", "cached", "skipped")
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
