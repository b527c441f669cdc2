"""The takes of a shot: those that the storyboard lists, and those that the store has or that were bought.

A take is the same request with another seed, so the key of each is known without asking for it in the storyboard.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from storyboard import film, money
from storyboard.catalog import Model
from storyboard.film import Film
from storyboard.job import Job, key_of, seed_of
from storyboard.lock import Approval, Lock
from storyboard.model.values import MAX_SEED
from storyboard.plan import Known, Step, decide
from storyboard.store import Record

AHEAD = 8
"""How far past the highest take that is known others are looked for: takes that were tried and taken out again."""

LAST = 9999
"""The highest take that can be written, see `model.values.Take`."""


class Roll(NamedTuple):
    """One take of a shot in a pass, as it stands.

    Attributes:
        number: None for an earlier clip that was accepted in place of what the storyboard asks for.
        seed: As sent; None where the model takes none.
        is_shown: The film shows it, or would.
        is_listed: The storyboard names it.
        step: What a render would do about it; its record is the clip.
        price: US dollars: what it cost, or would; None where unknown.
        at: When it was bought or made (ISO 8601, UTC); "" where that isn't known.
        id: The provider's job id, or "".
        approval: Somebody's word that this very clip is good.
    """

    number: int | None
    seed: int | None
    is_shown: bool
    is_listed: bool
    step: Step
    price: Decimal | None
    at: str = ""
    id: str = ""
    approval: Approval | None = None

    @property
    def is_here(self) -> bool:
        """Whether the store has its clip."""
        return self.step.record is not None

    @property
    def state(self) -> str:
        """In a word: here, not rendered, bought (and not fetched yet), held or blocked."""
        return {"cached": "here", "submit": "not rendered", "resume": "bought"}.get(self.step.state, self.step.state)


def rolled(job: Job, model: Model, number: int) -> Job:
    """Another take of a job: the same request with another seed. The job itself says which take it is.

    Raises:
        ValueError: its model takes no seed, so there is no other roll.
    """
    seed = seed_of(job.request)
    if seed is None:
        raise ValueError(f"{model.id} takes no seed")
    its = int(job.words.get("take", 1))
    words = {name: said for name, said in job.words.items() if name != "take"}
    if number != 1:
        words["take"] = str(number)
    request: Mapping[str, Any] = job.request
    for place in model.fields["seed"].split():
        request = _placed(request, place.split("."), (seed - its + number) % (MAX_SEED + 1))
    key = key_of(job.model, request) if job.key else None
    return job._replace(request=request, key=key, words=words)


def _placed(request: Mapping[str, Any], path: list[str], value: int) -> dict[str, Any]:
    """A copy of a request with a value at a place of it."""
    name, *rest = path
    return {**request, name: _placed(request.get(name, {}), rest, value) if rest else value}


def of(compiled: Film, pass_id: str, shot: str, models: Mapping[str, Model], known: Known, lock: Lock) -> list[Roll]:
    """The takes of a shot in a pass, by number; none where no job makes it. Of a model without a seed there is one."""
    job = compiled.job(pass_id, shot)
    if job is None:
        return []
    n, shown = compiled.numbers[shot], int(job.words.get("take", 1))
    listed = {take.number: take.job for take in compiled.takes[pass_id].get(n, ())}
    model = models[job.model]
    others = dict(listed)
    if seed_of(job.request) is not None:
        locked = {place.take for place in lock.entries if (place.shot, place.pass_id) == (shot, pass_id)}
        others = dict(_candidates(job, model, {shown, *listed, *locked}, known))
    others.pop(shown, None)
    steps = _decided(compiled, pass_id, shot, others, known)
    numbers = (step.take or shown for step in steps)
    approvals = _approvals(lock, pass_id, shot)
    rolls = [
        _roll(step, number, approvals, is_shown=number == shown, is_listed=number == shown or number in listed)
        for number, step in zip(numbers, steps, strict=True)
    ]
    there = [roll for roll in rolls if roll.is_listed or roll.step.state != "submit"]
    return sorted(there, key=lambda roll: roll.number or 0)


def beside(rolls: list[Roll], earlier: Step, lock: Lock) -> list[Roll]:
    """The takes beside the clip that was accepted in their place, which is what the film shows."""
    rolls = [roll._replace(is_shown=roll.step.key == earlier.key) for roll in rolls]
    if any(roll.is_shown for roll in rolls):
        return rolls
    approvals = _approvals(lock, earlier.pass_id, earlier.shot)
    return [*rolls, _roll(earlier, None, approvals, is_shown=True, is_listed=False)]


def _candidates(job: Job, model: Model, numbers: set[int], known: Known) -> Iterator[tuple[int, Job]]:
    """Takes by number from the first on, until long enough after the last that is known anywhere."""
    number, last = 1, max(numbers)
    while number <= min(last + AHEAD, LAST):
        other = rolled(job, model, number)
        if other.key and (isinstance(known.find(other.key), Record) or known.bought(other.key)):
            last = max(last, number)
        yield number, other
        number += 1


def _decided(compiled: Film, pass_id: str, shot: str, others: Mapping[int, Job], known: Known) -> list[Step]:
    """What a render would do about each take, the one that the film shows first."""
    takes = tuple(film.Take(number, job) for number, job in others.items())
    every = {**compiled.takes, pass_id: {compiled.numbers[shot]: takes}}
    passes = {**compiled.passes, pass_id: compiled.passes[pass_id]._replace(states=())}
    plan = decide(replace(compiled, takes=every, passes=passes), pass_id, [shot], (), known)
    return [step for step in plan.steps if (step.pass_id, step.shot) == (pass_id, shot)]


def _approvals(lock: Lock, pass_id: str, shot: str) -> dict[str, Approval]:
    """What was approved of a shot in a pass, by the job's key: also a take that isn't shown any more."""
    its = (one for place, one in lock.entries.items() if (place.shot, place.pass_id) == (shot, pass_id))
    return {one.approved.key: one.approved for one in its if one and one.approved}


def _roll(
    step: Step, number: int | None, approvals: Mapping[str, Approval], *, is_shown: bool, is_listed: bool
) -> Roll:
    job = step.job
    assert job is not None
    facts: Mapping[str, Any] = step.record.facts if step.record else {}
    price = _price(facts.get("cost")) if step.record else job.cost
    approval = approvals.get(job.key or "")
    if approval and (step.record is None or step.record.outputs["clip"].sha256 != approval.clip):
        approval = None
    at, id_ = (str(facts.get(name, "")) for name in ("at", "id"))
    return Roll(number, seed_of(job.request), is_shown, is_listed, step, price, at, id_, approval)


def _price(said: object) -> Decimal | None:
    try:
        return None if said is None else Decimal(str(said))
    except InvalidOperation:
        return None


def as_json(roll: Roll, clip: str | None) -> dict[str, Any]:
    """A take for `--json`; `clip` is where its copy is."""
    said = roll.approval
    return {
        "take": roll.number,
        "seed": roll.seed,
        "shown": roll.is_shown,
        "listed": roll.is_listed,
        "state": roll.state,
        "reasons": list(roll.step.reasons),
        "key": roll.step.key,
        "cost": money.usd(roll.price),
        "at": roll.at or None,
        "id": roll.id or None,
        "clip": clip,
        "approved": {"by": said.by, "at": said.at, "note": said.note} if said else None,
    }
