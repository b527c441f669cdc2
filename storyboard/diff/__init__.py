"""Two films compared: which shots were added, removed, moved, renamed and changed, field by field, and what the new one
costs to bring up to date. Values only; nothing is looked up but whether a clip is held.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal, NamedTuple

from storyboard import money
from storyboard.changes import Change, differences, facts_of
from storyboard.diff import pairs, whole, written
from storyboard.diff.side import Side, reviewed
from storyboard.film import Film, Shot
from storyboard.job import Job, Own

Kind = Literal["added", "removed", "moved", "renamed", "changed", "reviewed", "same"]
State = Literal["same", "there", "make", "clip", "gone"]


class Made(NamedTuple):
    """A shot in one pass, on both sides.

    Attributes:
        old: What makes the old side's clip; None where nothing does.
        new: What makes the new side's.
        state: `same` for one and the same clip; `there` for another that the old side or the store has; `make` for one
            that is to be made; `clip` for the author's own; `gone` where only the old side has one.
        makes: The jobs to be made, other takes of the shot among them.
        sent: What differs of what is sent.
    """

    pass_id: str
    old: Job | Own | None
    new: Job | Own | None
    state: State
    makes: tuple[Job, ...] = ()
    sent: tuple[Change, ...] = ()

    @property
    def cost(self) -> Decimal | None:
        """What bringing it up to date costs, in US dollars; None while that is unknown."""
        costs = [job.cost for job in self.makes]
        return None if None in costs else sum((one for one in costs if one is not None), money.FREE)

    def as_json(self) -> dict[str, Any]:
        """The object that `diff --json` has a pass."""
        return {
            "pass": self.pass_id,
            "state": self.state,
            "old_key": _key(self.old),
            "new_key": _key(self.new),
            "make": len(self.makes),
            "cost": money.usd(self.cost),
            "sent": [change.as_json() for change in self.sent],
        }


class Shown(NamedTuple):
    """A shot of either side.

    Attributes:
        old: None where it was added.
        new: None where it was removed.
        kinds: All that hold, or `same` alone.
        changes: What the author wrote otherwise, or what else differs for it.
        passes: Each pass of either side in which it has a clip.
    """

    old: Shot | None
    new: Shot | None
    kinds: tuple[Kind, ...]
    changes: tuple[Change, ...]
    passes: tuple[Made, ...]

    @property
    def id(self) -> str:
        """Its id; the old one where it was removed."""
        its = self.new or self.old
        return its.id if its else ""

    @property
    def name(self) -> str:
        """Its id for people, with the old one where it was renamed."""
        return f"{self.old.id} -> {self.id}" if self.old and "renamed" in self.kinds else self.id

    @property
    def is_same(self) -> bool:
        """Whether nothing about it differs."""
        return self.kinds == ("same",)

    @property
    def is_free(self) -> bool:
        """Whether no clip of it is made anew."""
        return not any(made.makes for made in self.passes)

    @property
    def cost(self) -> Decimal | None:
        """What bringing it up to date costs in all passes; None while that is unknown."""
        costs = [made.cost for made in self.passes]
        return None if None in costs else sum((one for one in costs if one is not None), money.FREE)

    def as_json(self) -> dict[str, Any]:
        """The object that `diff --json` has a shot."""
        renamed = {"was": self.old.id} if self.old and "renamed" in self.kinds else {}
        return {
            "shot": self.id,
            **renamed,
            "kinds": list(self.kinds),
            "changes": [change.as_json() for change in self.changes],
            "passes": [made.as_json() for made in self.passes],
            "cost": money.usd(self.cost),
        }


class Total(NamedTuple):
    """What bringing one pass up to date takes: clips to make, and US dollars, None while they are unknown."""

    pass_id: str
    make: int
    cost: Decimal | None


@dataclass(frozen=True)
class Diff:
    """Two films compared.

    Attributes:
        changes: What differs of the film as a whole.
        shots: In the new film's order, with removed ones where they stood.
        passes: The passes that are priced.
    """

    old: Side
    new: Side
    changes: tuple[Change, ...]
    shots: tuple[Shown, ...]
    passes: tuple[str, ...]

    @property
    def is_same(self) -> bool:
        """Whether nothing differs."""
        return not self.changes and all(shot.is_same for shot in self.shots)

    @cached_property
    def shared(self) -> Mapping[Change, int]:
        """Changes that several shots have alike, such as a style's, and how many do: to be told once."""
        counts: dict[Change, int] = {}
        for shot in self.shots:
            for change in shot.changes if shot.old and shot.new else ():
                counts[change] = counts.get(change, 0) + 1
        return {change: count for change, count in counts.items() if count >= SEVERAL}

    @cached_property
    def totals(self) -> tuple[Total, ...]:
        """For each pass; two shots that ask for the same clip are one."""
        found = []
        for name in self.passes:
            makes = {
                job.key or (made.pass_id, shot.id, n): job
                for shot in self.shots
                for made in shot.passes
                if made.pass_id == name
                for n, job in enumerate(made.makes)
            }
            costs = [job.cost for job in makes.values()]
            cost = None if None in costs else sum((one for one in costs if one is not None), money.FREE)
            found.append(Total(name, len(makes), cost))
        return tuple(found)

    @property
    def cost(self) -> Decimal | None:
        """What bringing all of it up to date costs; None while that is unknown."""
        costs = [total.cost for total in self.totals]
        return None if None in costs else sum((one for one in costs if one is not None), money.FREE)

    def count(self, kind: Kind) -> int:
        """How many shots are of one kind."""
        return sum(kind in shot.kinds for shot in self.shots)

    def as_json(self) -> dict[str, Any]:
        """The object that `diff --json` prints."""
        kinds: tuple[Kind, ...] = ("added", "removed", "moved", "renamed", "changed", "reviewed", "same")
        return {
            "format": 1,
            "old": self.old.name,
            "new": self.new.name,
            "changes": [change.as_json() for change in self.changes],
            "shots": [shot.as_json() for shot in self.shots],
            "total": {
                **{kind: self.count(kind) for kind in kinds},
                "passes": [
                    {"pass": total.pass_id, "make": total.make, "cost": money.usd(total.cost)} for total in self.totals
                ],
                "cost": money.usd(self.cost),
            },
        }


