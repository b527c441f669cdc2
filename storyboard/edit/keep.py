"""Which clips an edit would have made anew, and how it keeps those that cover what is shown of them.

A shot that gets shorter asks for a shorter clip, which is another one, although the one that is there would do.
`trim: {of: …}` says how long the clip is at least, and so keeps it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from storyboard import money
from storyboard.film import Film
from storyboard.job import Job
from storyboard.model import Storyboard
from storyboard.plan import Plan, Step
from storyboard.timing import shown

Place = tuple[str, str, int | None]
"""A clip's pass, its shot, and its take where it isn't the one that the film shows."""

Has = Callable[[str], bool]
"""Whether a clip of that key is there."""

_THERE = frozenset({"cached", "resume", "held"})


class Anew(NamedTuple):
    """A clip that is there, and would be made anew: what the new one costs, None where that isn't known."""

    shot: str
    pass_id: str
    cost: Decimal | None
    reason: str
    is_local: bool


def there(plans: Iterable[Plan]) -> dict[Place, Job]:
    """The clips that were made or bought, by what made them."""
    steps = (step for plan in plans for step in plan.steps)
    return {_place(step): step.job for step in steps if step.job and step.state in _THERE}


def _place(step: Step) -> Place:
    return step.pass_id, step.shot, step.take


def jobs(film: Film) -> dict[Place, Job]:
    """Every job of a film."""
    found: dict[Place, Job] = {}
    for name, made in film.jobs.items():
        for n, job in enumerate(made):
            if isinstance(job, Job):
                found[name, film.shots[n].id, None] = job
            for take in film.takes[name].get(n, ()):
                found[name, film.shots[n].id, take.number] = take.job
    return found


def lost(clips: Mapping[Place, Job], film: Film, has: Has) -> dict[Place, Job]:
    """What would make the clips anew that are there and that a changed film asks for otherwise; what it skips isn't
    among them.
    """
    new = jobs(film)
    asked = {at: new[at] for at, job in clips.items() if at in new and new[at].key != job.key}
    return {at: job for at, job in asked.items() if job.key is None or not has(job.key)}


def shorter(board: Storyboard, changed: Film) -> dict[str, Fraction]:
    """The shots that a changed film shows less of, or of which it begins earlier: what they needed of their clip."""
    now = {shot.id: shot for shot in changed.shots}
    found = {}
    for shot, _ in board.all_shots():
        needed = shot.trim.in_.seconds(board.fps) + shot.duration.seconds(board.fps)
        if shot.trim.of:
            needed = max(needed, shot.trim.of.seconds(board.fps))
        new = now[shot.id]
        if not new.skip and new.trim_in + new.asked < needed:
            found[shot.id] = needed
    return found


def to_keep(clips: Mapping[Place, Job], film: Film, changed: Film, shots: Collection[str], has: Has) -> set[str]:
    """Of shots that get shorter, those whose clip is to stay as long as it is: all that were bought, and those made on
    this machine where that makes nothing dearer that is still to be bought.
    """
    gone, before, after = lost(clips, changed, has), jobs(film), jobs(changed)
    paid = {shot for (_, shot, _), job in gone.items() if not job.local}
    free = {shot for (_, shot, _), job in gone.items() if job.local}
    dearer = {
        at[1]
        for at, job in before.items()
        if not job.local and at not in clips and at in after and after[at].seconds < job.seconds
    }
    return (paid | (free - dearer)) & set(shots)


def anew(clips: Mapping[Place, Job], film: Film, has: Has) -> Iterator[Anew]:
    """What would be made anew, with the reason, in the film's order."""
    gone = lost(clips, film, has)
    for at in sorted(gone, key=lambda at: (film.numbers[at[1]], list(film.passes).index(at[0]), at[2] or 0)):
        job, old = gone[at], clips[at]
        reason = "what is sent changes"
        if job.seconds != old.seconds:
            reason = f"needs {shown(job.seconds)}, its clip has {shown(old.seconds)}"
        elif job.producers:
            reason = f"{', '.join(one.shot for one in job.producers)} is made anew"
        name = at[1] if at[2] is None else f"{at[1]} take {at[2]}"
        yield Anew(name, at[0], job.cost, reason, job.local)


def total(made: Iterable[Anew]) -> Decimal | None:
    """What all of it costs; None while a price isn't known."""
    costs = [one.cost for one in made]
    return None if None in costs else sum((cost for cost in costs if cost is not None), money.FREE)
