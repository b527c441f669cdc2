"""Two locks that grew from one, made into one again: what `storyboard merge-lock` does for git.

A place is merged by its parts: the render, the approval, the acceptance. A part that only one side touched is as that
side has it; the rest is decided by what is written alone, so that both seats of a merge come to the same lock.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from storyboard.lock import SHOWN, Acceptance, Approval, Entry, Lock, Place

Word = TypeVar("Word", Approval, Acceptance)


class Merged(NamedTuple):
    """A merged lock, and what people should know of it."""

    lock: Lock
    notes: tuple[str, ...]


class _Gone:
    """Stands for a place that a lock doesn't have."""


_GONE = _Gone()
_Held = Entry | None | _Gone


def merge(base: Lock, ours: Lock, theirs: Lock) -> Merged:
    """The lock that has what both sides did since `base`, which is empty where they have nothing in common.

    `merge(base, a, b)` is `merge(base, b, a)`. A shot that one side renamed takes along what the other did to it; one
    that is gone on one side stays if the other changed it.
    """
    here, there = _renames(base, ours), _renames(base, theirs)
    mine, others = _agreed(here, there, theirs), _agreed(there, here, ours)
    base, ours, theirs = _renamed(base, {**mine, **others}), _renamed(ours, others), _renamed(theirs, mine)
    notes: list[str] = []
    entries: dict[Place, Entry | None] = {}
    for place in sorted({*ours.entries, *theirs.entries}):
        old, one, other = (lock.entries.get(place, _GONE) for lock in (base, ours, theirs))
        held = _place(place, old, one, other, notes)
        if not isinstance(held, _Gone):
            entries[place] = held
    for shown in {place._replace(take=SHOWN) for place in entries} - entries.keys():  # a take is of a shot
        entries[shown] = ours.entries.get(shown) or theirs.entries.get(shown)
    return Merged(Lock(entries), tuple(notes))


def _place(place: Place, old: _Held, one: _Held, other: _Held, notes: list[str]) -> _Held:
    if one in (other, old):
        return other
    if other == old:
        return one
    if not isinstance(one, Entry) or not isinstance(other, Entry):
        kept = one if isinstance(one, Entry) or isinstance(other, _Gone) else other
        if isinstance(kept, Entry) and _GONE in (one, other):
            notes.append(f"{_name(place)}: one side removed it and the other changed it, so it stays")
        return kept
    base = old if isinstance(old, Entry) else None
    made = _render(place, base, one, other, notes)
    approved = _approval(place, base, one, other, made, notes)
    accepted = _acceptance(place, base, one, other, made, notes)
    merged = made._replace(approved=approved, accepted=accepted)
    if not merged.is_approved and (one.is_approved or other.is_approved):
        notes.append(f"{_name(place)}: its approval is of another clip by now")
    return merged


def _render(place: Place, base: Entry | None, one: Entry, other: Entry, notes: list[str]) -> Entry:
    """The render that stays; where both sides made one, of the same job the approved one, else the one bought first,
    and of two jobs the later.
    """
    renders = _bare(one), _bare(other)
    if renders[0] == renders[1] or (base and renders[1] == _bare(base)):
        return renders[0]
    if base and renders[0] == _bare(base):
        return renders[1]
    if one.key != other.key:
        notes.append(
            f"{_name(place)}: both sides rendered it, each in its own way; the lock has the later clip, and "
            "'storyboard plan' tells whether that is the one that the storyboard asks for"
        )
        return max(renders, key=lambda made: (made.at, _rank(made)))
    if one.clip != other.clip:
        notes.append(f"{_name(place)}: both sides rendered the same; the lock has the approved clip, else the earlier")
    return _bare(min((one, other), key=lambda made: (not made.is_approved, not made.at, made.at, _rank(_bare(made)))))


def _approval(
    place: Place, base: Entry | None, one: Entry, other: Entry, made: Entry, notes: list[str]
) -> Approval | None:
    before = base.approved if base else None
    if one.approved and other.approved and len({before, one.approved, other.approved}) == 3:
        notes.append(
            f"{_name(place)}: approved on both sides; the lock has the approval of the clip that stays, or the later"
        )
    return _word(before, one.approved, other.approved, lambda word: made._replace(approved=word).is_approved)


def _acceptance(
    place: Place, base: Entry | None, one: Entry, other: Entry, made: Entry, notes: list[str]
) -> Acceptance | None:
    """An acceptance is of the clip that it was said of: another clip in its place isn't accepted."""
    before = base.accepted if base and _same(base, made) else None
    words = [side.accepted for side in (one, other) if _same(side, made)]
    lost = [side.accepted for side in (one, other) if not _same(side, made)]
    if any(word and not (base and word == base.accepted) for word in lost):
        notes.append(
            f"{_name(place)}: accepted as it was on one side and rendered anew on the other; it has the new clip"
        )
    return _word(before, words[0], words[1], lambda _: True) if len(words) == 2 else words[0]


def _word(old: Word | None, one: Word | None, other: Word | None, holds: Callable[[Any], bool]) -> Word | None:
    if one in (other, old):
        return other
    if other == old:
        return one
    said = [word for word in (one, other) if word is not None]
    return max(said, key=lambda word: (holds(word), word.at, word))


def _bare(one: Entry) -> Entry:
    return one._replace(approved=None, accepted=None)


def _same(one: Entry, other: Entry) -> bool:
    return (one.key, one.clip) == (other.key, other.clip)


def _rank(one: Entry) -> tuple[str, ...]:
    """An order of entries that are equally old, for both seats the same."""
    return tuple(map(str, one))


def _name(place: Place) -> str:
    return f"{f'take {place.take} of ' if place.take else ''}{place.shot} in pass {place.pass_id}"


def _renames(base: Lock, one: Lock) -> dict[str, str]:
    """The shots that a side renamed, old to new: gone there, while one new one has all of its clips."""
    before, after = _clips(base), _clips(one)
    holders: dict[Any, list[str]] = {}
    for shot in after.keys() - before.keys():
        for clip in after[shot].items():
            holders.setdefault(clip, []).append(shot)
    found = {}
    for old in before.keys() - after.keys():
        if clips := before[old].items():
            candidates = [new for new in holders.get(min(clips), ()) if clips <= after[new].items()]
            if len(candidates) == 1:
                found[old] = candidates[0]
    taken = list(found.values())
    return {old: new for old, new in found.items() if taken.count(new) == 1}


def _renamed(lock: Lock, names: Mapping[str, str]) -> Lock:
    for old in names.keys() & {place.shot for place in lock.entries}:
        lock = lock.renamed(old, names[old])
    return lock


def _clips(lock: Lock) -> dict[str, dict[tuple[str, int], tuple[str, str]]]:
    """What each shot has: its clips by pass and take."""
    found: dict[str, dict[tuple[str, int], tuple[str, str]]] = {}
    for place, one in lock.entries.items():
        its = found.setdefault(place.shot, {})
        if one is not None:
            its[place.pass_id, place.take] = one.key, one.clip
    return found


def _agreed(names: Mapping[str, str], others: Mapping[str, str], other: Lock) -> dict[str, str]:
    """The renames of a side that don't contradict what the other side did."""
    there = {place.shot for place in other.entries}
    return {old: new for old, new in names.items() if others.get(old) == new or (old in there and new not in there)}
