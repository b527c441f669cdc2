"""Plans and diffs as Markdown for a comment on a pull request (GitHub Flavored Markdown 0.29).

Whatever an author wrote stands in a code span, where nothing is markup: no tag, link, mention, reference to an issue,
formula or emoji. A table's rows end at a line's end and its cells at a bar, so neither is left in one.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from storyboard import money, report
from storyboard.changes import Change
from storyboard.diff import Diff, Shown
from storyboard.diff import words as said
from storyboard.plan import Plan, Step

MOST = 65_536
"""Characters that GitHub takes in one comment."""

_LONG = 120
"""Characters of old and new together from which on a change is told in full below the table."""
_LONGEST = 4_000
"""Characters of one text in full."""
_NOTED = 400
"""Characters of a change in a table."""


def code(text: str) -> str:
    """An author's text as a code span that fits into a table's cell."""
    text = re.sub(r"\s+", " ", report.safe(text)).strip()
    text = re.sub(r"(?<!\\)\|", r"\\|", text.replace("\\|", "\\¦"))
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    pad = " " if text[:1] == "`" or text[-1:] == "`" else ""
    return f"{ticks}{pad}{text}{pad}{ticks}" if text else ""


def diff(found: Diff, most: int = MOST) -> str:
    """A diff: what it costs, then a row for each shot that differs, then long texts in full.

    At most `most` characters; what doesn't fit is counted.
    """
    head = [f"### {code(found.old.name)} → {code(found.new.name)}", ""]
    changed = [shot for shot in found.shots if not shot.is_same]
    if found.is_same:
        return "\n".join([*head, "No shot differs.", ""])
    head += [f"{said.counts(found)}.", "", *_totals(found), ""]
    whole = [f"- {_change(change)}" for change in found.changes]
    whole += [f"- {_change(change)} ({count} shots)" for change, count in found.shared.items()]
    rows = [f"| {_name(shot)} | {', '.join(shot.kinds)} | {_what(found, shot)} | {_prices(shot)} |" for shot in changed]
    table = [*[""] * bool(whole), "| shot | | what | to make |", "|---|---|---|---|"] if rows else []
    full = [part for shot in changed for part in _full(found, shot)]
    return _fitted(
        head,
        [(whole, "line"), ([*table, *rows], "shot")],
        full,
        most,
        "`storyboard diff` shows all of it",
    )


def plan(decided: Plan, against: str = "", most: int = MOST) -> str:
    """A plan: what it costs, and a row for each shot that isn't there. At most `most` characters."""
    total = report.plan_total(decided).partition(": ")[2]
    since = f", against {code(against)}" if against else ""
    head = [f"### Plan of pass {code(decided.pass_id)}{since}", "", f"{total}.", ""]
    steps = [step for step in decided.steps if step.state not in {"cached", "clip", "skipped"}]
    if not steps:
        return "\n".join([*head[:2], f"Nothing to make: {total}.", ""])
    rows = [_step(step, decided.pass_id) for step in steps]
    table = ["| shot | state | bought | price | reason |", "|---|---|--:|--:|---|"]
    full = [part for step in steps for part in _texts(step.name, step.changes)]
    return _fitted(head, [([*table, *rows], "shot")], full, most, "`storyboard plan` shows all of them")


def _step(step: Step, pass_id: str) -> str:
    job = step.job
    name = code(step.name) + (f" ({code(step.pass_id)})" if step.pass_id != pass_id else "")
    bought = f"{float(job.seconds):g} s" if job else ""
    price = report.dollars(money.usd(step.cost)) if step.state == "submit" else ""
    why = "; ".join(_change(change) for change in step.changes) or code(_cut("; ".join(step.reasons), _NOTED))
    return f"| {name} | {step.state} | {bought} | {price} | {why} |"


def _totals(found: Diff) -> Iterator[str]:
    yield "| pass | clips to make | cost |"
    yield "|---|--:|--:|"
    for one in found.totals:
        yield f"| {code(one.pass_id)} | {one.make} | {report.dollars(money.usd(one.cost))} |"
    clips = sum(one.make for one in found.totals)
    yield f"| **all** | **{clips}** | **{report.dollars(money.usd(found.cost))}** |"


def _name(shot: Shown) -> str:
    old = f" (was {code(shot.old.id)})" if shot.old and "renamed" in shot.kinds else ""
    return code(shot.id) + old


def _prices(shot: Shown) -> str:
    made = [f"{code(one.pass_id)} {report.dollars(money.usd(one.cost))}" for one in said.paid(shot)]
    return "<br>".join(made) or ("free" if shot.new else "")


def _what(found: Diff, shot: Shown) -> str:
    own = [change for change in shot.changes if change not in found.shared]
    lines = [_change(change) for change in own]
    if shared := [code(change.field) for change in shot.changes if change in found.shared]:
        lines.append(f"as above: {', '.join(shared)}")
    return "<br>".join(lines)


def _change(change: Change) -> str:
    if change.note:
        return f"{code(change.field)}: {code(_cut(change.note, _NOTED))}"
    if not _is_long(change):
        return f"{code(change.field)}: {code(change.old)} → {code(change.new)}"
    return code(_cut(change.brief, _NOTED))


def _is_long(change: Change) -> bool:
    return not change.note and len(change.old) + len(change.new) > _LONG


def _full(found: Diff, shot: Shown) -> Iterator[str]:
    return _texts(shot.id, [change for change in shot.changes if change not in found.shared])


def _texts(name: str, changes: Iterable[Change]) -> Iterator[str]:
    """Each long text of a shot, old and new."""
    for change in changes:
        if _is_long(change):
            old, new = code(_cut(change.old, _LONGEST)), code(_cut(change.new, _LONGEST))
            yield f"{code(name)}, {code(change.field)}:\n\n- {old}\n- {new}\n"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _fitted(
    head: Sequence[str], parts: Sequence[tuple[Sequence[str], str]], full: Sequence[str], most: int, elsewhere: str
) -> str:
    """As many lines as fit, then what was left out, in words."""
    room = most - len("\n".join(head)) - 400
    lines = list(head)
    for part, noun in parts:
        for n, line in enumerate(part):
            room -= len(line) + 1
            if room < 0:
                left = len(part) - n
                return "\n".join([*lines, "", f"… and {left} more {noun}{'' if left == 1 else 's'}; {elsewhere}.", ""])
            lines.append(line)
    shown: list[str] = []
    for one in full:
        room -= len(one) + 1
        if room < 0:
            break
        shown.append(one)
    if full:
        lines += ["", "<details><summary>Long texts in full</summary>", "", *shown]
        lines += [f"… and {len(full) - len(shown)} more; {elsewhere}.", ""] * (len(shown) < len(full))
        lines += ["</details>"]
    return "\n".join([*lines, ""])
