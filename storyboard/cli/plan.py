"""`storyboard plan`."""

from pathlib import Path

import click

from storyboard import report
from storyboard.cli import common


@click.command("plan")
@common.file_argument
@common.pass_option
@common.json_option
def command(file: Path, pass_: str | None, as_json: bool) -> None:
    """Show what a render would make, why, and at what price. Sends nothing, needs no key."""
    project = common.open_project(file, as_json=as_json)
    plan = common.make_plan(project, pass_, as_json=as_json)
    if as_json:
        common.print_json(plan.as_json())
        return
    common.print_table(report.PLAN_HEAD, report.plan_rows(plan), right=("asked", "bought", "price"))
    click.echo(report.plan_total(plan))
