"""Why a shot is made anew: what differs from its last render, and from those of the clips that it is made from."""

from collections.abc import Mapping
from dataclasses import dataclass

from storyboard.changes import Change, differences, rewritten
from storyboard.lock import Lock
from storyboard.plan import Step
from storyboard.store import Store


@dataclass(frozen=True)
class Cause:
    """Why a shot of a pass is as its plan says.

    Attributes:
        last_key: The key that it was last rendered with.
        written: What differs of the author's own words.
        sent: What differs of what is sent.
        behind: The shots whose clips it is made from, where they aren't there either.
    """

    step: Step
    last_key: str | None
    written: tuple[Change, ...]
    sent: tuple[Change, ...]
    behind: tuple["Cause", ...]


def of(step: Step, steps: Mapping[tuple[str, str], Step], lock: Lock, store: Store) -> Cause:
    """The cause of a step. `steps` holds those that it waits for, by pass and shot; each is told of once."""
    told = {(step.pass_id, step.shot)}
    behind: list[Cause] = []
    waiting = [step]
    while waiting:  # nearest first, without recursion: a chain may be as long as the film
        job = waiting.pop(0).job
        for producer in job.producers if job else ():
            at = (producer.pass_id, producer.shot)
            if at in steps and at not in told and steps[at].state != "cached":
                told.add(at)
                behind.append(_alone(steps[at], lock, store, ()))
                waiting.append(steps[at])
    return _alone(step, lock, store, tuple(behind))


def _alone(step: Step, lock: Lock, store: Store, behind: tuple[Cause, ...]) -> Cause:
    last = lock.get(step.shot, step.pass_id)
    key = last.key if last else None
    before = store.facts(key) if key and step.job and key != step.key else {}
    written = tuple(rewritten(before, step.job)) if before and step.job else ()
    sent = tuple(differences(before, step.job)) if before and step.job else ()
    return Cause(step, key, written, sent, behind)
