"""`storyboard why`."""

from pathlib import Path
from typing import Any
from unicodedata import normalize

import click

from storyboard import money, report
from storyboard.cause import Cause
from storyboard.changes import Change
from storyboard.cli import common
from storyboard.diagnostic import Rejected


@click.command("why")
@click.argument("shot")
@common.file_option
@common.pass_option
@common.json_option
def command(shot: str, file: Path, pass_: str | None, as_json: bool) -> None:
    """Show what differs from a shot's last render.

    Field by field, old -> new: first what you wrote otherwise, then what is sent otherwise for it, down to the bytes of
    each reference; and the same for the clips that it is made from.
    """
    project = common.open_project(file, as_json=as_json)
    try:
        cause = project.why(normalize("NFC", shot), pass_)
    except Rejected as rejected:
        common.reject(rejected.diagnostics, as_json=as_json)
    except KeyError as error:
        raise click.UsageError(str(error.args[0])) from error
    if as_json:
        common.print_json({"format": 1, **_json(cause)})
    else:
        _show(cause, "")


def _show(cause: Cause, indent: str) -> None:
    step = cause.step
    price = f", {report.dollars(money.usd(step.cost))}" if step.state == "submit" else ""
    click.echo(f"{indent}{report.safe(step.shot)} in pass {step.pass_id}: {step.state}{price}")
    if cause.written:
        _list("you changed", cause.written, indent)
    if cause.sent:
        _list("so what is sent differs", cause.sent, indent)
    if not cause.written and not cause.sent:
        for reason in step.reasons:
            click.echo(f"{indent}  {report.safe(reason)}")
    for other in cause.behind:
        _show(other, f"{indent}  ")


def _list(title: str, changes: tuple[Change, ...], indent: str) -> None:
    click.echo(f"{indent}  {title}:")
    width = max(len(change.field) for change in changes)
    for change in changes:
        what = change.note or f"{change.old}\n{indent}    {' ' * width}  -> {change.new}"
        short = change.note or f"{change.old} -> {change.new}"
        fits = len(indent) + 6 + width + len(short) <= 110
        click.echo(f"{indent}    {report.safe(change.field):<{width}}  {_safe(short if fits else what)}")


def _safe(text: str) -> str:
    return "\n".join(report.safe(line) for line in text.split("\n"))


def _json(cause: Cause) -> dict[str, Any]:
    step = cause.step
    return {
        "shot": step.shot,
        "pass": step.pass_id,
        "state": step.state,
        "reasons": list(step.reasons),
        "key": step.key,
        "last_key": cause.last_key,
        "written": [change.as_json() for change in cause.written],
        "sent": [change.as_json() for change in cause.sent],
        "behind": [_json(other) for other in cause.behind],
    }
