"""What a render would do: for each shot its state, the reasons, and the price. Decides; changes nothing."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from storyboard import money, timing
from storyboard.changes import Change, differences
from storyboard.film import Film, Shot
from storyboard.forecast import Forecast
from storyboard.job import Input, Job, Own, Producer
from storyboard.purchase import Purchase
from storyboard.purchase import State as PurchaseState
from storyboard.store import Lost, Record

State = Literal["cached", "submit", "resume", "held", "blocked", "skipped", "clip"]


class Step(NamedTuple):
    """What happens to one shot of one pass, or to another take of it.

    Attributes:
        job: Makes its clip.
        record: The clip that it already has.
        anew: It was bought once, and its clip can't be had any more.
        take: The take's number where it isn't the one that the film shows.
        changes: What differs from its last render, where that is the reason.
    """

    of: Shot
    pass_id: str
    job: Job | None
    state: State
    reasons: tuple[str, ...]
    record: Record | None = None
    anew: bool = False
    take: int | None = None
    changes: tuple[Change, ...] = ()

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return self.of.id if self.take is None else f"{self.of.id} take {self.take}"

    @property
    def shot(self) -> str:
        """The shot's id."""
        return self.of.id

    @property
    def place(self) -> str:
        """Its key, or where it stands while it has none: what one clip is known by within a plan."""
        return self.key or f"{self.pass_id}/{self.name}"

    @property
    def key(self) -> str | None:
        """The job's key; None where there is no job, or a reference of it isn't known yet."""
        return self.job.key if self.job else None

    @property
    def waits(self) -> bool:
        """Whether its clip is still to be had: made, bought, or fetched by its id."""
        return self.state in {"submit", "resume", "held"}

    @property
    def cost(self) -> Decimal | None:
        """What the step spends: nothing unless it submits; None where the price is unknown."""
        return self.job.cost if self.state == "submit" and self.job else money.FREE


@dataclass(frozen=True)
class Plan:
    """The steps of one pass, in the film's order, after those of other shots and passes that they wait for.
    `forecast` is what it may come to cost, if there is a ledger and all prices are known.
    """

    title: str
    pass_id: str
    steps: tuple[Step, ...]
    forecast: Forecast | None = None

    def count(self, state: State) -> int:
        """How many shots are in one state."""
        return sum(step.state == state for step in self.steps)

    def mine(self) -> dict[str, Step]:
        """The steps of the shots as this pass's film shows them, by shot."""
        return {step.shot: step for step in self.steps if step.pass_id == self.pass_id and step.take is None}

    @property
    def submits(self) -> dict[str, Step]:
        """The steps that make a clip, by key: two shots that ask for the same clip are one."""
        return {key: step for key, step in self.work.items() if step.state == "submit"}

    @property
    def work(self) -> dict[str, Step]:
        """The steps whose clip is still to be had, by key."""
        jobs: dict[str, Step] = {}
        for step in self.steps:
            if step.waits and step.job:
                jobs.setdefault(step.place, step)
        return jobs

    @property
    def known_cost(self) -> Decimal:
        """The sum of the known prices."""
        return sum((step.cost or money.FREE for step in self.submits.values()), money.FREE)

    @property
    def cost(self) -> Decimal | None:
        """What carrying it out costs; None while any price is unknown."""
        return None if any(step.cost is None for step in self.submits.values()) else self.known_cost

    @property
    def _forecast(self) -> Forecast:
        cost = self.cost
        return self.forecast or Forecast(cost, cost, cost)

    def as_json(self) -> dict[str, Any]:
        """The object that `plan --json` prints."""
        states = {step.state: self.count(step.state) for step in self.steps}
        return {
            "format": 1,
            "title": self.title,
            "pass": self.pass_id,
            "jobs": [_step_json(step) for step in self.steps],
            "total": {"submit": 0, "cached": 0}
            | states
            | {"submit": len(self.submits), "cost": money.usd(self.cost), "known_cost": money.usd(self.known_cost)}
            | {name: money.usd(amount) for name, amount in self._forecast._asdict().items()},
        }


