"""What a render would do: for each shot its state, the reasons, and the price. Decides; changes nothing."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from storyboard import money, timing
from storyboard.film import Film, Shot
from storyboard.forecast import Forecast
from storyboard.job import Job, bare
from storyboard.purchase import Purchase
from storyboard.purchase import State as PurchaseState
from storyboard.store import Lost, Record

State = Literal["cached", "submit", "resume", "held", "blocked", "skipped", "clip"]


class Step(NamedTuple):
    """What happens to one shot. `job` makes its clip; `record` is the clip that it already has; `anew` says that it
    was bought once, and its clip can't be had any more.
    """

    of: Shot
    job: Job | None
    state: State
    reasons: tuple[str, ...]
    record: Record | None = None
    anew: bool = False

    @property
    def shot(self) -> str:
        """The shot's id."""
        return self.of.id

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
    """The steps of one pass, in the film's order. `forecast` is what it may come to cost, if there is a ledger and
    all prices are known.
    """

    title: str
    pass_id: str
    steps: tuple[Step, ...]
    forecast: Forecast | None = None

    def count(self, state: State) -> int:
        """How many shots are in one state."""
        return sum(step.state == state for step in self.steps)

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
                jobs.setdefault(step.key or step.shot, step)
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
            "jobs": [_step_json(step, self.pass_id) for step in self.steps],
            "total": {"submit": 0, "cached": 0}
            | states
            | {"submit": len(self.submits), "cost": money.usd(self.cost), "known_cost": money.usd(self.known_cost)}
            | {name: money.usd(amount) for name, amount in self._forecast._asdict().items()},
        }


def _step_json(step: Step, pass_id: str) -> dict[str, Any]:
    job = step.job
    return {
        "shot": step.shot,
        "pass": pass_id,
        "key": step.key,
        "state": step.state,
        "reasons": list(step.reasons),
        "model": job.model if job else None,
        "request": dict(job.request) if job else None,
        "seconds": {"asked": timing.number(step.of.asked), "bought": timing.number(job.seconds) if job else None},
        "cost": money.usd(job.cost) if job else money.usd(money.FREE),
    }


def decide(
    film: Film,
    pass_id: str,
    only: Collection[str],
    find: Callable[[str], Record | Lost],
    last: Callable[[str], Mapping[str, Any]],
    bought: Callable[[str], Purchase | None],
    kept: Callable[[Purchase], bool],
) -> Plan:
    """The plan of one pass, for the shots of `only` or, if it is empty, for all.

    `find` looks a key up; `last` gives the facts of a shot's last render; `bought` the last purchase of a key;
    `kept` tells whether its service still keeps the clip.
    """
    pairs = zip(film.shots, film.jobs[pass_id], strict=True)
    steps = (_step(shot, job, find, last, bought, kept) for shot, job in pairs if not only or shot.id in only)
    return Plan(film.title, pass_id, tuple(steps))


def _step(
    shot: Shot,
    job: Job | None,
    find: Callable[[str], Record | Lost],
    last: Callable[[str], Mapping[str, Any]],
    bought: Callable[[str], Purchase | None],
    kept: Callable[[Purchase], bool],
) -> Step:
    if job is None:
        return Step(shot, None, "skipped", ("skip: true",))
    if job.key is None:
        unknown = [given.label for given in job.inputs.values() if given.sha256 is None]
        return Step(shot, job, "submit", tuple(f"{url}: its bytes aren't known yet" for url in unknown))
    found = find(job.key)
    if isinstance(found, Record):
        return Step(shot, job, "cached", ("unchanged",), found)
    purchase = None if job.local else bought(job.key)
    if purchase is not None and purchase.state not in _FORGOTTEN:
        return _resumed(shot, job, purchase, found, kept)
    if found.reason:
        return Step(shot, job, "submit", (found.reason,))
    facts = last(shot.id)
    reasons = tuple(differences(facts, job)) if facts else ()
    return Step(shot, job, "submit", reasons or ("not rendered yet",))


_FORGOTTEN: frozenset[PurchaseState] = frozenset({"reserved", "unsent", "dropped", "waived"})


def _resumed(shot: Shot, job: Job, one: Purchase, lost: Lost, kept: Callable[[Purchase], bool]) -> Step:
    """What follows from an earlier purchase of a clip that isn't there."""
    match one.state:
        case "accepted" | "completed":
            return Step(shot, job, "resume", (f"bought as {one.shown}: not fetched yet",))
        case "stored" if kept(one):
            why = lost.reason or "its clip isn't in the store"
            return Step(shot, job, "resume", (f"{why}: fetched again as {one.shown}",))
        case "stored":
            why = lost.reason or "its clip isn't in the store"
            return Step(shot, job, "submit", (f"{why}, and its service keeps it no longer",), anew=True)
        case "intent" | "lost" | "gone":
            why = one.reason or "it was being submitted when the render ended"
            return Step(shot, job, "held", (f"{why}; 'storyboard resolve {shot.id}' settles it",))
        case "moderated" | "given up":
            help_ = "change its text, references, take or seed" if one.state == "moderated" else "given up"
            return Step(shot, job, "blocked", (f"{one.reason or one.state}: {help_}",))
        case _:
            return Step(shot, job, "submit", (one.reason or one.state,))


def differences(before: Mapping[str, Any], job: Job) -> Iterator[str]:
    """Each field in which `job` differs from the facts of an earlier render, old -> new."""
    if before.get("model") != job.model:
        yield f"model: {before.get('model')} -> {job.model}"
    old, new = before.get("request", {}), job.request
    labels = before.get("inputs", {}) | {name: bare(given.label) for name, given in job.inputs.items()}
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield f"{name}: {_shown(old.get(name), labels)} -> {_shown(new.get(name), labels)}"


def _shown(value: object, labels: Mapping[str, str]) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, list):
        return "[" + ", ".join(_shown(item, labels) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {_shown(v, labels)}" for k, v in value.items()) + "}"
    if isinstance(value, str) and value in labels:
        return f"{labels[value]} ({value.removeprefix('sha256:')[:8]})"
    return repr(value) if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


def facts_of(job: Job) -> dict[str, Any]:
    """What a record keeps of the job that made it: enough to explain the next change."""
    return {
        "model": job.model,
        "request": dict(job.request),
        "inputs": {name: bare(given.label) for name, given in job.inputs.items()},
        "cost": money.usd(job.cost),
    }
