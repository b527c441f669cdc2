"""`storyboard plan`."""

import os
from decimal import Decimal
from pathlib import Path

import click

from storyboard import money, report
from storyboard.cli import common
from storyboard.compiler import Project
from storyboard.plan import Plan


@click.command("plan")
@common.file_argument
@common.pass_option
@click.option("--quote", is_flag=True, help="Ask WaveSpeedAI for its prices (free; needs its key).")
@common.json_option
def command(file: Path, pass_: str | None, quote: bool, as_json: bool) -> None:
    """Show what a render would make, why, and at what price. Sends nothing, needs no key (but --quote)."""
    project = common.open_project(file, as_json=as_json)
    plan = common.make_plan(project, pass_, as_json=as_json)
    quotes = _quotes(project, plan) if quote else {}
    if as_json:
        shown = plan.as_json()
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


def _quotes(project: Project, plan: Plan) -> dict[str, Decimal]:
    from storyboard.providers import Unconfigured  # noqa: PLC0415 -- a plan asks nobody
    from storyboard.providers.quote import NotQuoted  # noqa: PLC0415

    try:
        return project.quotes(plan, dict(os.environ))
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
