"""`storyboard cache verify`."""

import asyncio
import os
import time
from collections.abc import Collection, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from storyboard import money, report
from storyboard.cli import common
from storyboard.cli.progress import Display
from storyboard.compiler import Project
from storyboard.event import Finished, Noted, Planned, Started

if TYPE_CHECKING:
    from storyboard.keeping import Holdings
    from storyboard.keeping.needs import Needs
    from storyboard.keeping.verify import Checked


@click.command("verify")
@common.file_argument
@click.option("--no-repair", is_flag=True, help="Only tell what is wrong.")
@common.json_option
def command(file: Path, no_repair: bool, as_json: bool) -> None:
    """Check every byte of the store, and repair what can be.

    What is damaged is set aside in quarantine/. Derived things and clips made here are made again for free; bought
    clips come from the shared cache, or from their service by their ids, as long as those keep them. It buys nothing.
    The exit status is 3 while a bought clip is missing.
    """
    from storyboard.cli.cache.keeping import needs_of, warn  # noqa: PLC0415 -- help needs none of it
    from storyboard.keeping import holdings, verify  # noqa: PLC0415

    project = common.open_project(file, as_json=as_json)
    needs, doubts = needs_of(project, as_json=as_json)
    warn(doubts)
    held = holdings(project.store)
    with Display(quiet=as_json) as display:
        found = _check(project, held, display)
        known = _bought(project, needs, held)
        lost = verify.lost(found, known)
        if not no_repair:
            verify.set_aside(project.store, found)
            _repair(project, lost, found, needs, display)
    missing = lost if no_repair else {key: why for key, why in lost.items() if not verify.is_whole(project.store, key)}
    _show(project, found, lost, missing, needs, told_only=no_repair, as_json=as_json)
    if missing or (no_repair and not found.clean):
        raise click.exceptions.Exit(common.PARTLY)


