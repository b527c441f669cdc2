"""A plan carried out: clips made a few at a time, each stored the moment it is there."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from storyboard import money
from storyboard.event import Advanced, Event, Finished, Planned, Started
from storyboard.media import MediaError, probe
from storyboard.plan import Plan, Step, facts_of
from storyboard.providers import NoProvider, Provider
from storyboard.providers.failure import ClipFailed
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
    workers: int,
) -> list[Result]:
    """Make every clip that the plan submits, `workers` at a time, and tell what became of each step.
    `stored` is told of each the moment that its clip is kept.

    A clip that fails costs no other. Cancelled, it keeps what is finished and leaves nothing half-made.

    Raises:
        NoProvider: a model of the plan has no client here; nothing was made.
    """
    submits = plan.submits
    for step in submits.values():
        assert step.job is not None
        name = step.job.model.partition("/")[0]
        if name not in providers:
            raise NoProvider(f"there is no client for '{name}', which {step.job.model} (pass {plan.pass_id}) needs")
    jobs = [step.job for step in submits.values() if step.job]
    notify(Planned(len(jobs), sum(providers[job.model.partition("/")[0]].frames(job) for job in jobs)))
    turns = asyncio.Semaphore(workers)
    made: dict[str, Result] = {}

    async def one(key: str, step: Step) -> None:
        async with turns:
            try:
                made[key] = await _claim_and_make(step, providers, store, notify)
            except OSError as error:
                made[key] = _failed(step, f"the clip can't be kept: {error.strerror or error}", notify)
            if made[key].record:
                stored(step)

    async with asyncio.TaskGroup() as group:
        for key, step in submits.items():
            group.create_task(one(key, step))
    return [_result(step, made) for step in plan.steps]


def _result(step: Step, made: Mapping[str, Result]) -> Result:
    if step.state == "submit" and step.job:
        result = made[step.key or step.shot]
        return result if result.step is step else Result(step, result.state, result.record, result.error)
    return Result(step, "cached" if step.state == "cached" else "skipped", step.record)


async def _claim_and_make(
    step: Step, providers: Mapping[str, Provider], store: Store, notify: Callable[[Event], None]
) -> Result:
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
                return await _make(step, step.key, providers, store, notify)
        await asyncio.sleep(LOOK_AGAIN)


async def _make(
    step: Step, key: str, providers: Mapping[str, Provider], store: Store, notify: Callable[[Event], None]
) -> Result:
    job = step.job
    assert job is not None
    provider = providers[job.model.partition("/")[0]]
    notify(Started(step.shot, "rendering", provider.frames(job)))
    try:
        with store.workspace() as folder:
            clip = folder / "clip.mp4"
            await provider.clip(job, clip, lambda done: notify(Advanced(step.shot, done)))
            facts = facts_of(job) | {"clip": _probed(clip)}
            record = await asyncio.to_thread(store.put, key, {"clip": clip}, facts)
    except (ClipFailed, MediaError) as error:
        return _failed(step, str(error), notify)
    notify(Finished(step.shot))
    return Result(step, "done", record, cost=job.cost or money.FREE)


def _probed(clip: Path) -> dict[str, Any]:
    found = probe(clip)
    return {"width": found.width, "height": found.height, "frames": found.frames, "sound": found.sound}


def _failed(step: Step, error: str, notify: Callable[[Event], None]) -> Result:
    notify(Finished(step.shot, error))
    return Result(step, "failed", error=error)
