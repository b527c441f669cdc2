"""`storyboard check`."""

import sys
from pathlib import Path

import click

from storyboard import annotations, compiler, report
from storyboard.cli import common


@click.command("check")
@common.file_argument
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "github"]),
    help="Text for people, one JSON object, or annotations for a workflow on GitHub.",
)
@common.json_option
def command(file: Path, format_: str | None, as_json: bool) -> None:
    """Show every error at once, and how to cure it."""
    if as_json and format_ not in {None, "json"}:
        raise click.UsageError(f"--json and --format {format_} contradict each other")
    path = common.storyboard_file(file)
    found = compiler.check(path, store=common.store_folder())
    if as_json or format_ == "json":
        click.echo(report.json_text(report.as_json(found)))
    elif format_ == "github":
        click.echo(annotations.github(found, path.parent, Path.cwd()))
    elif found:
        click.echo(report.findings(found, color=common.color(sys.stdout)))
    else:
        click.echo("no errors")
    if any(finding.is_error for finding in found):
        raise click.exceptions.Exit(common.HAS_ERRORS)
