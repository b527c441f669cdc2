"""`storyboard status`."""

import time
from pathlib import Path
from typing import Any

import click

from storyboard import report
from storyboard.cli import common
from storyboard.compiler import Project
from storyboard.plan import Step


@click.command("status")
@common.file_argument
@common.json_option
def command(file: Path, as_json: bool) -> None:
    """Show the state of every shot in every pass.

    A shot is current, stale (an earlier version of it is there), missing, bought and not fetched yet, held, or blocked.
    Warns of clips that were bought and that their service will delete soon.
    """
    project = common.open_project(file, as_json=as_json)
    film_passes = list(_film(project, as_json=as_json).passes)
    plans = {name: common.make_plan(project, name, as_json=True) for name in film_passes}
    states = {name: {shot: _word(project, step) for shot, step in plan.mine().items()} for name, plan in plans.items()}
    ending = _ending(project)
    shots = [shot.id for shot in project.film().shots]
    if as_json:
        rows = [{"shot": shot, "passes": {name: states[name][shot] for name in film_passes}} for shot in shots]
        common.print_json({"format": 1, "shots": rows, "deleted_soon": [_json(*one) for one in ending]})
        return
    head = ("shot", *film_passes)
    common.print_table(head, [(report.safe(shot), *(states[name][shot] for name in film_passes)) for shot in shots])
    for one, left in ending:
        when = f"deletes it in {report.duration(left)}" if left > 0 else "may have deleted it"
        click.echo(
            f"warning: {report.safe(one.shot)} ({report.safe(one.pass_id)}) is bought and not fetched, and its service "
            f"{when}; 'storyboard recover' fetches it",
            err=True,
        )


def _film(project: Any, *, as_json: bool) -> Any:
    from storyboard.diagnostic import Rejected  # noqa: PLC0415

    try:
        return project.film()
    except Rejected as rejected:
        common.reject(rejected.diagnostics, as_json=as_json)


def _word(project: Project, step: Step) -> str:
    if step.state == "submit":
        return "stale" if project.has_earlier(step.pass_id, step.shot) else "missing"
    return {"cached": "current", "resume": "bought"}.get(step.state, step.state)


def _ending(project: Project) -> list[tuple[Any, int]]:
    if not project.journal.open():
        return []
    from storyboard import settle  # noqa: PLC0415 -- most films have nothing of it

    return settle.ending(project.journal, project.models(), time.time())


def _json(one: Any, left: int) -> dict[str, Any]:
    return {"shot": one.shot, "pass": one.pass_id, "id": one.ticket, "seconds": left}
