"""`storyboard plan`."""

import os
from decimal import Decimal
from pathlib import Path

import click

from storyboard import money, report
from storyboard.cli import common, sharing
from storyboard.compiler import Project
from storyboard.diagnostic import Rejected
from storyboard.plan import Plan

FORMATS = ("text", "json", "markdown")


@click.command("plan")
@common.file_argument
@common.pass_option
@click.option("--against", metavar="REV", help="Plan what has changed since this revision; see above.")
@click.option("--quote", is_flag=True, help="Ask WaveSpeedAI for its prices (free; needs its key).")
@click.option("--format", "format_", type=click.Choice(FORMATS), help="Text by default; Markdown for a pull request.")
@sharing.offline_option
@common.json_option
def command(
    file: Path,
    pass_: str | None,
    against: str | None,
    quote: bool,
    format_: str | None,
    offline: bool,
    as_json: bool,
) -> None:
    """Show what a render would make, why, and at what price. Sends nothing, needs no key (but --quote).

    With --against, all that REV asks for counts as there, and nothing else does: the total is what the changes since
    REV cost, whatever has been made of them on this machine. Reasons are told against REV, too. 'REV...' is the commit
    where this branch left REV.
    """
    if as_json and format_ not in {None, "json"}:
        raise click.UsageError(f"--json and --format {format_} contradict each other")
    if quote and format_ == "markdown":
        raise click.UsageError("--quote and --format markdown contradict each other")
    as_json, quiet = as_json or format_ == "json", as_json or format_ is not None
    project = common.open_project(file, as_json=as_json)
    if against is not None:
        plan, against = _against(project, pass_, against, as_json=as_json)
    else:
        plan = common.make_plan(project, pass_, as_json=quiet)
        if not offline:
            plan = sharing.looked_up(project, plan, pass_, quiet=quiet)
    quotes = _quotes(project, plan) if quote else {}
    if format_ == "markdown":
        from storyboard import markdown  # noqa: PLC0415 -- most plans are read on a terminal

        click.echo(markdown.plan(plan, against or ""), nl=False)
        return
    if as_json:
        shown = plan.as_json() | ({"against": against} if against else {})
        for job, step in zip(shown["jobs"], plan.steps, strict=True) if quote else ():
            job["quote"] = money.usd(quotes.get(step.place))
        common.print_json(shown)
        return
    head: tuple[str, ...] = report.PLAN_HEAD
    rows = report.plan_rows(plan)
    if quote:
        head = (*head[:5], "quote", *head[5:])
        rows = [
            (*row[:5], _shown(quotes.get(step.place)), *row[5:]) for row, step in zip(rows, plan.steps, strict=True)
        ]
    common.print_table(head, rows, right=("asked", "bought", "price", "quote"))
    click.echo(report.plan_total(plan))
    if quote:
        click.echo(_compared(plan, quotes))


def _against(project: Project, pass_: str | None, revision: str, *, as_json: bool) -> tuple[Plan, str]:
    """What the changes since a revision cost, and what the revision is called."""
    from storyboard.cli.revisions import named, revisions  # noqa: PLC0415 -- most plans read no git

    _, pass_id = common.film_of(project, pass_, as_json=as_json)
    try:
        with revisions(project.path, project.store) as found:
            past = named(found, revision, [one.name for one in project.folder.iterdir()])
            plan = past.plan(project.inputs(), pass_id, project.lock)
    except Rejected as rejected:
        common.reject(rejected.diagnostics, as_json=as_json)
    project.store.memo.save()
    return plan, past.name


def _quotes(project: Project, plan: Plan) -> dict[str, Decimal]:
    from storyboard.providers import Unconfigured  # noqa: PLC0415 -- a plan asks nobody
    from storyboard.providers.quote import NotQuoted  # noqa: PLC0415

    try:
        return project.market.quotes(plan, dict(os.environ))
    except Unconfigured as error:
        click.echo(f"Error: {report.safe(str(error))}", err=True)
        raise click.exceptions.Exit(common.UNCONFIGURED) from error
    except NotQuoted as error:
        click.echo(f"Error: {report.safe(str(error))}", err=True)
        raise click.exceptions.Exit(common.PARTLY) from error


def _shown(price: Decimal | None) -> str:
    return "-" if price is None else report.dollars(money.usd(price))


def _compared(plan: Plan, quotes: dict[str, Decimal]) -> str:
    """Where the provider's price differs from the catalogue's."""
    if not quotes:
        return "quote: WaveSpeedAI makes none of these"
    differ = [
        f"{step.name} {report.dollars(money.usd(step.cost))} -> {_shown(quotes[step.place])}"
        for step in plan.steps
        if step.place in quotes and step.cost != quotes[step.place]
    ]
    return f"quote: WaveSpeedAI's price differs: {', '.join(differ)}" if differ else "quote: as in the table"
