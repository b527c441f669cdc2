"""`storyboard cache gc`."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Never

import click

from storyboard import money, report
from storyboard.cli import common
from storyboard.compiler import Project

if TYPE_CHECKING:
    from storyboard.keeping import Held
    from storyboard.keeping.needs import Needs
    from storyboard.keeping.sweep import Sweep

KINDS = {
    "bought": "bought clips",
    "made": "clips made here",
    "derived": "derived things",
    "orphan": "bytes without a record",
    "left": "work left behind",
}
WHY = {
    "bought": "neither the film, nor a lock, nor an open purchase names them",
    "made": "neither the film nor a lock names them; made again for free",
    "derived": "no cut used them since; made again for free",
    "orphan": "no record names them",
    "left": "of renders that were killed",
}


@click.command("gc")
@common.file_argument
@click.option("--delete", is_flag=True, help="Delete it; without this it is only told.")
@click.option("--bought", is_flag=True, help="Bought clips too, though they cost money.")
@click.option("--quarantine", is_flag=True, help="Damaged files that were set aside, too.")
@click.option(
    "--older-than",
    "grace",
    type=common.Stretch(),
    default="14d",
    metavar="TIME",
    help="Only what was neither made nor used for so long: an hour at least; by default 14d.",
)
@click.option(
    "--also",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    multiple=True,
    metavar="FOLDER",
    help="Keep what the locks of another folder name, which uses the same store.",
)
@click.option("--alone", is_flag=True, help="No other folder uses the store of STORYBOARD_STORE.")
@common.json_option
def command(
    file: Path,
    delete: bool,
    bought: bool,
    quarantine: bool,
    grace: float,
    also: tuple[Path, ...],
    alone: bool,
    as_json: bool,
) -> None:
    """Show, or delete, what nothing needs any more.

    Kept is what the film asks for, what any lock names in any branch, tag, stash or work tree, what was bought and
    isn't fetched, and what is young. Bought clips go only with --bought, or where the shared cache has them.
    """
    from storyboard.cli.cache.keeping import warn  # noqa: PLC0415 -- help needs none of it
    from storyboard.keeping.sweep import HOUR  # noqa: PLC0415

    if grace < HOUR:
        raise click.UsageError("--older-than is an hour at least: a render may still use what it found")
    project = common.open_project(file, as_json=as_json, deleting=True)
    if delete and common.store_folder() and not (also or alone):
        _refuse(
            "other folders may use the store of STORYBOARD_STORE: name them with --also, or say --alone",
            as_json=as_json,
        )
    terms: dict[str, Any] = {"before": time.time_ns() - int(grace) * 10**9, "bought": bought}
    decided, needs, doubts = _decide(project, also, terms, as_json=as_json)
    if decided.spared:
        terms["elsewhere"] = _in_the_shared_cache(project, decided.spared)
        decided, needs, doubts = _decide(project, also, terms, as_json=as_json)
    if not delete or not (project.store.root / "cas").is_dir():
        warn(doubts)
        _show(project, decided, needs, deleted=False, quarantine=quarantine, failed=None, as_json=as_json)
        return
    decided, needs, failed = _delete(file, also, terms, quarantine=quarantine, as_json=as_json)
    _show(project, decided, needs, deleted=True, quarantine=quarantine, failed=failed, as_json=as_json)
    if failed:
        raise click.exceptions.Exit(common.PARTLY)


def _decide(
    project: Project, also: Sequence[Path], terms: Mapping[str, Any], *, as_json: bool
) -> "tuple[Sweep, Needs, list[str]]":
    """What may go, and why not all is known that is needed for deleting it."""
    from storyboard.cli.cache.keeping import needs_of  # noqa: PLC0415
    from storyboard.keeping import holdings, kept_records  # noqa: PLC0415
    from storyboard.keeping.sweep import decide  # noqa: PLC0415

    needs, doubts = needs_of(project, also, as_json=as_json)
    held = holdings(project.store)
    if held.damaged:
        known = f"{report.count(len(held.damaged), 'record')} can't be read, so it isn't known which bytes they name"
        doubts.append(f"{known}; 'storyboard cache verify' sets them aside")
    lost = bool(kept_records(project.journal).keys() - held.records.keys())
    return decide(held, needs, lost=lost, **terms), needs, doubts


def _delete(
    file: Path, also: Sequence[Path], terms: Mapping[str, Any], *, quarantine: bool, as_json: bool
) -> "tuple[Sweep, Needs, list[OSError]]":
    """Decide once more, with nobody else at work in the store, and delete."""
    from storyboard.keeping.sweep import carry_out, empty_quarantine  # noqa: PLC0415
    from storyboard.store import InUse  # noqa: PLC0415

    project = common.open_project(file, as_json=as_json, deleting=True)
    busy = "a render, or another command, is at work in the store; try again when it has ended"
    try:
        with project.store.alone():
            if any(project.store.lives(path.name) for path in (project.store.root / "tmp").glob("*")):
                _refuse(busy, as_json=as_json)
            decided, needs, doubts = _decide(project, also, terms, as_json=as_json)
            if doubts:
                _refuse(doubts[0], as_json=as_json)
            failed = carry_out(project.store, decided)
            if quarantine:
                failed += empty_quarantine(project.store)
            return decided, needs, failed
    except InUse:
        _refuse(busy, as_json=as_json)
    except OSError as error:
        _refuse(f"the store can't be locked: {(error.strerror or str(error)).lower()}", as_json=as_json)


def _refuse(reason: str, *, as_json: bool) -> Never:
    if as_json:
        common.print_json({"format": 1, "deleted": False, "refused": reason})
    else:
        click.echo(f"Refused: {report.safe(reason)}. Nothing was deleted.", err=True)
    raise click.exceptions.Exit(common.REFUSED)


def _in_the_shared_cache(project: Project, clips: "Sequence[Held]") -> set[str]:
    """The keys of clips that the shared cache has with these very bytes; none where it can't be asked."""
    from storyboard.cli.cache.common import the_remote, the_url  # noqa: PLC0415
    from storyboard.remote import Unreachable  # noqa: PLC0415
    from storyboard.shared import each, share  # noqa: PLC0415

    if the_url(project.folder) is None:
        return set()
    remote = the_remote(project.folder)
    if remote is None:
        return set()
    cache = share(
        project.store, remote, "", lambda _event: None, wall=time.time, now=time.monotonic, sleep=asyncio.sleep
    )

    async def ask() -> set[str]:
        known = await cache.known(one.key for one in clips)
        asked = [one for one in clips if one.key in known]

        async def has(one: "Held") -> bool:
            return all([await remote.has(f"cas/{sha256}") for sha256, _ in one.blobs])

        return {one.key for one, there in zip(asked, await each(asked, has), strict=True) if there}

    try:
        return cache.run(ask())
    except Unreachable as error:
        click.echo(f"warning: the shared cache can't be asked: {report.safe(str(error))}", err=True)
        return set()


