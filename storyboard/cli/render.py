"""`storyboard render`."""

import os
import re
import sys
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from unicodedata import normalize

import click

from storyboard import money, report, schedule
from storyboard.catalog.request import Unsendable
from storyboard.cli import common, sharing, trust
from storyboard.cli.cut import cut_json, make_cut, show_cut
from storyboard.cli.progress import Display
from storyboard.compiler import Project
from storyboard.diagnostic import Rejected
from storyboard.execute import Result
from storyboard.plan import Plan
from storyboard.providers import Limit, Provider, Unconfigured
from storyboard.tools import Tools


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


class _Limit(click.ParamType[tuple[str, int, int]]):
    name = "PROVIDER=N/M"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int, int]:
        if isinstance(value, tuple):
            return value
        found = re.fullmatch(r"([A-Za-z0-9_-]+)=([1-9][0-9]{0,5})/([1-9][0-9]{0,5})", str(value))
        if not found:
            self.fail(f"'{value}' isn't a limit, such as wavespeed=100/60 (at once / a minute)", param, ctx)
        return found[1], int(found[2]), int(found[3])


@click.command("render")
@common.file_argument
@common.pass_option
@click.option("--only", metavar="IDS", help="Only these shots: s010,s020.")
@click.option("--max-cost", type=_Dollars(), help="Spend no more than this: a plan that costs more is refused.")
@click.option("--yes", is_flag=True, help="Don't ask before spending.")
@click.option("--rehearse", is_flag=True, help="Run against the simulator: spends nothing, needs no key.")
@click.option("--frozen", is_flag=True, help="Use exactly what the lock names: buys and makes nothing, for CI.")
@sharing.offline_option
@click.option(
    "--limit",
    "limits",
    type=_Limit(),
    multiple=True,
    envvar="STORYBOARD_LIMIT",
    help="Your account's limits: clips at once / begun in a minute, such as wavespeed=100/60.",
)
@click.option(
    "--timeout", type=common.Stretch(), metavar="TIME", help="End after this long, such as 90 or 30m; resumable."
)
@common.json_option
def command(
    file: Path,
    pass_: str | None,
    only: str | None,
    max_cost: Decimal | None,
    yes: bool,
    rehearse: bool,
    frozen: bool,
    offline: bool,
    limits: tuple[tuple[str, int, int], ...],
    timeout: float | None,
    as_json: bool,
) -> None:
    """Make the clips that are missing or changed, then the cut."""
    project = common.open_project(file, as_json=as_json, rehearsal=rehearse)
    shots = [normalize("NFC", shot.strip()) for shot in (only or "").split(",") if shot.strip()]
    if only is not None and not shots:
        raise click.UsageError("--only names no shot")
    trust.require(project, as_json=as_json)
    if frozen:
        if rehearse or shots or max_cost is not None or yes:
            raise click.UsageError("--frozen makes nothing: leave out --only, --max-cost, --yes and --rehearse")
        _frozen(project, pass_, as_json=as_json, offline=offline)
        return
    _fetch_references(project, pass_, as_json=as_json)
    plan = common.make_plan(project, pass_, shots, as_json=as_json)
    account = {name: Limit(at_once, a_minute) for name, at_once, a_minute in limits}
    if rehearse:
        real = common.make_plan(common.open_project(file, as_json=as_json), pass_, shots, as_json=True)
        rehearsed = _rehearse(project, plan, real, account, as_json=as_json)
        _show(project, plan, *rehearsed, as_json=as_json)
        return
    shared = None
    if not offline:
        with Display(quiet=as_json) as display:
            plan, shared = sharing.fetched(project, plan, pass_, shots, display.show)
    if not sys.stdin.isatty():
        _consent(project, plan, max_cost, yes=yes)
    tools = common.find_tools()
    with Display(quiet=as_json) as display:
        found = _providers(project, plan, tools, dict(os.environ), account, display)
    if sys.stdin.isatty():
        _consent(project, plan, max_cost, yes=yes)
    if not as_json:
        click.echo(report.plan_total(plan) if plan.work else f"{plan.pass_id}: nothing to render")
    terms = {"ceiling": max_cost, "settle": common.settle_seconds(), "seconds": timeout, "shared": shared}
    try:
        with Display(quiet=as_json) as display:
            if shared:
                shared.notify = display.show
            results = _render(project, plan, found, display, terms)
            cut = make_cut(project, plan.pass_id, tools, display)
    except KeyboardInterrupt:
        under_way = [f"{one.shot} ({one.shown})" for one in project.journal.open()] if set(found) - {"local"} else []
        if under_way:
            where = "bought, and still at their service: "
            click.echo(f"\n{where}{report.safe(', '.join(under_way))}; the same command fetches them", err=True)
        raise
    _show(project, plan, results, cut, {}, as_json=as_json)


def _frozen(project: Project, pass_: str | None, *, as_json: bool, offline: bool) -> None:
    from storyboard.cli.frozen import locked  # noqa: PLC0415 -- it needs the shared cache

    tools = common.find_tools()
    with Display(quiet=as_json) as display:
        found = locked(project, pass_, display, as_json=as_json, offline=offline)
        cut = make_cut(project, found.pass_id, tools, display, frozen=found)
    plan = found.plan()
    results = [Result(step, "cached" if step.record else "skipped", step.record) for step in plan.steps]
    if not as_json:
        click.echo(f"{plan.pass_id}: {report.count(len(found.clips), 'clip')} as locked; nothing was bought")
    _show(project, plan, results, cut, {}, as_json=as_json)