def _step_json(step: Step) -> dict[str, Any]:
    job = step.job
    waits = [{"shot": producer.shot, "pass": producer.pass_id} for producer in job.producers] if job else []
    return {
        "shot": step.shot,
        "pass": step.pass_id,
        **({"setting": step.of.setting} if step.of.setting else {}),
        **({} if step.take is None else {"take": step.take}),
        "key": step.key,
        "state": step.state,
        "reasons": list(step.reasons),
        "model": job.model if job else None,
        "request": dict(job.request) if job else None,
        "seconds": {"asked": timing.number(step.of.asked), "bought": timing.number(job.seconds) if job else None},
        "cost": money.usd(job.cost) if job else money.usd(money.FREE),
        **({"waits_for": waits} if waits else {}),
    }


@dataclass(frozen=True)
class Known:
    """What a plan is decided by.

    Attributes:
        find: Looks a key up in the store.
        last: The facts of a shot's last render in a pass.
        bought: The last purchase of a key.
        kept: Whether the service of a purchase still keeps its clip.
        approved: Whether what a pass shows of a shot is approved.
        accepted: Why a stale clip stays, by pass and shot.
        there: Why clips count as there that the store doesn't have, by key: the shared cache has them, for one.
    """

    find: Callable[[str], Record | Lost]
    last: Callable[[str, str], Mapping[str, Any]]
    bought: Callable[[str], Purchase | None]
    kept: Callable[[Purchase], bool]
    approved: Callable[[str, str], bool] = lambda _pass, _shot: False
    accepted: Mapping[tuple[str, str], str] = field(default_factory=dict)
    there: Mapping[str, str] = field(default_factory=dict)


def decide(film: Film, pass_id: str, only: Collection[str], states: Collection[str], known: Known) -> Plan:
    """The plan of one pass, for the shots of `only` or, if it is empty, for all; of those the ones in one of `states`,
    if any. What they wait for is in it too, wherever it is made.
    """
    wanted = set(film.passes[pass_id].states) | set(states)
    steps: dict[tuple[str, str], list[Step]] = {}
    for shot in film.shots:
        if not only or shot.id in only:
            steps[pass_id, shot.id] = [_left_out(step, wanted, known) for step in _steps(film, pass_id, shot, known)]
    mine = list(steps)
    waiting = [step for several in steps.values() for step in several]
    while waiting:
        for producer in _producers(waiting.pop()):
            at = (producer.pass_id, producer.shot)
            if at not in steps or steps[at][0].state == "skipped":
                shot = film.shots[film.numbers[producer.shot]]
                steps[at] = _steps(film, producer.pass_id, shot, known)[:1] + steps.get(at, [])[1:]
                waiting += steps[at]
    _block(steps)
    order = {name: n for n, name in enumerate(film.passes)}
    others = sorted((at for at in steps if at not in mine), key=lambda at: (order[at[0]], film.numbers[at[1]]))
    return Plan(film.title, pass_id, tuple(step for at in (*others, *mine) for step in steps[at]))


def _producers(step: Step) -> list[Producer]:
    return step.job.producers if step.job and step.state == "submit" else []


def _block(steps: Mapping[tuple[str, str], list[Step]]) -> None:
    """Block what waits for a clip that can't be had as things stand, and what waits for that."""
    waiting: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for at, several in steps.items():
        for step in several:
            for producer in _producers(step):
                waiting.setdefault((producer.pass_id, producer.shot), []).append(at)
    stuck = [at for at, several in steps.items() if several[0].state in {"held", "blocked"}]
    while stuck:
        cause = stuck.pop()
        for at in waiting.pop(cause, ()):
            for n, step in enumerate(steps[at]):
                if any((producer.pass_id, producer.shot) == cause for producer in _producers(step)):
                    why = f"waits for {cause[1]} ({cause[0]}), which is {steps[cause][0].state}"
                    steps[at][n] = step._replace(state="blocked", reasons=(why,))
                    if n == 0:  # no other shot waits for another take
                        stuck.append(at)


