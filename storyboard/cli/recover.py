"""`storyboard recover`."""

import os
from pathlib import Path
from typing import Any

import click

from storyboard import report
from storyboard.cli import common, sharing
from storyboard.cli.progress import Display


@click.command("recover")
@common.file_argument
@sharing.offline_option
@common.json_option
def command(file: Path, offline: bool, as_json: bool) -> None:
    """Fetch everything that was bought and isn't here.

    By the ids in the journal, as long as the services keep the clips; it buys nothing.
    The exit status is 3 while something is missing.
    """
    from storyboard import settle  # noqa: PLC0415 -- help needs none of it

    project = common.open_project(file, as_json=as_json)
    with common.attending(project), Display(quiet=as_json) as display:
        wanted = settle.fetchable(project.journal, project.store, project.kept)
        names = {one.provider for one in wanted}
        sellers = project.market.sellers(names, common.find_tools(), dict(os.environ), display.show)
        shared = None if offline or not wanted else sharing.opened(project, display.show)
        terms = common.terms()
        missing = settle.recover(project.journal, project.store, wanted, sellers, terms, display.show, shared)
    if as_json:
        common.print_json(
            {
                "format": 1,
                "fetched": [_json(one) for one in wanted if one not in missing],
                "missing": [_json(one) for one in missing],
            }
        )
    elif not wanted:
        click.echo("everything that was bought is here")
    else:
        click.echo(f"fetched {report.count(len(wanted) - len(missing), 'clip')}, {len(missing)} missing")
    if missing:
        raise click.exceptions.Exit(common.PARTLY)


def _json(one: Any) -> dict[str, Any]:
    return {"shot": one.shot, "pass": one.pass_id, "key": one.key, "id": one.ticket}
