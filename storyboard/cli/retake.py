"""What `take` and `pick` share: the edit, and what it comes to in each pass."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from unicodedata import normalize

import click

from storyboard import money, report
from storyboard.cli import common, rewriting
from storyboard.compiler import Project
from storyboard.film import Film
from storyboard.job import Job
from storyboard.plan import Plan, Step

if TYPE_CHECKING:
    from storyboard.model import Shot
    from storyboard.moves.takes import Taken

Edited = Callable[["Shot", tuple[str | int, ...], str], "Taken"]
"""The edit of a shot that is written at a path, in a pass or, for "", in all."""


def pass_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """-p, --pass."""
    help_ = "In this pass only, under the shot's 'passes'; else in all that don't say otherwise."
    return click.option("-p", "--pass", "pass_", metavar="PASS", help=help_)(command)


class Changed(NamedTuple):
    """A clip that a pass has another one for, by the edit."""

    step: Step
    seed: int | None


def run(edited: Edited, name: str, file: Path, pass_: str | None, *, dry_run: bool, as_json: bool) -> None:
    """Edit a shot's takes, and say what that comes to."""
    from storyboard import moves  # noqa: PLC0415 -- a command imports what it needs

    texts = rewriting.Texts(file, as_json=as_json)
    name, film = normalize("NFC", name), texts.film
    if pass_ is not None and pass_ not in film.passes:
        raise click.UsageError(report.safe(f"there is no pass '{pass_}' (known: {', '.join(film.passes)})"))
    try:
        path = moves.shot(texts.roots()[0], name).path
        shot = next(shot for shot, _ in texts.project.board.all_shots() if shot.id == name)
        _require_made(film, name, pass_)
        taken = edited(shot, path, pass_ or "")
    except moves.Unmovable as error:
        rewriting.refuse(error, as_json=as_json)
    texts.edit({0: taken.edits})
    after = texts.again()
    plans = {pass_id: after.plan(pass_id) for pass_id in film.passes}
    changed = list(_changed(film, after, plans))
    writes = not dry_run and bool(taken.edits)
    if writes:
        texts.write()
    cost = _cost([one.step for one in changed])
    if as_json:
        its = {"shot": name, "take": taken.number, "before": taken.before, "pass": pass_}
        its["changes"] = [_json(one, taken.number, name) for one in changed]
        common.print_json({"format": 1, **its, "cost": money.usd(cost), "written": writes})
        return
    if dry_run:
        texts.show_lines()
    where = f" in {pass_}" if pass_ else ""
    if not taken.edits:
        click.echo(report.safe(f"{name} shows take {taken.number}{where} already"))
        return
    if changed:
        rows = [_row(one) for one in changed]
        common.print_table(("shot", "pass", "seed", "state", "price"), rows, right=("seed", "price"))
    what = f"take {taken.before} -> {taken.number}" if taken.is_shown else f"take {taken.number} beside the others"
    done = "not written; " if dry_run else ""
    click.echo(report.safe(f"{name}{where}: {what}; {done}{_price(changed)}; nothing was bought"))
    for other in _with_their_own(shot, pass_):
        click.echo(report.safe(f"note: {other} has a take of its own for {name}; '-p {other}' changes that"))


def _require_made(film: Film, name: str, pass_: str | None) -> None:
    from storyboard.moves import Unmovable  # noqa: PLC0415 -- a command imports what it needs

    passes = [pass_] if pass_ else list(film.passes)
    if any(film.job(pass_id, name) for pass_id in passes):
        return
    n = film.numbers[name]
    if film.shots[n].skip:
        raise Unmovable(f"{name} is skipped, so no take of it is made", "remove its 'skip' first")
    if any(film.jobs[pass_id][n] for pass_id in passes):
        raise Unmovable(f"{name} shows a clip of its own, so no take of it is made", "remove its 'clip' first")
    raise Unmovable(f"{name} isn't made{' in ' + pass_ if pass_ else ''} ('only')", "name another pass")


def _with_their_own(shot: "Shot", pass_: str | None) -> list[str]:
    own = shot.passes.items() if pass_ is None else ()
    return [name for name, its in own if its.take is not None or its.takes is not None or its.pick is not None]


def _changed(film: Film, after: Project, plans: dict[str, Plan]) -> Iterator[Changed]:
    """The clips that passes show, or have besides, and didn't before."""
    for pass_id, plan in plans.items():
        before = {take.job.key for takes in film.takes[pass_id].values() for take in takes}
        before |= {job.key for job in film.jobs[pass_id] if isinstance(job, Job)}
        for step in plan.steps:
            if step.pass_id != pass_id or step.job is None:
                continue
            shown = film.job(pass_id, step.shot)
            if (step.take is None and shown and shown.key != step.key) or step.key not in before:
                yield Changed(step, _seed(step.job.request))


def _seed(request: Any) -> int | None:
    """The seed that is sent."""
    if isinstance(request, dict):
        own = request.get("seed")
        return own if isinstance(own, int) else next(filter(None, map(_seed, request.values())), None)
    return None


def _cost(steps: list[Step]) -> Any:
    """What they cost together; None where a price isn't known."""
    costs = {step.place: step.cost for step in steps}
    known = [cost for cost in costs.values() if cost is not None]
    return sum(known, money.FREE) if len(known) == len(costs) else None


def _price(changed: list[Changed]) -> str:
    if not changed:
        return "no model here takes a seed, so no clip is another one"
    waiting = [one.step for one in changed if one.step.state == "submit"]
    if not waiting:
        return "nothing is to be made"
    cost = _cost(waiting)
    return "to be made for free" if cost == 0 else f"to be made for {report.dollars(money.usd(cost))}"


def _row(one: Changed) -> tuple[str, ...]:
    step = one.step
    price = "-" if step.state != "submit" else report.dollars(money.usd(step.cost))
    seed = "-" if one.seed is None else str(one.seed)
    return (report.safe(step.name), report.safe(step.pass_id), seed, step.state, price)


def _json(one: Changed, number: int, name: str) -> dict[str, Any]:
    step = one.step
    take = step.take if step.take is not None else number if step.shot == name else None
    its = {"shot": step.shot, "pass": step.pass_id, "take": take, "seed": one.seed}
    return {**its, "key": step.key, "state": step.state, "cost": money.usd(step.cost)}
