"""`storyboard check`."""

import sys
from pathlib import Path

import click

from storyboard import compiler, report
from storyboard.cli import common


@click.command("check")
@common.file_argument
@common.json_option
def command(file: Path, as_json: bool) -> None:
    """Show every error at once, and how to cure it."""
    found = compiler.check(common.storyboard_file(file), store=common.store_folder())
    if as_json:
        common.print_json(report.as_json(found))
    elif found:
        click.echo(report.findings(found, color=common.color(sys.stdout)))
    else:
        click.echo("no errors")
    if any(finding.is_error for finding in found):
        raise click.exceptions.Exit(common.HAS_ERRORS)