def _check(project: Project, held: "Holdings", display: Display) -> "Checked":
    from storyboard.event import Advanced  # noqa: PLC0415
    from storyboard.keeping import verify  # noqa: PLC0415

    steps = 1 + sum(one.size for one in held.blobs.values()) // (1 << 20)
    display.show(Planned(1, steps))
    display.show(Started("store", "reading", steps))
    try:
        return verify.check(project.store, held, lambda read: display.show(Advanced("store", read // (1 << 20))))
    finally:
        display.show(Finished("store"))


def _bought(project: Project, needs: "Needs", held: "Holdings") -> dict[str, str]:
    """The keys of clips that were bought and should have a record: those of the journal that something needs, and
    those that a lock or the journal knows whose record can't be read.
    """
    from storyboard.keeping import kept_records  # noqa: PLC0415

    here = kept_records(project.journal)
    known = {key for key in here if key in needs.keys or key in held.damaged}
    known |= {key for key, one in needs.entries.items() if key in held.damaged and not one.model.startswith("local/")}
    return dict.fromkeys(known, "bought")


def _repair(project: Project, lost: Mapping[str, str], found: "Checked", needs: "Needs", display: Display) -> None:
    from storyboard.keeping import verify  # noqa: PLC0415

    def left() -> list[str]:
        return [key for key in lost if not verify.is_whole(project.store, key)]

    latest = project.journal.latest() if lost else {}
    jobs = {job.key: job for name in project.asked().passes for job in project.asked().all_jobs(name)} if lost else {}
    for key in left():
        job = latest[key].job if key in latest else jobs.get(key)
        if key not in found.held.records and key in needs.entries and job:
            verify.written_again(project.store, key, job, needs.entries[key])
    if keys := left():
        _from_the_shared_cache(project, keys, found, needs, display)
    if keys := left():
        _from_the_services(project, keys, display)
    project.store.memo.save()


def _from_the_shared_cache(
    project: Project, keys: Collection[str], found: "Checked", needs: "Needs", display: Display
) -> None:
    from storyboard.cli.cache.common import the_remote, the_url  # noqa: PLC0415
    from storyboard.remote import Unreachable  # noqa: PLC0415
    from storyboard.shared import Wanted, share  # noqa: PLC0415

    remote = the_remote(project.folder) if the_url(project.folder) else None
    if remote is None:
        return
    cache = share(project.store, remote, "", display.show, wall=time.time, now=time.monotonic, sleep=asyncio.sleep)
    wanted = {}
    for key in keys:
        held, one = found.held.records.get(key), needs.entries.get(key)
        clip = held.blobs[0][0] if held and held.blobs else one.clip if one else ""
        wanted[key] = Wanted(_name(key, needs), clip)
    try:
        cache.run(cache.pull(wanted))
    except Unreachable as error:
        display.show(Noted(f"the shared cache can't be asked: {error}"))


def _from_the_services(project: Project, keys: Collection[str], display: Display) -> None:
    from storyboard import settle  # noqa: PLC0415

    with common.attending(project):
        wanted = [one for one in settle.fetchable(project.journal, project.store, project.kept) if one.key in keys]
        if wanted:
            names = {one.provider for one in wanted}
            sellers = project.market.sellers(names, common.find_tools(), dict(os.environ), display.show)
            settle.recover(project.journal, project.store, wanted, sellers, common.terms(), display.show)


def _name(key: str, needs: "Needs") -> str:
    of = ", ".join(f"{shot} ({pass_})" for shot, pass_ in needs.places.get(key, {}))
    return of or key[:8]


def _price(key: str, found: "Checked", needs: "Needs", project: Project) -> Decimal | None:
    from storyboard.keeping import decimal  # noqa: PLC0415

    held, one = found.held.records.get(key), needs.entries.get(key)
    if held and held.price is not None:
        return held.price
    if one and (price := decimal(one.price)) is not None:
        return price
    bought = project.journal.latest().get(key)
    return bought.price if bought else None


def _show(
    project: Project,
    found: "Checked",
    lost: Mapping[str, str],
    missing: Mapping[str, str],
    needs: "Needs",
    *,
    told_only: bool,
    as_json: bool,
) -> None:
    from storyboard.keeping.sizes import shown  # noqa: PLC0415

    prices = {key: _price(key, found, needs, project) for key in lost}
    free = [key for key, (one, _) in found.broken().items() if one.kind != "bought"]
    free += [key for key in found.records if key not in lost]
    total = None
    if all(prices[key] is not None for key in missing):
        total = sum((price for key in missing if (price := prices[key]) is not None), money.FREE)
    if as_json:
        common.print_json(
            {
                "format": 1,
                "read": found.read,
                "repaired": not told_only,
                "clips": [
                    {
                        "key": key,
                        "of": [{"shot": shot, "pass": pass_} for shot, pass_ in needs.places.get(key, {})],
                        "problem": why,
                        "price": money.usd(prices[key]),
                        "state": "missing" if key in missing else "repaired",
                    }
                    for key, why in lost.items()
                ],
                "made_again": free,
                "records": dict(found.records),
                "blobs": dict(found.blobs),
                "orphans": sorted(found.orphans),
                "memory": "forgotten" if found.memo else "whole",
                "missing": len(missing),
                "cost": money.usd(total),
            }
        )
        return
    for key, why in lost.items():
        ends = "repaired" if key not in missing else "missing" if not told_only else "damaged"
        said = f"{key[:8]}: {why}; {report.dollars(money.usd(prices[key]))} to buy anew"
        click.echo(f"{ends:<14} {report.safe(_name(key, needs))} {said if key in missing else f'{key[:8]}: {why}'}")
    if free:
        whose = "would be set aside" if told_only else "set aside"
        click.echo(f"{report.count(len(free), 'record')} of what costs nothing {whose}: made again when needed")
    bare = [name for name in found.blobs if name not in found.held.named]
    if bare:
        whose = "would be set aside" if told_only else "set aside"
        click.echo(f"{report.count(len(bare), 'damaged file')} that no record names {whose}")
    if found.memo:
        click.echo(f"the memory of hashes is damaged: {'it would be forgotten' if told_only else 'forgotten'}")
    if found.orphans:
        size = shown(sum(found.orphans.values()))
        click.echo(
            f"{report.count(len(found.orphans), 'file')} ({size}) without a record: harmless; 'cache gc' deletes"
        )
    read = f"{report.count(len(found.held.records), 'record')}, {shown(found.read)} read"
    if missing:
        click.echo(
            f"{read}: {report.count(len(missing), 'clip')} missing, {report.dollars(money.usd(total))} to buy anew"
        )
    elif found.clean and not lost:
        click.echo(f"{read}: all is well")
    else:
        click.echo(f"{read}: {'damaged' if told_only else 'all is repaired'}")
