"""`storyboard audit`."""

import os
from pathlib import Path

import click

from storyboard import money, report
from storyboard.cli import common
from storyboard.event import Event, Noted

DAY = 86400.0


@click.command("audit")
@common.file_argument
@click.option("--since", type=common.Stretch(), metavar="TIME", default=7 * DAY, help="How far back to look; 7d.")
@common.json_option
def command(file: Path, since: float, as_json: bool) -> None:
    """Compare the ledger with the service's own bills.

    Lists every difference; a refund is taken over into the ledger.
    Only WaveSpeedAI tells its bills. The exit status is 3 where anything differs.
    """
    from storyboard import settle  # noqa: PLC0415 -- help needs none of it
    from storyboard.providers import ClipHeld, Lists  # noqa: PLC0415

    project = common.open_project(file, as_json=as_json)
    skipped: list[str] = []

    def note(event: Event) -> None:
        if isinstance(event, Noted):
            skipped.append(event.message)

    try:
        names = {one.provider for one in project.journal.all()} | {"wavespeed"}
        sellers = project.market.sellers(names, common.find_tools(), dict(os.environ), note)
        if not any(isinstance(seller, Lists) for seller in sellers.values()):
            reason = "; ".join(skipped) or "no service that was bought from tells its bills"
            click.echo(f"Error: {report.safe(reason)}", err=True)
            raise click.exceptions.Exit(common.UNCONFIGURED)
        with common.attending(project):
            found = settle.audit(project.journal, sellers, common.terms(), since)
    except ClipHeld as error:
        click.echo(f"Error: {report.safe(str(error))}", err=True)
        raise click.exceptions.Exit(common.PARTLY) from error
    skipped += [f"{name} doesn't tell its bills" for name, one in sellers.items() if not isinstance(one, Lists)]
    if as_json:
        common.print_json({"format": 1, "differences": [one.as_json() for one in found], "skipped": skipped})
    else:
        for message in skipped:
            click.echo(f"note: {report.safe(message)}", err=True)
        if found:
            head = ("id", "shot", "difference", "ledger", "billed")
            rows = [(one.id or "-", one.shot or "-", one.what, _amount(one.ours), _amount(one.theirs)) for one in found]
            common.print_table(head, [tuple(map(report.safe, row)) for row in rows], right=("ledger", "billed"))
        else:
            click.echo("the ledger agrees with the bills")
    if found:
        raise click.exceptions.Exit(common.PARTLY)


def _amount(amount: object) -> str:
    return "-" if amount is None else report.dollars(money.usd(amount))  # type: ignore[arg-type]