def _left_out(step: Step, states: Collection[str], known: Known) -> Step:
    """A step that is not of the states asked for, left out."""
    if not states or step.job is None or ("changed" in states and step.state != "cached"):
        return step
    if "approved" in states and known.approved(step.pass_id, step.shot):
        return step
    return step._replace(state="skipped", reasons=(f"only: {', '.join(sorted(states))}",), job=None, record=None)


def _steps(film: Film, pass_id: str, shot: Shot, known: Known) -> list[Step]:
    """What happens to one shot of one pass, and to its other takes."""
    n = film.numbers[shot.id]
    made = film.jobs[pass_id][n]
    takes = film.takes[pass_id].get(n, ())
    others = (_step(pass_id, shot, take.job, known, first=False)._replace(take=take.number) for take in takes)
    return [_step(pass_id, shot, made, known), *others]


def _step(pass_id: str, shot: Shot, job: Job | Own | None, known: Known, *, first: bool = True) -> Step:
    step = Step(shot, pass_id, None, "skipped", ("skip: true" if shot.skip else f"not in pass {pass_id} ('only')",))
    if job is None:
        return step
    if isinstance(job, Own):
        return step._replace(state="clip", reasons=(job.label,))
    step = step._replace(job=job, state="submit")
    if job.key is None:
        unknown = [_unknown(given) for given in job.inputs.values() if not given.known]
        return step._replace(reasons=tuple(unknown))
    found = known.find(job.key)
    if isinstance(found, Record):
        why = known.accepted.get((pass_id, shot.id), "unchanged") if first else "unchanged"
        return step._replace(state="cached", reasons=(why,), record=found)
    if job.key in known.there:
        return step._replace(state="cached", reasons=(known.there[job.key],))
    purchase = None if job.local else known.bought(job.key)
    if purchase is not None and purchase.state not in _FORGOTTEN:
        return _resumed(step, purchase, found, known.kept)
    if found.reason:
        return step._replace(reasons=(found.reason,))
    facts = known.last(pass_id, shot.id) if first else None
    changes = tuple(differences(facts, job)) if facts else ()
    return step._replace(reasons=tuple(map(str, changes)) or ("not rendered yet",), changes=changes)


def _unknown(given: Input) -> str:
    if given.producer is not None:
        return f"{given.producer.shot} ({given.producer.pass_id}), which it waits for, isn't known yet"
    return f"{given.label}: its bytes aren't known yet"


_FORGOTTEN: frozenset[PurchaseState] = frozenset({"reserved", "unsent", "dropped", "waived"})


def _resumed(step: Step, one: Purchase, lost: Lost, kept: Callable[[Purchase], bool]) -> Step:
    """What follows from an earlier purchase of a clip that isn't there."""
    match one.state:
        case "accepted" | "completed":
            return step._replace(state="resume", reasons=(f"bought as {one.shown}: not fetched yet",))
        case "stored" if kept(one):
            why = lost.reason or "its clip isn't in the store"
            return step._replace(state="resume", reasons=(f"{why}: fetched again as {one.shown}",))
        case "stored":
            why = lost.reason or "its clip isn't in the store"
            return step._replace(reasons=(f"{why}, and its service keeps it no longer",), anew=True)
        case "intent" | "lost" | "gone":
            why = one.reason or "it was being submitted when the render ended"
            return step._replace(state="held", reasons=(f"{why}; 'storyboard resolve {step.shot}' settles it",))
        case "moderated" | "given up":
            help_ = "change its text, references, take or seed" if one.state == "moderated" else "given up"
            return step._replace(state="blocked", reasons=(f"{one.reason or one.state}: {help_}",))
        case _:
            return step._replace(reasons=(one.reason or one.state,))
