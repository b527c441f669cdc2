"""Looking into the shared cache before anything is made or bought, for `plan` and `render`."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from storyboard import report
from storyboard.cli import common
from storyboard.compiler import Project
from storyboard.event import Event
from storyboard.plan import Plan
from storyboard.store import Record

if TYPE_CHECKING:
    from storyboard.shared import Shared, Wanted

THERE = "in the shared cache"
_OFFLINE = "'--offline' renders without looking there"


def offline_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """--offline."""
    return click.option("--offline", is_flag=True, help="Don't look into the shared cache, and send nothing there.")(
        command
    )


def opened(project: Project, notify: Callable[[Event], None]) -> "Shared | None":
    """The cache that a project shares, asked nothing yet; None where it shares none."""
    import asyncio  # noqa: PLC0415 -- a plan with nothing to do asks nobody

    from storyboard.cli.cache.common import the_remote  # noqa: PLC0415
    from storyboard.shared import share  # noqa: PLC0415

    remote = the_remote(project.folder)
    if remote is None:
        return None
    who = common.author(project.folder)
    clocks = {"wall": time.time, "now": time.monotonic, "sleep": asyncio.sleep}
    return share(project.store, remote, who, notify, **clocks)  # type: ignore[arg-type]


def looked_up(project: Project, plan: Plan, pass_: str | None, *, quiet: bool) -> Plan:
    """The plan with what the shared cache has counted as there; as it was where it can't be asked, with a warning."""
    from storyboard.remote import Unreachable  # noqa: PLC0415

    its = _accepted(project)
    keys = {**_missing(plan), **its}
    if not keys:
        return plan
    shared = opened(project, _said(quiet))
    if shared is None:
        return plan
    try:
        known = shared.run(shared.known(keys))
    except Unreachable as error:
        click.echo(f"Warning: {report.safe(str(error))}; the plan is shown without the shared cache", err=True)
        return plan
    there = dict.fromkeys(known, THERE)
    lock, asked = project.lock, {}
    for place, one in lock.entries.items():
        if one and one.accepted and one.key in its and one.key in known:
            asked[one.accepted.key] = f"accepted as it is by {one.accepted.by}, {THERE} ({place.pass_id})"
    return project.plan(pass_, there={**there, **asked}) if there else plan


def fetched(
    project: Project, plan: Plan, pass_: str | None, shots: Sequence[str], notify: Callable[[Event], None]
) -> "tuple[Plan, Shared | None]":
    """Fetch what the shared cache has of a plan; the plan of what is left, and the cache to send that to.

    Where it can't be asked, a plan that buys is refused: it may buy again what is there.
    """
    from storyboard.remote import Unreachable  # noqa: PLC0415 -- a render with nothing to do asks nobody
    from storyboard.shared import owed  # noqa: PLC0415

    shared, seen = None, set[str]()
    while True:
        wanted = _missing(plan) | _accepted(project)
        new = {key: one for key, one in wanted.items() if key not in seen}
        if not new and (shared or not owed(project.store.root)):
            return plan, shared
        shared = shared or opened(project, notify)
        if shared is None:
            return plan, None
        try:
            found = shared.run(shared.pull(new))
        except Unreachable as error:
            plan = _again(project, pass_, shots)
            if any(step.job and not step.job.local for step in plan.submits.values()):
                common.refuse(f"{error}, and what it has would be bought again; {_OFFLINE}")
            click.echo(f"Warning: {report.safe(str(error))}; going on without it", err=True)
            return plan, None
        seen |= new.keys()
        if not any(isinstance(one, Record) for one in found.values()):
            return plan, shared
        plan = _again(project, pass_, shots)


def _again(project: Project, pass_: str | None, shots: Sequence[str]) -> Plan:
    project.relock(lambda lock: lock)  # clips that were accepted are in their places once they are here
    return project.plan(pass_, only=shots)


def _missing(plan: Plan) -> "dict[str, Wanted]":
    """The clips that a plan doesn't have, by key."""
    from storyboard.shared import Wanted  # noqa: PLC0415

    steps = (step for step in plan.steps if step.key and step.record is None and step.state != "skipped")
    return {step.key: Wanted(step.name) for step in steps if step.key}


def _accepted(project: Project) -> "dict[str, Wanted]":
    """The clips that were accepted though they are stale, and aren't here."""
    from storyboard.shared import Wanted  # noqa: PLC0415

    entries = ((place, one) for place, one in project.lock.entries.items() if one and one.accepted)
    return {
        one.key: Wanted(place.shot, one.clip)
        for place, one in entries
        if not isinstance(project.store.find(one.key), Record)
    }


def _said(quiet: bool) -> Callable[[Event], None]:
    from storyboard.event import Noted  # noqa: PLC0415

    def show(event: Event) -> None:
        if isinstance(event, Noted) and not quiet:
            click.echo(f"note: {report.safe(event.message)}", err=True)

    return show
