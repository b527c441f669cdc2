"""`storyboard status`."""

import time
from pathlib import Path
from typing import Any

import click

from storyboard import report
from storyboard.cli import common
from storyboard.compiler import Project
from storyboard.standing import standing


@click.command("status")
@common.file_argument
@common.json_option
def command(file: Path, as_json: bool) -> None:
    """Show the state of every shot in every pass.

    A shot is current, approved (current, and somebody said so), accepted (stale, and kept as it is), stale (an earlier
    version of it is there, and stays usable), outdated (approved once, and changed since), missing, bought and not
    fetched yet, held, or blocked. Warns of clips that were bought and that their service will delete soon.
    """
    project = common.open_project(file, as_json=as_json)
    film, _ = common.film_of(project, None, as_json=as_json)
    plans = {name: common.make_plan(project, name, as_json=True) for name in film.passes}
    found = {
        name: {shot: standing(project, step) for shot, step in plan.mine().items()} for name, plan in plans.items()
    }
    ending = _ending(project)
    shots = [shot.id for shot in film.shots]
    if as_json:
        rows = [
            {
                "shot": shot,
                "passes": {name: its[shot].word for name, its in found.items()},
                "details": {name: its[shot].as_json() for name, its in found.items()},
            }
            for shot in shots
        ]
        common.print_json({"format": 1, "shots": rows, "deleted_soon": [_json(*one) for one in ending]})
        return
    head = ("shot", *film.passes)
    common.print_table(head, [(report.safe(shot), *(its[shot].word for its in found.values())) for shot in shots])
    for name, its in found.items():
        for shot in shots:
            if its[shot].why:
                click.echo(f"{report.safe(shot)} ({report.safe(name)}): {report.safe(its[shot].why)}")
    for one, left in ending:
        when = f"deletes it in {report.duration(left)}" if left > 0 else "may have deleted it"
        click.echo(
            f"warning: {report.safe(one.shot)} ({report.safe(one.pass_id)}) is bought and not fetched, and its service "
            f"{when}; 'storyboard recover' fetches it",
            err=True,
        )


def _ending(project: Project) -> list[tuple[Any, int]]:
    if not project.journal.open():
        return []
    from storyboard import settle  # noqa: PLC0415 -- most films have nothing of it

    return settle.ending(project.journal, project.models(), time.time())


def _json(one: Any, left: int) -> dict[str, Any]:
    return {"shot": one.shot, "pass": one.pass_id, "id": one.ticket, "seconds": left}