def _fetch_references(project: Project, pass_: str | None, *, as_json: bool) -> None:
    try:
        failed = project.fetch_references(pass_, dict(os.environ))
    except Rejected as rejected:
        common.reject(rejected.diagnostics, as_json=as_json)
    except KeyError as error:
        raise click.UsageError(str(error.args[0])) from error
    for url, reason in failed.items():
        click.echo(f"Error: {report.safe(url)} could not be fetched: {report.safe(reason)}", err=True)


def _providers(
    project: Project,
    plan: Plan,
    tools: Tools,
    environment: dict[str, str],
    limits: dict[str, Limit],
    display: Display,
) -> Mapping[str, Provider]:
    try:
        others = {one.provider for one in project.others(plan)}
        return project.market.providers(
            plan, tools, environment, workers=common.workers(), limits=limits, notify=display.show, more=others
        )
    except Unconfigured as error:
        click.echo(f"Error: {report.safe(str(error))}; nothing was sent", err=True)
        raise click.exceptions.Exit(common.UNCONFIGURED) from error


def _render(
    project: Project, plan: Plan, found: Mapping[str, Provider], display: Display, terms: Mapping[str, Any]
) -> list[Result]:
    try:
        return project.render(plan, found, notify=display.show, **terms)
    except Unsendable as error:
        if refused := [one for one in project.check() if one.is_error]:
            common.reject(refused, as_json=display.quiet)
        click.echo(f"Error: {report.safe(str(error))}; nothing was sent", err=True)
        raise click.exceptions.Exit(common.HAS_ERRORS) from error


def _rehearse(
    project: Project, plan: Plan, real: Plan, limits: dict[str, Limit], *, as_json: bool
) -> tuple[list[Result], Any, dict[str, Any]]:
    """The whole render against the simulator; what it made, and what the `real` plan would cost and take."""
    from storyboard.simulator import Simulator  # noqa: PLC0415 -- only a rehearsal pays for it

    tools = common.find_tools()
    with Display(quiet=as_json) as display, Simulator(tools, project.models(), latency=0).serving() as running:
        environment = running.environment() | {"STORYBOARD_POLL_SECONDS": "0.2"}
        takes = schedule.makespan(real, _providers(project, real, tools, environment, limits, display))
        # The simulator has no limits of its own here: a rehearsal needn't take as long as the real render.
        quick = {step.job.provider: Limit(common.workers(), 1 << 30) for step in plan.submits.values() if step.job}
        found = _providers(project, plan, tools, environment, quick, display)
        results = _render(project, plan, found, display, {})
        cut = make_cut(project, plan.pass_id, tools, display)
        submitted = len(running.ledger)
    return results, cut, {"submitted": submitted, "cost": money.usd(real.cost), "seconds": takes}


def _show(
    project: Project, plan: Plan, results: list[Result], cut: Any, rehearsal: dict[str, Any], *, as_json: bool
) -> None:
    clips = project.place(results)
    failed = [result for result in results if result.state in {"failed", "held"}]
    if as_json:
        spent = money.FREE if rehearsal else sum((result.cost for result in results), money.FREE)
        shown = [_result_json(result, clips.get(result.step.place)) for result in results]
        extra = {"results": shown, **cut_json(cut), "spent": money.usd(spent)}
        common.print_json(plan.as_json() | extra | ({"rehearsal": rehearsal} if rehearsal else {}))
    else:
        for result in failed:
            click.echo(
                f"{result.state:<14} {report.safe(result.step.name)}: {report.safe(result.error or '')}", err=True
            )
        show_cut(project, cut)
        if rehearsal:
            click.echo(
                f"rehearsed      {report.count(rehearsal['submitted'], 'clip')}, nothing spent; a real render would "
                f"cost {report.dollars(rehearsal['cost'])} and take about {report.duration(rehearsal['seconds'])}"
            )
    if failed or isinstance(cut, str) or cut.unusable:
        raise click.exceptions.Exit(common.PARTLY)


def _consent(project: Project, plan: Plan, max_cost: Decimal | None, *, yes: bool) -> None:
    """End with status 4 unless the plan is free, within the ceilings, or agreed to."""
    cost, budget = plan.cost, project.film().budget
    if cost == 0:
        return
    total = report.plan_total(plan)
    if budget is not None:
        spent = project.journal.spent()
        if cost is None or spent + cost > budget:
            common.refuse(f"{total}, which with ${money.usd(spent)} spent is over the budget of ${money.usd(budget)}")
    if max_cost is not None and (cost is None or cost > max_cost):
        common.refuse(f"{total}, which is over the ceiling of ${money.usd(max_cost)}")
    if yes or max_cost is not None:
        return
    if not sys.stdin.isatty():
        common.refuse(f"{total}; agree to it with --yes, or set a ceiling with --max-cost")
    if not click.confirm(f"{total}. Go on?", err=True):
        common.refuse("not agreed to")
    unknown = sum(step.cost is None for step in plan.submits.values())
    if unknown and not click.confirm(
        f"The price of {report.count(unknown, 'clip')} is unknown. Buy all the same?", err=True
    ):
        common.refuse("not agreed to")


def _result_json(result: Result, clip: Path | None) -> dict[str, Any]:
    step = result.step
    return {
        "shot": step.shot,
        "pass": step.pass_id,
        **({} if step.take is None else {"take": step.take}),
        "state": result.state,
        "clip": clip.as_posix() if clip else None,
        "cost": money.usd(result.cost),
        "error": result.error,
    }
