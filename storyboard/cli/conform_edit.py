"""`storyboard conform-edit`."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from storyboard import money, report, text
from storyboard.cli import common, rewriting
from storyboard.compiler import Project
from storyboard.diagnostic import Rejected
from storyboard.film import Film
from storyboard.source import Source

if TYPE_CHECKING:
    from storyboard.edit.conform import Conformed
    from storyboard.edit.keep import Anew


@click.command("conform-edit")
@click.argument("edit", type=click.Path(path_type=Path))
@common.file_option
@common.pass_option
@rewriting.dry_run_option
@click.option("--within-handles", is_flag=True, help="Leave a shot as it is where its clip would be bought again.")
@common.json_option
def command(edit: Path, file: Path, pass_: str | None, dry_run: bool, within_handles: bool, as_json: bool) -> None:
    """Read an editor's timing back into the storyboard.

    EDIT is an OpenTimelineIO file (.otio) of a cut that 'storyboard export' wrote. Shots that aren't in it any more are
    skipped, never deleted; every comment stays. A clip that covers what the edit shows of it isn't made again; what
    would be is shown with its price. Nothing is bought.
    """
    from storyboard.edit import Unread  # noqa: PLC0415 -- a command imports what it needs
    from storyboard.edit.conform import conform  # noqa: PLC0415
    from storyboard.edit.read import read  # noqa: PLC0415
    from storyboard.rewrite import Uneditable  # noqa: PLC0415

    path = common.storyboard_file(file)
    project = common.open_project(file, as_json=as_json)
    source, _ = text.read(path, path.name)
    before = path.read_bytes()
    try:
        film = project.film()
    except Rejected as rejected:
        common.reject(rejected.diagnostics, as_json=as_json)
    try:
        its = read(edit, film.numbers, film.fps)
        told = its.pass_id if its.pass_id in film.passes else film.default_pass
        pass_id = told if pass_ is None else pass_
        if pass_id not in film.passes:
            raise click.UsageError(f"there is no pass '{pass_id}' (known: {', '.join(film.passes)})")
        found = conform(project, source, _compiler(path), its, pass_id, within_handles=within_handles)
    except Unread as error:
        raise click.UsageError(report.safe(str(error))) from error
    except Rejected as rejected:
        if not as_json:
            click.echo("The edit would leave the storyboard with errors; nothing was written.\n", err=True)
        common.reject(rejected.diagnostics, as_json=as_json)
    except Uneditable as error:
        rewriting.refuse_place(error, as_json=as_json)
    writes = found.text != source.text and not dry_run
    if writes:
        rewriting.write([(path.resolve(), before, found.text)])
    if as_json:
        common.print_json({"format": 1, "title": film.title, "pass": pass_id, **_json(found, path, is_written=writes)})
    else:
        _show(found, path, pass_id, is_written=writes)


def _compiler(path: Path) -> Any:
    def compiled(changed: str) -> Film:
        return Project(path.absolute(), Source(path.name, changed), common.store_folder(), time.time_ns).film()

    return compiled


def _json(found: "Conformed", path: Path, *, is_written: bool) -> dict[str, Any]:
    from storyboard.edit import keep  # noqa: PLC0415 -- a command imports what it needs

    return {
        "file": path.name,
        "written": is_written,
        "changes": [change._asdict() for change in found.changes],
        "notes": found.notes,
        "anew": [_anew_json(one) for one in found.anew],
        "kept": [_anew_json(one) for one in found.kept],
        "cost": money.usd(keep.total(found.anew)),
    }


def _anew_json(one: "Anew") -> dict[str, Any]:
    return {"shot": one.shot, "pass": one.pass_id, "cost": money.usd(one.cost), "reason": one.reason}


def _show(found: "Conformed", path: Path, pass_id: str, *, is_written: bool) -> None:
    from storyboard.edit import keep  # noqa: PLC0415 -- a command imports what it needs

    if found.changes:
        rows = [tuple(map(report.safe, (one.shot, one.what, one.old, one.new))) for one in found.changes]
        common.print_table(("shot", "what", "now", "edit"), rows)
    for note in found.notes:
        click.echo(f"note: {report.safe(note)}")
    for one in found.kept:
        price = report.dollars(money.usd(one.cost))
        click.echo(f"stays: {report.safe(one.shot)}, as {one.pass_id} would buy it again ({price}): {one.reason}")
    for local in (False, True):
        for one in (one for one in found.anew if one.is_local == local):
            what = "redraws" if local else "re-buys"
            price = "free" if local else report.dollars(money.usd(one.cost))
            click.echo(f"{what}: {report.safe(one.shot)} ({one.pass_id}, {price}): {report.safe(one.reason)}")
    name = report.safe(str(path))
    if not found.changes:
        click.echo(f"{name}: the edit changes nothing (pass {pass_id})")
        return
    count = report.count(len(found.changes), "change")
    cost = report.dollars(money.usd(keep.total(found.anew)))
    bought = f"re-buys for {cost}" if any(not one.is_local for one in found.anew) else "no clip is bought again"
    click.echo(f"{name}: {count}{'' if is_written else ', not written'}; {bought}")
