"""What the author wrote otherwise about a shot, and what else differs for it: words, cut, sound, references, passes."""

import json
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from storyboard import timing
from storyboard.changes import Change, facts_of, rewritten
from storyboard.film import Effect, Film, Line, Shot, Transition
from storyboard.job import Job, Own, bare

if TYPE_CHECKING:
    from storyboard.diff import Made
    from storyboard.diff.pairs import Pair


def changes(old: Film, new: Film, pair: "Pair", made: "Sequence[Made]") -> Iterator[Change]:
    """What differs of a shot that both films have: first the author's words, then the cut, then what else is sent."""
    assert pair.old is not None
    assert pair.new is not None
    was, now = old.shots[pair.old], new.shots[pair.new]
    words, passes = _words(old, new, pair)
    cut = list(_cut(was, now))
    yield from words
    yield from cut
    if was.skip == now.skip:
        yield from _made(old, new, pair)
        yield from _takes(old, new, pair)
    yield from _sent(made, {change.field for change in cut}, passes)


def _words(old: Film, new: Film, pair: "Pair") -> tuple[list[Change], set[str]]:
    """Each text that differs, with its pass where it doesn't differ in all that have both; and those passes."""
    found: dict[Change, list[str]] = {}
    both = []
    assert pair.old is not None
    assert pair.new is not None
    for name, jobs in new.jobs.items():
        was, now = old.jobs[name][pair.old] if name in old.jobs else None, jobs[pair.new]
        if isinstance(was, Job) and isinstance(now, Job):
            both.append(name)
            if was.words != now.words:
                for change in rewritten(facts_of(was), now):
                    found.setdefault(_counted(change), []).append(name)
    if not both and old.shots[pair.old].words != new.shots[pair.new].words:
        return [Change("prompt", repr(old.shots[pair.old].words), repr(new.shots[pair.new].words))], set()
    told = []
    for change, names in found.items():
        everywhere = names == both and not change.field.startswith("pass's")
        told.append(change if everywhere else change._replace(field=f"{change.field} ({', '.join(names)})"))
    return told, {name for names in found.values() for name in names}


def _counted(change: Change) -> Change:
    """Takes as numbers: the first one isn't among an author's words."""
    if change.field != "take":
        return change
    old, new = ("1" if value == "nothing" else value.strip("'") for value in (change.old, change.new))
    return Change("take", old, new)


def _transition(join: Transition) -> str:
    return f"{join.type} of {timing.shown(join.length)}" if join.length else join.type


def _effect(effect: Effect) -> str:
    said = ", ".join(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in effect.parameters.items())
    return f"{effect.name} ({said})" if said else effect.name


def decibels(gain: Decimal) -> str:
    """A gain for people."""
    return f"{gain.normalize():f} dB"


_CUT: Sequence[tuple[str, Callable[[Shot], Any], Callable[[Any], str]]] = (
    ("scene", lambda shot: shot.scene_id, lambda id_: id_ or "none"),
    ("setting", lambda shot: shot.setting, lambda text: repr(text) if text else "nothing"),
    ("duration", lambda shot: shot.asked, timing.shown),
    ("trim.in", lambda shot: shot.trim_in, timing.shown),
    ("skip", lambda shot: shot.skip, lambda skip: str(skip).lower()),
    ("transition", lambda shot: shot.transition, _transition),
    ("fit", lambda shot: shot.fit, str),
    ("framing", lambda shot: shot.framing, str),
    ("effects", lambda shot: shot.effects, lambda effects: ", ".join(map(_effect, effects)) or "none"),
    ("audio.lead", lambda shot: shot.heard.lead, timing.shown),
    ("audio.tail", lambda shot: shot.heard.tail, timing.shown),
    ("audio.volume", lambda shot: shot.heard.gain, decibels),
    ("audio.mute", lambda shot: shot.heard.mute, lambda mute: str(mute).lower()),
    ("notes", lambda shot: shot.notes, lambda text: repr(text) if text else "nothing"),
)


def _cut(old: Shot, new: Shot) -> Iterator[Change]:
    """What differs of what no clip is made from."""
    if old == new:
        return
    for field, value, shown in _CUT:
        was, now = value(old), value(new)
        if was != now:
            yield Change(field, shown(was), shown(now))
    if old.lines != new.lines:
        yield from _dialogue(old.lines, new.lines)


