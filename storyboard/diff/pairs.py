"""Which shot of one film is which of another: by its id, else by what makes it."""

from bisect import bisect_left
from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from storyboard.film import Film
from storyboard.job import Job, Own


class Pair(NamedTuple):
    """The places of a shot in the old film and in the new one; None where it isn't in it."""

    old: int | None
    new: int | None
    moved: bool = False


def paired(old: Film | None, new: Film | None) -> list[Pair]:
    """Every shot of either film, in the new one's order; removed ones stand after what they stood after."""
    were, now = (old.shots if old else ()), (new.shots if new else ())
    ids = old.numbers if old else {}
    of: dict[int, int] = {n: ids[shot.id] for n, shot in enumerate(now) if shot.id in ids}
    taken = set(of.values())
    if old is not None and new is not None and len(of) < len(now) and len(taken) < len(were):
        common = [name for name in new.passes if name in old.passes]
        for sign in (_keys, _words):
            left = [n for n in range(len(were)) if n not in taken]
            found = _nearest(
                {n: sign(old, n, common) for n in left},
                {n: sign(new, n, common) for n in range(len(now)) if n not in of},
            )
            of |= found
            taken |= set(found.values())
    stays = _stays([of[n] for n in range(len(now)) if n in of])
    after: dict[int, list[Pair]] = {}
    last = -1
    for n in range(len(were)):
        if n in taken:
            last = n
        else:
            after.setdefault(last, []).append(Pair(n, None))
    found_pairs = list(after.get(-1, ()))
    for n in range(len(now)):
        it = of.get(n)
        found_pairs.append(Pair(it, n, it is not None and it not in stays))
        found_pairs += after.get(it, ()) if it is not None else ()
    return found_pairs


def place(film: Film, n: int | None) -> str:
    """Where a shot stands, in words."""
    return "first" if not n else f"after {film.shots[n - 1].id}"


def _keys(film: Film, n: int, passes: Sequence[str]) -> Hashable:
    """What makes a shot in every pass; None where nothing does."""
    keys = []
    for name in passes:
        made = film.jobs[name][n]
        keys.append((made.key or repr(made.request)) if isinstance(made, Job) else made.sha256 if made else None)
    return tuple(keys) if any(keys) else None


def _words(film: Film, n: int, passes: Sequence[str]) -> Hashable:
    """What is seen in a shot, or the author's own clip of it: a rename with a small change keeps that."""
    shot = film.shots[n]
    own = tuple(made.sha256 for name in passes if isinstance(made := film.jobs[name][n], Own))
    return shot.words or own or None


def _nearest(old: Mapping[int, Hashable], new: Mapping[int, Hashable]) -> dict[int, int]:
    """For each new place the nearest old one of the same sign, each used once; the closest are paired first."""
    places: dict[Hashable, list[int]] = {}
    for n, sign in old.items():
        if sign is not None:
            places.setdefault(sign, []).append(n)
    close = [(abs(n - it), n, it) for n, sign in new.items() for it in _around(places.get(sign, ()), n)]
    found: dict[int, int] = {}
    used: set[int] = set()
    for _, n, it in sorted(close):
        if n not in found and it not in used:
            found[n] = it
            used.add(it)
    return found


_NEAR = 50
"""Shots of one sign that are looked at to either side, as a film may have a thousand alike."""


def _around(places: Sequence[int], n: int) -> Sequence[int]:
    at = bisect_left(places, n)
    return places[max(0, at - _NEAR) : at + _NEAR]


def _stays(order: Sequence[int]) -> set[int]:
    """The members of a longest rising part of a sequence without repeats (by piles, as patience is played)."""
    tops: list[int] = []
    before: dict[int, int | None] = {}
    for n in order:
        pile = bisect_left(tops, n)
        before[n] = tops[pile - 1] if pile else None
        tops[pile : pile + 1] = [n]
    found: set[int] = set()
    at = tops[-1] if tops else None
    while at is not None:
        found.add(at)
        at = before[at]
    return found