SEVERAL = 3
"""Shots that share a change, from which on it is told once."""


def compare(
    old: Side, new: Side, holds: Callable[[str], bool], priced: Collection[str] | None = None, *, prices: bool = True
) -> Diff:
    """What differs between two films. `holds` tells whether the store has a key's clip; `priced` are the passes whose
    costs are told, None for all. Without `prices` nothing is looked up, and nothing costs.

    The cost is that of the jobs of the new film that neither the old one asks for nor the store holds.
    """
    before, now = old.film, new.film
    names = list(dict.fromkeys([*(now.passes if now else ()), *(before.passes if before else ())]))
    chosen = tuple(name for name in (now.passes if now else ()) if priced is None or name in priced)
    if before is not None and before is now and old.kept is new.kept:
        shots = (Shown(shot, shot, (), (), _alike(before, n, names)) for n, shot in enumerate(now.shots))
        return Diff(old, new, (), tuple(_judged(shot, old, new, names) for shot in shots), chosen)
    makes = _Makes(old.kept, holds if prices else lambda _key: True)
    found = []
    for pair in pairs.paired(before, now):
        was = None if pair.old is None or before is None else before.shots[pair.old]
        its = None if pair.new is None or now is None else now.shots[pair.new]
        made = tuple(one for name in names if (one := _made(name, pair, old, new, makes, chosen)))
        changes = tuple(written.changes(before, now, pair, made)) if was and its and before and now else ()
        kinds: list[Kind] = ["added"] if was is None else ["removed"] if its is None else []
        if was and its:
            kinds += ["moved"] * pair.moved
            kinds += ["renamed"] * (was.id != its.id)
            kinds += ["changed"] * bool(changes or any(_differs(one) for one in made))
        if pair.moved and before and now:
            changes = (Change("place", pairs.place(before, pair.old), pairs.place(now, pair.new)), *changes)
        found.append(_judged(Shown(was, its, tuple(kinds), changes, made), old, new, names))
    return Diff(old, new, tuple(whole.changes(before, now)), tuple(found), chosen)