def _dialogue(old: Sequence[Line], new: Sequence[Line]) -> Iterator[Change]:
    """The lines that differ, by their number; in a shot with one line, without."""
    alone = max(len(old), len(new)) == 1
    for n in range(max(len(old), len(new))):
        was, now = (lines[n] if n < len(lines) else None for lines in (old, new))
        if was != now:
            yield Change("dialogue" if alone else f"dialogue {n + 1}", _line(was), _line(now))


def _line(line: Line | None) -> str:
    if line is None:
        return "nothing"
    start = timing.shown(line.start).removesuffix(" s")
    return f"{line.who}: {line.text!r} ({start}-{timing.shown(line.start + line.length)})"


def _made(old: Film, new: Film, pair: "Pair") -> Iterator[Change]:
    """Where a pass that both films have makes the shot on one side only, or with another clip of the author's own."""
    assert pair.old is not None
    assert pair.new is not None
    for name in new.jobs:
        if name not in old.jobs:
            continue
        was, now = old.jobs[name][pair.old], new.jobs[name][pair.new]
        if isinstance(was, Own) or isinstance(now, Own):
            before, after = (_own(one) for one in (was, now))
            if before != after:
                yield Change(f"clip ({name})", before, after)
        elif (was is None) != (now is None):
            yield Change(f"pass {name}", note="left out of it now" if now is None else "made in it now")


def _takes(old: Film, new: Film, pair: "Pair") -> Iterator[Change]:
    """Takes beside the one that the film shows."""
    found: dict[Change, list[str]] = {}
    both = [name for name in new.takes if name in old.takes]
    for name in both:
        was, now = old.takes[name].get(pair.old or 0, ()), new.takes[name].get(pair.new or 0, ())
        said = [", ".join(str(take.number) for take in takes) or "none" for takes in (was, now)]
        if said[0] != said[1]:
            found.setdefault(Change("other takes", *said), []).append(name)
    for change, names in found.items():
        yield change if names == both else change._replace(field=f"{change.field} ({', '.join(names)})")


def _own(made: Job | Own | None) -> str:
    return f"{bare(made.label)} ({made.sha256[:8]})" if isinstance(made, Own) else "none"


def _sent(made: "Sequence[Made]", cut: set[str], worded: set[str]) -> Iterator[Change]:
    """What is sent otherwise and not for the author's words, with its passes where it isn't so in all."""
    found: dict[Change, list[str]] = {}
    both = [one.pass_id for one in made if isinstance(one.old, Job) and isinstance(one.new, Job)]
    for one in made:
        if not (isinstance(one.old, Job) and isinstance(one.new, Job)):
            continue
        changed = [change for change in one.sent if not _follows(change, one, cut, one.pass_id in worded)]
        for change in (*changed, *_moved(one.old, one.new)):
            found.setdefault(change, []).append(one.pass_id)
    for change, names in found.items():
        yield change if names == both else change._replace(field=f"{change.field} ({', '.join(names)})")


def _follows(change: Change, made: "Made", cut: set[str], worded: bool) -> bool:
    """Whether a parameter differs because of what was told already: a text of words, a number of a length."""
    assert isinstance(made.old, Job)
    assert isinstance(made.new, Job)
    was, now = (job.request.get(change.field) for job in (made.old, made.new))
    if was is None and now is None:
        return False  # an input, which stands under its own name
    if _prose(was) or _prose(now) or any(word in change.field for word in _WORDS):
        return worded
    if change.field == "seed":
        return worded and made.old.words.get("take") != made.new.words.get("take")
    if isinstance(was, int) and isinstance(now, int) and not isinstance(was, bool):
        return bool(cut & {"duration", "trim.in"})
    if isinstance(was, list) or isinstance(now, list):
        spoken = any(field.startswith("dialogue") for field in cut)
        return spoken or "trim.in" in cut
    return False


_WORDS = ("prompt", "negative", "camera", "caption")
"""What parameters of an author's words are called."""


def _prose(value: object) -> bool:
    return isinstance(value, str) and (" " in value or not value)


def _moved(old: Job, new: Job) -> Iterator[Change]:
    """References that are the same bytes under another name: nothing is made anew for them."""
    for name, given in new.inputs.items():
        was = old.inputs.get(name)
        if was and given.producer is None and bare(was.label) != bare(given.label):
            yield Change(given.said or "reference", bare(was.label), f"{bare(given.label)} (the same bytes)")
