"""`storyboard cache pull`."""

from pathlib import Path

import click

from storyboard import report
from storyboard.cli import common
from storyboard.cli.progress import Display
from storyboard.store import Lost, Record


@click.command("pull")
@common.file_argument
@common.pass_option
@common.json_option
def command(file: Path, pass_: str | None, as_json: bool) -> None:
    """Fetch clips from the shared cache: what the lock names and the storyboard asks for, in every pass and take.

    The exit status is 3 while a clip that the lock names can't be had.
    """
    from storyboard.cli.cache import clips as its  # noqa: PLC0415 -- help needs none of it
    from storyboard.remote import Unreachable  # noqa: PLC0415

    project = common.open_project(file, as_json=as_json)
    locked = its.locked(project, pass_)
    wanted = its.asked(project, pass_) | locked
    wanted = {key: one for key, one in wanted.items() if not isinstance(project.store.find(key), Record)}
    with Display(quiet=as_json) as display:
        shared = its.the_shared(project, display.show)
        try:
            found = shared.run(shared.pull(wanted))
        except Unreachable as error:
            its.unreachable(str(error))
        finally:
            project.store.memo.save()
    got = [one for one in found.values() if isinstance(one, Record)]
    lacking = {key: one for key, one in found.items() if isinstance(one, Lost) and (key in locked or one.reason)}
    size = sum(one.outputs["clip"].size for one in got)
    if as_json:
        missing = [{"shot": wanted[key].name, "key": key, "reason": its.why(one)} for key, one in lacking.items()]
        told = {"format": 1, "remote": shared.shown, "fetched": len(got), "bytes": size, "missing": missing}
        common.print_json(told)
    else:
        for key, one in lacking.items():
            click.echo(f"missing        {report.safe(wanted[key].name)}: {report.safe(its.why(one))}", err=True)
        click.echo(f"fetched {report.count(len(got), 'clip')} ({its.amount(size)}) from {report.safe(shared.shown)}")
    if lacking:
        raise click.exceptions.Exit(common.PARTLY)
