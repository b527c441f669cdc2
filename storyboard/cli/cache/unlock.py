"""`storyboard cache unlock`."""

import sys
from pathlib import Path

import click

from storyboard import report
from storyboard.cli import common


@click.command("unlock")
@click.argument("shot")
@common.file_option
@common.pass_option
@click.option("--yes", is_flag=True, help="Don't ask.")
@common.json_option
def command(shot: str, file: Path, pass_: str | None, yes: bool, as_json: bool) -> None:
    """Let go of another seat's purchase lock, so that the next render here may buy the shot.

    Only when that seat won't come back: what it has bought is bought again.
    """
    from storyboard.cli.cache import clips as its  # noqa: PLC0415 -- help needs none of it
    from storyboard.remote import Unreachable  # noqa: PLC0415
    from storyboard.shared import each  # noqa: PLC0415

    project = common.open_project(file, as_json=as_json)
    film, _ = common.film_of(project, pass_, as_json=as_json)
    (shot,) = common.chosen(film, [shot])[:1]
    keys = its.of_shot(film, shot, pass_)
    shared = its.the_shared(project, lambda _event: None)
    if shared.leases is None:
        raise click.UsageError(f"{report.safe(shared.shown)} has no purchase locks; a bucket has")
    leases = shared.leases
    try:
        found = dict(zip(keys, shared.run(each(keys, leases.look)), strict=True))
    except Unreachable as error:
        its.unreachable(str(error))
    held = {key: lease for key, lease in found.items() if lease is not None}
    for key, lease in held.items() if not as_json else ():
        click.echo(f"{report.safe(shot)} ({report.safe(keys[key])}): {report.safe(lease.told)}", err=True)
    if held and not yes:
        if not sys.stdin.isatty():
            common.refuse("what another seat has bought would be bought again; agree to it with --yes")
        if not click.confirm("What that seat has bought is bought again. Go on?", err=True):
            common.refuse("not agreed to")
    try:
        shared.run(each(list(held), leases.unlock))
    except Unreachable as error:
        its.unreachable(str(error))
    if as_json:
        rows = [{"pass": keys[key], "key": key, "who": one.who, "since": one.since} for key, one in held.items()]
        common.print_json({"format": 1, "shot": shot, "unlocked": rows})
    elif held:
        click.echo(f"{report.safe(shot)}: the next render may buy it")
    else:
        click.echo(f"{report.safe(shot)}: no seat is buying it")
