"""A plan carried out: clips made a few at a time, each stored the moment it is there."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from storyboard import money
from storyboard.event import Advanced, Event, Finished, Noted, Planned, Started
from storyboard.job import Job
from storyboard.media import MediaError, probe
from storyboard.plan import Plan, Step, facts_of
from storyboard.providers import Provider
from storyboard.providers.failure import ClipFailed, ClipHeld, Unconfigured
from storyboard.store import Record, Store

LOOK_AGAIN = 0.2
"""Seconds between two looks at a clip that another render is making."""

ResultState = Literal["done", "failed", "held", "cached", "skipped"]


@dataclass(frozen=True)
class Result:
    """What became of one step. `cost` is what was spent on it."""

    step: Step
    state: ResultState
    record: Record | None = None
    error: str | None = None
    cost: Decimal = money.FREE


async def execute(
    plan: Plan,
    providers: Mapping[str, Provider],
    store: Store,
    notify: Callable[[Event], None],
    stored: Callable[[Step], None],
) -> list[Result]:
    """Make every clip that the plan submits, as many at a time as each provider takes and the longest first, and
    tell what became of each step. `stored` is told of each the moment that its clip is kept.

    A clip that fails costs no other. Cancelled, it keeps what is finished and leaves nothing half-made.

    Raises:
        Unconfigured: a model's provider can't be used as things stand; nothing was made.
    """
    submits = {key: (step, step.job) for key, step in plan.submits.items() if step.job}
    for _, job in submits.values():
        if job.provider not in providers:
            raise Unconfigured(f"there is no client for '{job.provider}', which {job.model} needs")
        providers[job.provider].require(job)
    work = {key: providers[job.provider].work(job) for key, (_, job) in submits.items()}
    notify(Planned(len(submits), sum(work.values())))
    turns = {name: asyncio.Semaphore(provider.limit.concurrent) for name, provider in providers.items()}
    made: dict[str, Result] = {}

    async def one(key: str, step: Step, job: Job) -> None:
        async with turns[job.provider]:
            try:
                made[key] = await _claim_and_make(step, providers[job.provider], store, notify)
            except OSError as error:
                made[key] = _failed(step, f"the clip can't be kept: {error.strerror or error}", notify)
            if made[key].record:
                stored(step)

    try:
        async with asyncio.TaskGroup() as group:
            # Longest processing time first: the makespan is then at most 4/3 of the best (Graham 1969).
            for key in sorted(submits, key=lambda key: -work[key]):
                group.create_task(one(key, *submits[key]))
    finally:
        for provider in providers.values():
            await provider.close()
    return [_result(step, made) for step in plan.steps]


def _result(step: Step, made: Mapping[str, Result]) -> Result:
    if step.state == "submit" and step.job:
        result = made[step.key or step.shot]
        return result if result.step is step else Result(step, result.state, result.record, result.error)
    return Result(step, "cached" if step.state == "cached" else "skipped", step.record)


async def _claim_and_make(step: Step, provider: Provider, store: Store, notify: Callable[[Event], None]) -> Result:
    """Make a clip, or wait for whoever is making it and use theirs."""
    if step.key is None:
        return _failed(step, step.reasons[0], notify)
    while True:
        with store.claimed(step.key) as ours:
            if ours:
                found = store.find(step.key)
                if isinstance(found, Record):
                    notify(Finished(step.shot))
                    return Result(step, "cached", found)
                return await _make(step, step.key, provider, store, notify)
        await asyncio.sleep(LOOK_AGAIN)


async def _make(step: Step, key: str, provider: Provider, store: Store, notify: Callable[[Event], None]) -> Result:
    job = step.job
    assert job is not None
    notify(Started(step.shot, "rendering", provider.work(job)))
    spent = job.cost or money.FREE
    try:
        with store.workspace() as folder:
            clip = folder / "clip.mp4"
            told = await provider.clip(job, clip, lambda done, doing="": notify(Advanced(step.shot, done, doing)))
            facts = facts_of(job) | {"clip": _probed(clip), **told}
            record = await _kept(store, key, clip, facts)
    except ClipHeld as error:
        return _failed(step, str(error), notify, "held", spent)
    except ClipFailed as error:
        return _failed(step, str(error), notify, cost=spent if error.accepted else money.FREE)
    except MediaError as error:
        return _failed(step, str(error), notify)
    notify(Finished(step.shot))
    for difference in told.get("differs", ()):
        notify(Noted(f"{step.shot}: {difference}"))
    return Result(step, "done", record, cost=spent)


async def _kept(store: Store, key: str, clip: Path, facts: Mapping[str, Any]) -> Record:
    try:
        return await asyncio.to_thread(store.put, key, {"clip": clip}, facts)
    except OSError as error:
        bought = facts.get("provider")
        if bought is None:
            raise
        reason = error.strerror or str(error)
        message = f"{bought['name']} made it (id {bought['id']}), but the clip can't be kept: {reason}"
        raise ClipHeld(message, accepted=True) from error


def _probed(clip: Path) -> dict[str, Any]:
    found = probe(clip)
    return {"width": found.width, "height": found.height, "frames": found.frames, "sound": found.sound}


def _failed(
    step: Step,
    error: str,
    notify: Callable[[Event], None],
    state: Literal["failed", "held"] = "failed",
    cost: Decimal = money.FREE,
) -> Result:
    notify(Finished(step.shot, error))
    return Result(step, state, error=error, cost=cost)
