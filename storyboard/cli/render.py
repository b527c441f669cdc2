"""`storyboard render`."""

import sys
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from unicodedata import normalize

import click

from storyboard import money, report
from storyboard.cli import common
from storyboard.cli.cut import cut_json, make_cut, show_cut
from storyboard.cli.progress import Display
from storyboard.plan import Plan


class _Dollars(click.ParamType[Decimal]):
    name = "USD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        try:
            amount = Decimal(str(value).removeprefix("$"))
        except InvalidOperation:
            self.fail(f"'{value}' isn't an amount, such as 2.50", param, ctx)
        if not amount.is_finite() or amount < 0:
            self.fail(f"'{value}' isn't an amount, such as 2.50", param, ctx)
        return amount


@click.command("render")
@common.file_argument
@common.pass_option
@click.option("--only", metavar="IDS", help="Only these shots: s010,s020.")
@click.option("--max-cost", type=_Dollars(), help="Refuse a plan that costs more.")
@click.option("--yes", is_flag=True, help="Don't ask before spending.")
@common.json_option
def command(
    file: Path,
    pass_: str | None,
    only: str | None,
    max_cost: Decimal | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Make the clips that are missing or changed, then the cut."""
    from storyboard.providers import NoProvider  # noqa: PLC0415 -- the renderer is imported when it is needed

    project = common.open_project(file, as_json=as_json)
    shots = [normalize("NFC", shot.strip()) for shot in (only or "").split(",") if shot.strip()]
    if only is not None and not shots:
        raise click.UsageError("--only names no shot")
    plan = common.make_plan(project, pass_, shots, as_json=as_json)
    _consent(plan, max_cost, yes=yes)
    if not as_json:
        click.echo(report.plan_total(plan) if plan.submits else f"{plan.pass_id}: nothing to render")
    tools = common.find_tools()
    with Display(quiet=as_json) as display:
        try:
            results = project.render(plan, tools, workers=common.workers(), notify=display.show)
        except NoProvider as error:
            click.echo(f"Error: {error}; nothing was sent", err=True)
            raise click.exceptions.Exit(common.UNCONFIGURED) from error
        cut = make_cut(project, plan.pass_id, tools, display)
    failed = [result for result in results if result.state == "failed"]
    if as_json:
        spent = sum((result.cost for result in results), money.FREE)
        shown = [_result_json(result, plan) for result in results]
        extra = {"results": shown, **cut_json(cut), "spent": money.usd(spent)}
        common.print_json(plan.as_json() | extra)
    else:
        for result in failed:
            click.echo(f"failed         {result.step.shot}: {report.safe(result.error or '')}", err=True)
        show_cut(project, cut)
    if failed or isinstance(cut, str) or cut.unusable:
        raise click.exceptions.Exit(common.PARTLY)


def _consent(plan: Plan, max_cost: Decimal | None, *, yes: bool) -> None:
    """End with status 4 unless the plan is free, within the ceiling, or agreed to."""
    cost = plan.cost
    if cost == 0:
        return
    total = report.plan_total(plan)
    if max_cost is not None and (cost is None or cost > max_cost):
        _refuse(f"{total}, which is over the ceiling of ${money.usd(max_cost)}")
    if yes or max_cost is not None:
        return
    if not sys.stdin.isatty():
        _refuse(f"{total}; agree to it with --yes, or set a ceiling with --max-cost")
    if not click.confirm(f"{total}. Go on?", err=True):
        _refuse("not agreed to")


def _refuse(reason: str) -> None:
    click.echo(f"Refused: {reason}. Nothing was sent.", err=True)
    raise click.exceptions.Exit(common.REFUSED)


def _result_json(result: Any, plan: Plan) -> dict[str, Any]:
    shot = result.step.shot
    return {
        "shot": shot,
        "state": result.state,
        "clip": f"build/{plan.pass_id}/clips/{shot}.mp4" if result.record else None,
        "cost": money.usd(result.cost),
        "error": result.error,
    }
