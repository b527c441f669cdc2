"""`storyboard cache push`."""

from pathlib import Path

import click

from storyboard import report
from storyboard.cli import common
from storyboard.cli.progress import Display
from storyboard.compiler import Project
from storyboard.store import Lost


@click.command("push")
@common.file_argument
@common.pass_option
@click.option("--all", "everything", is_flag=True, help="Every clip of the store, not only what the lock names.")
@common.json_option
def command(file: Path, pass_: str | None, everything: bool, as_json: bool) -> None:
    """Send clips to the shared cache: what the lock names, in every pass and take, by default.

    What is there isn't sent again. The exit status is 3 while a clip that the lock names is neither here nor there.
    """
    from storyboard.cli.cache import clips as its  # noqa: PLC0415 -- help needs none of it
    from storyboard.remote import Unreachable  # noqa: PLC0415

    project = common.open_project(file, as_json=as_json)
    if everything and pass_ is not None:
        raise click.UsageError("--all sends every pass: leave out -p")
    names = _stored(project) if everything else {key: one.name for key, one in its.locked(project, pass_).items()}
    with Display(quiet=as_json) as display:
        shared = its.the_shared(project, display.show)
        try:
            sent = shared.run(its.pushed(project, shared, names))
        except Unreachable as error:
            its.unreachable(str(error))
    done = {key: size for key, size in sent.items() if isinstance(size, int)}
    lacking = {key: one for key, one in sent.items() if isinstance(one, Lost)}
    new, size = sum(map(bool, done.values())), sum(done.values())
    if as_json:
        there = len(done) - new
        missing = [{"shot": names[key], "key": key, "reason": its.why(one)} for key, one in lacking.items()]
        told = {"format": 1, "remote": shared.shown, "sent": new, "bytes": size, "there": there, "missing": missing}
        common.print_json(told)
    else:
        for key, one in lacking.items():
            click.echo(f"missing        {report.safe(names[key])}: {report.safe(its.why(one))}", err=True)
        kept = f", {len(done) - new} were there" if len(done) > new else ""
        click.echo(f"sent {report.count(new, 'clip')} ({its.amount(size)}) to {report.safe(shared.shown)}{kept}")
    if lacking:
        raise click.exceptions.Exit(common.PARTLY)


def _stored(project: Project) -> dict[str, str]:
    """Every clip of the store, by key, with a name for people."""
    from storyboard.shared import is_clip  # noqa: PLC0415
    from storyboard.store import Record  # noqa: PLC0415

    found = {}
    folder = project.store.root / "ac"
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        record = project.store.find(path.name)
        if isinstance(record, Record) and is_clip(record):
            found[path.name] = path.name[:8]
    return found
