"""`storyboard render --frozen`: the cut of exactly what is locked."""

from typing import Never

import click

from storyboard import interrupt, report
from storyboard.cli import common
from storyboard.cli.cache.common import the_remote
from storyboard.cli.progress import Display
from storyboard.compiler import Project
from storyboard.diagnostic import Rejected
from storyboard.frozen import Frozen, bring
from storyboard.lock import Entry, Place
from storyboard.remote import Remote, Unreachable


def locked(project: Project, pass_: str | None, display: Display, *, as_json: bool, offline: bool) -> Frozen:
    """What one pass's cut shows by the lock, with every clip here; status 4 where storyboard and lock differ, or a clip
    can't be had. Buys and makes nothing.
    """
    found = _frozen(project, pass_, as_json=as_json)
    if found.differ:
        rows = [f"  {one.shot} ({one.pass_id}): {one.reason}" for one in found.differ]
        _refuse("storyboard and lock differ", rows, "render without --frozen, and commit the lock", as_json=as_json)
    trouble = "no shared cache is set"
    remote = None if offline or not found.absent else the_remote(project.folder)
    if remote is not None:
        trouble = f"it isn't in {remote.shown}"
        try:
            interrupt.run(_brought(found, project, remote, display))
        except* Unreachable as group:
            trouble = str(group.exceptions[0])
        found = _frozen(project, pass_, as_json=as_json)
    if found.absent:
        rows = [_absent(place, one, trouble) for place, one in found.absent.items()]
        _refuse("clips that are locked can't be had", rows, "'storyboard cache push' where they are", as_json=as_json)
    return found


async def _brought(found: Frozen, project: Project, remote: Remote, display: Display) -> None:
    try:
        await bring(found, project.store, remote, display.show)
    finally:
        await remote.close()


def _frozen(project: Project, pass_: str | None, *, as_json: bool) -> Frozen:
    try:
        return project.frozen(pass_)
    except Rejected as rejected:
        common.reject(rejected.diagnostics, as_json=as_json)
    except KeyError as error:
        raise click.UsageError(str(error.args[0])) from error


def _absent(place: Place, one: Entry, trouble: str) -> str:
    return f"  {place.shot} ({place.pass_id}): clip {one.clip[:8]} isn't here, and {trouble}"


def _refuse(what: str, rows: list[str], cure: str, *, as_json: bool) -> Never:
    for line in [f"Refused: {what}:", *rows, f"{cure}. Nothing was bought."]:
        click.echo(report.safe(line), err=True)
    raise click.exceptions.Exit(common.REFUSED)
