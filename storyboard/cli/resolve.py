"""`storyboard resolve`."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from storyboard import money, report
from storyboard.cli import common
from storyboard.compiler import Project
from storyboard.event import Event, Noted
from storyboard.failure import Unwritable
from storyboard.purchase import Purchase


@click.command("resolve")
@click.argument("shot", required=False)
@common.file_option
@common.pass_option
@click.option("--adopt", metavar="ID", help="This job at the service is the shot's.")
@click.option("--buy-again", is_flag=True, help="Allow the next render to buy the shot anew.")
@click.option("--give-up", is_flag=True, help="Neither look for it nor buy it, until it changes.")
@click.option("--only-held", is_flag=True, help="Leave out what the next render fetches by itself, or what is settled.")
@click.option(
    "--policy",
    type=click.Choice(["adopt", "buy-again", "give-up"]),
    help="Settle everything that is held: adopt where there is no doubt, else this. For scripts and CI.",
)
@click.option("--after", type=common.Stretch(), metavar="TIME", default=0.0, help="The policy's wait, such as 10m.")
@common.json_option
def command(
    shot: str | None,
    file: Path,
    pass_: str | None,
    adopt: str | None,
    buy_again: bool,
    give_up: bool,
    only_held: bool,
    policy: Any,
    after: float,
    as_json: bool,
) -> None:
    """Settle purchases whose answer was lost.

    Alone, it shows each with the evidence: times, ids, prices. It buys nothing itself.
    The exit status is 3 while anything is held.
    """
    from storyboard import settle  # noqa: PLC0415 -- help needs none of it

    words = [word for word, given in (("--adopt", adopt), ("--buy-again", buy_again), ("--give-up", give_up)) if given]
    if len(words) > 1 or (words and policy):
        raise click.UsageError(f"{' and '.join([*words, *(['--policy'] if policy else [])])} exclude each other")
    if words and shot is None:
        raise click.UsageError(f"{words[0]} needs a shot")
    project = common.open_project(file, as_json=as_json)
    with common.attending(project):
        waiting = _of(project, settle.pending(project.journal), shot, pass_)
        sellers = _sellers(project, waiting, as_json=as_json)
        try:
            if words:
                _settle(project, waiting, shot or "", adopt, sellers, buy_again=buy_again)
            elif policy:
                held = [one for one in waiting if settle.Case(one).held]
                settle.by_policy(
                    project.journal, held, sellers, common.terms(), policy, after, lambda event: _say(event, as_json)
                )
        except (settle.NotAdopted, settle.Taken, Unwritable) as error:
            common.refuse(str(error))
        waiting = _of(project, settle.pending(project.journal), shot, pass_)
        cases = settle.cases(project.journal, waiting, sellers)
    if only_held:
        cases = [case for case in cases if case.held]
    held_ones = sum(case.held for case in cases)
    if as_json:
        common.print_json({"format": 1, "purchases": [_json(case) for case in cases], "held": held_ones})
    else:
        _show(cases)
    if held_ones:
        raise click.exceptions.Exit(common.PARTLY)


def _of(project: Project, waiting: list[Purchase], shot: str | None, pass_: str | None) -> list[Purchase]:
    """The purchases of a shot, by its name then or now."""
    film = project.film()
    if pass_ is not None and pass_ not in film.passes:
        raise click.UsageError(f"there is no pass '{pass_}' (known: {', '.join(film.passes)})")
    keys = {job.key for name in film.jobs if shot in film.numbers and (job := film.job(name, shot or ""))}
    mine = [one for one in waiting if shot is None or one.shot == shot or one.key in keys]
    return [one for one in mine if pass_ is None or one.pass_id == pass_]


def _sellers(project: Project, waiting: list[Purchase], *, as_json: bool) -> Mapping[str, Any]:
    names = {one.provider for one in waiting}
    return project.market.sellers(names, common.find_tools(), dict(os.environ), lambda event: _say(event, as_json))


def _say(event: Event, quiet: bool) -> None:
    if isinstance(event, Noted) and not quiet:
        click.echo(f"note: {report.safe(event.message)}", err=True)


def _settle(
    project: Project,
    waiting: list[Purchase],
    shot: str,
    adopt: str | None,
    sellers: Mapping[str, Any],
    *,
    buy_again: bool,
) -> None:
    from storyboard import settle  # noqa: PLC0415

    if not waiting:
        raise click.UsageError(f"nothing of shot '{report.safe(shot)}' waits to be settled")
    if len(waiting) > 1:
        passes = ", ".join(sorted({one.pass_id for one in waiting}))
        raise click.UsageError(f"{len(waiting)} purchases of '{report.safe(shot)}' wait; name the pass ({passes})")
    one = waiting[0]
    if adopt:
        settle.adopt(project.journal, one, adopt, sellers.get(one.provider))
        click.echo(f"{report.safe(one.shot)}: adopted as {report.safe(adopt)}; the next render fetches it", err=True)
    else:
        settle.decide(project.journal, one, "buy-again" if buy_again else "give-up")
        done = "the next render may buy it anew" if buy_again else "given up; it stays booked"
        click.echo(f"{report.safe(one.shot)}: {done}", err=True)


def _json(case: Any) -> dict[str, Any]:
    from storyboard.ledger import moment  # noqa: PLC0415

    one = case.one
    seen = [
        {"id": job.id, "created": moment(int(job.created * 1000)), "state": job.said, "price": money.usd(job.price)}
        for job in case.seen
    ]
    return {
        "shot": one.shot,
        "pass": one.pass_id,
        "key": one.key,
        "model": one.model,
        "state": one.state,
        "held": case.held,
        "price": money.usd(one.price),
        "sent": moment(one.intended),
        "answered": moment(one.answered),
        "id": one.ticket,
        "adopted": one.adopted,
        "reason": one.reason,
        "candidates": seen,
        "note": case.note,
    }


def _show(cases: list[Any]) -> None:
    from storyboard.ledger import moment  # noqa: PLC0415

    if not cases:
        click.echo("nothing waits to be settled")
    for case in cases:
        one = case.one
        price = report.dollars(money.usd(one.price))
        lines = [f"{one.shot}  {one.pass_id}  {one.model}  {price}  {one.state}"]
        lines += [f"  sent {moment(one.intended) or 'never'}" + (f", id {one.shown}" if one.shown else "")]
        lines += [f"  {one.reason}"] if one.reason else []
        lines += [f"  {case.note}"] if case.note else []
        for job in case.seen:
            billed = report.dollars(money.usd(job.price)) if job.price is not None else "no bill"
            lines.append(f"  could be {job.id}: made {moment(int(job.created * 1000))}, {job.said}, {billed}")
        if case.held:
            lines.append(f"  storyboard resolve {one.shot} -p {one.pass_id} --adopt ID | --buy-again | --give-up")
        elif one.ticket is not None and one.state in {"accepted", "completed"}:
            lines.append("  the next render fetches it, or 'storyboard recover'")
        click.echo("\n".join(report.safe(line) for line in lines))