def _show(
    project: Project,
    decided: "Sweep",
    needs: "Needs",
    *,
    deleted: bool,
    quarantine: bool,
    failed: Sequence[OSError] | None,
    as_json: bool,
) -> None:
    from storyboard.keeping import total  # noqa: PLC0415
    from storyboard.keeping.sizes import shown  # noqa: PLC0415
    from storyboard.keeping.sweep import cost  # noqa: PLC0415

    aside, rehearsed = (total(project.store.root / name) for name in ("quarantine", "rehearsal"))
    found = decided.frees()
    frees = {kind: found[kind] for kind in KINDS if kind in found}
    clips = [one for one in decided.records if one.held.kind == "bought"]
    if as_json:
        common.print_json(
            {
                "format": 1,
                "deleted": deleted,
                "frees": {kind: {"count": one.number, "bytes": one.size} for kind, one in frees.items()},
                "bytes": sum(one.size for one in frees.values()),
                "bought": [_json(one.held, needs) | {"why": one.why} for one in clips],
                "cost": money.usd(decided.price()),
                "kept_bought": [_json(one, needs) for one in decided.spared],
                "kept": dict(decided.kept),
                "young": decided.young,
                "quarantine": {"count": aside.number, "bytes": aside.size},
                "rehearsal": {"count": rehearsed.number, "bytes": rehearsed.size},
                "failed": [str(error) for error in failed or ()],
            }
        )
        return
    rows = [(KINDS[kind], str(one.number), shown(one.size), WHY[kind]) for kind, one in frees.items()]
    if rows:
        common.print_table(("what", "count", "size", "why"), rows, right=("count", "size"))
    for one in clips:
        click.echo(f"{'deleted' if deleted else 'would go':<14} {_clip(one.held, needs)}: {report.safe(one.why)}")
    for held in decided.spared:
        click.echo(f"{'kept':<14} {_clip(held, needs)}: nothing needs it, and it was bought; --bought lets it go")
    for why, number in decided.kept.items():
        click.echo(f"{'kept':<14} {report.count(number, 'clip')}: {report.safe(why)}")
    if decided.young:
        click.echo(f"{'kept':<14} {report.count(decided.young, 'record')}: younger than --older-than")
    if decided.bare:
        click.echo(
            f"{'kept':<14} {report.count(len(decided.bare), 'file')} without a record: one may be a clip "
            "whose record is lost; 'storyboard cache verify' tells, --bought lets them go"
        )
    if aside.number:
        click.echo(
            f"{'quarantine':<14} {report.count(aside.number, 'file')}, {shown(aside.size)}; "
            f"{'deleted now' if deleted and quarantine and not failed else '--quarantine --delete deletes them'}"
        )
    if rehearsed.number:
        click.echo(f"{'rehearsal':<14} {shown(rehearsed.size)}; the folder rehearsal/ of the store can go at any time")
    for error in failed or ():
        click.echo(f"Error: {report.safe(str(error.filename))}: {error.strerror}", err=True)
    size, costs = shown(sum(one.size for one in frees.values())), cost(one.held for one in clips)
    paid = f", of it {report.count(len(clips), 'bought clip')} of {report.dollars(money.usd(costs))}" if clips else ""
    if not rows:
        click.echo("nothing to free")
    elif deleted:
        click.echo(f"freed {size}{paid}")
    else:
        click.echo(f"would free {size}{paid}; the same with --delete does it")


def _json(one: "Held", needs: "Needs") -> dict[str, Any]:
    of = [{"shot": shot, "pass": pass_} for shot, pass_ in needs.places.get(one.key, {})]
    return {"key": one.key, "of": of, "price": money.usd(one.price), "bytes": sum(size for _, size in one.blobs)}


def _clip(one: "Held", needs: "Needs") -> str:
    of = ", ".join(f"{shot} ({pass_})" for shot, pass_ in needs.places.get(one.key, {}))
    return report.safe(f"{one.key[:8]} {of or 'of no known shot'}, {report.dollars(money.usd(one.price))}")
