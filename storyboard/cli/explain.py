"""`storyboard explain`."""

import sys

import click
from click.shell_completion import CompletionItem

from storyboard import explain, report
from storyboard.cli import common
from storyboard.diagnostic import CODES, did_you_mean

WIDEST = 100
"""Columns of a page on a terminal: longer lines are hard to read."""


def _codes(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(code, help=title) for code, title in CODES.items() if code.startswith(incomplete.upper())]


@click.command("explain")
@click.argument("code", required=False, shell_complete=_codes)
@common.json_option
def command(code: str | None, as_json: bool) -> None:
    """Show what a finding means, and how to cure it.

    CODE is as 'check' shows it, such as SB201; 201 will do. Without one, all are listed.
    """
    if code is None:
        _list(as_json=as_json)
        return
    wanted = explain.code_of(code)
    if wanted not in CODES:
        close = did_you_mean(wanted, CODES)
        hint = close if close.startswith("did") else "'storyboard explain' lists them"
        raise click.UsageError(f"there is no code '{report.safe(code[:40])}': {hint}")
    page = explain.page(wanted)
    if as_json:
        common.print_json({"format": 1, **page.as_json()})
    elif sys.stdout.isatty():
        from rich.console import Console  # noqa: PLC0415 -- only a terminal needs it
        from rich.markdown import Markdown  # noqa: PLC0415

        console = Console()
        console.print(Markdown(page.text, code_theme="ansi_dark"), width=min(console.width, WIDEST))
    else:
        click.echo(page.plain())


def _list(*, as_json: bool) -> None:
    if as_json:
        codes = [{"code": c, "title": title, "severity": explain.severity(c)} for c, title in CODES.items()]
        common.print_json({"format": 1, "codes": codes})
        return
    for start, group in explain.GROUPS.items():
        click.echo(f"{group}")
        for code, title in CODES.items():
            if code.startswith(start):
                mark = " (warning)" if explain.severity(code) == "warning" else ""
                click.echo(f"  {code}  {title}{mark}")
        click.echo()
    click.echo("'storyboard explain CODE' tells more of one.")