def _judged(shot: Shown, old: Side, new: Side, names: Collection[str]) -> Shown:
    """A shot with what people say of it otherwise than before; one that is as it was is `same`."""
    said = list(reviewed(old, shot.old.id, new, shot.new.id, names)) if shot.old and shot.new else []
    kinds = list(shot.kinds)
    if any(verdict.word != "outdated" for _, verdict in said):
        kinds.append("reviewed")
    elif said and "changed" not in kinds:
        kinds.append("changed")
    changes = (*shot.changes, *(change for change, _ in said))
    return shot._replace(kinds=tuple(kinds) or ("same",), changes=changes)


def _alike(film: Film, n: int, names: Collection[str]) -> tuple[Made, ...]:
    made = ((name, film.jobs[name][n]) for name in names)
    return tuple(
        Made(name, one, one, "clip" if isinstance(one, Own) else "same") for name, one in made if one is not None
    )


class _Makes:
    """Which jobs of a film are to be made: those that the old film doesn't have and that aren't held."""

    def __init__(self, old: Film | None, holds: Callable[[str], bool]) -> None:
        self._holds = holds
        jobs = [job for name in old.passes for job in old.all_jobs(name)] if old else []
        self._keys = {job.key for job in jobs if job.key}
        self._requests = [(job.model, job.request) for job in jobs if not job.key]

    def __call__(self, job: Job) -> bool:
        if job.key is None:
            return (job.model, job.request) not in self._requests
        return job.key not in self._keys and not self._holds(job.key)


def _made(name: str, pair: pairs.Pair, old: Side, new: Side, makes: _Makes, priced: Collection[str]) -> Made | None:
    was, now = _at(old.kept, name, pair.old), _at(new.kept, name, pair.new)
    if was is None and now is None:
        return None
    if now is None:
        return Made(name, was, now, "gone")
    wanted = (
        [job for job in (now, *_others(new.kept, name, pair.new)) if isinstance(job, Job)] if name in priced else []
    )
    made = tuple(job for job in wanted if makes(job))
    if isinstance(now, Own):
        return Made(name, was, now, "clip", made)
    state: State = "same" if isinstance(was, Job) and _same(was, now) else "make" if now in made else "there"
    asked, before = _at(new.film, name, pair.new), _at(old.film, name, pair.old)
    sent: tuple[Change, ...] = ()
    if isinstance(before, Job) and isinstance(asked, Job) and not _same(before, asked):
        sent = tuple(differences(facts_of(before), asked))
    return Made(name, was, now, state, made, sent)


def _others(film: Film | None, name: str, n: int | None) -> list[Job]:
    """What makes the other takes of a shot."""
    return [take.job for take in film.takes[name].get(n, ())] if film is not None and n is not None else []


def _at(film: Film | None, name: str, n: int | None) -> Job | Own | None:
    return film.jobs[name][n] if film is not None and n is not None and name in film.jobs else None


def _same(one: Job, other: Job) -> bool:
    if one.key or other.key:
        return one.key == other.key
    return (one.model, one.request) == (other.model, other.request)


def _differs(made: Made) -> bool:
    """Whether a shot's clip differs in a pass; what a pass makes that only one film has is told of the pass."""
    return isinstance(made.old, Job) and isinstance(made.new, Job) and made.state != "same"


def _key(made: Job | Own | None) -> str | None:
    return made.key if isinstance(made, Job) else None
